package pin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"smiletill/payment"
)

var _ payment.PINs = (*Store)(nil)

// terminal is a clock that the test moves.
type terminal struct {
	now time.Duration
	err error
}

func (c *terminal) elapsed(context.Context) (time.Duration, error) { return c.now, c.err }

func open(t testing.TB, path string, c *terminal) *Store {
	t.Helper()
	s, err := Open(context.Background(), path, c.elapsed, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestTriesAndLocks(t *testing.T) {
	c := &terminal{now: time.Hour}
	path := filepath.Join(t.TempDir(), "pins.db")
	s := open(t, path, c)
	ctx := t.Context()
	want := func(pin string, want error) {
		t.Helper()
		if err := s.Try(ctx, "c1", pin); !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	want("4711", payment.ErrPINNotSet)
	if err := s.Set(ctx, "c1", "4711"); err != nil {
		t.Fatal(err)
	}
	want("4711", nil)
	want("4712", payment.ErrPINWrong)
	want("4713", payment.ErrPINWrong)
	want("4711", nil) // the count begins anew
	for range 2 {
		want("4712", payment.ErrPINWrong)
	}
	want("4714", payment.ErrPINLocked)
	want("4711", payment.ErrPINLocked) // the right one too
	if err := s.Close(); err != nil {  // a restart ends no lock
		t.Fatal(err)
	}
	s = open(t, path, c)
	c.now += 15*time.Minute - time.Millisecond
	if err := s.Ready(ctx, "c1"); !errors.Is(err, payment.ErrPINLocked) {
		t.Error(err)
	}
	c.now += time.Millisecond
	if err := s.Ready(ctx, "c1"); err != nil {
		t.Error(err)
	}
	for range 2 {
		want("0815", payment.ErrPINWrong)
	}
	want("0815", payment.ErrPINLocked)
	c.now += 59 * time.Minute
	want("4711", payment.ErrPINLocked) // now it is an hour
	c.now += time.Minute
	want("4711", nil)
	if err := s.Remove(ctx, "c1"); err != nil {
		t.Fatal(err)
	}
	want("4711", payment.ErrPINNotSet)
	if lockFor(9) != 24*time.Hour || lockFor(300) != 24*time.Hour || lockFor(4) != 0 {
		t.Error("lockFor")
	}
}

// A try whose process dies while the hash is computed was counted: here the clock's failure after the
// count stands for that.
func TestTryIsCountedBeforeItIsLookedAt(t *testing.T) {
	c := &terminal{}
	path := filepath.Join(t.TempDir(), "pins.db")
	s := open(t, path, c)
	if err := s.Set(t.Context(), "c1", "4711"); err != nil {
		t.Fatal(err)
	}
	for range tries {
		if _, err := s.count(t.Context(), "c1", c.now); err != nil { // and no more: the plug is pulled
			t.Fatal(err)
		}
	}
	if err := open(t, path, c).Try(t.Context(), "c1", "4711"); !errors.Is(err, payment.ErrPINLocked) {
		t.Error(err)
	}
	c.err = errors.New("no clock")
	if err := s.Ready(t.Context(), "c1"); !errors.Is(err, c.err) {
		t.Error(err)
	}
}

func TestCheck(t *testing.T) {
	for pin, good := range map[string]bool{
		"4711": true, "112233": true, "123456789013": true, "": false, "123": false, "1234567890123": false,
		"12a4": false, "1111": false, "2345": false, "9876": false, "٤٧١١": false, "47 1": false,
	} {
		if err := Check(pin); (err == nil) != good || err != nil && !errors.Is(err, ErrPIN) {
			t.Errorf("%q: %v", pin, err)
		}
	}
}

func TestFileTellsNoPIN(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pins.db")
	s := open(t, path, &terminal{})
	if err := s.Set(t.Context(), "c1", "471147"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || bytes.Contains(data, []byte("471147")) {
		t.Errorf("the PIN is in the file, or %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func BenchmarkTry(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "pins.db"), &terminal{})
	if err := s.Set(b.Context(), "c1", "4711"); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Try(b.Context(), "c1", "4711"); err != nil {
			b.Fatal(err)
		}
	}
}

func Example() {
	dir, _ := os.MkdirTemp("", "pins")
	defer os.RemoveAll(dir)
	ctx := context.Background()
	clock := func(context.Context) (time.Duration, error) { return time.Hour, nil }
	s, err := Open(ctx, filepath.Join(dir, "pins.db"), clock, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	fmt.Println(s.Set(ctx, "c-81", "1234"))
	fmt.Println(s.Set(ctx, "c-81", "4711"))
	fmt.Println(s.Try(ctx, "c-81", "4712"))
	fmt.Println(s.Try(ctx, "c-81", "4711"))
	// Output:
	// not a usable PIN
	// <nil>
	// PIN is wrong
	// <nil>
}
