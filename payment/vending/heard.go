package vending

import "strings"

// received is what a line means, by phase.
func (t *turn) received(l Line) {
	if l.Kind == Success && t.stage != vending {
		t.unasked()
		return
	}
	if l.Kind == Failure && t.dispute(l.Code) {
		return
	}
	switch t.phase {
	case closed:
	case silencing, setting:
		t.heardPreparing(l)
	case resting: // off the bus nothing is asked
	case starting:
		t.heardStarting(l)
	case serving, probing:
		t.heardServing(l)
	case opening, session:
		t.heardSession(l)
	case chosen:
		t.heardChosen(l)
	case ending:
		t.heardEnding(l)
	case settling:
		t.heardSettling(l)
	}
}

// unasked is a product that fell without a vend. The line for the last one may come twice, right after it.
func (t *turn) unasked() {
	if t.lastApproved && t.stage == none && (t.phase == ending || t.phase == silencing) {
		return
	}
	t.do(Flag{t.vend, Unasked, "the machine says that a product fell, and nobody pays for it"})
	if t.phase == chosen {
		t.over(Unconfirmed)
		t.end(margin, "C,STOP", false)
	}
}

// dispute tells whether an error is of the last vend, which was charged: the machine says success, and then
// that the product did not fall. A charge is not taken back by that; a person is told, once. "VEND 1" may be
// of another choice, whose line was lost, as soon as the adapter came back from the last one.
func (t *turn) dispute(code string) bool {
	reason, known := failure(code)
	if !known || !t.lastApproved || t.stage != none || reason != NotDispensed && t.phase != ending {
		return false
	}
	if !t.disputed {
		t.disputed = true
		t.do(Flag{t.last, Disputed, "the product was charged, and then the machine says that it did not fall"})
	}
	return true
}

func (t *turn) heardPreparing(l Line) {
	switch l.Kind {
	case Off:
		if t.phase == silencing {
			t.nextSetting()
		}
	case Set:
		if t.phase == setting {
			t.step++
			t.nextSetting()
		}
	case Failure:
		switch {
		case strings.HasPrefix(l.Code, "VEND"): // of before
		case t.phase == silencing: // it was off
			t.nextSetting()
		case t.set.needed(t.step):
			_, t.unset, _ = strings.Cut(t.set.settings()[t.step], "C,SETCONF,")
			t.enter(resting)
			t.within(quiet)
		default:
			t.step++
			t.nextSetting()
		}
	case Noise, Garbage, Other, Version, Hardware, On, Inactive, Disabled, Enabled, Idle, Chosen, Success:
	}
}

func (t *turn) heardStarting(l Line) {
	switch l.Kind {
	case On, Failure: // "cashless is on"
		t.onBus()
	case Inactive, Disabled, Enabled:
		t.machine(l.Kind)
		t.onBus()
	case Chosen:
		t.polled, t.enabled = true, true
		t.chose(l)
	case Noise, Garbage, Other, Version, Hardware, Off, Set, Idle, Success:
	}
}

// machine keeps what the machine says of the reader.
func (t *turn) machine(k Kind) {
	t.polled, t.enabled = k != Inactive, k == Enabled
}

func (t *turn) heardServing(l Line) {
	switch l.Kind {
	case Chosen:
		t.polled, t.enabled = true, true
		t.chose(l)
		return
	case Off, On: // nobody told it to: it was started again, and has no settings
		if l.Kind == On && t.phase == serving && !t.polled {
			break // c,1 comes after c,STATUS,INACTIVE
		}
		t.prepare()
		return
	case Inactive:
		if t.phase == probing { // it was off
			t.prepare()
			return
		}
		if t.polled && t.now.Sub(t.renewed) >= quiet { // it may have lost power, and its settings
			t.renewed = t.now
			t.prepare()
			return
		}
		t.machine(l.Kind)
	case Disabled, Enabled:
		t.machine(l.Kind)
	case Garbage:
		return // it is no sign of life
	case Noise, Other, Version, Hardware, Set, Idle, Success, Failure:
	}
	t.onBus()
}

