package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smiletill/payment"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// act does one thing that happens in a shop.
func (d *day) act() {
	switch n := d.r.IntN(100); {
	case n < 16:
		d.register()
	case n < 24:
		d.message()
	case n < 62:
		d.face()
	case n < 66:
		d.cancel()
	case n < 74:
		d.reverse()
	case n < 78:
		d.camera()
	case n < 84:
		d.network()
	case n < 89:
		d.attack()
	case n < 96:
		d.disk()
	case n < 97:
		d.restart()
	default:
		d.timePasses()
	}
}

func (d *day) ctx() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// learn keeps what a caller was told. A word once given must stay true.
func (d *day) learn(p payment.Payment) {
	if !p.State.Terminal() {
		return
	}
	if before, known := d.told[p.ID]; known && before != p.State {
		d.fail("payment %s was %s, and is %s now", p.ID, before, p.State)
	}
	d.told[p.ID] = p.State
}

// running is the open payment as the engine shows it.
func (d *day) running() (payment.Payment, bool) {
	ctx, stop := d.ctx()
	defer stop()
	s, err := d.life.engine.Status(ctx)
	d.must(err)
	if id := s.Payment.ID; s.Payment.Vend && d.faces[id] == nil { // the machine began it
		d.faces[id] = &visit{}
	}
	return s.Payment, s.Payment.ID != "" && !s.Payment.State.Terminal() && len(s.OutOfOrder) == 0
}

// register begins a payment: a new one, the same again, or an old id with another content.
func (d *day) register() {
	id := fmt.Sprint("p", d.r.IntN(30))
	q, known := d.asked[id]
	switch {
	case !known:
		q = payment.Request{ID: id, Amount: payment.Amount{Minor: 1 + d.r.Int64N(400), Currency: "EUR"}}
	case d.chance(20):
		q.Amount.Minor++
	}
	d.beginAs(q)
}

func (d *day) beginAs(q payment.Request) {
	id := q.ID
	_, known := d.asked[id]
	ctx, stop := d.ctx()
	defer stop()
	p, err := d.life.engine.Begin(ctx, q)
	d.note("begin %s %d: %s %v", id, q.Amount.Minor, p.State, err)
	switch {
	case err == nil:
		if p.ID != id {
			d.fail("asked for %s, and was given %q", id, p.ID)
		}
		if known && d.asked[id] != q && !d.unsure[id] {
			d.fail("%s was taken with another amount", id)
		}
		d.asked[id] = q
		delete(d.unsure, id)
		d.learn(p)
		if d.faces[id] == nil {
			d.faces[id] = &visit{}
		}
	case errors.Is(err, payment.ErrConflict):
		if known && d.asked[id] == q && d.told[id] != "" {
			d.fail("%s was refused with the content that it was taken with", id)
		}
	case d.told[id] != "" && d.asked[id] == q && !errors.Is(err, payment.ErrJournal):
		d.fail("the result of %s is not given again: %v", id, err)
	case errors.Is(err, payment.ErrJournal) && !known:
		d.asked[id], d.unsure[id] = q, true // it may have been opened
		d.faces[id] = &visit{}
	}
}

// face shows the camera somebody, with evidence that is good more often than not.
func (d *day) face() {
	p, open := d.running()
	if !open {
		return
	}
	if p.State == payment.StateVending {
		return
	}
	who := fmt.Sprint("c", 1+d.r.IntN(3))
	var ev payment.Event
	now := time.Now()
	switch {
	case p.State == payment.StatePIN:
		d.pin(p)
		return
	case d.chance(4):
		ev = payment.Unknown{}
	case d.chance(5):
		ev = payment.Lost{}
	case p.State == payment.StateWaiting && d.chance(90):
		ev = payment.Recognised{Customer: who}
	default:
		if d.chance(90) {
			who = p.Customer
		}
		ev = payment.Consented{Evidence: d.evidence(p, who, now)}
	}
	d.see(p.ID, ev)
}

// see tells the engine what the camera saw, and remembers a consent that must count.
func (d *day) see(id string, ev payment.Event) {
	p, open := d.running()
	if !open || p.ID != id {
		return
	}
	ctx, stop := d.ctx()
	defer stop()
	d.note("%s sees %T", id, ev)
	c, consent := ev.(payment.Consented)
	consent = consent && holds(p, c.Evidence, time.Now())
	if consent {
		d.faces[id].good, d.faces[id].who = true, c.Evidence.Customer
		d.judged(p, c.Evidence)
	}
	err := d.life.engine.Handle(ctx, id, ev)
	if consent && err == nil && alarming(p.Demand, c.Evidence.Liveness) {
		d.failures = append(d.failures, time.Now())
	}
	d.tell(id, err)
}

func (d *day) evidence(p payment.Payment, who string, now time.Time) payment.Evidence {
	e := payment.Evidence{Customer: who, MatchFrames: 3, SmileFrames: 1, Since: now, At: now,
		Liveness: d.verdict(p.Demand), Alike: d.twins != nil && d.twins.IntN(3) == 0}
	switch {
	case d.chance(8):
		e.At = now.Add(-payment.MaxEvidenceAge - time.Second)
		e.Since = e.At
	case d.chance(4):
		e.Since = p.OpenedAt.Add(-time.Second)
	case d.chance(4):
		e.SmileFrames = 0
	}
	return e
}

// holds is the rule of evidence, written once more: what the days believe must not come from the engine.
func holds(p payment.Payment, e payment.Evidence, now time.Time) bool {
	return p.State == payment.StateRecognised && e.Customer != "" && e.Customer == p.Customer &&
		e.MatchFrames > 0 && e.SmileFrames > 0 && !e.Since.Before(p.OpenedAt) && now.Sub(e.At) <= 2*time.Second &&
		now.Before(p.Deadline)
}

