package vending_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/vending"
)

// disk is a journal that can't be written while it is full.
type disk struct {
	*journal.Journal
	full   atomic.Bool
	during func(payment.Payment) // called before a commit
}

var errFull = errors.New("no space left on device")

func (d *disk) Commit(ctx context.Context, p payment.Payment) error {
	if d.full.Load() {
		return errFull
	}
	if d.during != nil {
		d.during(p)
	}
	return d.Journal.Commit(ctx, p)
}

func (d *disk) Probe(ctx context.Context) error {
	if d.full.Load() {
		return errFull
	}
	return d.Journal.Probe(ctx)
}

// TestDeskOfAFullDisk: the machine's word is not forgotten while it can't be written, and nobody is sent to
// look for a product that is charged a moment later.
func TestDeskOfAFullDisk(t *testing.T) {
	atDesk(t, true, nil, func(c *counter) {
		c.ready()
		c.hears("c,STATUS,VEND,1.20,10")
		c.consent()
		c.disk.full.Store(true)
		c.hears("c,VEND,SUCCESS")
		time.Sleep(time.Minute)
		c.want(payment.StateVending, "")
		c.disk.full.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c.want(payment.StateApproved, "")
		if n := c.desk.Now(); n.Flags != 0 {
			t.Errorf("%d times: %+v", n.Flags, n.Flag)
		}
	})
}

// TestDeskConsentTooLate: the machine takes its choice back in the moment in which the consent is written
// down: no yes is said, and nothing is charged.
func TestDeskConsentTooLate(t *testing.T) {
	atDesk(t, true, nil, func(c *counter) {
		c.ready()
		c.hears("c,STATUS,VEND,1.20,10")
		late := false
		c.disk.during = func(p payment.Payment) {
			if p.State == payment.StateVending {
				late = true
				c.desk.Tell(vending.Received{Line: vending.Parse([]byte("c,STATUS,IDLE"))})
				time.Sleep(time.Second) // the desk asks the engine to cancel, and waits for it
			}
		}
		c.consent()
		time.Sleep(10 * time.Second)
		if !late {
			t.Fatal("nothing was committed")
		}
		synctest.Wait()
		c.want(payment.StateVoided, payment.ReasonCancelledByMachine)
		if lines := c.sent(); slices.ContainsFunc(lines, func(l string) bool { return l == "C,VEND,1.20" }) {
			t.Errorf("said yes: %q", lines)
		}
	})
}

// TestDeskOfAFullDiskAndAnOpenCase: a product fell, which could not be written down, and the case was opened
// before it could: nobody is charged, somebody is told, and what was found of the pictures is not forgotten,
// as when the case was open from the start.
func TestDeskOfAFullDiskAndAnOpenCase(t *testing.T) {
	strict := payment.Policy{Liveness: payment.LivenessPolicy{On: true, PassiveMax: 900,
		AfterFailure: time.Hour}}
	for _, full := range []bool{false, true} {
		atDeskOf(t, terminal{open: true, policy: strict, pins: anyPIN{}}, func(c *counter) {
			c.ready()
			c.hears("c,STATUS,VEND,1.20,10")
			id := c.judged(payment.Liveness{Demand: payment.DemandPassive, Verdict: payment.VerdictFailed, Frames: 5})
			if _, err := c.engine.EnterPIN(c.Context(), id, "4711"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			c.want(payment.StateVending, "")
			c.disk.full.Store(full)
			c.alarm.Store(!full)
			c.hears("c,VEND,SUCCESS")
			time.Sleep(time.Minute)
			c.alarm.Store(true)
			c.disk.full.Store(false)
			time.Sleep(time.Minute)
			synctest.Wait()
			c.want(payment.StateVoided, payment.ReasonNotConfirmed)
			if n := c.desk.Now(); n.Flags != 1 {
				t.Errorf("disk full %v: told %d times: %+v", full, n.Flags, n.Flag)
			}
			_, failed, err := c.j.LivenessFailed(c.Context())
			tries, err2 := c.j.FailedTries(c.Context())
			if !failed || tries == 0 || err != nil || err2 != nil {
				t.Errorf("disk full %v: a failed verdict %v, %d refused faces; %v %v", full, failed, tries, err, err2)
			}
		})
	}
}

// anyPIN is of customers who type the right one.
type anyPIN struct{}

func (anyPIN) Ready(context.Context, string) error       { return nil }
func (anyPIN) Try(context.Context, string, string) error { return nil }

// TestDeskOfABacklog: a product that would make too much money unreported is refused alone, and a cheaper one
// is sold; when nothing more may be unreported the reader goes off the bus for a minute.
func TestDeskOfABacklog(t *testing.T) {
	atDeskOf(t, terminal{open: true, journal: journal.Options{OwedMax: 300}}, func(c *counter) {
		c.ready()
		c.sound.Store(true)
		sell := func(price string) []string {
			c.hears("c,STATUS,VEND," + price + ",10")
			if st, err := c.engine.Status(c.Context()); err != nil || st.Payment.State != payment.StateWaiting {
				if why := c.desk.Now().Refused; !errors.Is(why, payment.ErrBacklog) {
					t.Fatalf("%s is refused: %v", price, why)
				}
				c.hears("c,STATUS,ENABLED")
				time.Sleep(3 * time.Second)
				return c.sent()
			}
			c.consent()
			c.hears("c,VEND,SUCCESS", "c,STATUS,IDLE", "c,STATUS,ENABLED")
			return c.sent()
		}
		if lines := sell("3.50"); slices.Contains(lines, "C,0") || !slices.Contains(lines, "C,VEND,-1") {
			t.Errorf("too dear for what may be unreported: %q", lines)
		}
		if lines := sell("3.00"); !slices.Contains(lines, "C,VEND,3.00") {
			t.Errorf("a cheaper one: %q", lines)
		}
		c.want(payment.StateApproved, "")
		if lines := sell("0.10"); !slices.Contains(lines, "C,0") {
			t.Errorf("nothing more may be unreported: %q", lines)
		}
		time.Sleep(30 * time.Second)
		if lines := c.sent(); slices.Contains(lines, "C,1") {
			t.Errorf("back after half a minute: %q", lines)
		}
		time.Sleep(time.Minute)
		if lines := c.sent(); !slices.Contains(lines, "C,1") {
			t.Errorf("not back after a minute: %q", lines)
		}
	})
}
