package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"smiletill/payment"
)

// A child is this test binary with JOURNAL_CHILD set to what it shall do to JOURNAL_PATH.
func child(t *testing.T, what, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), "JOURNAL_CHILD="+what, "JOURNAL_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestChild is no test of its own; without JOURNAL_CHILD it does nothing.
func TestChild(t *testing.T) {
	path := os.Getenv("JOURNAL_PATH")
	switch os.Getenv("JOURNAL_CHILD") {
	case "pay":
		pay(t, path)
	case "whole run":
		wholeRun(t, path)
	case "quarantine":
		runtime.LockOSThread()
		if _, err := Quarantine(context.Background(), path, noon, nil); err != nil {
			if hint(err) == "" {
				t.Errorf("no hint: %v", err)
			}
			fmt.Println("refused", err)
			return
		}
		fmt.Println("whole")
	case "small files":
		smallFiles(t, path)
	case "":
		t.Skip("only for the tests that start it")
	}
}

// pay approves payments until it is killed, and says each that was committed.
func pay(t *testing.T, path string) {
	j := open(t, path, Options{OutboxMax: 1 << 30})
	entries, err := j.List(t.Context(), Filter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	first := 0
	if len(entries) > 0 {
		first = int(entries[0].Seq)
	}
	for i := first; ; i++ {
		p := waiting(t, "p"+strconv.Itoa(i))
		commit(t, j, p)
		fmt.Println("opened", p.ID)
		commit(t, j, approved(t, p))
		fmt.Println("approved", p.ID)
	}
}

// TestKilled kills a process that commits, again and again. What it said was committed must be there.
func TestKilled(t *testing.T) {
	path, rounds := newPath(t), 12
	said := map[string]payment.State{}
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		cmd := child(t, "pay", path)
		wait := time.Duration(rand.IntN(40_000)) * time.Microsecond
		payUntil(t, cmd, said, wait, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()

		j := open(t, path, Options{})
		report := verify(t, &j.Reader)
		for id, state := range said {
			p, err := j.Find(t.Context(), id)
			if err != nil || p.State != state && p.State != payment.StateApproved &&
				!(state == payment.StateWaiting && p.State == payment.StateExpired) {
				t.Fatalf("round %d, killed after %v: %s was said %s, is %s, %v", round, wait, id, state, p.State, err)
			}
		}
		if _, err := j.Recover(t.Context(), time.Now(), false); err != nil {
			t.Fatal(err)
		}
		if after := verify(t, &j.Reader); after.Open != 0 || report.Open > 1 || after.Approved != report.Approved {
			t.Fatalf("round %d: %+v, recovered to %+v", round, report, after)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(said) < rounds {
		t.Errorf("only %d payments in %d rounds", len(said), rounds)
	}
}

// payUntil starts a process that pays, does end some time after its first payment, and notes what the process
// says up to its end.
func payUntil(t *testing.T, cmd *exec.Cmd, said map[string]payment.State, wait time.Duration, end func()) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "opened") { // it has begun
	}
	note(said, lines.Text())
	time.AfterFunc(wait, end)
	for lines.Scan() {
		note(said, lines.Text())
	}
}

func note(said map[string]payment.State, line string) {
	switch what, id, _ := strings.Cut(line, " "); what {
	case "opened":
		said[id] = payment.StateWaiting
	case "approved":
		said[id] = payment.StateApproved
	}
}

func TestFilesThatCannotGrow(t *testing.T) {
	text, err := child(t, "small files", newPath(t)).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Logf("%s", text)
}

// smallFiles commits under every limit on the size of files, from none at all to enough.
func smallFiles(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	j := open(t, path, Options{OutboxMax: 1 << 30})
	for i := range 20 {
		approve(t, j, "before"+strconv.Itoa(i))
	}
	worked, failed := 0, 0
	for limit := 0; limit < 160<<10; limit += 3100 {
		p := waiting(t, "p"+strconv.Itoa(limit))
		limitFiles(t, uint64(limit))
		errs := []error{j.Commit(t.Context(), p), nil}
		end := approved(t, p)
		if errs[0] == nil {
			errs[1] = j.Commit(t.Context(), end)
		}
		limitFiles(t, ^uint64(0))
		for _, err := range errs {
			if err == nil {
				worked++
				continue
			}
			failed++
			if !errors.Is(err, ErrIO) && !errors.Is(err, ErrFull) || hint(err) == "" {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
		settled(t, j, p, errs)
		if err := j.Probe(t.Context()); err != nil {
			t.Errorf("limit %d: %v", limit, err)
		}
		verify(t, &j.Reader)
	}
	if worked == 0 || failed == 0 {
		t.Errorf("%d commits worked, %d failed: both must occur", worked, failed)
	}
	fmt.Printf("%d commits worked, %d failed\n", worked, failed)
}

// settled checks that the journal agrees with the commits that it confirmed.
func settled(t *testing.T, j *Journal, p payment.Payment, errs []error) {
	t.Helper()
	found, err := j.Find(t.Context(), p.ID)
	switch {
	case errs[0] != nil: // lost or written, both are true
		if err != nil && !errors.Is(err, payment.ErrNotFound) {
			t.Errorf("%s: %v", p.ID, err)
		}
	case err != nil:
		t.Errorf("%s was opened: %v", p.ID, err)
	case errs[1] == nil && found.State != payment.StateApproved:
		t.Errorf("%s was approved, is %s", p.ID, found.State)
	}
}

func limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l)
	l.Cur = min(bytes, l.Max)
	if err := errors.Join(err, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)); err != nil {
		t.Fatal(err)
	}
}

