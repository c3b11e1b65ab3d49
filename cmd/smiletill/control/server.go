package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"smiletill/payment"
)

// Doors are what a running terminal does for other programs of this machine, by who asks.
type Doors struct {
	Till    Till
	Back    Back
	People  People
	PINs    PINs
	Service Service
	// Register answers a register's messages, at /nexo: whoever may open this socket may send plain ones. nil:
	// none.
	Register http.Handler
}

// Till takes payments.
type Till interface {
	Begin(ctx context.Context, q PaymentRequest) (Payment, error)
	// Wait gives the payment's end, or where it stands after d.
	Wait(ctx context.Context, id string, d time.Duration) (Payment, error)
	Cancel(ctx context.Context, id string, by payment.By) (Payment, error)
}

// Back does what comes after a payment.
type Back interface {
	Reverse(ctx context.Context, q ReversalRequest) (Reversal, error)
	// Unpark puts a report that was taken out of the queue back into it.
	Unpark(ctx context.Context, seq int64) error
}

// People keeps the enrolled customers.
type People interface {
	Customers(ctx context.Context) ([]Customer, error)
	// Enrol tells its progress while the camera looks.
	Enrol(ctx context.Context, q EnrolRequest, progress func(text string)) (Customer, error)
	Remove(ctx context.Context, id string) error
}

// PINs takes PINs and changes them; "" takes one away.
type PINs interface {
	// EnterPIN takes the PIN of a running payment. A wrong one that may be tried again is an answer, not an
	// error.
	EnterPIN(ctx context.Context, id, digits string) (Payment, error)
	SetPIN(ctx context.Context, id, digits string) error
	SetClerkPIN(ctx context.Context, digits string) error
}

// Service is for technicians.
type Service interface {
	// Reload has the terminal open its files anew, the models among them.
	Reload(ctx context.Context) error
	// ResetTamper ends the alarm of the case.
	ResetTamper(ctx context.Context) error
	// Calibrate measures how late the screen's light is seen, and tells its progress.
	Calibrate(ctx context.Context, progress func(text string)) (Delay, error)
	// Hold keeps payments away from when nothing is being paid, which is waited for so long at most, until ctx
	// ends; it says Held when they are.
	Hold(ctx context.Context, wait time.Duration, say func(text string)) error
	// Status tells how the terminal does.
	Status(ctx context.Context) (Status, error)
}

// Server is the terminal's end of the control socket: HTTP over a Unix socket that only this user can open. A
// web page in a browser can't reach it.
type Server struct{ l net.Listener }

const (
	bodyMax = 20 << 20 // five photos of PhotoSide, base64
	waitMax = 2 * time.Minute
)

// Listen takes the socket, in a folder that is there. A socket file that nobody listens on is left over from
// a crash and is replaced.
func Listen(path string) (*Server, error) {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close() // it was only a question
		return nil, payment.WithHintf(fmt.Errorf("another smiletill runs here and listens at %s", path),
			"stop it first, or give this one a place of its own with --paths-control-socket")
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		// Whatever is not listened on refuses, a file full of payments too.
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSocket {
			return nil, payment.WithHintf(fmt.Errorf("open the control socket: %s is there, and no socket", path),
				"name another place (paths.control_socket), or move that file away")
		}
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
	return &Server{l}, nil
}

// Close gives a socket back that is not served.
func (c *Server) Close() error { return c.l.Close() }

