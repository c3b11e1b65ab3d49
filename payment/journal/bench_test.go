package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"smiletill/payment"
)

// BenchmarkApproval is one commit of an approval; BenchmarkWriteSync beside it is what the disk itself
// takes for a write of the bytes that such a commit appends, and its fsync. Both in a folder of BENCH_DIR,
// if set.
func BenchmarkApproval(b *testing.B) {
	j := open(b, filepath.Join(folder(b), "journal.db"), Options{OutboxMax: 1 << 30})
	var before, after []payment.Payment
	for i := range b.N {
		p := waiting(b, "p"+strconv.Itoa(i))
		before, after = append(before, p), append(after, approved(b, p))
	}
	commit(b, j, before...)
	b.ResetTimer()
	for _, p := range after {
		commit(b, j, p)
	}
}

func BenchmarkWriteSync(b *testing.B) {
	for _, size := range []int{4 << 10, 32 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			f, err := os.Create(filepath.Join(folder(b), "plain"))
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			bytes := make([]byte, size)
			for b.Loop() {
				if _, err := f.Write(bytes); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen is the check at the start of a journal of 20,000 facts, BenchmarkVerify the whole of it.
func BenchmarkOpen(b *testing.B) {
	path := large(b)
	for b.Loop() {
		j, err := Open(b.Context(), path, Options{})
		if err != nil {
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
	if _, err := j.db.Exec(`PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 1000`); err != nil {
		b.Fatal(err)
	}
	for i := range 10_000 {
		approve(b, j, "p"+strconv.Itoa(i))
	}
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
