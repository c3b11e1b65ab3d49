package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"smiletill/payment"
	"smiletill/vision/gallery"
)

// control is how other commands of this machine talk to the running terminal: HTTP over a Unix socket that
// only this user can open. A web page in a browser can't reach it.
type control struct {
	t    *terminal
	path string
	l    net.Listener
}

const (
	controlBodyMax = 64 << 20 // five photos of a phone, base64
	waitMax        = 2 * time.Minute
)

// paymentReply is a payment as the control socket tells it.
type paymentReply struct {
	ID        string `json:"id"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference,omitempty"`
	State     string `json:"state"`
	Reason    string `json:"reason,omitempty"`
	Detail    string `json:"detail,omitempty"`
	Customer  string `json:"customer,omitempty"`
	PINWrong  bool   `json:"pin_wrong,omitempty"` // the PIN just entered was wrong and may be tried again
}

type paymentRequest struct {
	ID        string `json:"id"`
	Amount    string `json:"amount"`
	Currency  string `json:"currency"`
	Reference string `json:"reference"`
}

type enrolRequest struct {
	Name   string  `json:"name"`
	Again  string  `json:"again,omitempty"`  // id of a customer who is there already; then without a name
	Photos []photo `json:"photos,omitempty"` // none: by camera
}

type photo struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

type customerReply struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	EnrolledAt time.Time `json:"enrolled_at"`
	Templates  int       `json:"templates"`
	Model      string    `json:"model,omitempty"` // SHA-256 of the embedding model
	Stale      bool      `json:"stale,omitempty"` // of another model than the terminal's: must be enrolled again
	PIN        bool      `json:"pin,omitempty"`   // the customer has one
	Damage     string    `json:"damage,omitempty"`
}

type errorReply struct {
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

// listenControl takes the socket. A socket file that nobody listens on is left over from a crash and is
// replaced.
func listenControl(path string, t *terminal) (*control, error) {
	if err := preparePrivateDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close() // it was only a question
		return nil, withHint(fmt.Errorf("another smiletill runs here and listens at %s", path),
			"stop it first, or give this one a place of its own with --paths-control-socket")
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove the socket that a crash left: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	return &control{t: t, path: path, l: l}, nil
}

func (c *control) serve(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/payments", answer(c.begin))
	mux.HandleFunc("GET /v1/payments/{id}", answer(c.wait))
	mux.HandleFunc("POST /v1/payments/{id}/cancel", answer(c.cancel))
	mux.HandleFunc("POST /v1/payments/{id}/pin", answer(c.enterPIN))
	mux.HandleFunc("POST /v1/reversals", answer(c.reverse))
	mux.HandleFunc("POST /v1/reports/{seq}/unpark", answer(c.unpark))
	mux.HandleFunc("GET /v1/customers", answer(c.customers))
	mux.HandleFunc("POST /v1/customers", c.enrol)
	mux.HandleFunc("DELETE /v1/customers/{id}", answer(c.remove))
	mux.HandleFunc("PUT /v1/customers/{id}/pin", answer(c.setPIN))
	mux.HandleFunc("PUT /v1/counter/pin", answer(c.setClerkPIN))
	mux.HandleFunc("POST /v1/models/reload", answer(c.reload))
	mux.HandleFunc("POST /v1/tamper/reset", answer(c.resetTamper))
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.Shutdown(grace) != nil {
			_ = s.Close() // whoever waits longer than the grace is cut off
		}
	})
	defer stop()
	if err := s.Serve(c.l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the control socket: %w", err)
	}
	return nil
}

// answer writes what a handler returns, as JSON.
func answer[T any](h func(*http.Request) (T, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := h(r)
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(statusOf(err))
			_ = json.NewEncoder(w).Encode(errorReply{err.Error(), hintOf(err)}) // a caller who left needs no answer
			return
		}
		_ = json.NewEncoder(w).Encode(v) // as above
	}
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, payment.ErrBusy), errors.Is(err, payment.ErrConflict), errors.Is(err, payment.ErrClosed),
		errors.Is(err, payment.ErrUnsure),
		errors.Is(err, payment.ErrNotApproved), errors.Is(err, payment.ErrTooMuch),
		errors.Is(err, payment.ErrNotRunning), errors.Is(err, payment.ErrEvent):
		return http.StatusConflict
	case errors.Is(err, payment.ErrNotFound), errors.Is(err, gallery.ErrUnknownCustomer):
		return http.StatusNotFound
	case errors.Is(err, payment.ErrOutOfOrder),
		errors.Is(err, payment.ErrBacklog),
		errors.Is(err, payment.ErrLocked),
		errors.Is(err, payment.ErrJournal):
		return http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

func (c *control) begin(r *http.Request) (paymentReply, error) {
	var q paymentRequest
	if err := readJSON(r, &q); err != nil {
		return paymentReply{}, err
	}
	p, err := c.t.opened()
	if err != nil {
		return paymentReply{}, err
	}
	amount, err := p.payable(q.Amount, q.Currency)
	if err != nil {
		return paymentReply{}, err
	}
	began, err := p.engine.Begin(r.Context(), payment.Request{ID: q.ID, Amount: amount, Reference: q.Reference})
	return reply(began), err
}

