package sim

import (
	"context"
	"encoding/json"
	"testing/synctest"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
)

// check holds the facts against what callers were told, against what was seen, and against the cloud. It is
// done at every start, and gives how many rows the cloud has not acknowledged.
func (d *day) check() (waiting int) {
	var facts []journal.Fact
	d.must(d.life.journal.Facts(context.Background(), journal.Range{}, func(f journal.Fact) error {
		facts = append(facts, f)
		return nil
	}))
	d.facts(facts)
	d.work(facts)
	d.products(facts, false)
	if n := d.behind.Load(); n > 0 { // a shop would stand still
		d.fail("%d times the journal was said to lack what the cloud has, on a disk that nobody set back", n)
	}
	ends, back := map[string]string{}, map[string]journal.Fact{}
	for _, f := range facts {
		if f.Kind == "reversed" {
			back[f.ReversalID] = f
		} else {
			ends[f.PaymentID] = f.Kind
		}
	}
	for id, state := range d.told {
		if ends[id] != string(state) {
			d.fail("payment %s was told to be %s, the facts say %q", id, state, ends[id])
		}
	}
	for id, r := range d.given {
		if f := back[id]; f.Amount != r.Amount || f.PaymentID != r.PaymentID {
			d.fail("reversal %s was told to give %s of %s, the facts say %s of %q", id, r.Amount, r.PaymentID,
				f.Amount, f.PaymentID)
		}
	}
	return d.reported(facts)
}

// answers wants whoever asks later to hear what was told before, and the journal to be whole in all that can
// be verified. It is done once a day: what is wrong at one start stays so, and what it takes is half a start.
func (d *day) answers() {
	ctx := context.Background()
	j := d.life.journal
	_, err := j.Verify(ctx, nil)
	d.must(err)
	for id, state := range d.told {
		p, err := j.Find(ctx, id)
		if err != nil || p.State != state {
			d.fail("payment %s was told to be %s, the journal says %s, %v", id, state, p.State, err)
		}
	}
	for id, r := range d.given {
		found, err := j.FindReversal(ctx, id)
		if err != nil || found.Amount != r.Amount || found.PaymentID != r.PaymentID {
			d.fail(
				"reversal %s was told to give %s of %s, the journal says %+v, %v",
				id,
				r.Amount,
				r.PaymentID,
				found,
				err,
			)
		}
	}
}

// facts checks the invariants that the chain alone must hold.
func (d *day) facts(facts []journal.Fact) {
	approved, open := map[string]int64{}, map[string]bool{}
	count, sum := map[string]int{}, map[string]int64{}
	d.came = tally{}
	for _, f := range facts {
		switch f.Kind {
		case "opened":
			open[f.PaymentID] = true
		case "approved":
			if approved[f.PaymentID] != 0 {
				d.fail("payment %s is approved twice", f.PaymentID)
			}
			approved[f.PaymentID] = f.Amount.Minor
			d.came.approved++
			if f.Vend {
				d.came.vends++
			}
			d.evident(f)
			if f.Method == "face+smile+pin" {
				count[f.Customer], sum[f.Customer] = 0, 0
				break
			}
			count[f.Customer]++
			sum[f.Customer] += f.Amount.Minor
			if count[f.Customer] > countMax || sum[f.Customer] > sumMax {
				d.fail("payment %s is the customer's %d. without a PIN, %d in all", f.PaymentID, count[f.Customer],
					sum[f.Customer])
			}
		case "voided":
			d.came.voided++
		case "reversed":
			if approved[f.PaymentID] -= f.Amount.Minor; approved[f.PaymentID] < 0 {
				d.fail("more of payment %s was given back than was paid", f.PaymentID)
			}
			if approved[f.PaymentID] == 0 {
				approved[f.PaymentID] = -1 // given back as a whole; another reversal is below zero
			}
		}
		if v := d.faces[f.PaymentID]; f.Reason == payment.ReasonNotSure && (v == nil || !v.unsure) {
			d.fail("payment %s was declined for a verdict that nobody gave", f.PaymentID)
		}
		if f.Kind != "opened" && f.Kind != "reversed" { // what a machine has in hand, a restart leaves open
			delete(open, f.PaymentID)
		}
	}
	if len(open) > 0 {
		d.fail("still open after a restart: %v", open)
	}
}

