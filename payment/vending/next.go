package vending

import (
	"cmp"
	"fmt"
	"time"
)

// turn is one Next under way.
type turn struct {
	Reader
	now  time.Time
	acts []Act
}

// Next gives the reader after an event, and what is to be done, in order. It is pure.
func (r Reader) Next(e Event, now time.Time) (Reader, []Act) {
	t := &turn{Reader: r, now: now}
	switch e := e.(type) {
	case Connected:
		t.connected()
	case Disconnected:
		t.disconnected()
	case Received:
		t.received(e.Line)
	case Tick:
		if !t.until.IsZero() && !now.Before(t.until) {
			t.expired()
		}
	case Serve:
		t.serves(e.On)
	case Offer:
		t.offered(e)
	case Withdraw:
		if t.phase == opening || t.phase == session {
			t.sessionOver("C,STOP")
		}
	case Granted:
		t.granted(e.Vend)
	case Declined:
		t.declined(e.Vend)
	case Committed:
		t.committed(e.Vend)
	}
	return t.Reader, t.acts
}

func (t *turn) do(a Act)                { t.acts = append(t.acts, a) }
func (t *turn) send(line string)        { t.do(Send{line}) }
func (t *turn) enter(p phase)           { t.phase, t.until = p, time.Time{} }
func (t *turn) within(d time.Duration)  { t.until = t.now.Add(d) }
func (t *turn) flag(r Reason, s string) { t.do(Flag{t.vend, r, s}) }

func (t *turn) connected() {
	if t.stage == vending { // what became of it is heard before anything is said: C,0 would drop it
		t.phase = settling
		return
	}
	t.tries = 0
	t.prepare()
}

// disconnected leaves a committed vend open: the adapter may come back within the machine's time and say.
func (t *turn) disconnected() {
	if t.phase == opening || t.phase == session {
		t.do(Ended{})
	}
	t.over(PortLost)
	until := t.until
	t.enter(closed)
	if t.stage == vending {
		t.until = until
	}
	t.polled, t.enabled = false, false
}

// prepare takes the adapter off the bus and sets it up anew.
func (t *turn) prepare() {
	if t.stage == vending { // none calls it so; it must never drop a vend
		return
	}
	t.enter(silencing)
	t.polled, t.enabled, t.unset, t.step = false, false, "", 0
	t.tries++
	t.send("C,0")
	t.within(Answer)
}

// nextSetting sends the next setting, or goes on after the last.
func (t *turn) nextSetting() {
	all := t.set.settings()
	if t.step < len(all) {
		t.enter(setting)
		t.send(all[t.step])
		t.within(Answer)
		return
	}
	t.tries = 0
	if !t.serve {
		t.enter(resting)
		return
	}
	t.enter(starting)
	t.send("C,1")
	t.within(Answer)
}

// onBus is the state of a reader that waits, or the way there.
func (t *turn) onBus() {
	if !t.serve {
		t.prepare()
		return
	}
	t.enter(serving)
	t.within(quiet)
}

// expired is what happens when nothing happened in time.
func (t *turn) expired() {
	switch t.phase {
	case closed, settling:
		t.until = time.Time{}
		if t.stage == vending {
			t.takeBack(Silence, true)
		}
		if t.phase == settling {
			t.prepare()
		}
	case silencing:
		if t.tries >= rounds && t.tries%2 == 1 { // every other time it is a pause
			t.tries++
			t.within(pause)
			return
		}
		t.prepare()
	case setting, starting, resting:
		t.prepare()
	case serving:
		t.enter(probing)
		t.send("C,1")
		t.within(Answer)
	case probing:
		t.prepare()
	case opening, session:
		t.sessionOver("C,STOP")
	case chosen:
		t.choiceExpired()
	case ending:
		t.tryToEnd()
	}
}

func (t *turn) choiceExpired() {
	switch t.stage {
	case asking:
		t.over(TooSlow)
		t.deny()
	case committing:
		t.over(Silence)
		t.deny()
	case vending:
		t.takeBack(Silence, true)
		t.prepare()
	case none:
		t.prepare()
	}
}

// serves changes whether payments are taken. A vend that is committed goes on.
func (t *turn) serves(on bool) {
	if t.serve == on {
		return
	}
	t.serve = on
	switch t.phase {
	case resting:
		if on {
			t.prepare()
		}
	case starting, serving, probing, ending:
		if !on {
			t.prepare()
		}
	case opening, session:
		if !on {
			t.sessionOver("C,STOP")
		}
	case chosen:
		if !on && t.stage != vending {
			t.over(OutOfOrder)
			t.deny()
		}
	case closed, silencing, setting, settling:
	}
}

