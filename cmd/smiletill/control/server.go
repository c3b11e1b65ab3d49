package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
)

// Doors are what a running terminal does for other programs of this machine, by who asks.
type Doors struct {
	Till    Till
	Back    Back
	People  People
	PINs    PINs
	Clerks  Clerks
	Service Service
	// Register answers a register's messages, at /nexo: whoever may open this socket may send plain ones.
	// nil: none.
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
	// Forget removes a customer too, and says what was erased.
	Forget(ctx context.Context, id string) (Receipt, error)
	// Extract gives all that is stored about a customer; faces: the templates too.
	Extract(ctx context.Context, id string, faces bool) (Extract, error)
	// Agree keeps what a customer agreed to.
	Agree(ctx context.Context, id string, a Agreed) error
	// Vouch takes a second person's word that a customer's new face is to be taken though it is another: of the
	// one who asks, or of a clerk by name and PIN.
	Vouch(ctx context.Context, id, name, pin string) error
	// Block has no payment taken of a customer, or ends that. why is a line of words for the fact.
	Block(ctx context.Context, id string, blocked bool, why string) error
	// Texts are what can be agreed to.
	Texts(ctx context.Context) ([]people.Text, error)
}

// PINs takes PINs and changes them; "" takes one away.
type PINs interface {
	// EnterPIN takes the PIN of a running payment. A wrong one that may be tried again is an answer, not an
	// error.
	EnterPIN(ctx context.Context, id, digits string) (Payment, error)
	SetPIN(ctx context.Context, id, digits string) error
}

// Clerks keeps those who have a role at the terminal by a PIN.
type Clerks interface {
	Clerks(ctx context.Context) ([]Clerk, error)
	// AddClerk gives somebody a role, or another in place of that before.
	AddClerk(ctx context.Context, c Clerk) error
	// RemoveClerk takes role and PIN away.
	RemoveClerk(ctx context.Context, name string) error
	// SetClerkPIN sets the PIN of a clerk, or takes it away (""); of no name that of the clerk who has none.
	SetClerkPIN(ctx context.Context, name, digits string) error
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
	// Registers has the terminal read at once which registers are paired: the one who asks has changed that.
	Registers(ctx context.Context) error
	// Status tells how the terminal does.
	Status(ctx context.Context) (Status, error)
}

// Server is the terminal's end of the control socket: HTTP over a Unix socket. A web page in a browser can't
// reach it. Where the machine has groups that give roles every user may open it, and the server asks the
// kernel who that is; where it has none, the socket is this user's alone.
type Server struct {
	// Groups gives the groups that give roles, at each connection; nil: the system's.
	Groups func() people.Groups

	l net.Listener
}

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
	return &Server{l: l}, nil
}

// letIn lets every user open the socket where there are groups that give roles.
func (c *Server) letIn() error {
	if c.Groups == nil {
		c.Groups = people.SystemGroups
	}
	if len(c.Groups()) == 0 {
		return nil
	}
	return os.Chmod(c.l.Addr().String(), 0o666)
}

// arrived says who opened a connection.
func (c *Server) arrived(ctx context.Context, conn net.Conn) context.Context {
	one, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	s, err := people.Peer(one, c.Groups())
	if err != nil { // nobody known, who may do nothing
		return ctx
	}
	return people.Arrived(ctx, s)
}

// Close gives a socket back that is not served.
func (c *Server) Close() error { return c.l.Close() }

// Serve answers with what the doors do until ctx ends.
func (c *Server) Serve(ctx context.Context, d Doors) error {
	if err := c.letIn(); err != nil {
		return fmt.Errorf("serve the control socket: %w", err)
	}
	s := &http.Server{
		Handler: handler(d), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }, ConnContext: c.arrived,
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
		if err != nil {
			refuse(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // as refuse
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
	case errors.Is(err, people.ErrNotAllowed):
		return http.StatusForbidden
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
