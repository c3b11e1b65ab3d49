package screen

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
)

const (
	counterBodyMax = 1 << 10
	counterRecent  = 20
	// counterPatience is for a slow hash or a slow disk; what takes longer is asked for again.
	counterPatience = 8 * time.Second
)

// routeCounter adds the counter's page.
func (s *Server) routeCounter(mux *http.ServeMux) {
	mux.HandleFunc("GET /counter", s.serveCounter)
	mux.HandleFunc("GET /counter/desk", s.counterRead(s.desk))
	mux.HandleFunc("GET /counter/payments", s.counterRead(s.recent))
	mux.HandleFunc("POST /counter/unlock", s.serveUnlock)
	mux.HandleFunc("POST /counter/lock", s.serveLock)
	mux.HandleFunc("POST /counter/stay", counterWrite(s, s.stay))
	mux.HandleFunc("POST /counter/pay", counterWrite(s, s.pay))
	mux.HandleFunc("POST /counter/cancel", counterWrite(s, s.cancel))
	mux.HandleFunc("POST /counter/confirm", counterWrite(s, s.confirm))
	mux.HandleFunc("POST /counter/reverse", counterWrite(s, s.reverse))
	s.routeShop(mux)
	s.routeCustomers(mux)
	s.routeClerks(mux)
}

// serveCounter gives the page itself, which holds nothing that a PIN protects.
func (s *Server) serveCounter(w http.ResponseWriter, r *http.Request) {
	if s.noCounter(w) {
		return
	}
	if clearText(r) {
		http.Error(w, whyClearText, http.StatusForbidden)
		return
	}
	v, _ := s.current()
	lang := s.language(r, v)
	s.render(w, "counter.html", map[string]any{
		"Lang": lang, "Version": s.version, "M": s.words[lang], "Words": s.words.counter(lang),
		"Merchant": v.Merchant, "Terminal": v.Terminal,
	})
}

func (s *Server) noCounter(w http.ResponseWriter) bool {
	if s.opt.Counter == nil {
		http.Error(w, "this terminal has no counter's page", http.StatusNotFound)
	}
	return s.opt.Counter == nil
}

// lockMessage tells a browser without a session how it gets one.
type lockMessage struct {
	Lock    string  `json:"lock"`              // "pin", "off", "wait" or "fault"
	Name    bool    `json:"name,omitempty"`    // with "pin": a name has to come with it
	Unnamed bool    `json:"unnamed,omitempty"` // and name: or none, of the PIN that has none
	LeftS   int64   `json:"left_s,omitempty"`  // seconds, with "wait"
	Why     Refusal `json:"why,omitempty"`     // with "fault"
	What    string  `json:"what,omitempty"`    // with "fault"
	Do      string  `json:"do,omitempty"`
	Version string  `json:"version"`
}

type errorMessage struct {
	Why  Refusal `json:"why,omitempty"`
	What string  `json:"what"`
	Do   string  `json:"do"`
	Open bool    `json:"open"`
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a reader that has gone needs no answer
}

// replyError writes what a Counter says against a request.
func (s *Server) replyError(w http.ResponseWriter, err error) {
	var told *CounterError
	if errors.As(err, &told) {
		reply(w, http.StatusConflict, errorMessage(*told))
		return
	}
	s.log.Warn("screen: the counter's request could not be done", "err", err)
	reply(w, http.StatusInternalServerError, errorMessage{Open: true})
}

// replyLocked says why nothing is told or done: err is the Counter's own word on its lock.
func (s *Server) replyLocked(w http.ResponseWriter, status int, err error) {
	m := lockMessage{Lock: "pin", Version: s.version}
	var locked *CounterLocked
	var told *CounterError
	switch {
	case err == nil, errors.Is(err, ErrWrongPIN):
	case errors.Is(err, ErrCounterOff):
		m.Lock = "off"
	case errors.Is(err, ErrCounterName):
		m.Name = true
	case errors.Is(err, ErrCounterNames):
		m.Name, m.Unnamed = true, true
	case errors.As(err, &locked):
		m.Lock, m.LeftS = "wait", int64(math.Ceil(locked.Left.Seconds()))
	case errors.As(err, &told):
		m.Lock, m.Why, m.What, m.Do = "fault", told.Why, told.What, told.Do
	default:
		s.log.Warn("screen: the clerk's PIN could not be looked at", "err", err)
		m.Lock = "fault"
	}
	reply(w, status, m)
}

