package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
)

// Client talks to the running terminal over its control socket.
type Client struct {
	path string
	http *http.Client
}

// NewClient makes a client of the terminal that listens at a socket; nothing is opened yet.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "unix", socket)
	}
	return &Client{path: socket, http: &http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// RegisterURL is where HTTP finds what answers registers.
const RegisterURL = "http://smiletill/nexo"

// HTTP is the client below this one, for messages of a register to RegisterURL.
func (c *Client) HTTP() *http.Client { return c.http }

// Running asks whether a terminal listens.
func (c *Client) Running(ctx context.Context) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", c.path)
	if err != nil {
		return false
	}
	_ = conn.Close() // it was only a question
	return true
}

func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return nil, fmt.Errorf("ask the terminal: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://smiletill"+path, &b)
	if err != nil {
		return nil, fmt.Errorf("ask the terminal: %w", err)
	}
	resp, err := c.http.Do(r)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, payment.WithHintf(fmt.Errorf("%w (nothing listens at %s)", ErrNotRunning, c.path),
			"start it with `smiletill run`, or `smiletill demo` to try it out")
	case errors.Is(err, fs.ErrPermission):
		return nil, payment.WithHintf(
			fmt.Errorf("the terminal's control socket %s is another user's: %w", c.path, fs.ErrPermission),
			"put sudo before the command, or run it as the user that runs the terminal, or as one who has a role "+
				"there (`smiletill clerks --help`)",
		)
	case err != nil:
		return nil, fmt.Errorf("ask the terminal: %w", asLost(ctx, err))
	}
	return resp, nil
}

// errLost says that no answer came to what was sent: whether the terminal did what it was asked, or does it
// yet, nobody knows here.
var errLost = errors.New("the terminal was lost before it answered")

// unheardError is an errLost of an answer for which nobody waited any longer, and the ctx's end.
type unheardError struct {
	why   string
	cause error
}

func (e *unheardError) Error() string {
	return "the terminal had not answered yet (" + e.why + "): it may have done it, or do it yet"
}

func (e *unheardError) Unwrap() []error { return []error{errLost, e.cause} }

// asLost tells an answer that will never come from other failures, without the words of the connection.
func asLost(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return payment.WithHint(fmt.Errorf("the terminal does not answer, nothing was sent: %w", err),
			"`smiletill status` tells whether it answers")
	}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		why := "interrupted"
		if errors.Is(ctx.Err(), context.DeadlineExceeded) || ctx.Err() == nil {
			why = "it took too long"
		}
		return payment.WithHint(&unheardError{why, err}, "look whether it was done before you repeat it: the "+
			"terminal may do it yet; `smiletill status` tells whether it answers")
	}
	for _, gone := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, gone) {
			return payment.WithHint(errLost,
				"see that it runs again (`smiletill run`), and look whether it was done before you repeat it")
		}
	}
	return err
}

// lost gives an error that leaves open what was done the advice to ask by its id.
func lost(err error, advice string, args ...any) error {
	if errors.Is(err, errLost) {
		return payment.WithHintf(err, advice, args...)
	}
	return err
}

const askForPayment = "when it answers again, ask by the id: `%s` tells how it ended, and never charges " +
	"twice; Ctrl-C there cancels it"

// askByID is the same of a payment of which only the id is known here.
func askByID(id string) string { return commandLine("pay", id, "", "AMOUNT", "CURRENCY") }

// commandLine is the command that asks for what was asked for before, as it is typed into a shell.
func commandLine(command, id, reference string, args ...string) string {
	words := []string{"smiletill", command, "--id", word(id)}
	if reference != "" {
		words = append(words, "--reference", word(reference))
	}
	for _, a := range args {
		if a != "" {
			words = append(words, word(a))
		}
	}
	return strings.Join(words, " ")
}

