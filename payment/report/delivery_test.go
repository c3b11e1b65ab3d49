package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"smiletill/payment/cloud"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
)

func TestNothingIsClosedWithoutAcknowledgement(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		box := newOutbox(t)
		box.add(3)
		r, _ := startReporter(t, options("mqtt://"+at, box))
		eventually(t, "the rows are sent again and again", func() bool { return r.State().Counts.Resent >= 9 })
		if s := r.State(); box.open() != 3 || s.Counts.Closed != 0 || s.InFlight != 3 || s.OldestSeq != 3 {
			t.Errorf("%d rows open, state %+v", box.open(), s)
		}
		eventually(t, "the silence is called a problem", func() bool {
			s := r.State()
			return s.Connected && strings.Contains(s.Problem, "cloud does not acknowledge") && s.Hint != ""
		})
		c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		eventually(t, "all are closed once the cloud is there", func() bool { return box.open() == 0 })
		eventually(t, "no problem is left", func() bool { return r.State().Problem == "" })
		if count(t, c) != 3 || box.mostCloses() != 1 {
			t.Errorf("counted %d, closed up to %d times", count(t, c), box.mostCloses())
		}
	})
}

// A cloud that doesn't know audit facts acknowledges none: payments go on, nothing is parked, and no
// connection is given up. One that knows them gets them all.
func TestAuditsHoldNoPaymentUp(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		box, audits := newOutbox(t), newOutbox(t)
		audits.add(20)
		_, err := audits.db.Exec(`UPDATE outbox SET seq = seq + 1, id = 'audit-' || seq, kind = 'audit'`)
		if err != nil {
			t.Fatal(err)
		}
		box.add(3)
		o := options("mqtt://"+at, box)
		o.Audits, o.AckTimeout = audits, 100*time.Millisecond
		old := peer(t, "mqtt://"+at, "old-cloud", here().Topic(report.ChannelPayment))
		r, _ := startReporter(t, o)
		const patience = 5 // sendings of a payment, after which a connection is given up
		for heard := 0; heard < 4*(patience+1); {
			m := receive(t, old)
			if strings.Contains(string(m.Payload), "io.smiletill.terminal.audit.v1") {
				heard++
				continue
			}
			e, err := cloud.Decode(m.Topic, m.Payload)
			if err != nil {
				t.Fatal(err)
			}
			say(t, old, here().Topic(report.ChannelAck),
				ackOf(t, key(2), report.Ack{ID: e.ID, Hash: e.Hash, Seq: e.Seq}))
		}
		eventually(t, "the payments are delivered", func() bool { return box.open() == 0 })
		if s := r.State(); s.Problem != "" || s.Counts.Parked != 0 || s.Counts.Lost != 0 || audits.open() != 20 {
			t.Errorf("%d audit facts open, %+v", audits.open(), s)
		}
		startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		eventually(t, "the audit facts are delivered", func() bool { return r.State().Counts.Audits == 20 })
		if n := r.State().Counts; audits.open() != 0 || n.Closed != 3 {
			t.Errorf("%+v", n)
		}
	})
}

func TestOfflineAtStart(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, kill := start(t, loopback(t))
		kill() // the port is free and nobody listens
		box := newOutbox(t)
		box.add(2)
		r, _ := startReporter(t, options("mqtt://"+at, box))
		eventually(t, "the technician reads what is wrong", func() bool {
			s := r.State()
			return !s.Connected && s.Counts.Lost > 1 && strings.Contains(s.Problem, "refuses connections") &&
				strings.Contains(s.Hint, "broker runs")
		})
		start(t, at)
		c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		eventually(t, "the rows are delivered", func() bool { return box.open() == 0 })
		eventually(t, "no problem is left", func() bool { s := r.State(); return s.Connected && s.Problem == "" })
		if count(t, c) != 2 {
			t.Errorf("counted %d", count(t, c))
		}
	})
}

// Nobody says that a row was added, and the reporter is awake for other reasons more often than it polls.
func TestPollFindsARowThatNobodyToldOf(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		box := newOutbox(t)
		o := options("mqtt://"+at, box)
		o.Poll, o.TroubleEvery = 100*time.Millisecond, 10*time.Millisecond
		r, _ := startReporter(t, o)
		eventually(t, "a connection", func() bool { return r.State().Connected })
		box.add(1)
		eventually(t, "the row is delivered", func() bool { return box.open() == 0 })
	})
}

// A broker that acknowledged and was killed has forgotten everything: the rows must come from the outbox
// again.
func TestBrokerKilledAndRestarted(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, kill := start(t, loopback(t))
		box := newOutbox(t)
		box.add(20)
		r, _ := startReporter(t, options("mqtt://"+at, box))
		eventually(t, "the broker has a window of rows", func() bool { return r.State().Counts.Published >= 16 })
		kill()
		eventually(t, "the loss is noticed", func() bool { return !r.State().Connected })
		box.add(20)
		start(t, at)
		c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		eventually(t, "all are delivered", func() bool { return box.open() == 0 })
		if count(t, c) != 40 || box.mostCloses() != 1 {
			t.Errorf("counted %d, closed up to %d times", count(t, c), box.mostCloses())
		}
	})
}

