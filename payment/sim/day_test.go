package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"smiletill/payment"
	"smiletill/payment/cloud"
	"smiletill/payment/journal"
	"smiletill/payment/register"
	"smiletill/payment/report"
	"smiletill/payment/report/signature"
	"smiletill/payment/vending/machine"
)

// The limits of the days: small, so that they are met.
const (
	outboxMax = 12
	countMax  = 3   // payments since the last PIN
	sumMax    = 900 // minor units since the last PIN
	rightPIN  = "4711"
)

var home = report.Address{Tenant: "acme", Site: "shop", Terminal: "till"}

func key(n byte) *signature.Key {
	k, err := signature.NewKey(bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		panic(err)
	}
	return k
}

// day is one simulated shop day. Its own goroutine does one thing at a time, and waits until all others rest.
type day struct {
	t     *testing.T
	seed  uint64
	r     *rand.Rand
	root  string
	lives int
	step  int
	trace []string

	broker *broker
	cloud  *cloud.Receiver
	life   *life

	asked    map[string]payment.Request
	unsure   map[string]bool          // of asked: whose opening nobody confirmed
	told     map[string]payment.State // what a caller was told of a payment's end
	given    map[string]payment.Reversal
	wanted   map[string]payment.ReversalRequest
	faces    map[string]*visit
	lively   payment.LivenessPolicy
	looks    *rand.Rand  // decides the verdicts: of its own, so that days without them stay as they were
	twins    *rand.Rand  // decides whose face is like another's; nil: nobody's
	failures []time.Time // when a consent was without the live verdict that it wanted
	clock    clock
	street   *street // nil: no vending machine
	counter  counter
	staff    staff
	came     tally
	behind   atomic.Uint64 // how often the cloud was said to have what the journal lacks
}

// tally is what a day came to.
type tally struct{ approved, vends, voided int } // vends are those of approved that a machine asked for

// visit is the evidence that the camera gave for a payment.
type visit struct {
	good   bool // somebody consented as the rules want it, whatever the verdict
	sure   bool // and with a verdict that makes the PIN needless
	unsure bool // and with one that doesn't
	pin    bool // and entered the right PIN
	who    string
}

// life is the terminal from one start to the next.
type life struct {
	disk     *disk
	journal  *journal.Journal
	engine   *payment.Engine
	reporter *report.Reporter
	stop     context.CancelFunc
	ended    sync.WaitGroup
	fault    bool // a write was made to fail
}

// failure is what a day found; it ends the day.
type failure struct{ error }

func (d *day) fail(format string, args ...any) {
	panic(failure{fmt.Errorf("seed %d, step %d: %s", d.seed, d.step, fmt.Sprintf(format, args...))})
}

func (d *day) must(err error) {
	if err != nil {
		d.fail("%v", err)
	}
}

func (d *day) chance(percent int) bool { return d.r.IntN(100) < percent }

func (d *day) note(format string, args ...any) {
	d.trace = append(d.trace, fmt.Sprintf("%4d %s", d.step, fmt.Sprintf(format, args...)))
}

func newDay(t *testing.T, seed uint64, root string) *day {
	return &day{
		t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 5)), root: root, clock: clock{at: time.Now()},
		asked: map[string]payment.Request{}, unsure: map[string]bool{}, told: map[string]payment.State{},
		faces: map[string]*visit{}, given: map[string]payment.Reversal{},
		wanted: map[string]payment.ReversalRequest{}, counter: counter{first: map[string]string{},
			refused: map[string]register.Request{}},
		broker: newBroker(rand.New(rand.NewPCG(seed, 6))),
		street: machineOf(seed),
		lively: livelyOf(seed), looks: rand.New(rand.NewPCG(seed, 8)), twins: twinsOf(seed),
		staff: staffOf(seed),
	}
}

// play runs the day of a seed and gives what happened, what it came to, and what it found.
func play(t *testing.T, seed uint64, root string) (trace []string, came tally, found error) {
	synctest.Test(t, func(t *testing.T) {
		d := newDay(t, seed, root)
		defer func() {
			came, trace = d.came, d.trace
			if caught := recover(); caught != nil {
				f, ok := caught.(failure)
				if !ok {
					panic(caught)
				}
				found = f.error
			}
			d.end()
		}()
		d.run()
	})
	return trace, came, found
}

func (d *day) run() {
	stopCloud := d.startCloud()
	defer stopCloud()
	if d.street != nil {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		go d.street.run(ctx)
	}
	d.start(nil)
	for d.step = range 50 + d.r.IntN(120) {
		d.act()
		synctest.Wait()
		d.atMachine()
		if d.life.disk.is() == dead {
			d.powerCut()
		}
		time.Sleep(time.Duration(d.r.Int64N(int64(1500 * time.Millisecond))))
		synctest.Wait()
		if d.life.disk.is() == dead {
			d.powerCut()
		}
	}
	d.evening()
}