// payable is an amount that this terminal takes.
func (p *parts) payable(number, currency string) (payment.Amount, error) {
	a, err := payment.ParseDecimal(number, currency)
	if err != nil {
		return payment.Amount{}, err
	}
	return a, p.withinLimit(a)
}

var errAboveLimit = errors.New("is above this terminal's limit")

// withinLimit holds a payment against the terminal's currency and largest amount.
func (p *parts) withinLimit(a payment.Amount) error {
	switch {
	case a.Currency != p.limit.Currency:
		return withHint(fmt.Errorf("amount %s: this terminal takes %s", a, p.limit.Currency),
			"ask for %s, or change terminal.currency", p.limit.Currency)
	case a.Minor > p.limit.Minor:
		return withHint(fmt.Errorf("amount %s %w of %s", a, errAboveLimit, p.limit),
			"take it another way, or raise payment.amount_max")
	}
	return nil
}

// wait gives the payment's end, or where it stands when ?for has passed.
func (c *control) wait(r *http.Request) (paymentReply, error) {
	p, err := c.t.opened()
	if err != nil {
		return paymentReply{}, err
	}
	d, err := time.ParseDuration(r.URL.Query().Get("for"))
	if err != nil || d < 0 || d > waitMax {
		return paymentReply{}, fmt.Errorf("wait: ?for= must be a duration up to %v", waitMax)
	}
	ctx, cancel := context.WithTimeout(r.Context(), d)
	defer cancel()
	ended, err := p.engine.Wait(ctx, r.PathValue("id"))
	if errors.Is(err, context.DeadlineExceeded) {
		if s, serr := p.engine.Status(r.Context()); serr == nil && s.Payment.ID == r.PathValue("id") {
			return reply(s.Payment), nil
		}
	}
	return reply(ended), err
}

func (c *control) cancel(r *http.Request) (paymentReply, error) {
	p, err := c.t.opened()
	if err != nil {
		return paymentReply{}, err
	}
	by := payment.By(r.URL.Query().Get("by"))
	if by == "" {
		by = payment.ByOperator
	}
	ended, err := p.engine.Cancel(r.Context(), r.PathValue("id"), by)
	return reply(ended), err
}

func (c *control) customers(r *http.Request) ([]customerReply, error) {
	p, err := c.t.opened()
	if err != nil {
		return nil, err
	}
	all := listCustomers(p.gallery)
	return all, notePINs(r.Context(), p.pins, all)
}

func (c *control) remove(r *http.Request) (struct{}, error) {
	p, err := c.t.opened()
	if err != nil {
		return struct{}{}, err
	}
	// The PIN first: a customer who is half removed must still be in the list.
	if err := p.pins.Remove(r.Context(), r.PathValue("id")); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, p.gallery.Remove(r.PathValue("id"))
}

func (c *control) reload(r *http.Request) (struct{}, error) {
	return struct{}{}, c.t.reopen(r.Context())
}

// enrol answers with lines of JSON: progress while the camera looks, then the customer or an error.
func (c *control) enrol(w http.ResponseWriter, r *http.Request) {
	lines := json.NewEncoder(w)
	say := func(text string) {
		_ = lines.Encode(map[string]string{"progress": text}) // a caller who left stops the capture by its context
		_ = http.NewResponseController(w).Flush()
	}
	enrolled, err := c.enrolOne(r, say)
	if err != nil {
		_ = lines.Encode(errorReply{err.Error(), hintOf(err)}) // as above
		return
	}
	_ = lines.Encode(map[string]customerReply{"customer": enrolled}) // as above
}

func (c *control) enrolOne(r *http.Request, say func(string)) (customerReply, error) {
	var q enrolRequest
	if err := readJSON(r, &q); err != nil {
		return customerReply{}, err
	}
	p, err := c.t.opened()
	if err != nil {
		return customerReply{}, err
	}
	if q.Again != "" && q.Name != "" {
		return customerReply{}, errors.New("enrol: a name and the id of a customer who has one")
	}
	if len(q.Photos) > 0 {
		return enrolPhotos(p.looker, p.gallery, q)
	}
	job := &capture{want: templatesByCamera, progress: newestOnly(say), done: make(chan error, 1)}
	select {
	case p.eyes.requests <- job:
	case <-time.After(time.Second):
		return customerReply{}, withHint(
			errors.New("enrol by camera: a payment is running"),
			"wait for it to end, then try again",
		)
	case <-r.Context().Done():
		return customerReply{}, r.Context().Err()
	}
	if err := <-job.done; err != nil {
		return customerReply{}, err
	}
	return enrolTemplates(p.gallery, q, job.templates)
}

// newestOnly drops a line that says the same again.
func newestOnly(say func(string)) func(string) {
	last := ""
	return func(text string) {
		if text != last {
			last = text
			say(text)
		}
	}
}

func readJSON(r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, controlBodyMax))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("read request: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func reply(p payment.Payment) paymentReply {
	if p.ID == "" {
		return paymentReply{}
	}
	return paymentReply{
		ID:        p.ID,
		Amount:    p.Amount.Decimal(),
		Currency:  p.Amount.Currency,
		Reference: p.Reference,
		State:     string(p.State),
		Reason:    string(p.Reason),
		Detail:    p.Detail,
		Customer:  p.Customer,
	}
}
