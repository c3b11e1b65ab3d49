package screen

import (
	"context"
	"net/http"
	"strings"
)

// CounterClerks tells who works here, and changes it, for who may. Errors for the clerk are *CounterError.
type CounterClerks interface {
	// Clerks lists who has a role by a PIN. Staff.May is false, and the list empty, for who may not change it.
	Clerks(ctx context.Context) (CounterStaff, error)
	// AddClerk gives somebody new a role and a PIN: RefusedKnown, RefusedName or RefusedPIN.
	AddClerk(ctx context.Context, name, role, pin string) error
	// SetClerkRole gives somebody another role. Whoever has a page open under the name begins anew.
	// RefusedLastOwner, RefusedGone.
	SetClerkRole(ctx context.Context, name, role string) error
	// SetClerkPIN gives somebody another PIN. Whoever has a page open under the name is asked for it.
	SetClerkPIN(ctx context.Context, name, pin string) error
	// RemoveClerk takes role and PIN away, of the clerk without a name the PIN. RefusedLastOwner.
	RemoveClerk(ctx context.Context, name string) error
}

// CounterStaff is who works here, as somebody sees it.
type CounterStaff struct {
	May     bool
	Me      string // whose page it is
	Unnamed string // what the clerk without a name is called
	Clerks  []CounterClerk
}

// CounterClerk is somebody who has a role at the terminal.
type CounterClerk struct {
	Name string `json:"name"`
	Role string `json:"role"` // owner, technician or clerk
	PIN  bool   `json:"pin"`  // is set
}

// routeClerks adds what the counter's page has for the owner.
func (s *Server) routeClerks(mux *http.ServeMux) {
	mux.HandleFunc("GET /counter/clerks", s.counterRead(s.clerks))
	mux.HandleFunc("POST /counter/clerks/add", counterWrite(s, s.addClerk))
	mux.HandleFunc("POST /counter/clerks/role", counterWrite(s, s.setClerkRole))
	mux.HandleFunc("POST /counter/clerks/pin", counterWrite(s, s.setClerkPIN))
	mux.HandleFunc("POST /counter/clerks/remove", counterWrite(s, s.removeClerk))
}

func (s *Server) clerks(ctx context.Context, _ *http.Request) (any, error) {
	staff, err := s.opt.Counter.Clerks(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]any{"may": staff.May, "me": staff.Me, "unnamed": staff.Unnamed,
		"clerks": staff.Clerks}, nil
}

type clerkEntry struct {
	Name string `json:"name"`
	Role string `json:"role"`
	PIN  string `json:"pin"`
}

// typedPIN reports digits that can be a PIN at all; whether they make a good one is the terminal's to say.
func (e clerkEntry) typedPIN() error {
	if len(e.PIN) > pinMax || strings.Trim(e.PIN, "0123456789") != "" {
		return &CounterError{Why: RefusedPIN, What: "not up to 12 digits"}
	}
	return nil
}

func (s *Server) addClerk(ctx context.Context, q clerkEntry) (any, error) {
	if err := q.typedPIN(); err != nil {
		return nil, err
	}
	return nothing{}, s.opt.Counter.AddClerk(ctx, strings.TrimSpace(q.Name), q.Role, q.PIN)
}

func (s *Server) setClerkRole(ctx context.Context, q clerkEntry) (any, error) {
	return nothing{}, s.opt.Counter.SetClerkRole(ctx, q.Name, q.Role)
}

func (s *Server) setClerkPIN(ctx context.Context, q clerkEntry) (any, error) {
	if err := q.typedPIN(); err != nil {
		return nil, err
	}
	return nothing{}, s.opt.Counter.SetClerkPIN(ctx, q.Name, q.PIN)
}

func (s *Server) removeClerk(ctx context.Context, q struct {
	Name string `json:"name"`
}) (any, error) {
	return nothing{}, s.opt.Counter.RemoveClerk(ctx, q.Name)
}