// word quotes what a shell would take for more than one word, or for something else.
func word(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Lost reports an error that leaves open whether the terminal did what it was asked.
func Lost(err error) bool { return errors.Is(err, errLost) }

// remoteError is the terminal's own error, with its hint.
func remoteError(e errorReply) error {
	if e.Hint == "" {
		return errors.New(e.Error)
	}
	return payment.WithHint(errors.New(e.Error), e.Hint)
}

func call[T any](ctx context.Context, c *Client, method, path string, body any) (v T, err error) {
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var e errorReply
		if json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&e) != nil || e.Error == "" {
			return v, fmt.Errorf("ask the terminal: it answered %s", resp.Status)
		}
		return v, remoteError(e)
	}
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("ask the terminal: read its answer: %w", asLost(ctx, err))
	}
	return v, nil
}

// Begin asks for a payment.
func (c *Client) Begin(ctx context.Context, q PaymentRequest) (Payment, error) {
	p, err := call[Payment](ctx, c, http.MethodPost, "/v1/payments", q)
	return p, lost(err, askForPayment, commandLine("pay", q.ID, q.Reference, q.Amount, q.Currency))
}

// Wait gives the payment when it has ended, or as it stands after d.
func (c *Client) Wait(ctx context.Context, id string, d time.Duration) (Payment, error) {
	p, err := call[Payment](ctx, c, http.MethodGet, "/v1/payments/"+url.PathEscape(id)+"?for="+d.String(), nil)
	return p, lost(err, askForPayment, askByID(id))
}

// Cancel ends a payment for somebody. One that has ended already is an error.
func (c *Client) Cancel(ctx context.Context, id string, by payment.By) (Payment, error) {
	p, err := call[Payment](
		ctx,
		c,
		http.MethodPost,
		"/v1/payments/"+url.PathEscape(id)+"/cancel?by="+string(by),
		nil,
	)
	return p, lost(err, askForPayment, askByID(id))
}

// Customers lists who is enrolled.
func (c *Client) Customers(ctx context.Context) ([]Customer, error) {
	return call[[]Customer](ctx, c, http.MethodGet, "/v1/customers", nil)
}

// Remove removes a customer and the templates.
func (c *Client) Remove(ctx context.Context, id string) error {
	_, err := call[nothing](ctx, c, http.MethodDelete, "/v1/customers/"+url.PathEscape(id), nil)
	return err
}

// Reload has the terminal open its files anew, the models among them.
func (c *Client) Reload(ctx context.Context) error {
	_, err := call[nothing](ctx, c, http.MethodPost, "/v1/models/reload", nil)
	return err
}

// Enrol follows the lines of an enrolment to its end.
func (c *Client) Enrol(ctx context.Context, q EnrolRequest, progress func(string)) (Customer, error) {
	done, err := follow[Customer](ctx, c, "/v1/customers", q, "customer", progress)
	return done, lost(err, "when it runs again, `smiletill customers list` tells whether somebody was enrolled")
}

// Reverse gives a payment back.
func (c *Client) Reverse(ctx context.Context, q ReversalRequest) (Reversal, error) {
	r, err := call[Reversal](ctx, c, http.MethodPost, "/v1/reversals", q)
	return r, lost(err, "when it answers again, repeat it with the same id: `%s` tells whether it was given "+
		"back, and gives back once", commandLine("reverse", q.ID, q.Reference, q.PaymentID, q.Amount))
}

// Unpark has a parked report tried again.
func (c *Client) Unpark(ctx context.Context, seq int64) error {
	_, err := call[nothing](ctx, c, http.MethodPost, fmt.Sprintf("/v1/reports/%d/unpark", seq), nil)
	return err
}

// EnterPIN takes the PIN of a running payment.
func (c *Client) EnterPIN(ctx context.Context, id, digits string) (Payment, error) {
	return call[Payment](ctx, c, http.MethodPost, "/v1/payments/"+url.PathEscape(id)+"/pin", pinRequest{digits})
}

