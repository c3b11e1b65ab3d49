package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// wholeRun is a short life of a journal: opened, three payments, a report acknowledged, a reversal, a
// pause in which the commits are moved, recovery and close. It prints what was confirmed, or why it was
// not. Its goroutine keeps its thread, because strace counts calls thread by thread.
func wholeRun(t *testing.T, path string) {
	runtime.LockOSThread()
	ctx := context.Background()
	refused := func(what string, err error) bool {
		switch {
		case err == nil:
			fmt.Println("did", what)
			return false
		case hint(err) == "":
			t.Errorf("%s: no hint: %v", what, err)
		}
		fmt.Println("refused", what, err)
		return true
	}
	j, err := Open(ctx, path, Options{OutboxMax: 1 << 30})
	if refused("open", err) {
		return
	}
	for _, id := range []string{"a", "b", "c"} {
		p := waiting(t, id)
		if refused("begin "+id, j.Commit(ctx, p)) {
			continue
		}
		end := approved(t, p)
		if id == "c" {
			end = next(t, p, payment.Cancelled{By: payment.ByRegister})
		}
		refused("end "+id, j.Commit(ctx, end))
	}
	time.Sleep(2 * quiet)
	if rows, err := j.Outbox().Pending(ctx, 0, 1); !refused("read", err) && len(rows) > 0 {
		refused("close "+rows[0].PaymentID, j.Outbox().Close(ctx, rows[0].ID, rows[0].Hash, rows[0].Seq))
	}
	if p, err := j.Find(ctx, "b"); err == nil && p.State == payment.StateApproved {
		r, err := payment.OpenReversal(payment.ReversalRequest{ID: "r", PaymentID: "b", Minor: 50}, p, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		refused("reverse", j.Reverse(ctx, r))
	}
	refused("open d", j.Commit(ctx, waiting(t, "d")))
	_, err = j.Recover(ctx, time.Now(), false)
	refused("recover", err)
	refused("closed", j.Close())
	fmt.Println("whole")
}

// TestFaultAtEverySyscall runs wholeRun as a process of its own under strace, and kills it, or fails the
// call, at the k-th write and fsync for each k, until a whole run meets the fault no more. Afterwards what
// was confirmed must be there. `make crash` takes each k; otherwise every eleventh is taken.
func TestFaultAtEverySyscall(t *testing.T) {
	faultAtEverySyscall(t, "whole run", func(*testing.T, string) {}, afterwards)
}

// faultAtEverySyscall runs a child (see TestChild) on a path that was prepared, with one fault each, and
// has the path looked at afterwards, with what the child said.
func faultAtEverySyscall(t *testing.T, what string, prepare func(t *testing.T, path string),
	afterwards func(t *testing.T, name, path, said string),
) {
	long(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	if out, err := exec.Command(strace, "-qq", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v %s", err, out)
	}
	stride := pick(1, 11)
	if what == "quarantine" {
		stride = pick(1, 19) // what is looked at afterwards takes long
	}
	calls := []string{"pwrite64,write", "fsync,fdatasync", "ftruncate,unlink,unlinkat,rename,renameat"}
	for _, call := range calls {
		for _, fault := range []string{"signal=SIGKILL:when=%d", "error=EIO:when=%d", "error=ENOSPC:when=%d+"} {
			name := strings.SplitN(call, ",", 2)[0] + " " + strings.SplitN(fault, ":", 2)[0]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := sweep{strace: strace, call: call, fault: fault, stride: stride, what: what, prepare: prepare,
					afterwards: afterwards}
				s.run(t)
			})
		}
	}
}

type sweep struct {
	strace, call, fault, what string
	stride                    int
	prepare                   func(t *testing.T, path string)
	afterwards                func(t *testing.T, name, path, said string)
}

