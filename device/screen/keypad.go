package screen

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Keypad takes what is typed on the customer's page. asked is the View.Asked of the page that it was typed
// on: what was meant for one payment is never tried on another.
type Keypad interface {
	// EnterPIN returns nil if the PIN was taken or has ended the payment, ErrWrongPIN if it may be tried
	// again. pin is 1 to 12 digits.
	EnterPIN(ctx context.Context, asked, pin string) error
	// EnterNumber takes the digits that say who the customer is, 3 to 12. Whether anybody has them isn't told.
	EnterNumber(ctx context.Context, asked, digits string) error
	// Cancel ends the payment for the customer.
	Cancel(ctx context.Context, asked string) error
}

// ErrWrongPIN says that the PIN may be tried again.
var ErrWrongPIN = errors.New("wrong PIN")

const (
	keypadBodyMax = 1 << 10
	pinMax        = 12 // digits, as many as ISO 9564-1 allows
)

// entry is what the page sends.
type entry struct {
	Asked string `json:"asked"`
	PIN   string `json:"pin"`
	// Number says that the customer's number was typed: what was meant for one is never tried as the other.
	Number bool `json:"number"`
}

// keypad serves one of the keypad's two requests.
func (s *Server) keypad(take func(context.Context, entry) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if s.opt.Keypad == nil {
			http.Error(w, "this terminal has no keypad", http.StatusNotFound)
			return
		}
		if status, why := refusesTyped(r); status != 0 {
			http.Error(w, why, status)
			return
		}
		e, err := readTyped[entry](w, r, keypadBodyMax)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// The customer sees the time of the payment run; nothing here waits longer than a slow hash.
		ctx, cancel := context.WithTimeout(r.Context(), 8*time.Second)
		defer cancel()
		switch err := take(ctx, e); {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, ErrWrongPIN):
			http.Error(w, "wrong PIN", http.StatusUnprocessableEntity)
		default:
			s.log.Warn("screen: what was typed could not be taken", "err", err)
			http.Error(w, "not taken", http.StatusConflict)
		}
	}
}

func (s *Server) enterPIN(ctx context.Context, e entry) error {
	if e.PIN == "" || len(e.PIN) > pinMax || strings.Trim(e.PIN, "0123456789") != "" {
		return errors.New("not 1 to 12 digits")
	}
	v, _ := s.current()
	if v.State != EnterPIN || e.Asked == "" || v.Asked != e.Asked || v.Number != e.Number {
		return errors.New("no PIN is asked for, or for another payment")
	}
	if v.Number {
		return s.opt.Keypad.EnterNumber(ctx, e.Asked, e.PIN)
	}
	return s.opt.Keypad.EnterPIN(ctx, e.Asked, e.PIN)
}

func (s *Server) cancelPIN(ctx context.Context, e entry) error {
	if v, _ := s.current(); v.State != EnterPIN || e.Asked == "" || v.Asked != e.Asked {
		return errors.New("the payment is not running any more")
	}
	return s.opt.Keypad.Cancel(ctx, e.Asked)
}
