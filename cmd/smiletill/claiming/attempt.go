package claiming

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/front"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/link"
)

const (
	// waitFor is how long an answer of the cloud that keeps the terminal waiting may take.
	waitFor = 45 * time.Second
	// answerFor is how long a short one may take, and connecting.
	answerFor = 10 * time.Second
	// heldAfter is when a cloud that has not refused is taken to wait for a code.
	heldAfter = 300 * time.Millisecond
	// answerTries is how often an answer is sent whose grant did not come.
	answerTries = 6
	// whyMax is how much of a refusal's reason is read, in bytes.
	whyMax = 300
)

// client asks a cloud that nobody vouches for: what it shows is part of the proof.
func client(vouched *tls.Config) *http.Client {
	c := vouched
	if c == nil {
		c = &tls.Config{InsecureSkipVerify: true} // the proof covers the certificate
	}
	c.MinVersion = tls.VersionTLS13
	return &http.Client{
		Transport: &http.Transport{TLSClientConfig: c, TLSHandshakeTimeout: answerFor,
			DialContext: (&net.Dialer{Timeout: answerFor}).DialContext, MaxIdleConns: 2,
			IdleConnTimeout: waitFor},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// errAway is that the cloud does not answer: nobody can type a code there.
var errAway = errors.New("the cloud can't be reached")

// reply is what the cloud said.
type reply struct {
	status int
	text   []byte
	print  [sha256.Size]byte // of the certificate that it showed
}

// refusedError is another answer than the one that was wanted.
type refusedError struct {
	status int
	why    string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the cloud answers %d %s", e.status, e.why)
}

// post sends a message and reads the answer.
func post(
	ctx context.Context, h *http.Client, cloud, path string, body []byte, long time.Duration,
) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(cloud, "/")+path,
		bytes.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("ask the cloud: %w", err)
	}
	q.Header.Set("Content-Type", "application/json")
	resp, err := h.Do(q)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errAway, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, claim.MaxMessage+1))
	switch {
	case err != nil:
		return reply{}, fmt.Errorf("ask the cloud: %w", err)
	case resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0:
		return reply{}, errors.New("ask the cloud: it does not speak TLS")
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent:
		why := strings.ToValidUTF8(strings.TrimSpace(string(text[:min(len(text), whyMax)])), "")
		return reply{}, &refusedError{resp.StatusCode, why}
	}
	return reply{resp.StatusCode, text, sha256.Sum256(resp.TLS.PeerCertificates[0].Raw)}, nil
}

// attempt asks the cloud once whether the code was typed, and goes through with it if it was.
func (c *Claim) attempt(ctx context.Context, f *front.Front) (claimed bool, err error) {
	c.mu.Lock()
	code, left := c.code, codeFor-time.Since(c.drawn)
	c.mu.Unlock()
	if c.locked() {
		return false, nil
	}
	h, err := c.hello()
	if err != nil {
		return false, err
	}
	opening, hello, err := claim.Open(code, h)
	if err != nil {
		return false, err
	}
	web := client(nil)
	defer web.CloseIdleConnections()
	var held *time.Timer // it does not refuse, but keeps the terminal waiting
	there := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		held = time.AfterFunc(heldAfter, func() { c.say(ctx, nil); c.show(f) })
	}})
	said, err := post(there, web, c.cfg.Claim.Cloud, claim.PathWait, hello, min(waitFor, max(left, answerFor)))
	if held != nil {
		held.Stop()
	}
	var refused *refusedError
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusConflict:
		c.dropCode() // another terminal's begins as this one
		return false, err
	case err != nil || said.status == http.StatusNoContent:
		return false, err
	}
	return c.meet(ctx, web, opening, said)
}

// meet goes through with a run.
func (c *Claim) meet(
	ctx context.Context, web *http.Client, opening *claim.Opening, said reply,
) (bool, error) {
	offer, terms, err := claim.ParseOffer(said.text)
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	c.tries++ // before it is looked at
	c.mu.Unlock()
	proof, err := opening.Check(offer, said.print)
	if err != nil {
		_, tell := c.tell(ctx, web, claim.Answer{Run: offer.Run, Wrong: true}, said.print)
		return false, payment.WithHint(errors.Join(err, tell), "type the code that the screen shows now")
	}
	answer, err := proof.Answer(offer.Run, c.key)
	if err != nil {
		return false, err
	}
	if answer.Refused = c.objects(ctx, terms); answer.Refused != "" {
		_, tell := c.tell(ctx, web, answer, said.print)
		return false, errors.Join(fmt.Errorf("the cloud's terms are not taken: %s", answer.Refused), tell)
	}
	granted, err := c.tell(ctx, web, answer, said.print)
	if err != nil {
		return false, err
	}
	grant, cert, err := claim.ParseGrant(granted.text)
	if err == nil {
		err = proof.Granted(grant)
	}
	if err == nil && !c.private.PublicKey.Equal(cert.PublicKey) {
		err = errors.New("the cloud's certificate is for another key")
	}
	if err != nil {
		return false, err
	}
	k := &kept{terms: terms, cloud: c.cfg.Claim.Cloud, cert: cert, text: grant.Certificate, private: c.private}
	if err := k.write(c.cfg.ClaimedPath(), func(string) error { return nil }); err != nil {
		return false, err
	}
	return true, nil
}

// objects says why the terminal does not take a cloud's terms, or "".
func (c *Claim) objects(ctx context.Context, terms claim.Terms) string {
	h, err := c.hello()
	if err != nil {
		return err.Error()
	}
	if h.Fixed && h.Name != terms.Name {
		return "its settings call it " + h.Name.Source()
	}
	k := &kept{terms: terms, cloud: c.cfg.Claim.Cloud}
	if _, _, err := config.Current("terms", []byte(k.settings(c.cfg.ClaimedPath()))); err != nil {
		return "its settings could not be these: " + err.Error()
	}
	return c.owes(ctx, terms)
}

// owes says that reports wait which another cloud, or this one under another name, would not acknowledge.
func (c *Claim) owes(ctx context.Context, terms claim.Terms) string {
	was, err := before(c.cfg.ClaimedBeforePath())
	if err != nil {
		return err.Error()
	}
	if was == nil || was.Terms.Name == terms.Name && was.Terms.Keys == terms.Keys {
		return ""
	}
	if _, err := os.Stat(c.cfg.JournalPath()); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	j, err := journal.OpenReader(ctx, c.cfg.JournalPath())
	if err != nil {
		return err.Error()
	}
	b, err := j.Backlog(ctx)
	if err = errors.Join(err, j.Close()); err != nil {
		return err.Error()
	}
	if n := b.Count + b.Parked; n > 0 {
		return fmt.Sprintf("%d reports of %s wait for the cloud that claimed it before", n, was.Terms.Name.Source())
	}
	return ""
}

// tell sends an answer, again if it may have been lost, to the same cloud.
func (c *Claim) tell(
	ctx context.Context, web *http.Client, a claim.Answer, print [sha256.Size]byte,
) (said reply, err error) {
	body, err := json.Marshal(a)
	if err != nil {
		return reply{}, err
	}
	for n := range answerTries {
		said, err = post(ctx, web, c.cfg.Claim.Cloud, claim.PathAnswer, body, answerFor)
		var refused *refusedError
		switch {
		case err == nil && said.print != print:
			return reply{}, errors.New("the cloud shows another certificate than before")
		case err == nil, errors.As(err, &refused), a.Wrong:
			return said, err
		}
		if !link.Sleep(ctx, time.Duration(n+1)*retryFirst) {
			break
		}
	}
	return reply{}, err
}
