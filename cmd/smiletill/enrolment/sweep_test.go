package enrolment_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/report/signature"
	"smiletill/vision/gallery"
)

// sweepEnv has the test's own binary live the life of a terminal in that folder.
const sweepEnv = "SMILETILL_TEST_SWEEP"

func TestMain(m *testing.M) {
	if dir := os.Getenv(sweepEnv); dir != "" {
		runtime.LockOSThread() // strace counts calls thread by thread
		if err := life(dir); err != nil {
			fmt.Println("refused", err)
		}
		fmt.Println("whole")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// home is what of a terminal is open, as far as people are concerned.
type home struct {
	j     *journal.Journal
	g     *gallery.Gallery
	pins  *pin.Store
	trail *enrolment.Trail
	desk  *enrolment.Desk
	stop  context.CancelFunc
}

// move opens a terminal's files as the terminal does.
func move(ctx context.Context, dir string) (h *home, err error) {
	h, quiet := &home{}, slog.New(slog.DiscardHandler)
	if h.j, err = journal.Open(ctx, filepath.Join(dir, "journal.db"), journal.Options{}); err != nil {
		return nil, err
	}
	model := gallery.Model{SHA256: strings.Repeat("a1", 32), Agree: 0.5, Same: 0.6}
	if h.g, err = gallery.Open(filepath.Join(dir, "gallery"), model, quiet); err != nil {
		return nil, err
	}
	if h.pins, err = pin.Open(ctx, filepath.Join(dir, "pins.db"), h.j.Elapsed, nil); err != nil {
		return nil, err
	}
	h.trail = enrolment.NewTrail(h.j, h.g, enrolment.Keeps{Book: intent.In(dir), PINs: h.pins}, quiet)
	m := enrolment.Machine{Program: "1", Seen: filepath.Join(dir, "seen.json")}
	if err := h.trail.Start(ctx, m, false); err != nil {
		return nil, err
	}
	if err := enrolment.RemoveOrphans(ctx, h.g, h.pins); err != nil {
		return nil, err
	}
	marks, err := h.pins.Marks(ctx)
	if err != nil {
		return nil, err
	}
	roles, err := h.pins.Clerks(ctx)
	if err != nil {
		return nil, err
	}
	err = errors.Join(h.trail.PINs(ctx, marks), h.trail.Clerks(ctx, roles), h.trail.Blocks(ctx, h.pins))
	if err != nil {
		return nil, err
	}
	engine := payment.NewEngine(h.j, payment.Options{})
	running, stop := context.WithCancel(ctx)
	h.stop = stop
	go func() { _ = engine.Run(running) }()
	key, err := signature.OpenKey(filepath.Join(dir, "terminal.key"), rand.Reader)
	if err != nil {
		return nil, err
	}
	rules, err := people.ReadRules(false, nil)
	h.desk = &enrolment.Desk{Shut: func(string) {}, Rules: rules, Open: func() (enrolment.Parts, error) {
		return enrolment.Parts{Gallery: h.g, PINs: h.pins, Journal: h.j, Trail: h.trail, Engine: engine, Key: key,
			Source: "t", Wrote: func(err error) error { return err }, Changed: func() {}, Log: quiet}, nil
	}}
	return h, err
}

func (h *home) close() error {
	h.stop()
	return errors.Join(h.pins.Close(), h.g.Close(), h.j.Close())
}

// enrol does what Desk.Enrol does with the templates of photos; again is a customer's id, or "".
func (h *home) enrol(ctx context.Context, name, again string, templates [][]float32) (id string, err error) {
	q := control.EnrolRequest{Name: name, Again: again}
	err = h.trail.Do(ctx, func(note func(journal.Audit) error) error {
		c, err := enrolment.In(h.g, q, gallery.Wish{}, templates, nil, func(c gallery.Change) error {
			return note(enrolment.Enrolled(c, payment.Who{}))
		})
		id = c.ID
		return err
	})
	return id, err
}

// life is a day on which everything about people is changed, by Anna. It prints what was confirmed.
func life(dir string) error {
	ctx := people.With(context.Background(), payment.Who{Role: "clerk", Name: "Anna", Door: "page"})
	h, err := move(ctx, dir)
	if err != nil {
		return err
	}
	var ada, bob string
	did := func(what string, err error) {
		if err != nil {
			fmt.Println("refused", what, err)
			return
		}
		fmt.Println("did", what)
	}
	ada, err = h.enrol(ctx, "Ada", "", pictures())
	did("enrol "+ada, err)
	t, err := h.desk.Rules.Text("en")
	did("agree "+ada, errors.Join(err, h.desk.Agree(ctx, ada, control.Agreed{Version: t.Version, Lang: "en"})))
	did("pin "+ada, h.desk.SetPIN(ctx, ada, "902751"))
	did("pin again "+ada, h.desk.SetPIN(ctx, ada, "802751"))
	_, err = h.enrol(ctx, "", ada, pictures())
	did("renew "+ada, err)
	did("block "+ada, errors.Join(h.desk.Block(ctx, ada, true, "owes"), h.desk.Block(ctx, ada, false, "paid"),
		h.desk.Block(ctx, ada, true, "owes")))
	did("clerk", h.desk.AddClerk(ctx, control.Clerk{Name: "Berta", Role: "owner"}))
	did("another role", errors.Join(h.desk.AddClerk(ctx, control.Clerk{Name: "Cleo", Role: "owner"}),
		h.desk.AddClerk(ctx, control.Clerk{Name: "Berta", Role: "clerk"})))
	did("clerk's pin", h.desk.SetClerkPIN(ctx, "Berta", "915372"))
	did("clerk leaves", h.desk.RemoveClerk(ctx, "Berta"))
	did("pin taken", errors.Join(h.desk.SetClerkPIN(ctx, "", "915372"), h.desk.SetClerkPIN(ctx, "", "")))
	_, err = h.desk.Forget(ctx, ada)
	did("forget "+ada, err)
	bob, err = h.enrol(ctx, "Bob", "", pictures())
	did("enrol "+bob, err)
	did("remove "+bob, h.desk.Remove(ctx, bob))
	return h.close()
}

// Killed at any write, sync or change of a folder, a terminal leaves neither a change without a fact nor a
// fact of what did not happen, from the next start on; whose forgetting was begun is forgotten by then, to
// the last file. CRASH_ALL takes each of these moments, else every 17th is taken.
func TestKilledBetweenFactAndEffect(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	if out, err := exec.Command(strace, "-qq", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v %s", err, out)
	}
	stride := 17
	if os.Getenv("CRASH_ALL") != "" {
		stride = 1
	}
	for _, call := range []string{
		"pwrite64,write", "fsync,fdatasync", "ftruncate,unlink,unlinkat,rename,renameat",
	} {
		t.Run(strings.SplitN(call, ",", 2)[0], func(t *testing.T) {
			killed := 0
			for k := 1; k < 3000 && !t.Failed(); k += stride {
				dir := t.TempDir()
				cmd := exec.Command(strace, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call, "-e",
					fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, k), os.Args[0])
				cmd.Env = append(os.Environ(), sweepEnv+"="+dir)
				var said bytes.Buffer
				cmd.Stdout, cmd.Stderr = &said, &said
				if err := cmd.Run(); err == nil {
					if !strings.HasSuffix(said.String(), "whole\n") || strings.Contains(said.String(), "refused") {
						t.Errorf("a whole life: %s", &said)
					}
					break
				}
				killed++
				afterLife(t, fmt.Sprintf("%s %d", call, k), dir, said.String())
			}
			t.Logf("killed %d times", killed)
			if killed == 0 {
				t.Error("nothing was killed: the sweep has lost its sense")
			}
		})
	}
}

// afterLife opens what a killed terminal left, twice, and holds what is there against the facts.
func afterLife(t *testing.T, when, dir, said string) {
	t.Helper()
	for start := 1; start <= 2; start++ {
		h, err := move(t.Context(), dir)
		if err != nil {
			t.Errorf("%s: start %d: %v\n%s", when, start, err, said)
			return
		}
		before, err := h.j.Audits(t.Context(), -1)
		if err != nil {
			t.Fatal(err)
		}
		h.check(t, when, dir, said)
		if err := h.close(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if h, err = move(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		after, err := h.j.Audits(t.Context(), -1)
		if err != nil || len(after) != len(before) {
			t.Errorf("%s: the next start tells it once more: %v, %v", when, after, err)
		}
		if err := h.close(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
}

func (h *home) check(t *testing.T, when, dir, said string) {
	t.Helper()
	ctx := t.Context()
	fail := func(format string, args ...any) {
		t.Helper()
		all, _ := h.j.Audits(ctx, -1)
		t.Errorf("%s: %s\nsaid:\n%s\nfacts, the newest first: %+v", when, fmt.Sprintf(format, args...), said, all)
	}
	if _, err := h.j.Verify(ctx, nil); err != nil {
		fail("the journal: %v", err)
	}
	there, err := h.g.Records()
	last, also := h.j.Customers(ctx)
	marks, noMarks := h.pins.Marks(ctx)
	pins, noPINs := h.j.PINs(ctx)
	roles, noRoles := h.pins.Clerks(ctx)
	clerks, noClerks := h.j.Clerks(ctx)
	all, noFacts := h.j.Audits(ctx, -1)
	if err := errors.Join(err, also, noMarks, noPINs, noRoles, noClerks, noFacts); err != nil {
		fail("%v", err)
		return
	}
	for id, record := range there {
		if a := last[id]; a.Record != record || a.Gone() {
			fail("%s is there with %s, and the last fact is %+v", id, record, a)
		}
	}
	for id, a := range last {
		left, err := filepath.Glob(filepath.Join(dir, "gallery", "*"+id+"*"))
		if _, is := there[id]; is == a.Gone() || a.Gone() && len(left) > 0 || err != nil {
			fail("the last fact is %+v, and of %s is left %q (there: %v)", a, id, left, is)
		}
		if _, has := marks[id]; has && a.Gone() {
			fail("%s is gone, and its PIN is not", id)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "gallery", ".new-*")); len(left) > 0 {
		fail("left: %q", left)
	}
	for row, mark := range marks {
		of := journal.PINOf{Customer: row}
		if name, is := pin.ClerkOf(row); is {
			of = journal.PINOf{Clerk: name}
		}
		if pins[of].Record != mark {
			fail("the PIN %s of %+v, and the last fact is %+v", mark, of, pins[of])
		}
	}
	for of, a := range pins {
		row := of.Customer
		if of.Clerk != "" {
			row = pin.RowOf(of.Clerk)
		}
		gone := of.Customer != "" && last[of.Customer].Gone() || of.Clerk != "" &&
			clerks[of.Clerk].What == journal.ClerkRemoved // with whom it went
		if marks[row] != a.Record && !gone {
			fail("no such PIN: %+v", a)
		}
	}
	h.checkRoles(roles, clerks, fail)
	h.checkBlocks(ctx, last, fail)
	h.checkFacts(all, there, said, fail)
}

func (h *home) checkRoles(roles []pin.Named, clerks map[string]journal.Audit, fail func(string, ...any)) {
	named := map[string]string{}
	for _, n := range roles {
		named[n.Name] = n.Role
	}
	for name, a := range clerks {
		if (a.What == journal.ClerkAdded) != (named[name] != "") || a.What == journal.ClerkAdded &&
			named[name] != a.Keys {
			fail("%s is %q, and the last fact is %+v", name, named[name], a)
		}
		delete(named, name)
	}
	if len(named) > 0 {
		fail("no facts of %v", named)
	}
}

func (h *home) checkBlocks(ctx context.Context, last map[string]journal.Audit, fail func(string, ...any)) {
	blocked, err := h.pins.AllBlocked(ctx)
	blocks, also := h.j.Blocks(ctx)
	if err := errors.Join(err, also); err != nil {
		fail("%v", err)
	}
	for id, a := range blocks {
		if blocked[id] != (a.What == journal.CustomerBlocked && !last[id].Gone()) {
			fail("%s is blocked: %v, and the last fact is %+v", id, blocked[id], a)
		}
		delete(blocked, id)
	}
	if len(blocked) > 0 {
		fail("blocked without a fact: %v", blocked)
	}
}

// checkFacts holds each fact against who did it, and what was confirmed against the facts.
func (h *home) checkFacts(
	all []journal.Audit, there map[string]string, said string, fail func(string, ...any),
) {
	consent := map[string]string{}
	for i := len(all) - 1; i >= 0; i-- {
		a := all[i]
		if a.What != journal.TerminalConfigured && !a.Undone && a.Who.Name != "Anna" {
			fail("nobody did %+v", a)
		}
		if a.What == journal.ConsentGiven {
			consent[a.Customer] = a.Consent
		}
	}
	for id := range there {
		c, has := h.g.Consent(id)
		if has != (consent[id] != "") || has && c.Summary() != consent[id] {
			fail("%s agreed to %v %v, and the facts say %q", id, has, c, consent[id])
		}
		if strings.Contains(said, "did forget "+id) || strings.Contains(said, "did remove "+id) {
			fail("%s is still there", id)
		}
	}
	for line := range strings.Lines(said) {
		if id, is := strings.CutPrefix(strings.TrimSpace(line), "did enrol "); is {
			if _, err := h.j.About(context.Background(), id); err != nil {
				fail("%v", err)
			}
		}
	}
}

// Intents are read whatever a power cut left of their file, by whoever comes first.
func TestIntentsCutShort(t *testing.T) {
	dir := t.TempDir()
	b := intent.In(dir)
	a := journal.Audit{What: journal.ClerkAdded, Clerk: "Anna", Keys: "clerk"}
	note := func() {
		t.Helper()
		err := b.ByCommand(t.Context(), func(note func(journal.Audit) error) error { return note(a) })
		if err != nil {
			t.Fatal(err)
		}
	}
	note()
	note()
	path := filepath.Join(dir, "intents.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	take := func() (seen []intent.Note) {
		t.Helper()
		if err := b.Take(func(all []intent.Note) ([]intent.Note, error) {
			seen = all
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		note()
		seen := take()
		last := seen[len(seen)-1]
		if !last.Done || last.Told || last.Clerk != "Anna" || last.Who.Name == "" || !last.Offline ||
			time.Since(last.At) > time.Minute || len(seen) > 3 {
			t.Fatalf("of %d bytes: %+v", n, seen)
		}
		if info, err := os.Stat(path); err != nil || info.Size() != 0 {
			t.Fatalf("left: %v, %v", info, err)
		}
	}
}
