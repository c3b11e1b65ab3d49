package sim

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/vending"
	"smiletill/payment/vending/machine"
)

// street is a vending machine that the terminal serves beside its register, on some of the days. It goes on
// when the terminal's power goes.
type street struct {
	r    *rand.Rand // of its own, so that days without a machine stay as they were
	wake chan struct{}

	mu     sync.Mutex
	sim    *machine.Sim
	lines  []string // for the port, if it is open
	open   bool
	chosen int
}

// machineOf gives a day its machine, or none. The days that are named somewhere because of what they found
// have none.
func machineOf(seed uint64) *street {
	if seed%7 != 0 && seed%7 != 2 {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, 9))
	o := machine.Options{Motor: 3 * time.Second, Decimals: 2, Seed: seed, Quoted: r.IntN(2) == 0,
		Firmware: machine.Firmware(r.IntN(2)), Deny: machine.Deny(r.IntN(3))}
	if r.IntN(2) == 0 {
		o.Faults = machine.Faults{Jam: 0.1, Silence: 0.05, Restart: 0.01, Garble: 0.02, Double: 0.05, Lose: 0.02}
	}
	return &street{r: r, wake: make(chan struct{}, 1), sim: machine.New(o, time.Now())}
}

var machineSettings = vending.Settings{
	Address: 0x10, Scale: vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}, Timeout: 30 * time.Second,
}

// run lets the machine's time pass.
func (s *street) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		at, ok := s.sim.Next()
		s.mu.Unlock()
		wait := time.Second
		if ok {
			wait = min(wait, max(time.Until(at), time.Millisecond))
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			s.do(func(now time.Time) []machine.Said { return s.sim.Tick(now) })
		}
	}
}

// do has something happen at the machine, and keeps what the adapter says of it for the port.
func (s *street) do(what func(now time.Time) []machine.Said) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range what(time.Now()) {
		if l.To == machine.Reader && s.open {
			s.lines = append(s.lines, l.Line)
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write is the desk's.
func (s *street) write(b []byte) error {
	s.do(func(now time.Time) []machine.Said {
		return s.sim.Feed(machine.Reader, strings.TrimSpace(string(b)), now)
	})
	return nil
}

// port carries lines to a desk until ctx ends.
func (s *street) port(ctx context.Context, desk *vending.Desk) {
	was := false
	for ctx.Err() == nil {
		s.mu.Lock()
		lines, open := s.lines, s.open
		s.lines = nil
		s.mu.Unlock()
		switch {
		case open && !was:
			desk.Tell(vending.Connected{})
		case !open && was:
			desk.Tell(vending.Disconnected{})
		}
		was = open
		for _, l := range lines {
			desk.Tell(vending.Received{Line: vending.Parse([]byte(l))})
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		}
	}
}

func (s *street) plug(in bool) {
	s.do(func(time.Time) []machine.Said {
		s.open, s.lines = in, nil
		return nil
	})
}

// serve has the life's engine serve the machine.
func (d *day) serve(ctx context.Context, l *life) {
	s := d.street
	if s == nil {
		return
	}
	desk := vending.NewDesk(vending.DeskOptions{Settings: machineSettings, Write: s.write,
		Till: func() (vending.Engine, error) { return l.engine, nil },
		Rand: rand.NewChaCha8([32]byte{byte(d.seed), byte(d.seed >> 8), byte(d.lives), 7})})
	s.plug(true)
	l.ended.Go(func() { desk.Run(ctx) })
	l.ended.Go(func() { s.port(ctx, desk) })
}

// street does one thing at the machine, or nothing.
func (d *day) atMachine() {
	s := d.street
	if s == nil {
		return
	}
	switch n := s.r.IntN(100); {
	case n < 30:
		price := fmt.Sprintf("%d.%d0", 1+s.r.IntN(3), s.r.IntN(10))
		s.do(func(now time.Time) []machine.Said {
			said, ok := s.sim.Choose(price, fmt.Sprint(s.chosen), now)
			if ok {
				d.note("product %d is chosen for %s", s.chosen, price)
				s.chosen++
			}
			return said
		})
	case n < 33:
		d.note("the choice is taken back")
		s.do(s.sim.Cancel)
	case n < 35:
		d.note("the adapter loses its power")
		s.do(func(time.Time) []machine.Said { s.sim.Restart(); return nil })
	case n < 37:
		d.note("the adapter is pulled out, and put back")
		s.plug(false)
		synctest.Wait()
		s.plug(true)
	}
	synctest.Wait()
}

// products holds what fell against the facts: nobody was charged for what did not fall, and nothing fell
// that was not in the journal. At the end of the day each vend has ended, and of what fell for nothing a
// person was told by the fact.
func (d *day) products(facts []journal.Fact, over bool) {
	if d.street == nil {
		return
	}
	d.street.mu.Lock()
	fell := map[string]bool{}
	prices := map[string]string{}
	for _, p := range d.street.sim.Fallen() {
		if p.Fell {
			fell[p.Item], prices[p.Item] = true, p.Price
		}
	}
	d.street.mu.Unlock()
	kinds := map[string]map[string]journal.Fact{}
	for _, f := range facts {
		if !f.Vend {
			continue
		}
		name := f.Item
		if name == "" {
			name = f.PaymentID
		}
		if kinds[name] == nil {
			kinds[name] = map[string]journal.Fact{}
		}
		kinds[name][f.Kind] = f
	}
	rename(kinds, prices)
	for item, k := range kinds {
		_, vended := k["vending"]
		_, paid := k["approved"]
		_, voided := k["voided"]
		switch {
		case paid && !fell[item]:
			d.fail("product %s was charged, and did not fall", item)
		case paid && voided, (paid || voided) && !vended:
			d.fail("the vend of product %s: %v", item, k)
		case over && vended && !paid && !voided:
			d.fail("the vend of product %s never ended", item)
		}
	}
	for item := range fell {
		k := kinds[item]
		if _, vended := k["vending"]; !vended {
			d.fail("product %s fell, and no vend was in the journal", item)
		}
		if v, voided := k["voided"]; voided && v.Reason != payment.ReasonNotConfirmed {
			d.fail("product %s fell for nothing, and nobody was told: %s", item, v.Reason)
		}
	}
}

// rename gives vends whose product's number came garbled, and which go by their payment's, the number of a
// product that fell for their price and is nobody else's.
func rename(kinds map[string]map[string]journal.Fact, prices map[string]string) {
	for _, item := range slices.Sorted(maps.Keys(prices)) {
		if kinds[item] != nil {
			continue
		}
		found := ""
		for _, id := range slices.Sorted(maps.Keys(kinds)) {
			v, vended := kinds[id]["vending"]
			if !vended || v.Item != "" || v.Amount.Decimal() != prices[item] {
				continue
			}
			if _, paid := kinds[id]["approved"]; paid || found == "" {
				found = id
			}
		}
		if found != "" {
			kinds[item] = kinds[found]
			delete(kinds, found)
		}
	}
}