// TestEngineOnAFullDisk takes the engine through a commit that finds no room, and on.
func TestEngineOnAFullDisk(t *testing.T) {
	j := open(t, newPath(t), Options{})
	engine := payment.NewEngine(j, payment.Options{ProbeEvery: 10 * time.Millisecond})
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- engine.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	request := payment.Request{ID: "a", Amount: payment.Amount{Minor: 150, Currency: "EUR"}}
	if _, err := engine.Begin(ctx, request); err != nil {
		t.Fatal(err)
	}
	// The approval finds no page left. The connection that failed takes trigger and limit with it.
	if _, err := j.db.Exec(`PRAGMA max_page_count = 1; CREATE TEMP TRIGGER large BEFORE INSERT ON main.outbox
		BEGIN INSERT INTO scratch VALUES (1, zeroblob(1000000)); END`); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err := errors.Join(engine.Handle(ctx, "a", payment.Recognised{Customer: "c1"}),
		engine.Handle(ctx, "a", payment.Consented{Evidence: payment.Evidence{
			Customer: "c1", MatchFrames: 3, SmileFrames: 1, Since: now, At: now,
		}}))
	if !errors.Is(err, payment.ErrJournal) || !errors.Is(err, ErrFull) || !strings.Contains(hint(err), "free") {
		t.Fatalf("approval on a full disk: %v (hint %q)", err, hint(err))
	}
	until := time.Now().Add(10 * time.Second)
	for {
		if s, err := engine.Status(ctx); err == nil && len(s.OutOfOrder) == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatal("still out of order")
		}
		time.Sleep(5 * time.Millisecond)
	}
	p, err := engine.Wait(ctx, "a")
	if err != nil || p.State != payment.StateCancelled || p.Reason != payment.ReasonJournalFailed {
		t.Errorf("settled as %s %s, %v", p.State, p.Reason, err)
	}
	if report := verify(t, &j.Reader); report.Open != 0 || report.Approved != 0 {
		t.Errorf("%+v", report)
	}
	if _, err := engine.Begin(ctx, payment.Request{ID: "z", Amount: request.Amount}); err != nil {
		t.Error(err)
	}
}