// mute is a link over which nothing is published: a cloud that is killed between its commit and its
// acknowledgement.
type mute struct {
	*link.Link
	struck *atomic.Bool
}

func (m mute) Publish(context.Context, string, bool, []byte) (link.Receipt, error) {
	m.struck.Store(true)
	return link.Receipt{}, nil
}

func TestCloudDiesBetweenCommitAndAcknowledgement(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		box, file := newOutbox(t), filepath.Join(t.TempDir(), "cloud.db")
		var dead atomic.Bool
		first := openCloud(t, cloud.Options{
			Broker: "mqtt://" + at, File: file,
			Dial: func(ctx context.Context, o link.Options) (report.Link, error) {
				l, err := link.Dial(ctx, o)
				return mute{l, &dead}, err
			},
		})
		stop := run(t, first.Run)
		<-first.Ready()
		box.add(5)
		r, _ := startReporter(t, options("mqtt://"+at, box))
		eventually(t, "the first cloud commits", func() bool { return dead.Load() && count(t, first) == 5 })
		stop()
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if box.open() != 5 {
			t.Fatalf("%d rows open, want 5: nothing was acknowledged", box.open())
		}
		second, _ := startCloud(t, "mqtt://"+at, file)
		eventually(t, "the second cloud acknowledges what it has", func() bool { return box.open() == 0 })
		eventually(t, "the reporter counts them", func() bool { return r.State().Counts.Closed == 5 })
		if count(t, second) != 5 {
			t.Errorf("counted %d, want each once", count(t, second))
		}
	})
}

func TestBacklogDrainsInOrder(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		const backlog = 1000
		at, _ := start(t, loopback(t))
		box := newOutbox(t)
		box.add(backlog)
		o := options("mqtt://"+at, box)
		o.AckTimeout = patience // a slow machine's repetitions would only blur the order
		c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		r, _ := startReporter(t, o)
		var most int
		t.Cleanup(func() { t.Logf("at the end: %+v, counted %d, open %d", r.State(), count(t, c), box.open()) })
		eventually(t, "all are delivered", func() bool {
			most = max(most, r.State().InFlight)
			return r.State().Counts.Closed == backlog
		})
		events, err := c.Events(context.Background(), 0, 2*backlog)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) != backlog || most > 16 {
			t.Fatalf("%d events, up to %d in flight", len(events), most)
		}
		for i, e := range events {
			if want := int64(3 * (i + 1)); e.Seq != want || e.PaymentID != fmt.Sprintf("order-%d", want) {
				t.Fatalf("event %d is %d of %s, want %d", i, e.Seq, e.PaymentID, want)
			}
		}
		if s := r.State(); s.Counts.Published != backlog || s.Counts.Dropped != 0 {
			t.Errorf("counts %+v", s.Counts)
		}
	})
}

// Cables are pulled at random places of the stream: every approval arrives in the end, and is counted once.
// SIM_SEED=n replays a failure.
func TestCutsAtRandomPlaces(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SIM_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("SIM_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		w := newWire(t, at)
		var cuts atomic.Int64
		w.setLimit(func() int64 { cuts.Add(1); return 100 + random.Int64N(14000) })
		box := newOutbox(t)
		c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
		wake := make(chan struct{}, 1)
		o := options(w.url(), box)
		o.Wake, o.MaxDelay = wake, 40*time.Millisecond
		r, _ := startReporter(t, o)
		for range 10 {
			box.add(20)
			wake <- struct{}{}
		}
		eventually(t, "all are delivered through the cuts", func() bool { return box.open() == 0 })
		if count(t, c) != 200 || box.mostCloses() != 1 || cuts.Load() < 5 {
			t.Errorf("counted %d, closed up to %d times, %d cuts", count(t, c), box.mostCloses(), cuts.Load())
		}
		t.Logf("%d connections, %+v", cuts.Load(), r.State().Counts)
	})
}

func TestStatusTellsOnlineAndOffline(t *testing.T) {
	type status struct{ Status, Session, Version string }
	read := func(t *testing.T, payload []byte) (s status) {
		t.Helper()
		if err := json.Unmarshal(payload, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		topic := here().Topic(report.ChannelStatus)
		watch := peer(t, "mqtt://"+at, "watch", topic)
		w := newWire(t, at)
		r, stop := startReporter(t, options(w.url(), newOutbox(t)))

		birth := read(t, receive(t, watch).Payload)
		eventually(t, "connected", func() bool { return r.State().Connected })
		if birth.Status != "online" || birth.Version != "test" || birth.Session != r.State().Session {
			t.Errorf("birth %+v, session %s", birth, r.State().Session)
		}
		w.cut()
		if will := read(t, receive(t, watch).Payload); will.Status != "offline" || will.Session != birth.Session {
			t.Errorf("will %+v after birth %+v", will, birth)
		}
		again := read(t, receive(t, watch).Payload)
		if again.Status != "online" || again.Session == birth.Session {
			t.Errorf("second birth %+v after %+v: a session is one connection", again, birth)
		}
		stop()
		if bye := read(t, receive(t, watch).Payload); bye.Status != "offline" || bye.Session != again.Session {
			t.Errorf("farewell %+v", bye)
		}
		late := peer(t, "mqtt://"+at, "late", topic)
		if m := receive(t, late); !m.Retained || read(t, m.Payload).Session != again.Session {
			t.Errorf("retained %v %s", m.Retained, m.Payload)
		}
	})
}

