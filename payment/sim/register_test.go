package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

const tillName = "smiletill-till"

// counter is what a cash register has sent on a day, and what it was told.
type counter struct {
	desk    *desk // nil: none is open
	sent    []register.Request
	first   map[string]string // by message: its answer when it was done
	session register.Session
	refused map[string]register.Request // messages that would have moved money, and were refused

	mu    sync.Mutex
	heard []heard // since anybody listened
	shown int     // texts on the customer's page
}

// heard is an answer.
type heard struct {
	message register.Request
	text    string
	refused bool // the message had been refused before it was sent
}

// desk is what answers registers from one start of the terminal to the next. Its file is not on the simulated
// disk, and outlives each start as it was.
type desk struct {
	records *register.Records
	server  http.Handler
	stop    context.CancelFunc
	ctx     context.Context
	waiting sync.WaitGroup
}

// books adds up the journal, as the glue in cmd does.
type books struct{ j *journal.Journal }

func (b books) Last(ctx context.Context) (int64, error) { return b.j.Last(ctx) }

func (b books) Sums(ctx context.Context, after, upto int64) ([]register.Sum, error) {
	days, err := b.j.Totals(ctx, journal.Range{After: after, Upto: upto}, time.UTC)
	sums := make([]register.Sum, 0, len(days))
	for _, one := range days {
		sums = append(sums, register.Sum{Result: one.Result, Count: one.Count,
			Amount: payment.Amount{Minor: one.Minor, Currency: one.Currency}})
	}
	return sums, err
}

// openDesk opens what registers asked for, if the journal can say how much time has passed.
func (d *day) openDesk() *desk {
	if d.counter.desk != nil {
		return d.counter.desk
	}
	l := d.life
	r, err := register.OpenRecords(d.t.Context(), filepath.Join(d.root, "register.db"), l.journal.Elapsed)
	if err != nil {
		d.note("registers are not served: %v", err)
		return nil
	}
	till := &register.Till{Engine: l.engine, Journal: l.journal, Books: books{l.journal}, Records: r,
		Limit: payment.Amount{Minor: 1000, Currency: "EUR"}}
	one := &desk{records: r, server: register.NewServer(register.Options{
		POIID: tillName, Version: "1", Zone: time.UTC, Rand: zero{},
		Till:     func() (*register.Till, error) { return till, nil },
		Pairings: func() (register.Pairings, error) { return nil, nil },
		Health:   func(context.Context) register.Health { return register.Health{} },
		Display: func([]string, time.Duration) {
			d.counter.mu.Lock()
			defer d.counter.mu.Unlock()
			d.counter.shown++
		},
	}).Own()}
	one.ctx, one.stop = context.WithCancel(context.Background())
	d.counter.desk = one
	return one
}

// closeDesk ends what registers wait for.
func (d *day) closeDesk() {
	one := d.counter.desk
	if one == nil {
		return
	}
	one.stop()
	one.waiting.Wait()
	d.counter.desk = nil
	for key, q := range d.counter.refused { // what could not be noted is forgotten with the process
		if rec, known, err := one.records.Known(context.Background(), q.Header); err != nil || !known ||
			rec.Refused == nil {
			delete(d.counter.refused, key)
		}
	}
	if err := one.records.Close(); err != nil {
		d.t.Error(err)
	}
}

// message has the register send something: new, or what it has sent before.
func (d *day) message() {
	one := d.openDesk()
	if one == nil {
		return
	}
	c := &d.counter
	q := register.Request{}
	if len(c.sent) > 0 && d.chance(50) {
		q = c.sent[d.r.IntN(len(c.sent))]
		if again := slices.Sorted(maps.Keys(c.refused)); len(again) > 0 && d.chance(50) {
			q = c.refused[again[d.r.IntN(len(again))]]
		}
		d.note("again: %s", nameOf(q))
	} else {
		q = d.newMessage(fmt.Sprint("m", len(c.sent)))
		c.sent = append(c.sent, q)
		d.note("register: %s", nameOf(q))
	}
	_, refused := c.refused[nameOf(q)]
	one.waiting.Go(func() {
		if text, ok := one.ask(q); ok {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.heard = append(c.heard, heard{q, text, refused})
			if reply, ok := replyIn(text); ok && reply != nil && isRefused(reply) {
				c.refused[nameOf(q)] = q // now: the desk may be closing, and forget what it could not note
			}
		}
	})
	synctest.Wait()
	d.listen()
	d.holds(one)
}

func nameOf(q register.Request) string {
	return string(q.Header.MessageCategory) + " " + q.Header.ServiceID
}

// ask has a message answered; not ok: the register has hung up.
func (o *desk) ask(q register.Request) (text string, ok bool) {
	body, err := json.Marshal(map[string]any{"SaleToPOIRequest": q})
	if err != nil {
		panic(err)
	}
	defer func() {
		if caught := recover(); caught != nil && caught != http.ErrAbortHandler {
			panic(caught)
		}
	}()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/nexo", strings.NewReader(string(body)))
	o.server.ServeHTTP(w, r.WithContext(o.ctx))
	return w.Body.String(), true
}