// SetPIN gives a customer a PIN, or takes it away ("").
func (c *Client) SetPIN(ctx context.Context, id, digits string) error {
	_, err := call[nothing](
		ctx,
		c,
		http.MethodPut,
		"/v1/customers/"+url.PathEscape(id)+"/pin",
		pinRequest{digits},
	)
	return err
}

// Forget removes a customer, and gives the signed receipt of what was erased.
func (c *Client) Forget(ctx context.Context, id string) (Receipt, error) {
	return call[Receipt](ctx, c, http.MethodPost, "/v1/customers/"+url.PathEscape(id)+"/forget", nil)
}

// Extract gives all that is stored about a customer; faces: the templates too.
func (c *Client) Extract(ctx context.Context, id string, faces bool) (Extract, error) {
	path := "/v1/customers/" + url.PathEscape(id)
	if faces {
		path += "?faces=1"
	}
	return call[Extract](ctx, c, http.MethodGet, path, nil)
}

// Agree keeps what a customer agreed to.
func (c *Client) Agree(ctx context.Context, id string, a Agreed) error {
	_, err := call[nothing](ctx, c, http.MethodPut, "/v1/customers/"+url.PathEscape(id)+"/agreed", a)
	return err
}

// Vouch gives a second person's word for a renewal by another face.
func (c *Client) Vouch(ctx context.Context, id, name, pin string) error {
	path := "/v1/customers/" + url.PathEscape(id) + "/vouch"
	_, err := call[nothing](ctx, c, http.MethodPost, path, vouching{name, pin})
	return err
}

// Block has no payment taken of a customer, or ends that.
func (c *Client) Block(ctx context.Context, id string, blocked bool, why string) error {
	path := "/v1/customers/" + url.PathEscape(id) + "/blocked"
	_, err := call[nothing](ctx, c, http.MethodPut, path, blocking{blocked, why})
	return err
}

// Texts are what a customer can agree to.
func (c *Client) Texts(ctx context.Context) ([]people.Text, error) {
	return call[[]people.Text](ctx, c, http.MethodGet, "/v1/texts", nil)
}

// Clerks lists who has a role at the terminal by a PIN.
func (c *Client) Clerks(ctx context.Context) ([]Clerk, error) {
	return call[[]Clerk](ctx, c, http.MethodGet, "/v1/clerks", nil)
}

// AddClerk gives somebody a role, or another in place of that before.
func (c *Client) AddClerk(ctx context.Context, one Clerk) error {
	_, err := call[nothing](ctx, c, http.MethodPut, "/v1/clerks/"+url.PathEscape(one.Name), one)
	return err
}

// RemoveClerk takes somebody's role and PIN away.
func (c *Client) RemoveClerk(ctx context.Context, name string) error {
	_, err := call[nothing](ctx, c, http.MethodDelete, "/v1/clerks/"+url.PathEscape(name), nil)
	return err
}

// SetClerkPIN gives a clerk a PIN, or takes it away (""); of no name the clerk who has none.
func (c *Client) SetClerkPIN(ctx context.Context, name, digits string) error {
	path := "/v1/counter/pin"
	if name != "" {
		path = "/v1/clerks/" + url.PathEscape(name) + "/pin"
	}
	_, err := call[nothing](ctx, c, http.MethodPut, path, pinRequest{digits})
	return err
}

// Status asks how the terminal does.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return call[Status](ctx, c, http.MethodGet, "/v1/status", nil)
}

// Registers tells a running terminal that who asks has changed which registers are paired. Of one that does
// not run it is no error: its next start finds that.
func (c *Client) Registers(ctx context.Context) error {
	_, err := call[nothing](ctx, c, http.MethodPost, "/v1/registers/read", nil)
	if errors.Is(err, ErrNotRunning) {
		return nil
	}
	return err
}

// ResetTamper ends the alarm of the case.
func (c *Client) ResetTamper(ctx context.Context) error {
	_, err := call[nothing](ctx, c, http.MethodPost, "/v1/tamper/reset", nil)
	return err
}