func (t *turn) offered(e Offer) {
	funds, ok := t.set.Scale.Funds(e.Funds)
	if !ok || t.set.Mode != AuthoriseFirst || t.phase != serving || !t.enabled || t.stage != none {
		t.do(Ended{})
		return
	}
	t.funds = e.Funds
	t.enter(opening)
	t.send("C,START," + funds)
	t.within(Answer)
}

// sessionOver ends a session without a choice.
func (t *turn) sessionOver(word string) {
	t.do(Ended{})
	if word != "" {
		t.send(word)
	}
	t.end(Answer, "", false)
}

func (t *turn) granted(vend int) {
	switch {
	case vend == t.vend && t.stage > asking: // told twice
	case vend != t.vend || t.stage != asking:
		t.do(Cancel{vend, TooSlow})
	default:
		t.stage = committing
		t.do(Commit{vend})
		t.within(commitMax)
	}
}

func (t *turn) declined(vend int) {
	if vend != t.vend || t.stage != asking && t.stage != committing {
		return
	}
	t.finished(false)
	if t.phase == chosen {
		t.deny()
	}
}

// committed sends the yes, if the machine still waits for it.
func (t *turn) committed(vend int) {
	switch {
	case vend == t.vend && t.stage == vending, vend == t.last && t.stage == none: // told twice
	case vend != t.vend || t.stage != committing: // nobody asked for it
		t.do(Void{vend, Unconfirmed})
		t.do(Flag{vend, Unconfirmed, "a vend was committed that no machine waits for"})
	case t.doomed != "" || t.phase != chosen:
		t.takeBack(cmp.Or(t.doomed, Unconfirmed), false)
	default:
		t.stage = vending
		t.send("C,VEND," + t.amount)
		t.within(t.set.Timeout)
	}
}

// over says that the machine wants what was chosen no longer. What is being committed is taken back after
// that.
func (t *turn) over(r Reason) {
	switch t.stage {
	case asking:
		t.do(Cancel{t.vend, r})
		t.finished(false)
	case committing:
		if t.doomed == "" {
			t.doomed = r
		}
	case none, vending:
	}
}

// takeBack voids a committed vend.
func (t *turn) takeBack(r Reason, tell bool) {
	t.do(Void{t.vend, r})
	if tell {
		t.flag(r, "the product may have fallen, and was not charged")
	}
	t.finished(false)
}

func (t *turn) approve() {
	t.do(Approve{t.vend})
	t.finished(true)
}

func (t *turn) finished(approved bool) {
	t.last, t.lastApproved, t.stage, t.doomed, t.disputed = t.vend, approved, none, "", false
}

// deny refuses what was chosen, in the adapter's words.
func (t *turn) deny() {
	word, other := t.set.denyWords()
	t.send(word)
	t.end(Answer, other, true)
}

// end waits for the adapter to come back; then is what to say if it does not.
func (t *turn) end(wait time.Duration, then string, denied bool) {
	t.enter(ending)
	t.then, t.denied = then, denied
	t.within(wait)
}

func (t *turn) tryToEnd() {
	if t.then == "" {
		t.tries = 0
		t.prepare()
		return
	}
	t.send(t.then)
	t.end(Answer, "", false)
}

// chose begins a vend for what the machine asks, or refuses it.
func (t *turn) chose(l Line) {
	price, err := t.set.Scale.Price(l.Amount)
	t.amount, t.item = l.Amount, l.Item
	if t.stage == none {
		t.lastApproved = false // what is said from now on is not of the last one
	}
	switch {
	case t.stage == committing, !t.serve: // one of before is still being taken back; or out of order
		t.deny()
		return
	case t.set.Mode == AuthoriseFirst && t.phase != session && t.phase != opening:
		t.do(Flag{0, WrongMode, "a product was chosen before a customer: the machine is set to always idle"})
		t.deny()
		return
	case err != nil:
		t.do(Flag{0, BadPrice, err.Error()})
		t.refuse()
		return
	case t.set.Mode == AuthoriseFirst && price.Minor > t.funds.Minor:
		t.do(Flag{0, OverFunds, fmt.Sprintf("the machine asked for %v, with %v offered", price, t.funds)})
		t.refuse()
		return
	}
	t.count++
	t.vend, t.stage = t.count, asking
	t.enter(chosen)
	t.within(t.set.Timeout - margin)
	t.do(Open{t.vend, price, l.Item, t.until})
}

// refuse denies what was chosen in a session, which is over by that.
func (t *turn) refuse() {
	if t.phase == session || t.phase == opening {
		t.do(Ended{})
	}
	t.deny()
}