// newMessage is one of each kind that changes something.
func (d *day) newMessage(service string) register.Request {
	q := register.Request{Header: register.Header{ProtocolVersion: "3.0", MessageClass: "Service",
		MessageType: "Request", ServiceID: service, SaleID: "Counter 1", POIID: tillName}}
	h := &q.Header
	switch d.r.IntN(8) {
	case 0:
		h.MessageCategory = register.CategoryLogin
		q.Login = &register.LoginRequest{DateTime: "2026-03-01T10:11:12Z", OperatorLanguage: "en"}
	case 1:
		h.MessageCategory = register.CategoryLogout
		q.Logout = &register.LogoutRequest{}
	case 2:
		h.MessageCategory = register.CategoryDisplay
		q.Display = &register.DisplayRequest{Outputs: []register.DisplayOutput{{Device: "CustomerDisplay",
			Content: register.OutputContent{Format: "Text", Text: []register.OutputText{{Text: "two for one"}}}}}}
	case 3:
		h.MessageCategory = register.CategoryReconciliation
		q.Reconciliation = &register.ReconciliationRequest{Type: "SaleReconciliation"}
	case 4:
		h.MessageCategory = register.CategoryReversal
		q.Reversal = &register.ReversalRequest{Reason: "CustCancel", Amount: "0.10"}
		q.Reversal.Original.POITransactionID.TransactionID = fmt.Sprint("p", d.r.IntN(30))
	case 5:
		h.MessageCategory = register.CategoryAbort
		q.Abort = &register.AbortRequest{Reason: "MerchantAbort", Reference: register.MessageReference{
			ServiceID: fmt.Sprint("m", d.r.IntN(len(d.counter.sent)+1))}}
	default:
		h.MessageCategory = register.CategoryPayment
		amount := payment.Amount{Minor: 1 + d.r.Int64N(400), Currency: "EUR"}
		q.Payment = &register.PaymentRequest{SaleData: json.RawMessage(
			`{"SaleTransactionID":{"TransactionID":"` + service + `","TimeStamp":"2026-03-01T10:11:12Z"}}`)}
		q.Payment.Transaction.Amounts = register.AmountsReq{Currency: "EUR",
			RequestedAmount: json.Number(amount.Decimal())}
		id := register.PaymentID(*h, register.TransactionID{TransactionID: service,
			TimeStamp: "2026-03-01T10:11:12Z"})
		d.asked[id] = payment.Request{ID: id, Amount: amount, Reference: service}
		d.faces[id] = &visit{}
	}
	return q
}

// listen holds what came as answers against what was answered before.
func (d *day) listen() {
	c := &d.counter
	c.mu.Lock()
	all := c.heard
	c.heard = nil
	c.mu.Unlock()
	for _, h := range all {
		reply, ok := replyIn(h.text)
		if !ok {
			d.fail("%s is answered %s", nameOf(h.message), h.text)
		}
		key := nameOf(h.message)
		if reply == nil || !done(reply) {
			continue // an abort, or it was refused
		}
		before, again := c.first[key]
		moves := reply.Payment != nil || reply.Reversal != nil
		switch {
		case moves && h.refused:
			d.fail("%s was refused, and is done when it is sent again", key)
		case again && moves:
			d.fail("%s: a second success for one message", key)
		case again && before != h.text:
			d.fail("%s is answered %s, and was %s", key, h.text, before)
		case again:
			continue
		}
		c.first[key] = h.text
		switch {
		case reply.Payment != nil:
			d.learn(payment.Payment{ID: reply.Payment.POIData.TransactionID.TransactionID,
				State: payment.StateApproved})
		case reply.Login != nil:
			c.session = register.LoggedIn
		case reply.Logout != nil:
			c.session = register.LoggedOff
		}
	}
}

// replyIn reads an answer; an abort has none.
func replyIn(text string) (reply *register.Reply, ok bool) {
	if text == "" {
		return nil, true
	}
	var m struct {
		Reply *register.Reply `json:"SaleToPOIResponse"`
	}
	err := json.Unmarshal([]byte(text), &m)
	return m.Reply, err == nil && m.Reply != nil
}

// isRefused tells a definite refusal of a message that would have moved money: nothing comes of it any more.
func isRefused(r *register.Reply) bool {
	answer := answered(r)
	return (r.Payment != nil || r.Reversal != nil) && answer.Result == register.Failure &&
		answer.ErrorCondition != register.InProgress && answer.ErrorCondition != register.Busy
}

// done tells a reply to what was done.
func done(r *register.Reply) bool { return answered(r).Result == register.Success }

// answered is the response in a reply to what changes something.
func answered(r *register.Reply) (answer register.Response) {
	switch {
	case r.Payment != nil:
		answer = r.Payment.Response
	case r.Reversal != nil:
		answer = r.Reversal.Response
	case r.Login != nil:
		answer = r.Login.Response
	case r.Logout != nil:
		answer = r.Logout.Response
	case r.Reconciliation != nil:
		answer = r.Reconciliation.Response
	case r.Display != nil:
		answer = r.Display.Results[0].Response
	}
	return answer
}

// holds wants each message that changes something to have done so once, and to be known.
func (d *day) holds(one *desk) {
	ctx, c := context.Background(), &d.counter
	known := map[register.Category]int{}
	for _, q := range c.sent {
		_, noted, err := one.records.Known(ctx, q.Header)
		d.must(err)
		if noted {
			known[q.Header.MessageCategory]++
		}
	}
	period, err := one.records.Current(ctx)
	d.must(err)
	if closed := int(period.Number) - 1; closed != known[register.CategoryReconciliation] {
		d.fail("%d periods were closed, for %d messages", closed, known[register.CategoryReconciliation])
	}
	c.mu.Lock()
	shown := c.shown
	c.mu.Unlock()
	if shown != known[register.CategoryDisplay] {
		d.fail("%d texts were shown, for %d messages", shown, known[register.CategoryDisplay])
	}
	in, err := one.records.LoggedIn(ctx)
	d.must(err)
	if (len(in) == 1) != (c.session == register.LoggedIn) {
		d.fail("logged in: %q, and the last message that was new says %d", in, c.session)
	}
}
