package register

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"smiletill/payment"
)

// Engine decides about payments; payment.Engine does.
type Engine interface {
	Begin(ctx context.Context, r payment.Request) (payment.Payment, error)
	Wait(ctx context.Context, id string) (payment.Payment, error)
	Cancel(ctx context.Context, id string, by payment.By) (payment.Payment, error)
	Ready(ctx context.Context) error
	Reverse(ctx context.Context, q payment.ReversalRequest) (payment.Reversal, error)
	Status(ctx context.Context) (payment.Status, error)
}

// Journal tells what is true.
type Journal interface {
	Find(ctx context.Context, id string) (payment.Payment, error)
	FindReversal(ctx context.Context, id string) (payment.Reversal, error)
}

// Books adds up the journal.
type Books interface {
	// Last is the seq of the latest fact.
	Last(ctx context.Context) (int64, error)
	// Sums adds up the facts with after < seq <= upto (0: to the end), by currency and kind.
	Sums(ctx context.Context, after, upto int64) ([]Sum, error)
}

// Sum is what came to one result in one currency.
type Sum struct {
	Result string // a terminal state of a payment, or "reversed"
	Count  int
	Amount payment.Amount
}

// Till is what takes the payments: the parts of a terminal that may be closed and opened again.
type Till struct {
	Engine  Engine
	Journal Journal
	Books   Books
	Records *Records
	Limit   payment.Amount               // the largest payment, in the one currency that is taken
	Digits  func(payment, digits string) // told the customer's, 3 to 12, once it has begun; nil: nobody
}

// Health is how the terminal does, for Diagnosis.
type Health struct {
	OutOfOrder string // why no payment can be taken; empty if it can
	Tampered   bool   // the case was opened
	Reachable  bool   // the broker, through which reports go, is reached
	Cloud      bool   // the cloud itself has acknowledged what was reported, and is not silent
	Unreported int    // reports that the cloud has not acknowledged
}

// Options of a Server. Till, Pairings and Health are needed.
type Options struct {
	POIID    string // this terminal's name in messages: "MODEL-SERIAL"
	Merchant string // the merchant's name, on receipts
	Tenant   string // MerchantID and AcquirerID
	Site     string // storeId of Diagnosis
	Version  string // of the program

	Till func() (*Till, error) // the parts, or why there are none
	// Pairings gives the registers that may come from another machine; an error: they can't be read.
	Pairings func() (Pairings, error)
	Health   func(context.Context) Health
	Display  func(lines []string, long time.Duration) // shows text on the customer's page; nil: there is none

	// Plain takes messages that nobody sealed from any program on this machine, whichever user's it is.
	Plain bool

	Zone *time.Location // of receipts; default local time
	Rand io.Reader      // default crypto/rand
	Log  *slog.Logger   // default none
}

// Server answers a register's messages. It is an http.Handler for the paths /nexo and /nexo/.
type Server struct {
	opt   Options
	log   *slog.Logger
	until time.Duration // how long a register is kept waiting for the end of a payment

	refused refused // messages that could not be noted

	mu     sync.Mutex
	claims map[string]bool // messages that are being worked on
	events uint64          // DeviceIDs of notifications
}

const (
	// waitMax is how long a register is kept waiting: a payment and its PIN may take 5 minutes each.
	waitMax = 11 * time.Minute
	// beginMax is how long opening a payment may take: a slow card's fsync, twice.
	beginMax = 15 * time.Second
)

// NewServer gives a Server.
func NewServer(o Options) *Server {
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	return &Server{opt: o, log: o.Log, until: waitMax, claims: map[string]bool{}}
}

// ServeHTTP answers one message. Whatever is JSON over POST is answered with 200 and a message of the
// protocol, errors included; 4xx is for what isn't the protocol at all.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.handle(w, r, way{plain: s.opt.Plain && fromHere(r.RemoteAddr)})
}

