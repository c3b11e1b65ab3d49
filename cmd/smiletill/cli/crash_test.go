//go:build !notflite

package cli_test

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
	"smiletill/payment/cloud"
	"smiletill/payment/journal"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// TestKilledTerminalNeverLosesOrDoubles kills a real terminal at random moments of real payments by face,
// starts it again, and holds what callers were told against the journal and against what the cloud counted.
// SMILETILL_TEST_KILLS sets how often (default 200), SMILETILL_TEST_SEED replays the moments.
func TestKilledTerminalNeverLosesOrDoubles(t *testing.T) {
	t.Parallel()
	kills, seed := 200, uint64(time.Now().UnixNano())
	if s := os.Getenv("SMILETILL_TEST_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	if s := os.Getenv("SMILETILL_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("SMILETILL_TEST_SEED=%d replays the moments of the kills", seed)
	program := terminaltest.Build(t)
	const lanes = 4 // terminals side by side: each waits more than it computes
	for lane := range lanes {
		t.Run(fmt.Sprintf("terminal-%d", lane+1), func(t *testing.T) {
			t.Parallel()
			l := newLane(t, program, fmt.Sprintf("till-%d", lane+1), rand.New(rand.NewPCG(seed, uint64(lane))))
			for i := range kills / lanes {
				l.killOnce(i)
			}
			l.settle()
		})
	}
}

// lane is one terminal that is killed again and again, with its broker and its cloud, which live on.
type lane struct {
	t       *testing.T
	program string
	dir     string
	flags   []string
	rng     *rand.Rand
	client  *control.Client
	cloud   *cloud.Receiver
	told    map[string]string // by payment id: the final state that a caller was told
	asked   []string
	usual   time.Duration // the shortest that a payment took, from its first asking to its answer
}

func newLane(t *testing.T, program, id string, rng *rand.Rand) *lane {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Terminal.Tenant, cfg.Terminal.ID = "test", id
	b, c := terminaltest.NewCloud(t, cfg, dir, rng)
	socket := filepath.Join(terminaltest.ShortDir(t), "s")
	l := &lane{
		t:       t,
		program: program,
		dir:     dir,
		rng:     rng,
		client:  control.NewClient(socket),
		cloud:   c,
		told:    map[string]string{},
		flags: []string{
			"--paths-data-dir", filepath.Join(dir, "data"), "--paths-control-socket", socket, "--terminal-id", id,
			"--screen-listen", "127.0.0.1:0", "--register-listen", "", "--board-kind", "simulated",
			"--terminal-tenant", "test", "--terminal-site", "shop",
			"--mqtt-broker", b.URL(), "--camera-realtime=false", "--camera-loop",
			"--camera-source", "replay:" + filepath.Join(dir, "customer_smile.mjpeg"), "--log-format", "json",
			"--security-tpm", "off", // this machine's is not the test's
			"--liveness-mode", "off", // a film answers no light
			"--pin-count-max", "0", "--pin-sum-max", "0", // one customer pays again and again, without a PIN
		},
	}
	args := []string{"enrol", "--agreed", "en", "Grace Hopper"}
	for i := 1; i <= gallery.TemplatesMin; i++ {
		data, err := visits.Photo(fmt.Sprintf("enrol_%d", i))
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, l.write(fmt.Sprintf("%d.jpg", i), data))
	}
	film, err := fs.ReadFile(visits.Files(), "customer_smile.mjpeg")
	if err != nil {
		t.Fatal(err)
	}
	l.write("customer_smile.mjpeg", film)
	if out, err := exec.Command(program, append(args, l.flags...)...).CombinedOutput(); err != nil {
		t.Fatalf("enrol: %v\n%s", err, out)
	}
	return l
}