func (s sweep) run(t *testing.T) {
	runs, hit := 0, 0
	for k := 1; k < 2000; k += s.stride {
		path, trace := newPath(t), filepath.Join(t.TempDir(), "trace")
		s.prepare(t, path)
		// Only what touches the journal's files counts, and not what the process prints.
		args := []string{"-f", "-qq", "-o", trace, "-e", "trace=" + s.call,
			"-e", "inject=" + s.call + ":" + fmt.Sprintf(s.fault, k)}
		for _, file := range []string{"", "-wal", "-shm", "-journal", ".lock", ".new", ".new-wal", ".quarantine",
			".quarantine/journal.db", ".quarantine/candidates.db", ".quarantine/report.json"} {
			args = append(args, "-P", path+file)
		}
		args = append(args, "-P", filepath.Dir(path))
		cmd := child(t, s.what, path)
		cmd.Args = append(append([]string{s.strace}, args...), cmd.Args...)
		cmd.Path = s.strace
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		err := cmd.Run()
		runs++
		killed := strings.Contains(s.fault, "SIGKILL") && err != nil
		if err != nil && !killed {
			t.Errorf("k=%d: %v\n%s", k, err, &said)
		}
		s.afterwards(t, fmt.Sprintf("k=%d", k), path, said.String())
		calls, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		if !killed && !bytes.Contains(calls, []byte("INJECTED")) {
			if !strings.Contains(said.String(), "whole") || strings.Contains(said.String(), "refused") {
				t.Errorf("k=%d: without a fault:\n%s", k, &said)
			}
			break
		}
		if hit++; t.Failed() {
			break
		}
	}
	t.Logf("%d runs, %d of them met the fault", runs, hit)
	if hit == 0 && strings.HasPrefix(s.call, "pwrite") {
		t.Error("no run met the fault: the sweep has lost its sense")
	}
}

var confirmed = regexp.MustCompile(`(?m)^did (begin|end|close|reverse)(?: (\w))?$`)

// afterwards opens the journal without faults and holds it against what was confirmed.
func afterwards(t *testing.T, name, path, said string) {
	t.Helper()
	ctx := t.Context()
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && !confirmed.MatchString(said) {
		return // it did not come so far
	}
	j, err := Open(ctx, path, Options{OutboxMax: 1 << 30})
	if err != nil {
		t.Errorf("%s: open again: %v\n%s", name, err, said)
		return
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}()
	if _, err := j.Recover(ctx, time.Now(), false); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	report, err := j.Verify(ctx, nil)
	if err != nil || report.Open != 0 {
		t.Errorf("%s: %d open, %v", name, report.Open, err)
	}
	rows, err := j.Outbox().Pending(ctx, 0, 99)
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	open := map[string]int{}
	for _, r := range rows {
		open[r.PaymentID+" "+r.Kind]++
	}
	for _, c := range confirmed.FindAllStringSubmatch(said, -1) {
		checkConfirmed(t, name+" "+strings.TrimPrefix(c[0], "did "), j, c[1], c[2], said, open)
	}
	if p, err := j.Find(ctx, "c"); err == nil && p.State == payment.StateApproved {
		t.Errorf("%s: c was cancelled, and is approved", name)
	}
	for key, n := range open {
		if n > 1 {
			t.Errorf("%s: %d reports of %s", name, n, key)
		}
	}
}

func checkConfirmed(t *testing.T, name string, j *Journal, what, id, said string, open map[string]int) {
	t.Helper()
	switch what {
	case "begin":
		if _, err := j.Find(t.Context(), id); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	case "end":
		want := payment.StateApproved
		if id == "c" {
			want = payment.StateCancelled
		}
		if p, err := j.Find(t.Context(), id); err != nil || p.State != want {
			t.Errorf("%s: is %s, %v", name, p.State, err)
		}
		reports := strings.Count(said, "did close "+id) + open[id+" "+kindApproved]
		// From here on the one report that was read may have been closed, even if nobody was told.
		closing := strings.Contains(said, "did read") && id == "a"
		if want == payment.StateApproved && reports != 1 && (!closing || reports > 1) {
			t.Errorf("%s: %d reports, open or closed", name, reports)
		}
	case "close":
		if open[id+" "+kindApproved] != 0 {
			t.Errorf("%s: its report is open again", name)
		}
	case "reverse":
		if _, err := j.FindReversal(t.Context(), "r"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Which calls there are and how many a run makes, for whoever changes the sweep: CRASH_TRACE=file.
func TestTraceOfAWholeRun(t *testing.T) {
	file := os.Getenv("CRASH_TRACE")
	if file == "" {
		t.Skip("CRASH_TRACE is not set")
	}
	path := newPath(t)
	cmd := child(t, "whole run", path)
	cmd.Args = append([]string{"strace", "-f", "-qq", "-o", file, "-e", "trace=%file,%desc", "-P", path, "-P",
		path + "-wal"}, cmd.Args...)
	cmd.Path = "/usr/bin/strace"
	out, err := cmd.Output()
	t.Logf("%v %s, %s processors", err, out, strconv.Itoa(runtime.NumCPU()))
}
