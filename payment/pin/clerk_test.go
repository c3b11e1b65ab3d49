package pin

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"smiletill/payment"
)

// The clerk's PIN is none of a customer's: not listed, not reached by any customer's name, not removed with
// one.
func TestClerkIsNoCustomer(t *testing.T) {
	c := &terminal{now: time.Hour}
	s := open(t, filepath.Join(t.TempDir(), "pins.db"), c)
	ctx := t.Context()
	if err := s.Clerk().Ready(ctx); !errors.Is(err, payment.ErrPINNotSet) {
		t.Errorf("before it is set: %v", err)
	}
	if err := s.Clerk().Set(ctx, "1234"); !errors.Is(err, ErrPIN) {
		t.Errorf("a PIN that is easy to guess: %v", err)
	}
	if err := s.Clerk().Set(ctx, "7193"); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(ctx, "c1", "4711"); err != nil {
		t.Fatal(err)
	}
	if with, err := s.Customers(ctx); err != nil || len(with) != 1 || !with["c1"] {
		t.Errorf("customers with a PIN: %v, %v", with, err)
	}
	for _, name := range []string{clerk, "", "a b"} {
		if err := s.Set(ctx, name, "8264"); err == nil {
			t.Errorf("a customer %q was given a PIN", name)
		}
		if err := s.Remove(ctx, name); err == nil {
			t.Errorf("a customer %q was removed", name)
		}
		if err := s.Ready(ctx, name); !errors.Is(err, payment.ErrPINNotSet) {
			t.Errorf("a customer %q is ready: %v", name, err)
		}
		if err := s.Try(ctx, name, "7193"); !errors.Is(err, payment.ErrPINNotSet) {
			t.Errorf("a customer %q can try: %v", name, err)
		}
	}
	if err := s.Clerk().Try(ctx, "4711"); !errors.Is(err, payment.ErrPINWrong) {
		t.Errorf("a customer's PIN: %v", err)
	}
	if err := s.Clerk().Try(ctx, "7193"); err != nil {
		t.Error(err)
	}
	if err := s.Remove(ctx, "c1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Clerk().Ready(ctx); err != nil {
		t.Errorf("after a customer was removed: %v", err)
	}
	if err := s.Clerk().Remove(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Clerk().Try(ctx, "7193"); !errors.Is(err, payment.ErrPINNotSet) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestClerkIsLockedFor(t *testing.T) {
	c := &terminal{now: time.Hour}
	s := open(t, filepath.Join(t.TempDir(), "pins.db"), c)
	ctx := t.Context()
	if err := s.Clerk().Set(ctx, "7193"); err != nil {
		t.Fatal(err)
	}
	for range tries {
		_ = s.Clerk().Try(ctx, "7194") // the last one is looked at below
	}
	c.now += 5 * time.Minute
	var locked *LockedError
	err := s.Clerk().Try(ctx, "7193")
	if !errors.As(err, &locked) || locked.Left != 10*time.Minute || !errors.Is(err, payment.ErrPINLocked) {
		t.Fatalf("after three wrong ones: %v", err)
	}
	if locked.Hint() != "it can be tried again in 10m0s" {
		t.Error(locked.Hint())
	}
	c.now += 10 * time.Minute
	if err := s.Clerk().Try(ctx, "7193"); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// Who works at a till is read of a file without changing it, or making one.
func TestClerksOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pins.db")
	if all, err := ClerksOf(t.Context(), path); err == nil {
		t.Errorf("of no file: %v", all)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
	s := open(t, path, &terminal{now: time.Hour})
	if err := s.AddClerk(t.Context(), "Ada", "owner", func(string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ClerksOf(t.Context(), path)
	if err != nil || len(all) != 1 || all[0].Name != "Ada" {
		t.Errorf("%v, %v", all, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
}
