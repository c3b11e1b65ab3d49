package screen

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"
)

// Forgetter erases the customer who stands before the terminal and wants it. The page asks first who it is,
// shows that face and name would be erased and that payments stay, and sends what was confirmed by touch.
type Forgetter interface {
	// Look has the camera look, for some seconds, until ctx ends. It gives what Confirm takes, for
	// Options.ForgetFor, with the PIN: who has none asks the staff. Errors are those of ErrForget...,
	// *ForgetLocked, or other words for the log.
	Look(ctx context.Context) (token string, err error)
	// Confirm erases who was seen, and gives the signed receipt as JSON. ErrWrongPIN may be tried again.
	// Other errors are as Look's.
	Confirm(ctx context.Context, token, pin string) (receipt json.RawMessage, err error)
}

// Why nobody is forgotten at the terminal.
var (
	// ErrForgetUnsure says that it is not surely one customer's face, or one without a PIN: the staff can do it.
	ErrForgetUnsure = errors.New("not surely a customer")
	// ErrForgetNobody, ErrForgetSeveral and ErrForgetPicture say that the camera saw no face, more than one, or
	// none that is good enough.
	ErrForgetNobody  = errors.New("nobody stood before the camera")
	ErrForgetSeveral = errors.New("several stood before the camera")
	ErrForgetPicture = errors.New("no picture was good enough")
	// ErrForgetBusy says that a payment runs, or the camera is in use.
	ErrForgetBusy = errors.New("the terminal is busy")
	// ErrForgetLate says that whoever was seen has taken too long: begin again.
	ErrForgetLate = errors.New("too late")
	// ErrForgetClosed says that the terminal is out of order: the staff can do it.
	ErrForgetClosed = errors.New("the terminal is out of order")
)

// ForgetLocked says that no PIN can be tried for a while: the staff can do it.
type ForgetLocked struct{ Left time.Duration }

func (e *ForgetLocked) Error() string { return "the customer's PIN is locked for " + e.Left.String() }

// forgetPatience is for the camera, which looks for up to half a minute.
const forgetPatience = 40 * time.Second

// forgetEntry is what the page sends to confirm.
type forgetEntry struct {
	Token string `json:"token"`
	PIN   string `json:"pin"`
}

// forgetMessage is what a page is told: a token, a receipt and its code, or why not.
type forgetMessage struct {
	Token   string          `json:"token,omitempty"`
	Receipt json.RawMessage `json:"receipt,omitempty"`
	Code    []string        `json:"code,omitempty"` // of the receipt, in rows of 0 and 1; none if it is too long
	Why     string          `json:"why,omitempty"`  // one of forgetWhy, locked, or failed
	LeftMin int64           `json:"left_min,omitempty"`
}

// forgetWhy gives the status of a refusal and the page's word for it; "" if it is none that the page knows.
func forgetWhy(err error) (int, string) {
	for _, one := range []struct {
		err error
		why string
	}{
		{ErrForgetUnsure, "unsure"}, {ErrForgetNobody, "nobody"}, {ErrForgetSeveral, "several"},
		{ErrForgetPicture, "picture"}, {ErrForgetBusy, "busy"}, {ErrForgetLate, "late"},
		{ErrForgetClosed, "closed"},
	} {
		if errors.Is(err, one.err) {
			return http.StatusConflict, one.why
		}
	}
	if errors.Is(err, ErrWrongPIN) {
		return http.StatusUnprocessableEntity, "pin"
	}
	return http.StatusConflict, ""
}

// routeForget adds the door of those who want to be forgotten. It is the terminal's own screen's alone: who
// stands elsewhere is not who the camera sees.
func (s *Server) routeForget(mux *http.ServeMux) {
	mux.HandleFunc("POST /forget/look", s.forgets(s.forgetLook))
	mux.HandleFunc("POST /forget/confirm", s.forgets(s.forgetConfirm))
}

func (s *Server) forgetLook(ctx context.Context, _ forgetEntry) (forgetMessage, error) {
	token, err := s.opt.Forget.Look(ctx)
	return forgetMessage{Token: token}, err
}

func (s *Server) forgetConfirm(ctx context.Context, e forgetEntry) (forgetMessage, error) {
	if len(e.PIN) > pinMax || strings.Trim(e.PIN, "0123456789") != "" {
		return forgetMessage{}, ErrWrongPIN
	}
	receipt, err := s.opt.Forget.Confirm(ctx, e.Token, e.PIN)
	return forgetMessage{Receipt: receipt, Code: codeRows(string(receipt))}, err
}

func (s *Server) forgets(do func(context.Context, forgetEntry) (forgetMessage, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.opt.Forget == nil {
			http.Error(w, "nobody is forgotten here", http.StatusNotFound)
			return
		}
		status, why := refusesTyped(r)
		if status == 0 && !ofThisMachine(r.RemoteAddr) {
			status, why = http.StatusForbidden, "only on the terminal itself"
		}
		if status != 0 {
			http.Error(w, why, status)
			return
		}
		e, err := readTyped[forgetEntry](w, r, keypadBodyMax)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// The server's own time-outs are for shorter answers. A writer without deadlines does not block.
		rc := http.NewResponseController(w)
		_ = rc.SetReadDeadline(time.Time{})
		_ = rc.SetWriteDeadline(time.Now().Add(forgetPatience + writePatience))
		ctx, cancel := context.WithTimeout(r.Context(), forgetPatience)
		defer cancel()
		m, err := do(ctx, e)
		if err == nil {
			reply(w, http.StatusOK, m)
			return
		}
		m = forgetMessage{}
		status, m.Why = forgetWhy(err)
		var locked *ForgetLocked
		switch {
		case errors.As(err, &locked):
			m.Why, m.LeftMin = "locked", int64(math.Ceil(locked.Left.Minutes()))
		case m.Why == "" && r.Context().Err() == nil:
			s.log.Warn("screen: nobody was forgotten", "err", err)
			fallthrough
		case m.Why == "":
			m.Why = "failed"
		}
		reply(w, status, m)
	}
}
