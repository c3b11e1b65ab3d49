package register_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// TestShopDays plays days that a seed decides: a register that pays, gives back, asks, logs in and out,
// closes periods, writes on the customer's page, aborts, repeats each kind of message and loses its
// connection in any order, a till that is restarted at any moment, and records that are lost. REGISTER_SEED=n
// repeats one, REGISTER_DAYS=n plays that many from there on.
func TestShopDays(t *testing.T) {
	setting := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	first, days := uint64(time.Now().UnixNano()), uint64(12)
	if os.Getenv("REGISTER_SEED") != "" {
		first, days = setting("REGISTER_SEED", 0), 1
	}
	var failed atomic.Bool
	for i := range setting("REGISTER_DAYS", days) {
		seed := first + i
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			if failed.Load() {
				t.Skip("another day has failed")
			}
			defer func() {
				if t.Failed() {
					failed.Store(true)
				}
			}()
			playDay(t, seed)
		})
	}
}

// day is what the registers of a day know.
type day struct {
	*desk
	seed     uint64
	rng      *rand.Rand
	messages []register.Request          // payments and reversals that were sent
	told     map[string]register.Result  // by ServiceID: what a register was told in the end
	paid     map[string]payment.Amount   // by payment's id
	owner    map[string]register.Request // the payment message of an id
	back     map[string]int              // by payment's id: how many messages asked for money back
	cut      []<-chan answered
	changes  changes
}

func playDay(t *testing.T, seed uint64) {
	d := &day{desk: newDesk(t), seed: seed, rng: rand.New(rand.NewPCG(seed, 1)),
		told: map[string]register.Result{},
		paid: map[string]payment.Amount{}, owner: map[string]register.Request{}, back: map[string]int{},
		changes: changes{period: 1}}
	for step := range 70 {
		switch n := d.rng.IntN(26); {
		case n < 6:
			d.newPayment(step)
		case n < 10:
			d.repeat()
		case n < 13:
			d.giveBack(step)
		case n < 16:
			d.ask()
		case n < 18:
			d.act()
		case n < 19:
			d.reopen()
		case n < 22:
			d.change(step)
		case n < 25:
			d.repeatChange()
		default:
			d.loseRecords()
		}
		d.check(step)
	}
	d.act()
	for _, c := range d.cut {
		<-c
	}
	d.check(70)
	d.changed()
}