func (l *lane) write(name string, data []byte) string {
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// start runs the terminal until stop kills it.
func (l *lane) start() (stop func()) {
	l.t.Helper()
	return terminaltest.Start(l.t, l.program, filepath.Join(l.dir, "log"), append([]string{"run"}, l.flags...))
}

// begin asks for a payment as a register does: with the same id until the terminal answers.
func (l *lane) begin(ctx context.Context, id string) error {
	var err error
	for range 400 {
		var p control.Payment
		q := control.PaymentRequest{ID: id, Amount: "1.00", Currency: "EUR"}
		if p, err = l.client.Begin(ctx, q); err == nil {
			if payment.State(p.State).Terminal() {
				l.hear(id, p.State)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(25 * time.Millisecond)
	}
	return err
}

// hear notes the final state that a caller was told. It must never change.
func (l *lane) hear(id, state string) {
	if before, ok := l.told[id]; ok && before != state {
		l.t.Errorf("payment %s was told to be %s, and later %s", id, before, state)
	}
	l.told[id] = state
}

// killOnce starts the terminal, asks for a payment, and kills it at a random moment before, in or after it.
func (l *lane) killOnce(i int) {
	stop := l.start()
	id := fmt.Sprintf("pay-%d", i)
	l.asked = append(l.asked, id)
	begun := time.Now()
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	done := make(chan string, 1)
	opened := make(chan struct{})
	go func() {
		defer close(done)
		// What was told before must be told again, also after the crash.
		if i > 0 {
			if err := l.begin(ctx, l.asked[i-1]); err != nil {
				return
			}
			if _, err := l.client.Wait(ctx, l.asked[i-1], 2*time.Minute); err != nil {
				return
			}
		}
		begun = time.Now()
		close(opened)
		if l.begin(ctx, id) != nil {
			return
		}
		if p, err := l.client.Wait(ctx, id, 2*time.Minute); err == nil && payment.State(p.State).Terminal() {
			done <- p.State
		}
	}()
	// A third of the kills comes in the first half of the shortest payment so far, a third within a tenth
	// of a second of the answer, while the approval is reported, and a third at any moment: so that each
	// kind of moment is hit, however fast or slow the machine is today.
	at, kind := l.rng.Float64(), l.rng.IntN(3)
	if l.rng.IntN(8) > 0 { // one kill in eight comes while the terminal starts
		select {
		case <-opened:
		case <-time.After(30 * time.Second):
			l.t.Errorf("kill %d: the terminal did not come up; log: %s", i, l.tail())
		}
	}
	switch {
	case i == 0: // the first payment runs undisturbed, to learn how long one takes
		l.hear(id, <-done)
		l.usual = time.Since(begun)
	case kind == 0:
		time.Sleep(time.Duration(at * float64(l.usual/2)))
	case kind == 1:
		select {
		case state, ok := <-done:
			if ok {
				l.hear(id, state)
				l.usual = min(l.usual, time.Since(begun))
			}
		case <-time.After(30 * time.Second):
		}
		time.Sleep(time.Duration(at * float64(100*time.Millisecond)))
	default:
		time.Sleep(time.Duration(at * float64(l.usual*3/2)))
	}
	stop()
	cancel()
	if state, ok := <-done; ok && i > 0 {
		l.hear(id, state)
	}
}

func (l *lane) tail() string {
	data, _ := os.ReadFile(filepath.Join(l.dir, "log"))
	return string(data[max(0, len(data)-2000):])
}

// settle lets the terminal run until everything is reported, and compares the three books.
func (l *lane) settle() {
	t := l.t
	stop := l.start()
	if err := l.begin(t.Context(), "last"); err != nil {
		t.Fatalf("the terminal did not come up: %v; log: %s", err, l.tail())
	}
	l.asked = append(l.asked, "last")
	p, err := l.client.Wait(t.Context(), "last", 2*time.Minute)
	if err != nil || p.State != string(payment.StateApproved) {
		t.Fatalf("a payment after all kills: %+v, %v", p, err)
	}
	l.hear("last", p.State)
	path := filepath.Join(l.dir, "data", "journal.db")
	r, err := journal.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 600 {
		if b, err := r.Backlog(t.Context()); err != nil || b.Count == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	if _, err := r.Verify(t.Context(), nil); err != nil {
		t.Errorf("journal: %v", err)
	}
	entries, err := r.List(t.Context(), journal.Filter{Limit: -1})
	if err != nil {
		t.Fatal(err)
	}
	l.compare(entries)
}

func (l *lane) compare(entries []journal.Entry) {
	t := l.t
	events, err := l.cloud.Events(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]int{}
	for _, e := range events {
		counted[e.PaymentID]++
	}
	states := map[payment.State]int{}
	journalled := map[string]payment.State{}
	for _, e := range entries {
		p := e.Payment
		states[p.State]++
		journalled[p.ID] = p.State
		want := 0
		if p.State == payment.StateApproved {
			want = 1
			if e.Delivery != journal.DeliveryDone {
				t.Errorf("payment %s is approved and its report not closed", p.ID)
			}
		}
		if counted[p.ID] != want {
			t.Errorf("payment %s is %s, and the cloud counted it %d times", p.ID, p.State, counted[p.ID])
		}
		delete(counted, p.ID)
	}
	for id := range counted {
		t.Errorf("the cloud counted payment %s, which is not in the journal", id)
	}
	for id, state := range l.told {
		if string(journalled[id]) != state {
			t.Errorf("payment %s was told to be %s, and the journal says %q", id, state, journalled[id])
		}
	}
	t.Logf(
		"%d payments asked for, %d told, journal %v, cloud %d",
		len(l.asked),
		len(l.told),
		states,
		len(events),
	)
	if states[payment.StateApproved] < len(l.asked)/10 || states[payment.StateExpired] < len(l.asked)/10 {
		t.Errorf("the kills did not hit payments before and after their approval: %v", states)
	}
	if strings.Contains(l.tail(), "panic:") {
		t.Errorf("the terminal panicked: %s", l.tail())
	}
}