// handle answers one message.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, by way) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch {
	case r.URL.Path != "/nexo" && r.URL.Path != "/nexo/":
		http.Error(w, "registers POST to /nexo", http.StatusNotFound)
		return
	case fromWebPage(r):
		http.Error(w, "messages of web pages are refused, by fetch or form: let a program send them, "+
			"the register's own or its server's", http.StatusForbidden)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "send messages by POST", http.StatusMethodNotAllowed)
		return
	case !asItIs(r.Header):
		w.Header().Set("Accept-Encoding", "identity")
		http.Error(w, "send messages as they are, without Content-Encoding", http.StatusUnsupportedMediaType)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout)) // not every ResponseWriter can: tests' recorders
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BodyMax))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		http.Error(w, fmt.Sprintf("a message has at most %d bytes", BodyMax), http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		http.Error(w, "the message did not arrive in time", http.StatusRequestTimeout)
		return
	}
	_ = control.SetReadDeadline(time.Time{}) // as above
	served := enter(r.Context())
	defer served()
	answer := s.answer(r.Context(), body, by)
	if r.Context().Err() != nil {
		// The register has gone; what was decided is in the journal. An empty answer, which would be an
		// Abort's, must not reach it in the last moment.
		panic(http.ErrAbortHandler)
	}
	_ = control.SetWriteDeadline(time.Now().Add(bodyTimeout)) // as above
	if answer == nil {
		return // Abort: 200 without a body
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // query strings stay readable
	if err := e.Encode(answer); err != nil {
		s.log.Warn("an answer did not reach the register", "err", err)
	}
}

// fromWebPage reports a request, or the question whether one would be taken, that a web page has a browser
// make: one that somebody opens on this machine must not be able to charge or give back. Sec-Fetch-Site: none
// is no page's, and programs that are built of a browser's parts send it.
func fromWebPage(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || r.Header.Get("Access-Control-Request-Method") != "" ||
		site != "" && site != "none"
}

// asItIs reports a body that was not compressed.
func asItIs(h http.Header) bool {
	coding := strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ","))
	return coding == "" || strings.EqualFold(coding, "identity")
}

// fromHere reports whether an address is of this machine.
func fromHere(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// answer gives the message that answers a body, or nil where the protocol wants none.
func (s *Server) answer(ctx context.Context, body []byte, by way) *message {
	q, err := parse(body)
	if q == nil {
		return s.reject(Header{}, body, err)
	}
	outer := q.Header
	var key *Key
	if q.SecurityTrailer != nil || q.NexoBlob != "" {
		inner, opener, sealErr := s.unseal(q)
		if err == nil {
			err = sealErr
		}
		if opener == nil {
			return s.reject(outer, body, err)
		}
		q, key = inner, opener
	} else if !by.plain {
		return s.reject(outer, body, payment.WithHint(
			fmt.Errorf("%w: a message must be encrypted here", ErrMessage),
			"pair the register (smiletill register pair NAME) and have it encrypt; programs on this machine may send "+
				"plain messages where register.plain = true allows it to every user of the machine"))
	}
	q.from = sender{own: by.own}
	if key != nil {
		q.from.key = key.ID
	}
	header := q.Header.response(s.opt.POIID)
	q.compose()
	if err == nil {
		err = q.Header.check()
	}
	var reply *Reply
	if err == nil {
		reply, err = s.dispatch(ctx, q)
	}
	if err != nil {
		s.log.Warn("a register's message was refused", "sale", q.Header.SaleID, "category",
			q.Header.MessageCategory, "err", err)
		reply = s.failed(q, err)
	}
	switch {
	case err != nil && reply == nil && key == nil:
		return s.reject(header, body, err)
	case err != nil && reply == nil:
		reply = &Reply{Event: &EventNotification{TimeStamp: stamp(time.Now()), Event: "Reject",
			Details: "message=" + url.QueryEscape(textOf(err))}}
	case reply == nil:
		return nil
	}
	reply.Header = header
	if key != nil {
		sealed, err := key.sealReply(*reply, s.opt.Rand)
		if err != nil {
			s.log.Error("an answer could not be sealed", "err", err)
			return s.reject(outer, body, err)
		}
		reply = &sealed
	}
	return &message{Reply: reply}
}

// unseal opens a sealed request with the key that it names. The key comes with what it opened, even if that
// can't be met as it is: the answer then is sealed too.
func (s *Server) unseal(q *Request) (*Request, *Key, error) {
	if q.SecurityTrailer == nil || q.NexoBlob == "" {
		return nil, nil, fmt.Errorf("%w: NexoBlob and SecurityTrailer come together", ErrMessage)
	}
	t := q.SecurityTrailer
	pairings, err := s.opt.Pairings()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the registers' keys can't be read: %w", ErrSealed, err)
	}
	key := pairings.Key(t.KeyIdentifier, t.KeyVersion)
	if key == nil {
		return nil, nil, payment.WithHint(
			fmt.Errorf("%w: no register is paired with key %.40q, version %d", ErrSealed, t.KeyIdentifier,
				t.KeyVersion),
			"smiletill register list shows the keys; smiletill register pair NAME makes one")
	}
	opened, err := key.openRequest(q)
	if opened == nil {
		s.log.Warn("a register's message can't be opened", "key", t.KeyIdentifier, "version", t.KeyVersion, "err",
			err)
		return nil, nil, err
	}
	return opened, key, err
}