// deliver sends a message; if a payment comes of it something is done about it, or the connection is lost.
func (d *day) deliver(q register.Request) {
	d.t.Helper()
	before, err := d.engine.Status(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	answers := make(chan answered, 1)
	go func() {
		reply, err := d.client().Send(ctx, q)
		answers <- answered{reply, err}
	}()
	for {
		select {
		case a := <-answers:
			cancel()
			d.hear(q, a)
			return
		case <-time.After(3 * time.Millisecond):
		}
		s, err := d.engine.Status(context.Background())
		if err != nil {
			d.t.Fatal(err)
		}
		if s.Payment.ID == "" || s.Payment.ID == before.Payment.ID || s.Payment.State.Terminal() {
			continue
		}
		if d.rng.IntN(3) == 0 { // the register's connection dies; the payment goes on
			cancel()
			<-answers
			return
		}
		d.act()
	}
}

// hear holds an answer against what was told before.
func (d *day) hear(q register.Request, a answered) {
	d.t.Helper()
	if a.err != nil {
		d.t.Fatal(a.err)
	}
	key, r := q.Header.ServiceID, register.Response{}
	switch {
	case a.reply.Payment != nil:
		r = a.reply.Payment.Response
	case a.reply.Reversal != nil:
		r = a.reply.Reversal.Response
	}
	if r.Result == register.Success {
		if d.told[key] == register.Success {
			d.t.Errorf("seed %d: %s: a second success for one message", d.seed, key)
		}
		d.told[key] = register.Success
	}
}

func (d *day) newPayment(step int) {
	q := paymentOf(fmt.Sprintf("p%d", step), fmt.Sprintf("t%d", step), fmt.Sprintf("%d.%02d", d.rng.IntN(40),
		1+d.rng.IntN(99)), "EUR")
	d.messages = append(d.messages, q)
	d.owner[idOf(q.Header.ServiceID, fmt.Sprintf("t%d", step))] = q
	d.deliver(q)
}

func (d *day) repeat() {
	if len(d.messages) > 0 {
		d.deliver(d.messages[d.rng.IntN(len(d.messages))])
	}
}

// giveBack asks for some payment's money, for a part of it more often than for all.
func (d *day) giveBack(step int) {
	if len(d.paid) == 0 {
		return
	}
	id := d.oneOf(slices.Sorted(maps.Keys(d.paid)))
	q := reversalOf(fmt.Sprintf("r%d", step), id, "")
	if d.rng.IntN(3) > 0 {
		part := 1 + d.rng.Int64N(d.paid[id].Minor)/int64(1+d.rng.IntN(4))
		q.Reversal.Amount = jsonNumber(payment.Amount{Minor: part, Currency: "EUR"})
	}
	d.messages = append(d.messages, q)
	d.back[id]++
	d.deliver(q)
}

func (d *day) oneOf(ids []string) string { return ids[d.rng.IntN(len(ids))] }

// ask has TransactionStatus tell nothing else than the journal says.
func (d *day) ask() {
	d.t.Helper()
	if len(d.owner) > 0 {
		id := d.oneOf(slices.Sorted(maps.Keys(d.owner)))
		q := d.owner[id]
		s := d.status(q.Header.ServiceID)
		p, err := d.journal.Find(context.Background(), id)
		switch {
		case s.Response.Result == register.Success:
			told := s.Repeated.Body.Payment.Response.Result == register.Success
			if told != (err == nil && p.State == payment.StateApproved) {
				d.t.Errorf("seed %d: %s: told %v, and the journal says %s %v", d.seed, q.Header.ServiceID, told, p.State,
					err)
			}
		case s.Response.ErrorCondition == register.InProgress && err == nil && p.State.Terminal():
			// it ended between the two questions
			if again := d.status(q.Header.ServiceID); again.Response.Result != register.Success {
				d.t.Errorf("seed %d: %s: in progress, and the journal says %s", d.seed, q.Header.ServiceID, p.State)
			}
		}
	}
}

// act does something about the payment that runs, if one does.
func (d *day) act() {
	d.t.Helper()
	s, err := d.engine.Status(context.Background())
	if err != nil {
		d.t.Fatal(err)
	}
	p := s.Payment
	if p.ID == "" || p.State.Terminal() {
		return
	}
	switch d.rng.IntN(6) {
	case 0:
		d.seen(p.ID, payment.Unknown{})
	case 1:
		d.seen(p.ID, payment.Cancelled{By: payment.ByCustomer})
	case 2:
		d.reopen()
	default:
		d.smiles(p)
	}
	// five strangers in a row lock the till for half a minute: this day has none so patient
	if s, err = d.engine.Status(context.Background()); err == nil && s.Payment.State == payment.StateDeclined {
		d.forgive()
	}
}

// forgive ends a row of refused faces by a payment that is approved.
func (d *day) forgive() {
	p, err := d.engine.Begin(context.Background(), payment.Request{ID: fmt.Sprintf("hand-%d", d.rng.Uint32()),
		Amount: payment.Amount{Minor: 100, Currency: "EUR"}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.smiles(p)
}

// loseRecords has the till come back without its records. Registers that heard nothing say it all again then.
func (d *day) loseRecords() {
	d.t.Helper()
	d.forget()
	d.changes = changes{period: 1, shown: d.changes.shown}
	for _, q := range d.messages[max(0, len(d.messages)-6):] {
		d.deliver(q)
	}
}

// check holds the journal against what must always be so.
func (d *day) check(step int) {
	d.t.Helper()
	all, err := d.journal.List(context.Background(), journal.Filter{State: payment.StateApproved, Limit: -1})
	if err != nil {
		d.t.Fatal(err)
	}
	approved := map[string]bool{}
	for _, e := range all {
		p := e.Payment
		if approved[p.ID] || p.Reversed > p.Amount.Minor {
			d.t.Fatalf("seed %d, step %d: %s approved twice, or %d of %v given back", d.seed, step, p.ID, p.Reversed,
				p.Amount)
		}
		// Each message has a reference of its own: however the payment is called, it is charged once.
		if p.Reference != "" && approved[p.Reference] {
			d.t.Fatalf("seed %d, step %d: %s was charged twice", d.seed, step, p.Reference)
		}
		approved[p.ID], approved[p.Reference] = true, true
		d.paid[p.ID] = p.Amount
		if q, ok := d.owner[p.ID]; ok {
			if want, err := register.Minor(q.Payment.Transaction.Amounts.RequestedAmount, "EUR"); err != nil ||
				want != p.Amount {
				d.t.Fatalf("seed %d, step %d: %s was charged %v for %v", d.seed, step, p.ID, p.Amount, want)
			}
		}
		back := int64(0)
		reversals, err := d.journal.Reversals(context.Background(), p.ID)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, r := range reversals {
			back += r.Amount.Minor
		}
		if len(reversals) > d.back[p.ID] {
			d.t.Fatalf("seed %d, step %d: %s: money was given back %d times for %d messages", d.seed, step, p.ID,
				len(reversals), d.back[p.ID])
		}
		if back != p.Reversed {
			d.t.Fatalf("seed %d, step %d: %s: %d given back, %d noted", d.seed, step, p.ID, back, p.Reversed)
		}
	}
	for id, q := range d.owner {
		if d.told[q.Header.ServiceID] == register.Success && !approved[id] {
			d.t.Fatalf("seed %d, step %d: %s was told as paid and is not", d.seed, step, id)
		}
	}
}
