package update

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"smiletill/payment"
)

const (
	fetchTries = 8                // a link that breaks in each of them is no link
	stalled    = 30 * time.Second // nothing has come for so long: it is tried again
	partName   = "bundle.part"
	markName   = "bundle.part.json"
)

// mark says of what the part that was fetched is one.
type mark struct {
	URL string `json:"url"`
	Tag string `json:"tag"` // the server's name for exactly these bytes
}

// fetch brings a bundle from an address to the data partition. What a broken link has left is gone on with.
func (c Card) fetch(ctx context.Context, address string, out io.Writer) (path string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", errors.New("that is no address")
	}
	if !secure(u) {
		return "", payment.WithHintf(fmt.Errorf("%s is not fetched: anybody on the way could give another bundle",
			u.Redacted()), "use https://")
	}
	client := &http.Client{CheckRedirect: func(r *http.Request, before []*http.Request) error {
		if !secure(r.URL) || len(before) > 5 {
			return fmt.Errorf("it leads on to %s, which is not followed", r.URL.Redacted())
		}
		return nil
	}}
	for try := 1; ; try++ {
		had := partSize(files{c.Data})
		again, err := c.fetchOnce(ctx, client, u, out)
		if err == nil {
			break
		}
		err = fmt.Errorf("fetch %s: %w", u.Redacted(), err)
		if partSize(files{c.Data}) > had {
			try = 1 // it goes on, if slowly
		}
		if !again || try >= fetchTries || ctx.Err() != nil {
			return "", certificateWords(err)
		}
		fmt.Fprintf(out, "%v; it is tried again\n", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(try) * time.Second):
		}
	}
	f := files{c.Data}
	path = f.path(bundleName)
	_ = os.Remove(f.path(markName)) // of no part any more
	if err := os.Rename(f.path(partName), path); err != nil {
		return "", fmt.Errorf("keep what was fetched: %w", err)
	}
	return path, nil
}

// secure tells whether nobody on the way can change what comes: by TLS, or from this machine.
func secure(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}

func partSize(f files) int64 {
	info, err := os.Stat(f.path(partName))
	if err != nil {
		return 0
	}
	return info.Size()
}

// fetchOnce fetches what is missing. again: it may be tried again.
func (c Card) fetchOnce(
	ctx context.Context, client *http.Client, u *url.URL, out io.Writer,
) (again bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(stalled, cancel)
	defer watch.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return false, err
	}
	f := files{c.Data}
	var m mark
	text, _ := f.small(markName) // without it all is fetched
	_ = json.Unmarshal(text, &m)
	from := partSize(f)
	if m.URL == u.String() && m.Tag != "" && from > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
		r.Header.Set("If-Range", m.Tag)
	}
	resp, err := client.Do(r)
	if err != nil {
		var wrong *tls.CertificateVerificationError
		return !errors.As(err, &wrong), unwrapURL(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if begin, ok := rangeBegin(resp.Header.Get("Content-Range")); !ok || begin != from {
			return false, errors.New("the server goes on in another place than was asked for")
		}
	case http.StatusOK:
		from = 0
	case http.StatusRequestedRangeNotSatisfiable:
		err = errors.New("the server has fewer bytes than are here")
		return true, errors.Join(err, os.Remove(f.path(partName)))
	default:
		return resp.StatusCode >= http.StatusInternalServerError, fmt.Errorf("the server answers %s", resp.Status)
	}
	if resp.ContentLength <= 0 {
		return false, errors.New("the server does not say how large it is")
	}
	if err := c.enough(resp.ContentLength); err != nil {
		return false, err
	}
	if m.Tag = resp.Header.Get("ETag"); m.Tag == "" || m.Tag[0] != '"' {
		m.Tag = resp.Header.Get("Last-Modified")
	}
	if m.URL = u.String(); from == 0 {
		if text, err = json.Marshal(m); err == nil {
			err = f.replace(markName, text)
		}
		if err != nil {
			return false, err
		}
	}
	return c.receive(resp, from, func() { watch.Reset(stalled) }, out)
}

// receive writes what comes behind what is there. came is called when something came.
func (c Card) receive(resp *http.Response, from int64, came func(), out io.Writer) (again bool, err error) {
	w, err := os.OpenFile(files{c.Data}.path(partName), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return false, err
	}
	defer w.Close()
	if err := w.Truncate(from); err != nil {
		return false, err
	}
	if _, err := w.Seek(from, io.SeekStart); err != nil {
		return false, err
	}
	all, done, told := from+resp.ContentLength, from, int64(-1)
	buffer := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(buffer)
		if n > 0 {
			came()
			if _, err := w.Write(buffer[:n]); err != nil {
				return false, payment.WithHint(err, "free some of "+c.Data)
			}
			done += int64(n)
			if tenth := done * 10 / all; tenth != told {
				told = tenth
				fmt.Fprintf(out, "fetched %d%% of %s\n", tenth*10, size(all))
			}
		}
		switch {
		case errors.Is(err, io.EOF) && done == all:
			return false, w.Sync()
		case errors.Is(err, io.EOF):
			return true, io.ErrUnexpectedEOF
		case err != nil:
			return true, err
		}
	}
}

// rangeBegin reads where a part begins: "bytes 100-199/200".
func rangeBegin(header string) (int64, bool) {
	var begin, end int64
	var all string
	if n, err := fmt.Sscanf(header, "bytes %d-%d/%s", &begin, &end, &all); err != nil || n != 3 {
		return 0, false
	}
	if total, err := strconv.ParseInt(all, 10, 64); all != "*" && (err != nil || total <= end) {
		return 0, false
	}
	return begin, begin >= 0 && begin <= end
}

func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// certificateWords says what a server's certificate lacks, in plain words.
func certificateWords(err error) error {
	var (
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return payment.WithHint(err, "is this terminal's clock right? Else the server's certificate has ended: "+
			"call its operator")
	case errors.As(err, &unknown):
		return payment.WithHint(err, "nobody whom this terminal trusts has signed the server's certificate: is "+
			"the address right? Else bring the bundle by stick")
	case errors.As(err, &host):
		return payment.WithHint(err, "another server answers than the address names: is the address right, and "+
			"the network?")
	}
	return payment.WithHint(err, "is the network there, and the address right? What has come is kept: the "+
		"same command goes on with it")
}