// dispatch answers a request by its category. Errors are ErrMessage.
func (s *Server) dispatch(ctx context.Context, q *Request) (*Reply, error) {
	missing := func() error {
		name := string(q.Header.MessageCategory) + "Request"
		return &fieldError{path: name, what: "it is missing", send: "send an object of that name"}
	}
	switch q.Header.MessageCategory {
	case CategoryPayment:
		if q.Payment == nil {
			return nil, missing()
		}
		return &Reply{Payment: s.pay(ctx, q)}, nil
	case CategoryAbort:
		if q.Abort == nil {
			return nil, missing()
		}
		if q.Abort.Reference.ServiceID == "" {
			return nil, &fieldError{path: "AbortRequest.MessageReference.ServiceID", what: "it is missing",
				send: "send the Payment's"}
		}
		s.abort(ctx, q)
		return nil, nil
	case CategoryTransactionStatus:
		if q.TransactionStatus == nil {
			return nil, missing()
		}
		return &Reply{TransactionStatus: s.status(ctx, q)}, nil
	case CategoryReversal:
		if q.Reversal == nil {
			return nil, missing()
		}
		return &Reply{Reversal: s.reverse(ctx, q)}, nil
	case CategoryDiagnosis:
		return &Reply{Diagnosis: s.diagnose(ctx, q)}, nil
	case CategoryLogin:
		if q.Login == nil {
			return nil, missing()
		}
		return &Reply{Login: s.login(ctx, q)}, nil
	case CategoryLogout:
		return &Reply{Logout: s.logout(ctx, q)}, nil
	case CategoryGetTotals:
		return &Reply{GetTotals: s.totals(ctx, q)}, nil
	case CategoryReconciliation:
		if q.Reconciliation == nil || q.Reconciliation.Type == "" {
			return nil, &fieldError{path: "ReconciliationRequest.ReconciliationType", what: "it is missing",
				send: "send SaleReconciliation"}
		}
		return &Reply{Reconciliation: s.reconcile(ctx, q)}, nil
	case CategoryDisplay:
		if q.Display == nil || len(q.Display.Outputs) == 0 {
			return nil, missing()
		}
		return &Reply{Display: s.display(ctx, q)}, nil
	case CategoryEvent:
	}
	return nil, &fieldError{path: "MessageHeader.MessageCategory",
		what: quoted(string(q.Header.MessageCategory)),
		send: "send Payment, Abort, TransactionStatus, Reversal, Diagnosis, Login, Logout, GetTotals, " +
			"Reconciliation or Display"}
}

// reject is the protocol's answer to what can't be answered: an event with the reason and the message itself.
func (s *Server) reject(h Header, body []byte, why error) *message {
	s.log.Warn("a register's message was rejected", "sale", h.SaleID, "err", why)
	n := s.notification("Reject", "message="+url.QueryEscape(textOf(why)), h.SaleID)
	n.Request.Event.Rejected = base64.StdEncoding.EncodeToString(body)
	return n
}

// notification is an event of this terminal's.
func (s *Server) notification(event, details, saleID string) *message {
	s.mu.Lock()
	s.events++
	n := s.events
	s.mu.Unlock()
	return &message{Request: &Request{
		Header: Header{ProtocolVersion: protocolVersion, MessageClass: classEvent, MessageCategory: CategoryEvent,
			MessageType: "Notification", DeviceID: strconv.FormatUint(n%1e10, 10), SaleID: saleID,
			POIID: s.opt.POIID},
		Event: &EventNotification{TimeStamp: stamp(time.Now()), Event: event, Details: details},
	}}
}

// textOf is an error for a register's people: what is wrong, and what to do.
func textOf(err error) string {
	text := err.Error()
	if hint := hintOf(err); hint != "" {
		text += "; " + hint
	}
	return oneLine(text)
}

// hintOf is the advice of the outermost error that carries one, or "".
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
