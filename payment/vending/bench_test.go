package vending_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/vending"
	"smiletill/payment/vending/machine"
)

// lineRate is the adapter's, in bytes a second: 115,200 bits, ten of them for a byte (8N1).
const lineRate = 115_200 / 10

// BenchmarkVend is what the terminal adds to a vend, with its real engine and a journal on the disk: from the
// last byte of the choice to the payment that is published, which is what the screen shows; and from the
// smile's consent, handed to the engine, to C,VEND at the port. The two lines' own time on the wire is beside
// them, computed. Before each of both nothing happens for a while, as in life. BENCH_DIR is a folder on the
// disk that is meant.
func BenchmarkVend(b *testing.B) {
	s := newBenchShop(b)
	var shown, vended []time.Duration
	var choice int
	for i := range b.N {
		item := fmt.Sprint(i % 100)
		s.settled(b)
		lines := s.choose(b, "1.20", item)
		choice = len(lines)
		start := time.Now()
		s.hear(lines)
		p := s.until(b, "the choice is shown", func(p payment.Payment) bool {
			return p.State == payment.StateWaiting && p.Item == item
		})
		shown = append(shown, time.Since(start))

		s.settled(b)
		now := time.Now()
		s.handle(b, p.ID, payment.Recognised{Customer: "c1"})
		start = time.Now()
		s.handle(b, p.ID, payment.Consented{Evidence: payment.Evidence{
			Customer: "c1", MatchFrames: 3, SmileFrames: 1, Since: now, At: now}})
		vended = append(vended, (<-s.yes).Sub(start))
		s.falls()
		s.until(b, "it is approved", func(q payment.Payment) bool {
			return q.ID == p.ID && q.State == payment.StateApproved
		})
	}
	b.ReportMetric(0, "ns/op") // it would be the pauses
	report := func(name string, took []time.Duration, bytes int) {
		slices.Sort(took)
		for _, p := range []int{50, 99} {
			at := took[(len(took)-1)*p/100]
			b.ReportMetric(float64(at.Microseconds()), fmt.Sprintf("%s-p%d-µs", name, p))
		}
		b.ReportMetric(float64(bytes)*1e6/lineRate, name+"-line-µs")
	}
	report("choice", shown, choice)
	report("vend", vended, len("C,VEND,1.20\n"))
}

// benchShop is a terminal at a machine, without a serial line between them.
type benchShop struct {
	engine  *payment.Engine
	desk    *vending.Desk
	changes <-chan payment.Status
	port    chan []byte    // what the adapter says
	yes     chan time.Time // when C,VEND was written

	mu  sync.Mutex
	sim *machine.Sim
}

func newBenchShop(b *testing.B) *benchShop {
	dir := b.TempDir()
	if at := os.Getenv("BENCH_DIR"); at != "" {
		var err error
		if dir, err = os.MkdirTemp(at, "vending"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	j, err := journal.Open(b.Context(), filepath.Join(dir, "journal.db"), journal.Options{
		Terminal: "till-1", OutboxMax: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	s := &benchShop{engine: payment.NewEngine(j, payment.Options{}), port: make(chan []byte, 64),
		yes: make(chan time.Time, 1), sim: machine.New(machine.Options{Decimals: 2}, time.Now())}
	s.desk = vending.NewDesk(vending.DeskOptions{Write: s.write,
		Settings: vending.Settings{Address: 0x10, Timeout: time.Minute,
			Scale: vending.Scale{Currency: "EUR", Decimals: 2, Factor: 1}},
		Till: func() (vending.Engine, error) { return s.engine, nil }})
	changes, unwatch := s.engine.Watch()
	s.changes = changes
	ctx, stop := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := s.engine.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	served, leave := context.WithCancel(context.Background())
	var left sync.WaitGroup
	left.Go(func() { s.desk.Run(served) })
	left.Go(func() { s.listen(served) })
	b.Cleanup(func() {
		leave() // the desk needs the engine to its end
		left.Wait()
		unwatch()
		stop()
		ended.Wait()
		if err := j.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// listen carries what the adapter says to the desk.
func (s *benchShop) listen(ctx context.Context) {
	s.desk.Tell(vending.Connected{})
	var lines vending.Splitter
	for {
		select {
		case <-ctx.Done():
			return
		case data := <-s.port:
			for _, l := range lines.Feed(data) {
				s.desk.Tell(vending.Received{Line: l})
			}
		}
	}
}

// write is the desk's: the adapter answers at once.
func (s *benchShop) write(data []byte) error {
	if strings.HasPrefix(string(data), "C,VEND,1") {
		s.yes <- time.Now()
	}
	s.hear(s.at(func(now time.Time) []machine.Said { return s.sim.Feed(machine.Reader, string(data), now) }))
	return nil
}

// at has something happen at the machine, and gives the bytes that the adapter says of it.
func (s *benchShop) at(what func(now time.Time) []machine.Said) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []byte
	for _, l := range what(time.Now()) {
		out = append(out, l.Line+"\r\n"...)
	}
	return out
}

func (s *benchShop) hear(data []byte) {
	if len(data) > 0 {
		s.port <- data
	}
}

// choose is a customer at the machine, as soon as it takes one.
func (s *benchShop) choose(b *testing.B, price, item string) []byte {
	b.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if said := s.at(func(now time.Time) []machine.Said {
			said, _ := s.sim.Choose(price, item, now)
			return said
		}); len(said) > 0 {
			return said
		}
	}
	b.Fatal("the machine takes no choice")
	return nil
}

func (s *benchShop) falls() { s.hear(s.at(s.sim.Tick)) }

func (s *benchShop) handle(b *testing.B, id string, e payment.Event) {
	b.Helper()
	if err := s.engine.Handle(b.Context(), id, e); err != nil {
		b.Fatal(err)
	}
}

// until waits for what the engine publishes.
func (s *benchShop) until(b *testing.B, what string, is func(payment.Payment) bool) payment.Payment {
	b.Helper()
	end := time.After(time.Minute)
	for {
		select {
		case now := <-s.changes:
			if is(now.Payment) {
				return now.Payment
			}
		case <-end:
			b.Fatalf("%s: not within a minute", what)
		}
	}
}

// settled gives the journal's keeper the time that it has between customers.
func (s *benchShop) settled(b *testing.B) {
	b.StopTimer()
	time.Sleep(300 * time.Millisecond)
	b.StartTimer()
}
