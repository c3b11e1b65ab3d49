package vending_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/vending"
)

var errStarting = errors.New("the terminal is starting")

// counter is a desk with the real engine and the real journal behind it, in a bubble of time.
type counter struct {
	*testing.T
	j      *journal.Journal
	disk   *disk
	alarm  atomic.Bool // the case is open
	sound  atomic.Bool // the adapter answers by itself how it is set up
	engine *payment.Engine
	desk   *vending.Desk
	stop   context.CancelFunc

	mu    sync.Mutex
	open  bool // there is an engine
	lines []string
}

func (c *counter) till() (vending.Engine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return nil, errStarting
	}
	return c.engine, nil
}

func (c *counter) write(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := strings.TrimSpace(string(b))
	c.lines = append(c.lines, said)
	answers := map[string][]string{"C,0": {"c,0"}, "C,1": {"c,1", "c,STATUS,ENABLED"}}[said]
	if strings.HasPrefix(said, "C,SETCONF") {
		answers = []string{"c,SET,OK"}
	}
	for _, l := range answers {
		if c.sound.Load() {
			c.desk.Tell(vending.Received{Line: vending.Parse([]byte(l))})
		}
	}
	return nil
}

// sent gives what was sent since it was last asked.
func (c *counter) sent() []string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.lines
	c.lines = nil
	return all
}

// hears is the adapter that says lines.
func (c *counter) hears(lines ...string) {
	for _, l := range lines {
		c.desk.Tell(vending.Received{Line: vending.Parse([]byte(l))})
	}
	synctest.Wait()
}

// ready brings the reader on the bus of a machine that takes payments.
func (c *counter) ready() {
	c.Helper()
	c.desk.Tell(vending.Connected{})
	c.hears("c,0", "c,SET,OK", "c,SET,OK", "c,SET,OK", "c,SET,OK", "c,SET,OK", "c,1", "c,STATUS,ENABLED")
	if s := c.desk.Now().State; s != vending.Ready {
		c.Fatalf("the reader is %d: %q", s, c.sent())
	}
	c.sent()
}

// consent is a customer who smiles.
func (c *counter) consent() {
	c.Helper()
	c.judged(payment.Liveness{})
}

// judged is one whose pictures had a verdict.
func (c *counter) judged(l payment.Liveness) (id string) {
	c.Helper()
	s, err := c.engine.Status(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	now := time.Now()
	e := payment.Evidence{Customer: "c1", MatchFrames: 3, SmileFrames: 2, Liveness: l, Since: now, At: now}
	for _, e := range []payment.Event{payment.Recognised{Customer: "c1"}, payment.Consented{Evidence: e}} {
		if err := c.engine.Handle(c.Context(), s.Payment.ID, e); err != nil {
			c.Fatal(err)
		}
	}
	synctest.Wait()
	return s.Payment.ID
}

func (c *counter) want(state payment.State, reason payment.Reason) {
	c.Helper()
	all, err := c.j.List(c.Context(), journal.Filter{Limit: 1})
	if err != nil || len(all) != 1 || all[0].Payment.State != state || all[0].Payment.Reason != reason {
		c.Fatalf("%+v, %v; want %s %q", all, err, state, reason)
	}
}

// atDesk runs work with a desk. before is what a journal holds at the start.
func atDesk(t *testing.T, open bool, before func(*journal.Journal), work func(*counter)) {
	t.Helper()
	atDeskOf(t, terminal{open: open, before: before}, work)
}

// terminal is what a desk stands at.
type terminal struct {
	open    bool // the engine is there from the start on
	before  func(*journal.Journal)
	journal journal.Options
	policy  payment.Policy
	pins    payment.PINs // nil: nobody has one
}

var errCase = errors.New("the case is open")

func atDeskOf(t *testing.T, o terminal, work func(*counter)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	synctest.Test(t, func(t *testing.T) {
		j, err := journal.Open(t.Context(), path, o.journal)
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		if o.before != nil {
			o.before(j)
		}
		vend, _, err := j.Vending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := &counter{T: t, j: j, open: o.open, disk: &disk{Journal: j}}
		alarm := func() error {
			if c.alarm.Load() {
				return errCase
			}
			return nil
		}
		c.engine = payment.NewEngine(c.disk, payment.Options{Vending: vend, Alarm: alarm, Policy: o.policy,
			PINs: o.pins})
		c.desk = vending.NewDesk(vending.DeskOptions{Till: c.till, Write: c.write,
			Settings: vending.Settings{Address: 0x10, Timeout: 30 * time.Second,
				Scale: vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}},
			Payable: func(a payment.Amount) error { return a.Within(payment.Amount{Minor: 500, Currency: "EUR"}) }})
		ctx, stop := context.WithCancel(context.Background())
		c.stop = stop
		var ended sync.WaitGroup
		ended.Go(func() { _ = c.engine.Run(ctx) })
		ended.Go(func() { c.desk.Run(ctx) })
		synctest.Wait()
		defer ended.Wait() // also when work failed: who waits for a bubble would say no more than that it hangs
		defer stop()
		work(c)
	})
}