func (d *day) pin(p payment.Payment) {
	pin := rightPIN
	switch {
	case d.chance(20):
		pin = "0000"
	case d.chance(5):
		pin = "locked"
	}
	d.enter(p, pin)
}

func (d *day) enter(p payment.Payment, pin string) {
	if pin == rightPIN {
		d.faces[p.ID].pin = true
	}
	ctx, stop := d.ctx()
	defer stop()
	after, err := d.life.engine.EnterPIN(ctx, p.ID, pin)
	d.note("%s PIN %s: %s %v", p.ID, pin, after.State, err)
	if err == nil {
		d.learn(after)
	}
}

// tell waits for what became of a payment, as a register would.
func (d *day) tell(id string, err error) {
	if err != nil {
		d.note("%s: %v", id, err)
		return
	}
	p, open := d.running()
	if p.ID == id && !open {
		d.learn(p)
	}
}

func (d *day) cancel() {
	p, open := d.running()
	if !open {
		return
	}
	ctx, stop := d.ctx()
	defer stop()
	after, err := d.life.engine.Cancel(ctx, p.ID, payment.ByRegister)
	d.note("cancel %s: %s %v", p.ID, after.State, err)
	if err == nil {
		d.learn(after)
	}
}

// reverse gives money back: a part, the rest, too much, or the same again.
func (d *day) reverse() {
	id := fmt.Sprint("r", d.r.IntN(12))
	q, known := d.wanted[id]
	if !known {
		q = payment.ReversalRequest{ID: id, PaymentID: fmt.Sprint("p", d.r.IntN(30)), Minor: d.r.Int64N(300)}
		if d.chance(30) {
			q.Minor = 0
		}
	}
	d.reverseAs(q)
}

func (d *day) reverseAs(q payment.ReversalRequest) {
	id := q.ID
	ctx, stop := d.ctx()
	defer stop()
	q.Who = d.gives(id)
	r, err := d.life.engine.Reverse(ctx, q)
	d.note("reverse %s of %s %d: %d %v", id, q.PaymentID, q.Minor, r.Amount.Minor, err)
	before, told := d.given[id]
	switch {
	case err == nil:
		if told && before.Amount != r.Amount {
			d.fail("reversal %s gave %d, and now %d", id, before.Amount.Minor, r.Amount.Minor)
		}
		d.given[id], d.wanted[id] = r, q
	case told && !errors.Is(err, payment.ErrJournal):
		d.fail("the result of reversal %s is not given again: %v", id, err)
	case errors.Is(err, payment.ErrJournal):
		d.wanted[id] = q // it may have been written
	}
}

func (d *day) camera() {
	ctx, stop := d.ctx()
	defer stop()
	on := d.chance(40)
	d.note("camera fault %v", on)
	if err := d.life.engine.SetOutOfOrder(ctx, "camera", on); err != nil {
		d.note("%v", err)
	}
}

func (d *day) network() {
	switch d.r.IntN(3) {
	case 0:
		d.note("the broker goes away")
		d.broker.setDown(true)
	case 1:
		d.note("the broker is back")
		d.broker.setDown(false)
	case 2:
		d.note("all connections drop")
		d.broker.setDown(true)
		d.broker.setDown(false)
	}
}

// attack publishes acknowledgements that must change nothing.
func (d *day) attack() {
	ctx, stop := d.ctx()
	defer stop()
	rows, err := d.life.journal.Outbox().Pending(ctx, 0, 5)
	if err != nil || len(rows) == 0 {
		return
	}
	row := rows[d.r.IntN(len(rows))]
	ack := report.Ack{ID: row.ID, Hash: row.Hash, Seq: row.Seq}
	topic := home.Topic(report.ChannelAck)
	switch d.r.IntN(5) {
	case 0: // not signed
	case 1: // by somebody else
		ack.Sig, _ = signature.Sign(key(9), ack.Signed(home.Source()))
	case 2: // by the cloud, for another terminal
		ack.Sig, _ = signature.Sign(key(2), ack.Signed("smiletill:/acme/shop/other"))
	case 3: // by the cloud, about another row
		ack.Sig, _ = signature.Sign(
			key(2),
			report.Ack{ID: row.ID, Hash: row.Hash, Seq: row.Seq + 1}.Signed(home.Source()),
		)
	case 4: // something old
		d.broker.mu.Lock()
		if len(d.broker.heard) > 0 {
			m := d.broker.heard[d.r.IntN(len(d.broker.heard))]
			d.broker.deliver(m)
		}
		d.broker.mu.Unlock()
		return
	}
	d.note("a forged acknowledgement of row %d", row.Seq)
	payload, err := json.Marshal(ack)
	d.must(err)
	d.broker.mu.Lock()
	defer d.broker.mu.Unlock()
	d.broker.deliver(link.Message{Topic: topic, Payload: payload})
}

// disk makes a later write fail, or the power.
func (d *day) disk() {
	after := d.r.IntN(25)
	f := []fault{failing, full, dead, dead, dead}[d.r.IntN(5)]
	d.note("the disk does %d in %d writes", f, after)
	d.life.disk.set(healthy)
	d.life.disk.fails(after, f)
	d.life.fault = true
}

// timePasses mends the disk after a while, or lets a long time go by.
func (d *day) timePasses() {
	d.life.disk.set(healthy)
	time.Sleep(time.Duration(d.r.Int64N(int64(20 * time.Minute))))
	d.clock.set(d.clock.trust() || d.chance(30))
}