// TestSmallDisk fills a real, small file system: JOURNAL_SMALL_DISK names a folder on one of at most 16 MB.
func TestSmallDisk(t *testing.T) {
	folder := os.Getenv("JOURNAL_SMALL_DISK")
	if folder == "" {
		t.Skip("JOURNAL_SMALL_DISK is not set: mount -t tmpfs -o size=2m none FOLDER")
	}
	j := open(t, folder+"/journal.db", Options{OutboxMax: 1 << 30})
	ballast, err := os.Create(folder + "/ballast")
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	_, err = io.CopyN(ballast, zeros{}, 16<<20)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not small: %v", err)
	}
	var last payment.Payment
	errs := []error{nil, nil}
	for i := 0; errs[0] == nil && errs[1] == nil; i++ {
		last = waiting(t, "p"+strconv.Itoa(i))
		if errs[0] = j.Commit(t.Context(), last); errs[0] == nil {
			errs[1] = j.Commit(t.Context(), approved(t, last))
		}
	}
	err = errors.Join(errs...)
	if !errors.Is(err, ErrFull) || hint(err) == "" {
		t.Errorf("full: %v", err)
	}
	t.Logf("%s: %v", last.ID, err)
	settled(t, j, last, errs)
	if err := j.Probe(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("probe of a full disk: %v", err)
	}
	if err := ballast.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if err := j.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	settled(t, j, last, errs)
	verify(t, &j.Reader)
	approve(t, j, "z")
}

// TestOpensOnAFullDisk: where not even the index of the write-ahead log has room, the disk is full, not
// broken.
func TestOpensOnAFullDisk(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("journal", folder, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system of our own to fill: mount tmpfs: %v", err)
	}
	defer func() {
		// A child that a parallel test is starting may have its files open for a moment.
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	path := folder + "/journal.db"
	j := open(t, path, Options{})
	approve(t, j, "a")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	ballast, err := os.Create(folder + "/ballast")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(ballast, zeros{}, 16<<20); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := ballast.Close(); err != nil {
		t.Fatal(err)
	}
	j, err = Open(t.Context(), path, Options{})
	if !errors.Is(err, ErrFull) || !strings.Contains(hint(err), "free") {
		t.Errorf("%v (%s)", err, hint(err))
		if err == nil {
			_ = j.Close()
		}
	}
	if err := os.Remove(folder + "/ballast"); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	if report := verify(t, &j.Reader); report.Approved != 1 {
		t.Errorf("%+v", report)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestLastEntriesUnsure fails what makes the last entries sure again after a failed write: the journal
// says why nothing is written, and goes on as soon as it works.
func TestLastEntriesUnsure(t *testing.T) {
	for _, c := range []struct {
		fault, want error
		hint        string
	}{
		{syscall.EIO, ErrIO, "dmesg"}, {syscall.ENOSPC, ErrFull, "free"}, {syscall.EFBIG, ErrFull, "free"},
	} {
		var fault error
		path := newPath(t)
		j := open(t, path, Options{Rewrite: func(name string) error { return errors.Join(fault, Rewrite(name)) }})
		approve(t, j, "a")
		fault = c.fault
		j.suspect.Store(true)
		for range 2 {
			err := j.Commit(t.Context(), waiting(t, "b"))
			if !errors.Is(err, c.want) || !errors.Is(err, c.fault) || !strings.Contains(hint(err), c.hint) {
				t.Errorf("%v: %v (hint %q)", c.fault, err, hint(err))
			}
		}
		if entries, err := j.List(t.Context(), Filter{}); !errors.Is(err, c.want) || entries != nil {
			t.Errorf("%v: a list that may not be true: %v, %v", c.fault, entries, err)
		}
		if sums, err := j.Totals(t.Context(), Range{}, time.UTC); !errors.Is(err, c.want) || sums != nil {
			t.Errorf("%v: totals that may not be true: %v, %v", c.fault, sums, err)
		}
		if seq, err := j.Last(t.Context()); !errors.Is(err, c.want) || seq != 0 {
			t.Errorf("%v: a latest fact that may not be: %d, %v", c.fault, seq, err)
		}
		fault = nil
		approve(t, j, "b")
		if report := verify(t, &j.Reader); report.Approved != 2 {
			t.Errorf("%v: %+v", c.fault, report)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if _, err := Open(t.Context(), path, Options{Rewrite: func(string) error { return c.fault }}); !errors.Is(
			err, c.want) || hint(err) == "" {
			t.Errorf("%v at the start: %v (hint %q)", c.fault, err, hint(err))
		}
	}
}