func (d *day) startCloud() (stop func()) {
	c, err := cloud.Open(d.t.Context(), cloud.Options{
		Broker: "mqtt://127.0.0.1:1", File: filepath.Join(d.root, "cloud.db"), Key: key(2), Dial: d.broker.dial,
		Log: slog.New(slog.DiscardHandler), Rand: rand.New(rand.NewPCG(d.seed, 7)),
	})
	d.must(err)
	d.must(c.Trust(d.t.Context(), home, key(1).Public()))
	d.cloud = c
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := errors.Join(<-done, c.Close()); err != nil {
			d.t.Error(err)
		}
	}
}

// start boots the terminal with the files that the last life left, or a fresh journal.
func (d *day) start(left map[string][]byte) {
	d.lives++
	dir := filepath.Join(d.root, fmt.Sprint("life", d.lives))
	d.must(os.Mkdir(dir, 0o700))
	if left == nil {
		left = map[string][]byte{"journal.db": fresh()}
	}
	for name, content := range left {
		d.must(os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	dk, err := newDisk(dir, rand.New(rand.NewPCG(d.seed, uint64(100+d.lives))))
	d.must(err)
	l := &life{disk: dk}
	d.life = l
	l.journal, err = journal.Open(d.t.Context(), filepath.Join(dir, "journal.db"), journal.Options{
		Terminal: "till", OutboxMax: outboxMax, Uptime: d.clock.uptime, VFS: layerName, Rewrite: dk.rewrite,
		Rand: rand.NewChaCha8([32]byte{byte(d.seed), byte(d.seed >> 8), byte(d.seed >> 16), byte(d.lives)}),
	})
	d.must(err)
	_, err = l.journal.Recover(d.t.Context(), d.clock.wall(time.Now()), d.clock.trust())
	d.must(err)
	open, _, err := l.journal.Vending(d.t.Context())
	d.must(err)
	d.check()
	tries, err := l.journal.FailedTries(d.t.Context())
	d.must(err)
	l.engine = payment.NewEngine(skewed{l.journal, d}, payment.Options{
		Timeout: 20 * time.Second, PINTimeout: 20 * time.Second, ProbeEvery: 2 * time.Second, FailedTries: tries,
		Policy: payment.Policy{CountMax: countMax, SumMax: sumMax, Liveness: d.lively}, PINs: pins{}, Rand: zero{},
		Blocked:     d.blocked,
		TimeTrusted: d.clock.trust, LivenessFailed: d.failedBefore(), Vending: open,
	})
	l.reporter, err = report.New(report.Options{
		Broker: "mqtt://127.0.0.1:1", Address: home, Outbox: outbox{l.journal.Outbox()},
		Audits: outbox{l.journal.AuditOutbox()},
		Wake:   l.journal.Outbox().Wake(), Signer: report.KeySigner{Key: key(1)},
		Verifier: report.CloudKeys{key(2).Public()}, Log: slog.New(slog.DiscardHandler), Dial: d.broker.dial,
		Ledger: l.journal, OnBehind: func(report.Ack) { d.behind.Add(1) },
		Rand: rand.New(rand.NewPCG(d.seed, uint64(200+d.lives))), Nonces: nonces(d.seed, d.lives), Window: 4,
		TroubleEvery: time.Hour, Poll: 10 * time.Minute, // or the days are spent with looking at nothing
	})
	d.must(err)
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.ended.Go(func() { _ = l.engine.Run(ctx) })
	l.ended.Go(func() { _ = l.reporter.Run(ctx) })
	d.serve(ctx, l)
	synctest.Wait()
}

// halt ends the life's goroutines and its files; after a power cut nothing of it reaches the disk.
func (d *day) halt() {
	l := d.life
	if l == nil || l.journal == nil {
		return
	}
	d.closeDesk()
	if l.stop != nil {
		l.stop()
		l.ended.Wait()
	}
	l.disk.release()
	_ = l.journal.Close() // after a power cut it can't
	l.disk.unplug()
	l.journal = nil
}

func (d *day) powerCut() {
	left := d.life.disk.cut()
	if s := d.street; s != nil {
		s.plug(false)
		if s.r.IntN(2) == 0 { // the adapter has its power from the terminal
			s.do(func(time.Time) []machine.Said { s.sim.Restart(); return nil })
		}
	}
	d.note("power cut after %d writes", d.life.disk.writes())
	d.halt()
	d.clock.reboot(d.r)
	d.start(left)
}

// restart is an orderly one: systemctl restart, or an update.
func (d *day) restart() {
	d.note("restart")
	d.life.disk.set(healthy)
	d.halt()
	left := map[string][]byte{}
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		content, err := os.ReadFile(filepath.Join(d.life.disk.dir, name))
		if err == nil {
			left[name] = content
		}
	}
	d.start(left)
}

func (d *day) end() {
	d.halt()
	d.broker.setDown(true)
	time.Sleep(time.Minute) // the broker's late copies
}

// nonces name the sessions of one life, as random ones would: the cloud answers each new one.
func nonces(seed uint64, life int) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(life))
	return rand.NewChaCha8(key)
}
