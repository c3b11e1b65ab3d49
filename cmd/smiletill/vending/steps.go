package vending

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smiletill/device/serial"
	"smiletill/payment"
	"smiletill/payment/vending"
)

// run has the reader's own states do the trial.
func (t *trial) run(ctx context.Context) error {
	t.reader, t.state = vending.New(t.set, false, time.Now()), vending.NoPort
	t.next(vending.Serve{On: true})
	t.next(vending.Connected{})
	for t.failed == nil && !t.over {
		var tick, limit <-chan time.Time
		if at, ok := t.reader.Deadline(); ok {
			tick = time.After(time.Until(at))
		}
		if !t.limit.IsZero() {
			limit = time.After(time.Until(t.limit))
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), t.send("C,0"))
		case l, ok := <-t.heard:
			if !ok {
				return payment.WithHint(fmt.Errorf("%s: %w", t.path, serial.ErrClosed), "was it unplugged?")
			}
			if l.Kind == vending.Chosen {
				t.asked = l.Amount
			}
			t.next(vending.Received{Line: l})
		case <-tick:
			t.next(vending.Tick{})
		case <-limit:
			t.stuck()
		}
	}
	if t.failed != nil {
		return errors.Join(t.failed, t.send("C,0"))
	}
	t.say("The machine can be served with these settings. Nobody was charged: the product was given away.")
	return t.send("C,0")
}

// next gives the reader an event, and does what comes of it.
func (t *trial) next(e vending.Event) {
	var acts []vending.Act
	t.reader, acts = t.reader.Next(e, time.Now())
	for _, a := range acts {
		if t.failed == nil {
			t.do(a)
		}
	}
	if s := t.reader.State(); s != t.state && t.failed == nil {
		t.state = s
		t.entered(s)
	}
}

func (t *trial) do(a vending.Act) {
	switch a := a.(type) {
	case vending.Send:
		if err := t.send(a.Line); err != nil {
			t.failed = err
		}
	case vending.Open:
		t.opened(a)
	case vending.Commit:
		t.next(vending.Committed(a)) // there is no journal: the product is given away
	case vending.Approve:
		t.say("approved: the product fell %v after it was chosen; voided: nobody is charged",
			time.Since(t.chose).Round(10*time.Millisecond))
		t.over = true
	case vending.Cancel:
		t.say("the choice was taken back (%s)", a.Reason)
	case vending.Void:
		t.voided(a.Reason)
	case vending.Flag:
		t.flagged(a)
	case vending.Ended:
	}
}

// opened is a choice: the first is denied, the second is granted, if the price is the one on the machine.
func (t *trial) opened(o vending.Open) {
	t.say("asked for %v, product %s; on the line: %s", o.Price, o.Item, t.asked)
	t.chose = time.Now()
	if o.Price != t.price {
		t.next(vending.Declined{Vend: o.Vend})
		t.wrong(fmt.Sprintf("it asks for %v where it shows %v", o.Price, t.price),
			diagnose(t.asked, t.price, t.set.Scale))
		return
	}
	if t.denied {
		t.next(vending.Granted{Vend: o.Vend})
		return
	}
	t.denied = true
	t.say("denied")
	t.next(vending.Declined{Vend: o.Vend})
}

func (t *trial) voided(r vending.Reason) {
	what := "it never said whether the product fell"
	hint := "look at the machine: if the product fell, its menu has to tell the cashless reader of each vend; " +
		"--sniff FILE shows what it says"
	switch r {
	case vending.NotDispensed:
		what = "it says that the product did not fall"
		hint = "if it fell, look for the machine's sensor; if not, the machine is served well, and its motor is " +
			"not: try another product"
	case vending.Refused:
		what, hint = "the adapter did not take the yes for "+t.asked, "--sniff FILE shows what it says"
	default:
	}
	t.wrong(what, hint)
}

func (t *trial) flagged(f vending.Flag) {
	switch f.Reason {
	case vending.BadPrice:
		t.wrong(f.Text, diagnose(t.asked, t.price, t.set.Scale))
	case vending.WrongMode:
		t.wrong(f.Text, `set vending.mode = "always-idle"`)
	default:
		t.say("%s", f.Text)
	}
}

// entered says what a new state asks of the technician, and how long it may last.
func (t *trial) entered(s vending.State) {
	t.limit = time.Time{}
	switch s {
	case vending.NoAnswer:
		t.wrong("the adapter answers to V, and not to C,0", "its firmware has no cashless reader: update it")
	case vending.Unset:
		t.wrong("the adapter refuses "+t.reader.Setting(), "its firmware is too old for that: update it, or "+
			"set what it can do (vending.decimals = 2, vending.scale = 1)")
	case vending.NotPolled, vending.NotEnabled:
		t.limit = time.Now().Add(t.o.Settle)
	case vending.Ready:
		t.limit = time.Now().Add(t.o.Wait)
		if !t.denied {
			t.say("the machine takes cashless payments: choose the product that costs %v; it will be denied", t.price)
		} else {
			t.say("choose it once more: it will fall, for nothing")
		}
		if t.set.Mode == vending.AuthoriseFirst {
			t.next(vending.Offer{Funds: t.price})
			t.limit = time.Now().Add(t.o.Wait)
		}
	case vending.NoPort, vending.Preparing, vending.OutOfUse, vending.Busy:
		if s == vending.Busy && t.set.Mode == vending.AuthoriseFirst {
			t.limit = time.Now().Add(t.o.Wait + t.set.Timeout)
		}
	}
}

// stuck is a state that lasted too long.
func (t *trial) stuck() {
	t.limit = time.Time{}
	other := map[int]string{0x10: "0x60", 0x60: "0x10"}[t.set.Address]
	switch t.state {
	case vending.NotPolled:
		t.wrong(fmt.Sprintf("it does not speak to a reader at %#x", t.set.Address),
			"is it on, is its cable plugged in, is a cashless reader switched on in its menu? If there is another "+
				"reader, try vending.address = \""+other+`"`)
	case vending.NotEnabled:
		t.wrong("it speaks to the reader, and doesn't enable it",
			"its door may be open, its coins or its menu may switch cashless payments off")
	default:
		hint := `if a choice on it showed "insufficient credit", it wants the customer first: ` +
			`vending.mode = "authorise-first"`
		if t.set.Mode == vending.AuthoriseFirst {
			hint = `if it asked for a card before the choice, try vending.mode = "always-idle"`
		}
		t.wrong("no choice came over the line", hint)
	}
}