// evident wants an approval to have had its consent, and its PIN if it says so.
func (d *day) evident(f journal.Fact) {
	if blocked, _ := d.blocked(context.Background(), f.Customer); blocked {
		d.fail("payment %s was approved for %s, who is blocked", f.PaymentID, f.Customer)
	}
	v := d.faces[f.PaymentID]
	if v == nil || !v.good || v.who != f.Customer {
		d.fail("payment %s was approved for %s without a consent: %+v", f.PaymentID, f.Customer, v)
	}
	if f.Method == "face+smile+pin" && !v.pin {
		d.fail("payment %s was approved with a PIN that nobody entered", f.PaymentID)
	}
	if f.Method == "face+smile" && (!v.sure || d.lively.On && f.Liveness.Verdict != "live") {
		d.fail("payment %s was approved by %+v where %q was wanted", f.PaymentID, f.Liveness, f.Demand)
	}
	if d.lively.On != (f.Demand != "") {
		d.fail("the fact of payment %s says that %q was wanted", f.PaymentID, f.Demand)
	}
}

// reported wants every row that is closed to be in the cloud, and nothing there that isn't journalled.
func (d *day) reported(facts []journal.Fact) (waiting int) {
	ctx := context.Background()
	rows, err := d.life.journal.Outbox().Pending(ctx, 0, 1e6)
	d.must(err)
	open := map[string]bool{}
	for _, r := range rows {
		open[r.ID] = true
	}
	events, err := d.cloud.Events(ctx, 0, 1e6)
	d.must(err)
	there := map[string]string{}
	for _, e := range events {
		if _, twice := there[e.ID]; twice {
			d.fail("event %s is counted twice", e.ID)
		}
		there[e.ID] = e.Hash
	}
	known := map[string]string{}
	for _, f := range facts {
		if f.Kind != "approved" && f.Kind != "reversed" {
			continue
		}
		known[f.ID] = f.Hash
		if !open[f.ID] && there[f.ID] != f.Hash {
			d.fail("row %d is closed, and the cloud does not have it", f.Seq)
		}
	}
	for _, e := range events {
		if known[e.ID] != e.Hash {
			d.fail("the cloud has event %s, which the journal does not: %s", e.ID, e.Data)
		}
		var b struct {
			Kind string `json:"kind"`
		}
		d.must(json.Unmarshal(e.Data, &b))
	}
	return len(rows)
}

// evening mends everything and wants all to be delivered, and a new payment to work.
func (d *day) evening() {
	d.note("evening")
	d.life.disk.set(healthy)
	d.broker.setKind(true)
	d.broker.setDown(false)
	time.Sleep(20 * time.Minute) // the longest lock, and the reporter's longest pauses
	synctest.Wait()
	if d.life.disk.is() == dead {
		d.powerCut()
	}
	d.restart()
	time.Sleep(20 * time.Minute)
	synctest.Wait()
	parked, err := d.life.journal.Parked(context.Background(), 9)
	d.must(err)
	if len(parked) > 0 {
		d.fail("parked: %+v", parked)
	}
	d.answers()
	if d.street != nil {
		var facts []journal.Fact
		d.must(d.life.journal.Facts(context.Background(), journal.Range{}, func(f journal.Fact) error {
			facts = append(facts, f)
			return nil
		}))
		d.products(facts, true)
	}
	if n := d.check(); n > 0 {
		d.fail("%d rows are not delivered in the end: %+v", n, d.life.reporter.State())
	}
	d.known()
	ctx, stop := d.ctx()
	defer stop()
	id := "last"
	if _, err := d.life.engine.Begin(ctx, payment.Request{ID: id,
		Amount: payment.Amount{Minor: 1, Currency: "EUR"}}); err != nil {
		d.fail("no payment can begin in the end: %v", err)
	}
	if p, err := d.life.engine.Cancel(ctx, id, payment.ByCustomer); err != nil ||
		p.State != payment.StateCancelled {
		d.fail("the last payment: %+v, %v", p, err)
	}
}
