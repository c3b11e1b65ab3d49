package journal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"smiletill/payment"
)

// badDisk can't read some bytes of a file.
type badDisk struct {
	io.ReaderAt
	from, to int64
}

func (d badDisk) ReadAt(p []byte, at int64) (int, error) {
	if at < d.to && at+int64(len(p)) > d.from {
		return 0, syscall.EIO
	}
	return d.ReaderAt.ReadAt(p, at)
}

// TestCarve lays one fact across the places where a file is cut for reading, and beside what the disk can't
// read.
func TestCarve(t *testing.T) {
	l, err := seal(chainHead{seq: 6, hash: sha256.Sum256([]byte("before"))}, "e1", body{Kind: kindApproved,
		PaymentID: "a", AmountMinor: 100, Currency: "EUR", Time: stamp(noon)})
	if err != nil {
		t.Fatal(err)
	}
	fact := append(append(bytes.Clone(l.text), l.prev[:]...), l.hash[:]...)
	const size = 2*carveStep + 5000
	places := []int{0, 1, carveStep - len(fact), carveStep - len(fact)/2, carveStep - 1, carveStep,
		size - len(fact)}
	for _, at := range places {
		next := int64(at/carveBlock+2) * carveBlock // the block before the fact's first, or behind its last
		text := make([]byte, size)
		copy(text[at:], fact)
		for name, disk := range map[string]io.ReaderAt{
			"sound": bytes.NewReader(text),
			"bad":   badDisk{bytes.NewReader(text), next, next + 1},
		} {
			found, sum := 0, sha256.New()
			err := carve(disk, size, sum, func(got link) error {
				if got.hash != l.hash || !bytes.Equal(got.text, l.text) || got.body.PaymentID != "a" {
					t.Errorf("at %d: %+v", at, got)
				}
				found++
				return nil
			}, func(int64) {})
			if whole := sha256.Sum256(text); err != nil || found != 1 ||
				!bytes.Equal(sum.Sum(nil), whole[:]) {
				t.Errorf("%s disk, fact at %d: found %d times, %v", name, at, found, err)
			}
		}
		// One bit anywhere, and it is no fact.
		for _, i := range []int{0, len(l.text) / 2, len(l.text), len(fact) - 1} {
			text[at+i] ^= 1
			err := carve(bytes.NewReader(text), size, io.Discard, func(got link) error {
				t.Errorf("at %d, byte %d flipped: %+v", at, i, got)
				return nil
			}, func(int64) {})
			text[at+i] ^= 1
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// TestQuarantineOfTheWAL has the journal's beginning lost while the last commits lie in the -wal alone.
// SQLite finds the first page there, and all well.
func TestQuarantineOfTheWAL(t *testing.T) {
	main, wal, _ := unmoved(t)
	clear(main[:100])
	path := newPath(t)
	write(t, path, main)
	write(t, path+"-wal", wal)
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrDamaged) {
		t.Fatalf("the terminal does not see the damage: %v", err)
	}
	q, err := Quarantine(t.Context(), path, noon, nil)
	if err != nil || q.Facts != 4 || q.Approved != 2 {
		t.Fatalf("%+v, %v", q, err)
	}
	kept, err := os.ReadFile(filepath.Join(q.Folder, "journal.db-wal"))
	if err != nil || !bytes.Equal(kept, wal) {
		t.Errorf("the -wal was changed: %v", err)
	}
	if rows := pending(t, open(t, path, Options{}), 0, 9); len(rows) != 2 {
		t.Errorf("%+v", rows)
	}
}

// TestQuarantineOfTheLongest takes over a payment whose every field is full.
func TestQuarantineOfTheLongest(t *testing.T) {
	path := newPath(t)
	models := map[string]string{"detect": strings.Repeat("d", 16), "landmarks": strings.Repeat("l", 16),
		"embed": strings.Repeat("e", 16)}
	j := open(t, path, Options{Terminal: strings.Repeat("t", 64), Models: models})
	p, err := payment.Open(
		payment.Request{ID: strings.Repeat("i", 64), Amount: payment.Amount{Minor: payment.MaxMinor,
			Currency: "EUR"}, Reference: strings.Repeat(`"`, 140)},
		time.Now(),
		time.Minute,
	)
	if err != nil {
		t.Fatal(err)
	}
	end := approved(t, p)
	end.Customer, end.Detail = strings.Repeat("c", 64), strings.Repeat(`"`, 200)
	commit(t, j, p, end)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	clear(text[:100])
	write(t, path, text)
	q, err := Quarantine(t.Context(), path, noon, nil)
	if err != nil || q.Facts != 2 || q.Approved != 1 {
		t.Errorf("%+v, %v", q, err)
	}
}

// TestNotForQuarantine: what is wrong there no quarantine mends.
func TestNotForQuarantine(t *testing.T) {
	text := sample(t)
	for name, c := range map[string]struct {
		make func(path string)
		want error
	}{
		"sound": {func(path string) { write(t, path, text) }, ErrSound},
		"none":  {func(string) {}, os.ErrNotExist},
		"newer": {func(path string) {
			write(t, path, text)
			alter(t, path, `PRAGMA user_version = 99`)
		}, ErrNewer},
		"not readable": {func(path string) {
			write(t, path, text)
			_ = os.Mkdir(path+"-wal", 0o700)
		}, ErrIO},
	} {
		path := newPath(t)
		c.make(path)
		before, _ := os.ReadFile(path)
		_, err := Quarantine(t.Context(), path, noon, nil)
		if !errors.Is(err, c.want) || hint(err) == "" {
			t.Errorf("%s: %v, hint %q", name, err, hint(err))
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// TestQuarantineByRoot: the terminal must be able to open what an administrator made.
func TestQuarantineByRoot(t *testing.T) {
	owner := os.Geteuid()
	if owner == 0 {
		owner = 65534 // nobody
	}
	path := newPath(t)
	text := sample(t)
	clear(text[:100])
	write(t, path, text)
	if err := os.Chown(path, owner, -1); err != nil {
		t.Fatal(err)
	}
	q, err := Quarantine(t.Context(), path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + ".lock", q.Folder, filepath.Join(q.Folder, reportName)} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; int(uid) != owner {
			t.Errorf("%s belongs to %d, and the terminal is %d", name, uid, owner)
		}
	}
}