func TestRunEndsAndLeavesNothing(t *testing.T) {
	at, _ := embedded(t, "127.0.0.1:0")
	w := newWire(t, at)
	box := newOutbox(t)
	box.add(3)
	before := runtime.NumGoroutine()
	r, stop := startReporter(t, options(w.url(), box))
	for range 10 {
		eventually(t, "connected", func() bool { return r.State().Connected })
		w.cut()
		eventually(t, "lost", func() bool { return !r.State().Connected })
	}
	if err := r.Run(context.Background()); !errors.Is(err, report.ErrRunning) {
		t.Errorf("second Run: %v", err)
	}
	began := time.Now()
	stop()
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("Run took %v to end", d)
	}
	eventually(t, "its goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// unready is an outbox whose database has moments of its own.
type unready struct {
	*outbox
	mu          sync.Mutex
	pending     int // failures to come
	close       int
	closesTried int
}

func (u *unready) Pending(ctx context.Context, after int64, limit int) ([]report.Row, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending > 0 {
		u.pending--
		return nil, fmt.Errorf("disk I/O error")
	}
	return u.outbox.Pending(ctx, after, limit)
}

func (u *unready) Close(ctx context.Context, id, hash string, seq int64) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closesTried++
	if u.close > 0 {
		u.close--
		return fmt.Errorf("disk full")
	}
	return u.outbox.Close(ctx, id, hash, seq)
}

func TestOutboxFailuresAreShownAndSurvived(t *testing.T) {
	at, _ := embedded(t, "127.0.0.1:0")
	box := newOutbox(t)
	box.add(4)
	u := &unready{outbox: box, pending: 3, close: 6}
	r, err := report.New(options("mqtt://"+at, u))
	if err != nil {
		t.Fatal(err)
	}
	c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
	var seen []string
	stop := run(t, r.Run)
	eventually(t, "all are closed in the end", func() bool {
		if p := r.State().Problem; p != "" && !slices.Contains(seen, p) {
			seen = append(seen, p)
		}
		return box.open() == 0
	})
	stop()
	all := strings.Join(seen, "\n")
	if !strings.Contains(all, "disk I/O error") || !strings.Contains(all, "disk full") {
		t.Errorf("problems shown: %q", seen)
	}
	if count(t, c) != 4 || u.closesTried < 10 || box.mostCloses() != 1 {
		t.Errorf("counted %d, %d closings tried", count(t, c), u.closesTried)
	}
}

// A row that cannot be an event neither leaves nor holds up the others.
func TestUnfitRowIsKeptAndPassed(t *testing.T) {
	at, _ := embedded(t, "127.0.0.1:0")
	box := newOutbox(t)
	box.add(40)
	if _, err := box.db.Exec(`UPDATE outbox SET body = '{"match_score":0.93}' WHERE seq <= 60`); err != nil {
		t.Fatal(err)
	}
	c, _ := startCloud(t, "mqtt://"+at, filepath.Join(t.TempDir(), "cloud.db"))
	r, _ := startReporter(t, options("mqtt://"+at, box))
	eventually(t, "the others are delivered", func() bool { return box.open() == 20 })
	if s := r.State(); s.Counts.Parked != 20 || count(t, c) != 20 {
		t.Errorf("counted %d, state %+v", count(t, c), s)
	}
}

// What is wrong with the terminal is in its status message: told when it changes, and again by each birth.
func TestTroubleIsTold(t *testing.T) {
	everyBroker(t, func(t *testing.T, start brokerKind) {
		at, _ := start(t, loopback(t))
		watch := peer(t, "mqtt://"+at, "watch", here().Topic(report.ChannelStatus))
		w := newWire(t, at)
		o := options(w.url(), newOutbox(t))
		var trouble atomic.Value
		trouble.Store("")
		o.Trouble = func() string { return trouble.Load().(string) }
		o.TroubleEvery = 10 * time.Millisecond
		startReporter(t, o)
		alarm := func() string {
			t.Helper()
			for {
				var s struct{ Status, Alarm string }
				if err := json.Unmarshal(receive(t, watch).Payload, &s); err != nil {
					t.Fatal(err)
				}
				if s.Status == "online" {
					return s.Alarm
				}
			}
		}
		if got := alarm(); got != "" {
			t.Errorf("at first: %q", got)
		}
		trouble.Store("the case is open")
		if got := alarm(); got != "the case is open" {
			t.Errorf("then: %q", got)
		}
		w.cut()
		if got := alarm(); got != "the case is open" {
			t.Errorf("over a new connection: %q", got)
		}
		trouble.Store("")
		if got := alarm(); got != "" {
			t.Errorf("at last: %q", got)
		}
	})
}
