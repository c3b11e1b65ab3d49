//go:build !notflite

package terminal_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/register"
)

// back puts files of a copy, by patterns within the data folder, in the place of those that are there.
func (s *shop) back(from string, patterns ...string) {
	s.T.Helper()
	data := filepath.Join(s.Dir, "data")
	for _, pattern := range patterns {
		old, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil {
			s.T.Fatal(err)
		}
		for _, path := range old {
			if err := os.Remove(path); err != nil {
				s.T.Fatal(err)
			}
		}
		copies, err := filepath.Glob(filepath.Join(from, pattern))
		if err != nil {
			s.T.Fatal(err)
		}
		for _, path := range copies {
			name, err := filepath.Rel(from, path)
			if err != nil {
				s.T.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(data, name), terminaltest.Read(s.T, path), 0o600); err != nil {
				s.T.Fatal(err)
			}
		}
	}
}

// TestFilesPutBack: whatever single file an older copy of is put back, or all of them, without a cloud: the
// terminal takes no payment and says why, until the newest is back, or somebody says with a reason, which the
// journal has, that it is to go on.
func TestFilesPutBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		patterns []string // nil: all
		says     string
		stores   string // in the fact
	}{
		{"PINs, whose tries it had counted", []string{"pins.db*"}, "the PINs had been changed", "pins"},
		{"a customer's face, who was removed", []string{"gallery/*.face"}, "the face is there again", "faces"},
		{"a register's key, which was taken away", []string{"registers.json"}, "is there again", "registers"},
		{"what registers asked for", []string{"register.db*"}, "the registers' records", "records"},
		{"the journal", []string{"journal.db*"}, "this terminal has written fact", "journal"},
		{"all of them", nil, "this terminal has written fact", "journal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			putBackOne(t, c.patterns, c.says, c.stores)
		})
	}
}

func putBackOne(t *testing.T, patterns []string, says, stores string) {
	s := newShop(t)
	s.Flags = append(s.Flags, "--register-listen", "127.0.0.1:0")
	older, newest := s.changed(t)

	restore := func() {
		if patterns == nil {
			s.putBackData(older)
			return
		}
		s.back(older, patterns...)
	}
	refused := func() {
		t.Helper()
		s.Eventually("out of order on the screen", func() bool {
			v := s.View()
			return v.State == screen.OutOfOrder && strings.Contains(v.Detail.What, says) &&
				strings.Contains(v.Detail.Do, "reconcile")
		})
		_, err := s.Begin(t.Context(), control.PaymentRequest{ID: "first", Amount: "1.00", Currency: "EUR"})
		if err == nil || !strings.Contains(payment.HintOf(err), "reconcile") {
			t.Errorf("a payment: %v; hint %q", err, payment.HintOf(err))
		}
	}
	restore()
	end := s.Open()
	refused()
	end()
	s.putBackData(newest)
	end = s.Open()
	s.Pay("second", "1.00")
	s.WantEnd("second", "approved", "")
	end()

	restore()
	s.Open()
	refused()
	if code, _, errs := s.Cli("journal", "reconcile"); code != 2 || !strings.Contains(errs, "because") {
		t.Errorf("without a reason: %d %s", code, errs)
	}
	s.goOn("the card broke on Monday")
	s.Pay("third", "1.00")
	s.WantEnd("third", "approved", "")
	code, out, errs := s.Cli("journal", "audit")
	if code != 0 || !strings.Contains(out, "data reconciled") ||
		!strings.Contains(out, "broke on Monday; "+stores) {
		t.Errorf("the facts: %d %s %s", code, out, errs)
	}
	if patterns == nil {
		return // nothing is left that tells who was removed
	}
	if _, out, _ = s.Cli("customers", "list"); strings.Contains(out, "Put Back") {
		t.Errorf("who was removed is there again:\n%s", out)
	}
}

// goOn says that older data go on, and waits until they do.
func (s *shop) goOn(why string) {
	s.T.Helper()
	s.Eventually("older data that can go on", func() bool {
		code, out, _ := s.Cli("journal", "reconcile", "--because", why)
		return code == 0 && strings.Contains(out, "next:")
	})
	s.Opened()
}

// changed lets a terminal work, copies its data, and has it do what would be undone by them.
func (s *shop) changed(t *testing.T) (older, newest string) {
	t.Helper()
	s.EnrolCustomer()
	s.does(append([]string{"enrol", "Put Back", "--agreed", "en"}, strangers(t, s.Dir)...)...)
	s.does("register", "pair", "counter-1")
	end := s.Open()
	s.Pay("first", "1.00")
	grace := s.WantEnd("first", "approved", "").Customer
	var second string
	for _, c := range s.Term.Gallery().List() {
		if c.ID != grace {
			second = c.ID
		}
	}
	end()
	older, newest = filepath.Join(s.Dir, "older"), filepath.Join(s.Dir, "newest")
	s.copyData(older)

	end = s.Open()
	s.Opened()
	s.Stdin("902751\n")
	s.does("customers", "pin", grace)
	s.does("customers", "remove", "--yes", second)
	s.does("register", "unpair", "counter-1")
	s.Pay("more", "1.00")
	s.WantEnd("more", "approved", "")
	end()
	s.message(t)
	end = s.Open()
	s.Opened()
	end()
	s.copyData(newest)
	return older, newest
}

// message has a register have asked for something.
func (s *shop) message(t *testing.T) {
	t.Helper()
	cfg := s.Config()
	r, err := register.OpenRecords(t.Context(), cfg.RecordsPath(),
		func(context.Context) (time.Duration, error) { return time.Hour, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, _, err = r.Begin(t.Context(), register.Record{ID: "p-1",
		Header: register.Header{SaleID: "POS 1", ServiceID: "1", MessageCategory: register.CategoryPayment}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWordCountsOnce: that older data go on was said of one start; the same copy, put back once more, is
// found again.
func TestWordCountsOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	end := s.Open()
	s.Pay("first", "1.00")
	grace := s.WantEnd("first", "approved", "").Customer
	end()
	older := filepath.Join(s.Dir, "older")
	s.copyData(older)
	for _, why := range []string{"the card broke", "it broke again"} {
		end := s.Open()
		s.Opened()
		s.Stdin("902751\n")
		s.does("customers", "pin", grace)
		end()
		s.back(older, "pins.db*")
		end = s.Open()
		s.Eventually("older PINs", func() bool {
			return strings.Contains(s.View().Detail.What, "the PINs had been changed")
		})
		s.goOn(why)
		end()
	}
}
