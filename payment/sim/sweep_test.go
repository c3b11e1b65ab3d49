package sim

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"smiletill/payment"
)

// TestEveryWrite plays one short day again and again, with a fault at its first write, truncation, sync or
// deletion, then at its second, until a whole day passes without the fault: the power goes, writes fail for a
// moment or for the rest of the day, the disk is full. The days' invariants must hold each time.
func TestEveryWrite(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	for _, c := range []struct {
		name   string
		fault  fault
		lasts  bool // until the evening, else to the next step
		stride int  // in the usual run; with SIM_SEEDS set, as by make sim, every one
	}{
		{"power cut", dead, true, 17},
		{"writes fail for a moment", failing, false, 17},
		{"writes fail for long", failing, true, 29},
		{"disk full for a moment", full, false, 29},
		{"disk full for long", full, true, 29},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stride, runs := c.stride, 0
			if os.Getenv("SIM_SEEDS") != "" {
				stride = 1
			}
			for at := 0; ; at += stride {
				runs++
				reached, trace, found := sweep(t, c.fault, c.lasts, at)
				if found != nil {
					t.Fatalf("fault at operation %d: %v\n%s", at, found, strings.Join(trace, "\n"))
				}
				if !reached {
					break
				}
				if at > 3000 {
					t.Fatal("the day never ends")
				}
			}
			t.Logf("%d days, the last without the fault", runs)
			if runs < 20 {
				t.Error("the day hardly writes: it has lost its sense")
			}
		})
	}
}

// sweep plays the day with one fault; reached is false when the day was over before it.
func sweep(t *testing.T, f fault, lasts bool, at int) (reached bool, trace []string, found error) {
	root := folder(t, uint64(at))
	defer os.RemoveAll(root)
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t, 1, root)
		defer func() {
			if caught := recover(); caught != nil {
				one, ok := caught.(failure)
				if !ok {
					panic(caught)
				}
				found, trace = one.error, d.trace
			}
			d.end()
		}()
		stopCloud := d.startCloud()
		defer stopCloud()
		d.broker.setKind(true)
		d.start(nil)
		first := d.life.disk
		first.fails(at, f)
		for _, step := range d.script() {
			d.step++
			step()
			synctest.Wait()
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if d.life.disk.is() == dead {
				reached = true
				d.powerCut()
			}
			if !lasts && d.life.disk.is() != healthy {
				reached = true
				d.life.disk.set(healthy)
			}
		}
		reached = reached || first.is() != healthy
		d.evening()
	})
	return reached, trace, found
}

// script is a day in which everything happens once.
func (d *day) script() []func() {
	begin := func(id string, minor int64) func() {
		return func() { d.beginAs(payment.Request{ID: id, Amount: payment.Amount{Minor: minor, Currency: "EUR"}}) }
	}
	consent := func(id string) func() {
		return func() {
			d.see(id, payment.Recognised{Customer: "c1"})
			p, open := d.running()
			if open && p.ID == id {
				now := time.Now()
				e := payment.Evidence{Customer: "c1", MatchFrames: 2, SmileFrames: 1, Since: now, At: now}
				d.see(id, payment.Consented{Evidence: e})
			}
		}
	}
	steps := []func(){
		begin("p1", 100), consent("p1"), begin("p1", 100),
		func() { d.reverseAs(payment.ReversalRequest{ID: "r1", PaymentID: "p1", Minor: 30}) },
		begin("p2", 200), d.cancel, begin("p3", 300), func() { d.see("p3", payment.Unknown{}) },
		begin("p4", 400), consent("p4"),
		func() { d.reverseAs(payment.ReversalRequest{ID: "r1", PaymentID: "p1", Minor: 30}) },
		func() { d.reverseAs(payment.ReversalRequest{ID: "r2", PaymentID: "p4"}) },
		begin("p5", 390), consent("p5"), // above the sum: the PIN
		func() {
			if p, open := d.running(); open && p.State == payment.StatePIN {
				d.enter(p, rightPIN)
			}
		},
	}
	for i := range 3 {
		steps = append(steps, begin(fmt.Sprint("p", 6+i), 10), consent(fmt.Sprint("p", 6+i)))
	}
	return steps
}