// leaves a vend open in the journal, as a power cut does.
func leaves(t *testing.T) func(*journal.Journal) {
	return func(j *journal.Journal) {
		now := time.Now()
		p, err := payment.Open(payment.Request{ID: "vend-1", Amount: payment.Amount{Minor: 120, Currency: "EUR"},
			Vend: true, Item: "10"}, now, time.Minute)
		for _, e := range []payment.Event{nil, payment.Recognised{Customer: "c1"}, payment.Consented{
			Evidence: payment.Evidence{Customer: "c1", MatchFrames: 3, SmileFrames: 2, Since: now, At: now}}} {
			if e != nil && err == nil {
				p, err = payment.Next(p, e, now)
			}
			if err == nil && p.State != payment.StateRecognised {
				err = j.Commit(context.Background(), p)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDeskSells(t *testing.T) {
	atDesk(t, true, nil, func(c *counter) {
		c.ready()
		c.hears("c,STATUS,VEND,1.20,10")
		c.want(payment.StateWaiting, "")
		if lines := c.sent(); len(lines) != 0 {
			t.Fatalf("before anybody smiled: %q", lines)
		}
		c.consent()
		c.want(payment.StateVending, "")
		if lines := c.sent(); !slices.Equal(lines, []string{"C,VEND,1.20"}) {
			t.Fatalf("after the smile: %q", lines)
		}
		c.hears("c,VEND,SUCCESS")
		c.want(payment.StateApproved, "")
	})
}

func TestDeskRefuses(t *testing.T) {
	atDesk(t, true, nil, func(c *counter) {
		for price, why := range map[string]error{"7.20": payment.ErrAboveLimit, "12": vending.ErrRefused} {
			c.ready()
			c.hears("c,STATUS,VEND," + price + ",10")
			if lines := c.sent(); !slices.Equal(lines, []string{"C,VEND,-1"}) {
				t.Errorf("%s: %q", price, lines)
			}
			if now := c.desk.Now(); !errors.Is(now.Refused, why) {
				t.Errorf("%s: %v", price, now.Refused)
			}
			c.desk.Tell(vending.Disconnected{})
		}
		if all, err := c.j.List(c.Context(), journal.Filter{}); err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// TestDeskOfATerminalThatCannotPay: the reader goes off the bus, so that coins go on working, and on it when
// the terminal takes payments again.
func TestDeskOfATerminalThatCannotPay(t *testing.T) {
	atDesk(t, false, nil, func(c *counter) {
		c.desk.Tell(vending.Connected{})
		time.Sleep(30 * time.Second)
		if lines := c.sent(); len(lines) == 0 || lines[0] != "C,0" || slices.Contains(lines, "C,1") {
			t.Errorf("without an engine: %q", lines)
		}
		c.mu.Lock()
		c.open = true
		c.mu.Unlock()
		time.Sleep(time.Minute) // it has had nothing to say so far
		c.sent()
		c.desk.Tell(vending.Disconnected{})
		c.ready()
		if err := c.engine.SetOutOfOrder(c.Context(), "camera", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if lines := c.sent(); !slices.Contains(lines, "C,0") || slices.Contains(lines, "C,1") {
			t.Errorf("without a camera: %q", lines)
		}
	})
}

// TestDeskAfterAPowerCut: a vend of before is decided by the adapter's first words, else it is taken back and
// told.
func TestDeskAfterAPowerCut(t *testing.T) {
	for _, c := range []struct {
		says   string
		state  payment.State
		reason payment.Reason
		told   bool
	}{
		{"c,VEND,SUCCESS", payment.StateApproved, "", false},
		{"c,ERR,VEND 3", payment.StateVoided, payment.ReasonNotDispensed, false},
		{"c,STATUS,ENABLED", payment.StateVoided, payment.ReasonNotConfirmed, true},
		{"c,STATUS,INACTIVE", payment.StateVoided, payment.ReasonNotConfirmed, true},
		{"", payment.StateVoided, payment.ReasonNotConfirmed, true},
	} {
		t.Run(fmt.Sprintf("%q", c.says), func(t *testing.T) {
			atDesk(t, true, leaves(t), func(d *counter) {
				d.desk.Tell(vending.Connected{})
				if lines := d.sent(); len(lines) != 0 {
					t.Errorf("said before the adapter's first words: %q", lines)
				}
				if c.says != "" {
					d.hears(c.says)
				}
				time.Sleep(40 * time.Second)
				synctest.Wait()
				d.want(c.state, c.reason)
				if flags := d.desk.Now().Flags; (flags > 0) != c.told {
					t.Errorf("%d flags: %+v", flags, d.desk.Now().Flag)
				}
			})
		})
	}
}

// TestDeskLeaves: whoever stops the terminal while a product is asked for leaves no reader on the bus: nobody
// would be there to pay.
func TestDeskLeaves(t *testing.T) {
	for _, answers := range []bool{true, false} {
		atDesk(t, true, nil, func(c *counter) {
			c.ready()
			c.hears("c,STATUS,VEND,1.20,10")
			c.stop()
			if lines := c.sent(); !slices.Equal(lines, []string{"C,VEND,-1"}) {
				t.Errorf("said first: %q", lines)
			}
			if answers {
				c.hears("c,STATUS,IDLE", "c,STATUS,ENABLED")
			}
			time.Sleep(10 * time.Second)
			if lines := c.sent(); len(lines) == 0 || lines[len(lines)-1] != "C,0" {
				t.Errorf("answered %v: said last: %q", answers, lines)
			}
		})
	}
}

// TestDeskFindsAVendLate: the engine comes so late that the adapter was set up already. What it has in hand
// is taken back, and told.
func TestDeskFindsAVendLate(t *testing.T) {
	atDesk(t, false, leaves(t), func(c *counter) {
		c.desk.Tell(vending.Connected{})
		time.Sleep(time.Minute)
		c.mu.Lock()
		c.open = true
		c.mu.Unlock()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c.want(payment.StateVoided, payment.ReasonNotConfirmed)
		if c.desk.Now().Flags != 1 {
			t.Errorf("told %d times", c.desk.Now().Flags)
		}
	})
}
