package screen

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Forgetter erases the customer who stands before the terminal and wants it. The page asks first who it is,
// shows that face and name would be erased and that payments stay, and sends what was confirmed by touch.
type Forgetter interface {
	// Look has the camera look, for some seconds. It gives what Confirm takes, for a minute, with the PIN: who
	// has none asks the staff. Errors are ErrForgetUnsure, ErrForgetBusy, or other words for the log.
	Look(ctx context.Context) (token string, err error)
	// Confirm erases who was seen, and gives the signed receipt as JSON. ErrWrongPIN may be tried again.
	Confirm(ctx context.Context, token, pin string) (receipt json.RawMessage, err error)
}

// Why nobody is forgotten at the terminal.
var (
	// ErrForgetUnsure says that it is not surely one customer's face, or one without a PIN: the staff can do it.
	ErrForgetUnsure = errors.New("not surely a customer")
	// ErrForgetBusy says that a payment runs, or the camera is in use.
	ErrForgetBusy = errors.New("the terminal is busy")
)

// forgetPatience is for the camera, which looks for up to half a minute.
const forgetPatience = 40 * time.Second

// forgetEntry is what the page sends to confirm.
type forgetEntry struct {
	Token string `json:"token"`
	PIN   string `json:"pin"`
}

// forgetMessage is what a page is told: a token, a receipt, or why not.
type forgetMessage struct {
	Token   string          `json:"token,omitempty"`
	Receipt json.RawMessage `json:"receipt,omitempty"`
	Why     string          `json:"why,omitempty"` // unsure, busy, pin or failed
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
	return forgetMessage{Receipt: receipt}, err
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
		ctx, cancel := context.WithTimeout(r.Context(), forgetPatience)
		defer cancel()
		m, err := do(ctx, e)
		switch {
		case err == nil:
			reply(w, http.StatusOK, m)
		case errors.Is(err, ErrForgetUnsure):
			reply(w, http.StatusConflict, forgetMessage{Why: "unsure"})
		case errors.Is(err, ErrForgetBusy):
			reply(w, http.StatusConflict, forgetMessage{Why: "busy"})
		case errors.Is(err, ErrWrongPIN):
			reply(w, http.StatusUnprocessableEntity, forgetMessage{Why: "pin"})
		default:
			s.log.Warn("screen: nobody was forgotten", "err", err)
			reply(w, http.StatusConflict, forgetMessage{Why: "failed"})
		}
	}
}