// unlocked reports whether a request shows an open session, and gives its context with the clerk; if not, it
// is answered.
func (s *Server) unlocked(w http.ResponseWriter, r *http.Request, use bool) (context.Context, bool) {
	if clerk, ok := s.sessions.holds(tokenOf(r), use); ok {
		hash := sha256.Sum256([]byte(tokenOf(r)))
		open := func() bool { return s.sessions.stands(hash) }
		return context.WithValue(WithClerk(r.Context(), clerk), openKey{}, open), true
	}
	ctx, cancel := context.WithTimeout(r.Context(), counterPatience)
	defer cancel()
	s.replyLocked(w, http.StatusUnauthorized, s.opt.Counter.Ready(ctx))
	return nil, false
}

// counterRead serves what an unlocked page asks for again and again: that is not use of it.
func (s *Server) counterRead(read func(context.Context, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.noCounter(w) {
			return
		}
		if status, why := refusesSecret(r); status != 0 {
			http.Error(w, why, status)
			return
		}
		ctx, ok := s.unlocked(w, r, false)
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, counterPatience)
		defer cancel()
		v, err := read(ctx, r)
		if err != nil {
			s.replyError(w, err)
			return
		}
		give(w, v)
	}
}

// counterWrite serves what a clerk does on an unlocked page.
func counterWrite[T any](s *Server, do func(context.Context, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.noCounter(w) {
			return
		}
		if status, why := refusesTyped(r); status != 0 {
			http.Error(w, why, status)
			return
		}
		ctx, ok := s.unlocked(w, r, true)
		if !ok {
			return
		}
		q, err := readTyped[T](w, r, counterBodyMax)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// What was begun is done, whether or not the browser waits for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), counterPatience)
		defer cancel()
		v, err := do(ctx, q)
		if err != nil {
			s.replyError(w, err)
			return
		}
		reply(w, http.StatusOK, v)
	}
}

// serveUnlock takes the clerk's PIN and opens a session.
func (s *Server) serveUnlock(w http.ResponseWriter, r *http.Request) {
	if s.noCounter(w) {
		return
	}
	if status, why := refusesTyped(r); status != 0 {
		http.Error(w, why, status)
		return
	}
	q, err := readTyped[struct {
		Name string `json:"name"` // of a page that asks for one
		PIN  string `json:"pin"`
	}](w, r, counterBodyMax)
	if err == nil && (q.PIN == "" || len(q.PIN) > pinMax || strings.Trim(q.PIN, "0123456789") != "") {
		err = errors.New("not 1 to 12 digits")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), counterPatience)
	defer cancel()
	epoch := s.sessions.now()
	clerk, err := s.opt.Counter.Unlock(ctx, q.Name, q.PIN)
	if err != nil {
		s.replyLocked(w, http.StatusUnprocessableEntity, err)
		return
	}
	token, ok := s.sessions.begin(epoch, clerk)
	if !ok {
		s.replyLocked(w, http.StatusUnprocessableEntity, ErrWrongPIN)
		return
	}
	s.sessions.end(tokenOf(r)) // what this browser had before
	setToken(w, r, token)
	reply(w, http.StatusOK, struct{}{})
}

// serveLock ends a browser's session, if it has one.
func (s *Server) serveLock(w http.ResponseWriter, r *http.Request) {
	if s.noCounter(w) {
		return
	}
	if status, why := refusesTyped(r); status != 0 {
		http.Error(w, why, status)
		return
	}
	s.sessions.end(tokenOf(r))
	setToken(w, r, "")
	reply(w, http.StatusOK, nothing{})
}

type nothing struct{}

// stay is what the page sends while somebody types on it: that is use.
func (s *Server) stay(context.Context, nothing) (any, error) { return nothing{}, nil }

// deskMessage is where the till stands.
type deskMessage struct {
	Version  string          `json:"version"`
	Currency string          `json:"currency"`
	Decimals int             `json:"decimals"`
	Trouble  *errorMessage   `json:"trouble,omitempty"` // no payment can be taken
	Running  *paymentMessage `json:"running,omitempty"`
	Payment  *paymentMessage `json:"payment,omitempty"` // the one that was asked for
	Unknown  bool            `json:"unknown,omitempty"` // it never began
	Doubt    *errorMessage   `json:"doubt,omitempty"`   // it can't be told

	// For a page that was just opened: the end of a payment that no page has confirmed, and whether there may
	// be more.
	Unconfirmed *paymentMessage  `json:"unconfirmed,omitempty"`
	Reversal    *reversalMessage `json:"reversal,omitempty"`
	More        bool             `json:"more,omitempty"`
}