// Serve answers with what the doors do until ctx ends.
func (c *Server) Serve(ctx context.Context, d Doors) error {
	s := &http.Server{
		Handler: handler(d), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute,
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

func handler(d Doors) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/payments", answer(func(r *http.Request, q PaymentRequest) (Payment, error) {
		return d.Till.Begin(r.Context(), q)
	}))
	mux.HandleFunc("GET /v1/payments/{id}", answer(func(r *http.Request, _ nothing) (Payment, error) {
		long, err := time.ParseDuration(r.URL.Query().Get("for"))
		if err != nil || long < 0 || long > waitMax {
			return Payment{}, fmt.Errorf("wait: ?for= must be a duration up to %v", waitMax)
		}
		return d.Till.Wait(r.Context(), r.PathValue("id"), long)
	}))
	mux.HandleFunc("POST /v1/payments/{id}/cancel", answer(func(r *http.Request, _ nothing) (Payment, error) {
		by := payment.By(r.URL.Query().Get("by"))
		if by == "" {
			by = payment.ByOperator
		}
		return d.Till.Cancel(r.Context(), r.PathValue("id"), by)
	}))
	mux.HandleFunc("POST /v1/payments/{id}/pin", answer(func(r *http.Request, q pinRequest) (Payment, error) {
		return d.PINs.EnterPIN(r.Context(), r.PathValue("id"), q.PIN)
	}))
	mux.HandleFunc("POST /v1/reversals", answer(func(r *http.Request, q ReversalRequest) (Reversal, error) {
		return d.Back.Reverse(r.Context(), q)
	}))
	mux.HandleFunc("POST /v1/reports/{seq}/unpark", answer(func(r *http.Request, _ nothing) (nothing, error) {
		seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
		if err != nil {
			return nothing{}, fmt.Errorf("unpark: %q is no number", r.PathValue("seq"))
		}
		return nothing{}, d.Back.Unpark(r.Context(), seq)
	}))
	mux.HandleFunc("GET /v1/customers", answer(func(r *http.Request, _ nothing) ([]Customer, error) {
		return d.People.Customers(r.Context())
	}))
	one := make(chan struct{}, 1) // enrolment at a time is read: the photos of many would fill the memory
	mux.HandleFunc("POST /v1/customers", func(w http.ResponseWriter, r *http.Request) {
		select {
		case one <- struct{}{}:
			defer func() { <-one }()
			enrol(w, r, d.People)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("DELETE /v1/customers/{id}", answer(func(r *http.Request, _ nothing) (nothing, error) {
		return nothing{}, d.People.Remove(r.Context(), r.PathValue("id"))
	}))
	mux.HandleFunc("PUT /v1/customers/{id}/pin", answer(func(r *http.Request, q pinRequest) (nothing, error) {
		return nothing{}, d.PINs.SetPIN(r.Context(), r.PathValue("id"), q.PIN)
	}))
	mux.HandleFunc("PUT /v1/counter/pin", answer(func(r *http.Request, q pinRequest) (nothing, error) {
		return nothing{}, d.PINs.SetClerkPIN(r.Context(), q.PIN)
	}))
	mux.HandleFunc("GET /v1/status", answer(func(r *http.Request, _ nothing) (Status, error) {
		return d.Service.Status(r.Context())
	}))
	mux.HandleFunc("POST /v1/screen/calibrate", calibrate(d.Service))
	mux.HandleFunc("POST /v1/update/hold", hold(d.Service))
	mux.HandleFunc("POST /v1/models/reload", answer(func(r *http.Request, _ nothing) (nothing, error) {
		return nothing{}, d.Service.Reload(r.Context())
	}))
	mux.HandleFunc("POST /v1/tamper/reset", answer(func(r *http.Request, _ nothing) (nothing, error) {
		return nothing{}, d.Service.ResetTamper(r.Context())
	}))
	if d.Register != nil {
		mux.Handle("/nexo", d.Register)
	}
	return mux
}

// nothing is a request or an answer without content.
type nothing struct{}

// answer reads what a handler is asked and writes what it returns, as JSON.
func answer[Q, A any](h func(*http.Request, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		var v A
		var err error
		if _, empty := any(q).(nothing); !empty {
			err = readJSON(r, &q)
		}
		if err == nil {
			v, err = h(r, q)
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(statusOf(err))
			_ = json.NewEncoder(w).
				Encode(errorReply{err.Error(), payment.HintOf(err)})
				// a caller who left needs no answer
			return
		}
		_ = json.NewEncoder(w).Encode(v) // as above
	}
}

// enrol answers with progress while the camera looks, then the customer.
func enrol(w http.ResponseWriter, r *http.Request, people People) {
	told(w, "customer", func(say func(string)) (Customer, error) {
		var q EnrolRequest
		if err := readJSON(r, &q); err != nil {
			return Customer{}, err
		}
		return people.Enrol(r.Context(), q, say)
	})
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, payment.ErrBusy), errors.Is(err, payment.ErrConflict), errors.Is(err, payment.ErrClosed),
		errors.Is(err, payment.ErrUnsure),
		errors.Is(err, payment.ErrNotApproved), errors.Is(err, payment.ErrTooMuch),
		errors.Is(err, payment.ErrNotRunning), errors.Is(err, payment.ErrEvent),
		errors.Is(err, payment.ErrVending):
		return http.StatusConflict
	case errors.Is(err, payment.ErrNotFound), errors.Is(err, ErrUnknownCustomer):
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

func readJSON(r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, bodyMax))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("read request: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
