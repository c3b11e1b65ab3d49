package payment

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// vends begins a machine's payment and has it consented to: the machine has it in hand.
func (b *bench) vends(id string) {
	b.Helper()
	r := euro(id)
	r.Vend, r.Item = true, "10"
	if _, err := b.Begin(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	if err := b.consent(id); err != nil {
		b.Fatal(err)
	}
	b.stands(id, StateVending)
}

func (b *bench) stands(id string, s State) {
	b.Helper()
	now, err := b.Status(b.Context())
	if err != nil || now.Payment.ID != id || now.Payment.State != s {
		b.Fatalf("%s stands at %s, %v; want %s %s", now.Payment.ID, now.Payment.State, err, id, s)
	}
}

func TestEngineVends(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.vends("a")
		if b.l.stored["a"].State != StateVending {
			t.Fatal("the machine hears of what is not in the journal")
		}
		time.Sleep(24 * time.Hour) // no deadline ends it
		b.stands("a", StateVending)
		_, err := b.Begin(b.Context(), euro("b"))
		b.wantErr(err, ErrBusy)
		_, err = b.Cancel(b.Context(), "a", ByCustomer)
		b.wantErr(err, ErrVending)
		if err := b.SetOutOfOrder(b.Context(), "camera", true); err != nil {
			t.Fatal(err)
		}
		b.stands("a", StateVending)
		b.do("a", Dispensed{})
		b.want("a", StateApproved, "")
		b.wantErr(b.Handle(b.Context(), "a", NotDispensed{ReasonNotConfirmed}), ErrNotRunning)
		if err := b.SetOutOfOrder(b.Context(), "camera", false); err != nil {
			t.Fatal(err)
		}
		b.vends("c")
		b.do("c", NotDispensed{ReasonNotDispensed})
		b.want("c", StateVoided, ReasonNotDispensed)
	})
}

// TestEngineVendNotWritten: a vend that can't be written is told before the machine hears of it, and voided
// if it was written all the same; a machine's word that can't be written is not forgotten.
func TestEngineVendNotWritten(t *testing.T) {
	for _, torn := range []bool{false, true} {
		inBubble(t, func(b *bench) {
			r := euro("a")
			r.Vend = true
			if _, err := b.Begin(b.Context(), r); err != nil {
				t.Fatal(err)
			}
			b.l.set(errDisk, torn)
			b.wantErr(b.consent("a"), ErrJournal)
			b.l.set(nil, false)
			time.Sleep(time.Minute)
			end := StateCancelled
			if torn {
				end = StateVoided
			}
			b.want("a", end, ReasonJournalFailed)
		})
		inBubble(t, func(b *bench) {
			b.vends("a")
			b.l.set(errDisk, torn)
			b.wantErr(b.Handle(b.Context(), "a", Dispensed{}), ErrJournal)
			b.l.set(nil, false)
			time.Sleep(time.Minute)
			b.want("a", StateApproved, "")
		})
	}
}

// TestEngineVendWrittenLate: an approval that could not be written at once ends the row of refused faces too.
func TestEngineVendWrittenLate(t *testing.T) {
	inBubble(t, func(b *bench) {
		for n := 1; lockAfter(n) == 0; n++ {
			id := fmt.Sprint("refused-", n)
			b.begin(id)
			b.do(id, Unknown{})
			b.want(id, StateDeclined, ReasonNotRecognised)
		}
		b.vends("a")
		b.l.set(errDisk, false)
		b.wantErr(b.Handle(b.Context(), "a", Dispensed{}), ErrJournal)
		b.l.set(nil, false)
		time.Sleep(time.Minute)
		b.want("a", StateApproved, "")
		b.begin("b")
		b.do("b", Unknown{})
		b.want("b", StateDeclined, ReasonNotRecognised)
		b.begin("c") // the first of a new row
	})
}

// TestEngineVendUnderAlarm: with the case open no vend begins, and one that is open is only taken back: the
// machine's wires are in that case.
func TestEngineVendUnderAlarm(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.vends("a")
		b.options.Alarm = func() error { return errors.New("the case is open") }
		b.do("a", Dispensed{})
		b.want("a", StateVoided, ReasonNotConfirmed)
		b.options.Alarm = func() error { return nil }
		b.vends("b")
		b.options.Alarm = func() error { return errors.New("the case is open") }
		b.do("b", NotDispensed{ReasonNotDispensed})
		b.want("b", StateVoided, ReasonNotDispensed)
		b.options.Alarm = func() error { return nil }
		b.vends("d") // fell, could not be written, and then the case was opened
		b.l.set(errDisk, false)
		b.wantErr(b.Handle(b.Context(), "d", Dispensed{}), ErrJournal)
		b.options.Alarm = func() error { return errors.New("the case is open") }
		b.l.set(nil, false)
		time.Sleep(time.Minute)
		b.want("d", StateVoided, ReasonNotConfirmed)
		b.options.Alarm = func() error { return nil }
		r := euro("c")
		r.Vend = true
		if _, err := b.Begin(b.Context(), r); err != nil {
			t.Fatal(err)
		}
		b.options.Alarm = func() error { return errors.New("the case is open") }
		if err := b.consent("c"); err != nil {
			t.Fatal(err)
		}
		b.want("c", StateCancelled, ReasonDeviceFailed)
	})
}

// TestEngineVendOverARestart: whoever waits hears that the engine has stopped; the next one goes on with the
// vend.
func TestEngineVendOverARestart(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.vends("a")
		waits := make(chan error, 1)
		go func() {
			_, err := b.Wait(context.Background(), "a")
			waits <- err
		}()
		time.Sleep(time.Second)
		b.stop()
		b.wantErr(<-waits, ErrStopped)
		open := b.l.stored["a"]
		open.Deadline = time.Time{}
		if open.State != StateVending {
			t.Fatalf("a stop left %s", open.State)
		}
		again := NewEngine(b.l, Options{Vending: open})
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- again.Run(ctx) }()
		if s, err := again.Status(ctx); err != nil || s.Payment.ID != "a" || s.Payment.State != StateVending {
			t.Fatalf("%+v, %v", s.Payment, err)
		}
		if err := again.Handle(ctx, "a", Dispensed{}); err != nil {
			t.Fatal(err)
		}
		if p, err := again.Wait(ctx, "a"); err != nil || p.State != StateApproved || p.Customer != "c1" {
			t.Errorf("%+v, %v", p, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