type paymentMessage struct {
	ID        string      `json:"id"`
	Reference string      `json:"reference,omitempty"`
	At        string      `json:"at"` // RFC 3339
	AtUnsure  bool        `json:"at_unsure,omitempty"`
	Amount    string      `json:"amount"`
	Currency  string      `json:"currency"`
	State     State       `json:"state"`
	Reason    Reason      `json:"reason,omitempty"`
	Ended     bool        `json:"ended"`
	Advice    Instruction `json:"advice,omitempty"` // what the terminal asks the customer for
	LeftMS    int64       `json:"left_ms"`          // -1: no deadline
	Returned  string      `json:"returned,omitempty"`
	Left      string      `json:"left,omitempty"`
	Report    Report      `json:"report,omitempty"`
}

func (s *Server) payment(p CounterPayment) *paymentMessage {
	m := &paymentMessage{ID: p.ID, Reference: p.Reference, At: p.At.UTC().Format(time.RFC3339),
		AtUnsure: p.AtUnsure, Amount: p.Amount, Currency: p.Currency, State: p.State, Reason: p.Reason,
		Ended: p.State.result(), LeftMS: -1, Returned: p.Returned, Left: p.Left, Report: p.Report}
	if m.Ended {
		return m
	}
	if !p.Deadline.IsZero() {
		m.LeftMS = max(0, time.Until(p.Deadline).Milliseconds())
	}
	v, _ := s.current()
	if v.State.paying() && v.State != EnterPIN && p.State != EnterPIN && v.Amount == p.Amount {
		m.Advice = v.Instruction
	}
	return m
}

func (s *Server) desk(ctx context.Context, r *http.Request) (any, error) {
	m := deskMessage{Version: s.version}
	var told *CounterError
	state, err := s.opt.Counter.Till(ctx)
	switch {
	case errors.As(err, &told):
		m.Trouble = &errorMessage{Why: told.Why, What: told.What, Do: told.Do}
	case err != nil:
		return nil, fmt.Errorf("ask the till: %w", err)
	default:
		m.Currency, m.Decimals = state.Currency, state.Decimals
		if state.Running != nil {
			m.Running = s.payment(*state.Running)
		}
	}
	switch v, _ := s.current(); v.State {
	case starting:
		m.Trouble = &errorMessage{}
	case OutOfOrder:
		m.Trouble = &errorMessage{What: v.Detail.What, Do: v.Detail.Do}
	default:
	}
	id := r.URL.Query().Get("id")
	if r.URL.Query().Get("unconfirmed") != "" {
		s.tellUnconfirmed(ctx, &m, id)
		s.tellReversal(ctx, &m)
	}
	if id == "" {
		return m, nil
	}
	s.followers.note(id)
	p, err := s.opt.Counter.Payment(ctx, id)
	switch {
	case err == nil:
		m.Payment = s.payment(p)
	case errors.Is(err, ErrCounterUnknown):
		m.Unknown = true
	case errors.As(err, &told):
		m.Doubt = &errorMessage{Why: told.Why, What: told.What, Do: told.Do}
	default:
		return nil, fmt.Errorf("ask for payment %s: %w", id, err)
	}
	return m, nil
}

func (s *Server) recent(ctx context.Context, _ *http.Request) (any, error) {
	all, err := s.opt.Counter.Recent(ctx, counterRecent)
	if err != nil {
		return nil, err
	}
	payments := make([]*paymentMessage, 0, len(all))
	for _, p := range all {
		payments = append(payments, s.payment(p))
	}
	return map[string]any{"payments": payments}, nil
}

type payEntry struct {
	ID     string `json:"id"`
	Amount string `json:"amount"`
}

func (s *Server) cancel(ctx context.Context, q struct {
	ID string `json:"id"`
}) (any, error) {
	p, err := s.opt.Counter.Cancel(ctx, q.ID)
	if err != nil {
		return nil, err
	}
	return s.payment(p), nil
}

type reverseEntry struct {
	ID      string `json:"id"`
	Payment string `json:"payment"`
	Amount  string `json:"amount"`
	Reason  string `json:"reason"`
}