func (t *turn) heardSession(l Line) {
	switch l.Kind {
	case Chosen:
		t.chose(l)
	case Idle:
		if t.phase == opening {
			t.enter(session)
			t.within(t.set.Timeout)
		}
	case Enabled, Disabled:
		if l.Kind == Enabled && t.phase == opening {
			return // of before
		}
		t.do(Ended{})
		t.machine(l.Kind)
		t.onBus()
	case Inactive, Off, On:
		t.do(Ended{})
		t.prepare()
	case Failure:
		t.do(Ended{})
		if t.phase == opening { // "START -1": nothing was begun
			t.onBus()
			return
		}
		t.end(margin, "C,STOP", false)
	case Noise, Garbage, Other, Version, Hardware, Set, Success:
	}
}

// heardChosen is what decides a vend.
func (t *turn) heardChosen(l Line) {
	switch l.Kind {
	case Success: // of a committed vend, or received would have taken it
		t.approve()
		t.end(margin, "C,STOP", false)
	case Failure:
		t.failed(l.Code)
	case Idle, Enabled, Disabled:
		t.wentOn(Unconfirmed)
		if l.Kind == Idle {
			t.end(margin, "C,STOP", false)
			return
		}
		t.machine(l.Kind)
		t.onBus()
	case Inactive, Off, On:
		t.wentOn(AdapterReset)
		t.prepare()
	case Chosen:
		t.choseAgain(l)
	case Noise, Garbage, Other, Version, Hardware, Set:
	}
}

// wentOn is a machine that does something else before it said how the vend ended.
func (t *turn) wentOn(r Reason) {
	if t.stage == vending {
		t.takeBack(r, true)
		return
	}
	if r == Unconfirmed {
		r = NotWanted
	}
	t.over(r)
}

// failed is an error of the adapter in a vend.
func (t *turn) failed(code string) {
	reason, known := failure(code)
	switch {
	case t.stage == vending:
		t.takeBack(reason, !known)
	case known:
		t.over(reason)
	default:
		return // of something else: nothing was said to the machine yet
	}
	t.end(margin, "C,STOP", false)
}

// failure is what an error says of a vend. "VEND 1" is a choice taken back, "VEND 3" a product that did not
// fall.
func failure(code string) (Reason, bool) {
	switch code {
	case "VEND 1":
		return NotWanted, true
	case "VEND 3":
		return NotDispensed, true
	}
	return Refused, false
}

// choseAgain is a choice while one is under way: the same line doubled, or another product.
func (t *turn) choseAgain(l Line) {
	if l.Vague || l.Amount == t.amount && l.Item == t.item {
		return // noise; or if it is a new one, the old one's end was lost, and its deadline decides
	}
	if t.stage == vending { // a late success of it must find no other vend: c,0 comes after all that was said
		t.takeBack(Unconfirmed, true)
		word, _ := t.set.denyWords()
		t.send(word)
		t.tries = 0
		t.prepare()
		return
	}
	t.over(Changed)
	if t.set.Mode == AuthoriseFirst { // its session may be another customer's
		t.deny()
		return
	}
	t.chose(l)
}

func (t *turn) heardEnding(l Line) {
	switch l.Kind {
	case Enabled, Disabled:
		t.machine(l.Kind)
		t.onBus()
	case Inactive, Off, On:
		t.prepare()
	case Chosen:
		if t.denied && l.Amount == t.amount && l.Item == t.item {
			return // the line that was just refused, doubled
		}
		t.chose(l)
	case Failure:
		if t.denied { // not the word for a no
			t.tryToEnd()
		}
	case Noise, Garbage, Other, Version, Hardware, Set, Idle, Success:
	}
}

// heardSettling decides a vend of before by the first word that is one.
func (t *turn) heardSettling(l Line) {
	if l.Vague { // noise
		return
	}
	switch l.Kind {
	case Success:
		t.approve()
	case Failure:
		reason, known := failure(l.Code)
		t.takeBack(reason, !known)
	case Off, On, Inactive, Disabled, Enabled, Idle, Chosen:
		t.takeBack(Unconfirmed, true)
	case Noise, Garbage, Other, Version, Hardware, Set:
		return
	}
	t.tries = 0
	t.prepare()
}
