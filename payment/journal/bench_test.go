package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"smiletill/payment"
)

// BenchmarkApproval is one commit of an approval, one after the other as in a test, and each after a pause as
// at a counter, when what came before has been moved into the main file. BenchmarkWriteSync beside it is what
// the disk itself takes for a write of the 32 KiB that such a commit appends, and its fsync. Both in a folder
// of BENCH_DIR, if set. p50 and p99 are of single commits.
func BenchmarkApproval(b *testing.B) {
	for name, pause := range pauses() {
		b.Run(name, func(b *testing.B) {
			j := open(b, filepath.Join(folder(b), "journal.db"), Options{OutboxMax: 1 << 30})
			var before, after []payment.Payment
			for i := range b.N {
				p := waiting(b, "p"+strconv.Itoa(i))
				before, after = append(before, p), append(after, approved(b, p))
			}
			commit(b, j, before...)
			took := make([]time.Duration, 0, b.N)
			b.ResetTimer()
			for _, p := range after {
				time.Sleep(pause)
				start := time.Now()
				commit(b, j, p)
				took = append(took, time.Since(start))
			}
			b.StopTimer()
			percentiles(b, took)
		})
	}
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*p/100].Microseconds()), fmt.Sprintf("p%d-µs", p))
	}
}

func BenchmarkWriteSync(b *testing.B) {
	for name, pause := range pauses() {
		b.Run(name, func(b *testing.B) {
			f, err := os.Create(filepath.Join(folder(b), "plain"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			page := make([]byte, 32<<10)
			var took []time.Duration
			for b.Loop() {
				time.Sleep(pause)
				start := time.Now()
				if _, err := f.Write(page); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			percentiles(b, took)
		})
	}
}

// pauses before each commit: none, and long enough for the keeper to have done its work.
func pauses() map[string]time.Duration {
	return map[string]time.Duration{"at_once": 0, "after_a_pause": 3 * quiet}
}

// BenchmarkOpen is the start of a journal of 20,000 facts, or BENCH_FACTS, with what a terminal asks of it
// then; the first start, which reads all that was written since the one before (here everything), is told
// apart. BenchmarkVerify is the whole of it.
func BenchmarkOpen(b *testing.B) {
	path := large(b)
	begin := time.Now()
	j, err := Open(b.Context(), path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	first := time.Since(begin)
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	defer func() { b.ReportMetric(float64(first.Milliseconds()), "first-ms") }()
	for b.Loop() {
		j, err := Open(b.Context(), path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := j.Recover(b.Context(), time.Now(), false); err != nil {
			b.Fatal(err)
		}
		if _, err := j.FailedTries(b.Context()); err != nil {
			b.Fatal(err)
		}
		if _, err := j.Outbox().Pending(b.Context(), 0, 16); err != nil {
			b.Fatal(err)
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	r := reader(b, large(b))
	for b.Loop() {
		verify(b, r)
	}
}

func large(b *testing.B) string {
	path := filepath.Join(folder(b), "journal.db")
	j := open(b, path, Options{OutboxMax: 1 << 30})
	if _, err := j.db.Exec(`PRAGMA synchronous = OFF`); err != nil {
		b.Fatal(err)
	}
	facts := 20_000
	if n, err := strconv.Atoi(os.Getenv("BENCH_FACTS")); err == nil {
		facts = n
	}
	for i := range facts / 2 {
		approve(b, j, "p"+strconv.Itoa(i))
		if i%(facts/20) == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.Logf("%d payments: %d KiB in use, %d KiB taken from the system", i, m.HeapInuse>>10, m.Sys>>10)
		}
	}
	b.ResetTimer()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

func folder(b *testing.B) string {
	if dir := os.Getenv("BENCH_DIR"); dir != "" {
		dir, err := os.MkdirTemp(dir, "journal")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	return b.TempDir()
}
