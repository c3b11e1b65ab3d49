//go:build !notflite

package terminal_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/demo"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/cmd/smiletill/witness"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/cloud"
)

// copyData copies the data of a terminal that is switched off.
func (s *shop) copyData(to string) {
	s.T.Helper()
	if err := os.CopyFS(to, os.DirFS(filepath.Join(s.Dir, "data"))); err != nil {
		s.T.Fatal(err)
	}
	private(s.T, to)
}

// putBack puts a copy in the place of a terminal's data, and of what it has seen of them.
func (s *shop) putBack(from string) {
	s.T.Helper()
	if err := os.RemoveAll(witness.Beside(filepath.Join(s.Dir, "data"))); err != nil {
		s.T.Fatal(err)
	}
	s.putBackData(from)
}

// putBackData puts a copy in the place of a terminal's data.
func (s *shop) putBackData(from string) {
	s.T.Helper()
	data := filepath.Join(s.Dir, "data")
	if err := os.RemoveAll(data); err != nil {
		s.T.Fatal(err)
	}
	if err := os.CopyFS(data, os.DirFS(from)); err != nil {
		s.T.Fatal(err)
	}
	private(s.T, data)
}

// reportedDay is one in which something is sold, and reported: the cloud has counted so many by its end.
func (s *shop) reportedDay(c *cloud.Receiver, id string, counted int) {
	s.T.Helper()
	end := s.Open()
	s.Pay(id, "1.00")
	s.WantEnd(id, "approved", "")
	s.Eventually("the report of "+id, func() bool {
		n, err := c.Count(s.T.Context())
		code, out, _ := s.Cli("journal", "list")
		return err == nil && n == counted && code == 0 && !strings.Contains(out, "pending")
	})
	end()
}

// TestOlderDataPutBack: a terminal whose data were set back takes no payment and gives nothing back as soon
// as the cloud has told what it has, says why everywhere, and goes on with the newest data, or when a
// technician says that there are none.
func TestOlderDataPutBack(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	b, c := terminaltest.NewCloud(t, config.Default(), s.Dir, rand.New(rand.NewPCG(3, 4)))
	s.Flags = append(s.Flags, "--mqtt-broker", b.URL(), "--register-listen", "127.0.0.1:0")
	s.EnrolCustomer()
	s.reportedDay(c, "one", 1)
	older, newest := filepath.Join(s.Dir, "older"), filepath.Join(s.Dir, "newest")
	s.copyData(older)
	s.reportedDay(c, "two", 2)
	s.copyData(newest)

	s.putBack(older)
	end := s.Open()
	s.setBack(t, c, "the cloud has fact 6") // the first two say what it is, and who was enrolled
	end()
	s.putBack(newest)
	end = s.Open()
	s.Pay("two", "1.00")
	if p := s.End("two"); p.State != "approved" {
		t.Errorf("the newest data do not know it: %+v", p)
	}
	end()

	s.putBack(older)
	end = s.Open()
	s.setBack(t, c, "the cloud has fact 6") // the first two say what it is, and who was enrolled
	end()
	s.Open() // it doesn't wear off, nor does it need the cloud any more
	s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
	code, out, errs := s.Cli("journal", "reconcile", "--because", "the newest copy is lost")
	if code != 0 || !strings.Contains(out, "taken over: 4 facts, 1 approvals") ||
		!strings.Contains(out, "next:") {
		t.Fatalf("reconcile: %d %s %s", code, out, errs)
	}
	s.Pay("three", "1.00")
	s.WantEnd("three", "approved", "")
	s.Eventually("the report of three", func() bool {
		n, err := c.Count(t.Context())
		return err == nil && n == 3
	})
	if s.Sees(screen.OutOfOrder) {
		t.Error("the cloud's word has put it out of order again")
	}
}

// setBack waits until the terminal has learnt that it lacks a payment.
func (s *shop) setBack(t *testing.T, c *cloud.Receiver, words string) {
	t.Helper()
	s.Eventually("out of order on the screen", func() bool {
		v := s.View()
		return v.State == screen.OutOfOrder && strings.Contains(v.Detail.What, words) &&
			strings.Contains(v.Detail.Do, "reconcile")
	})
	s.Eventually("the technician's page", func() bool {
		page := s.Page("/status")
		return strings.Contains(page, words) && strings.Contains(page, "reconcile")
	})
	_, err := s.Begin(t.Context(), control.PaymentRequest{ID: "two", Amount: "1.00", Currency: "EUR"})
	if err == nil || !strings.Contains(payment.HintOf(err), "reconcile") {
		t.Errorf("a payment: %v; hint %q", err, payment.HintOf(err))
	}
	_, err = s.Reverse(t.Context(), control.ReversalRequest{ID: "back", PaymentID: "one"})
	if err == nil {
		t.Error("it gave money back")
	}
	s.Eventually("the cloud's page", func() bool {
		all, err := c.Terminals(t.Context())
		return err == nil && len(all) == 1 && strings.Contains(all[0].Alarm, "lacks what the cloud has")
	})
}

// TestRenamedTerminal: a report that the terminal doesn't know to be acknowledged goes out under the name
// that it was made with or not at all, and a new name doesn't hide from it that older data were put back.
func TestRenamedTerminal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cfg := config.Default()
	b, c := terminaltest.NewCloud(t, cfg, s.Dir, rand.New(rand.NewPCG(5, 6)))
	s.Flags = append(s.Flags, "--mqtt-broker", b.URL())
	s.EnrolCustomer()
	counted := func(n int) func() bool {
		return func() bool { got, err := c.Count(t.Context()); return err == nil && got == n }
	}
	believed := filepath.Join(s.Dir, "data", "cloud.pub")
	if err := os.Rename(believed, believed+".away"); err != nil {
		t.Fatal(err)
	}
	end := s.Open()
	s.Pay("one", "1.00")
	s.WantEnd("one", "approved", "")
	s.Eventually("the cloud counts it", counted(1))
	end()
	if err := os.Rename(believed+".away", believed); err != nil {
		t.Fatal(err)
	}
	cfg.Terminal.ID = "till-2"
	if err := demo.Introduce(t.Context(), c, cfg, filepath.Join(s.Dir, "data")); err != nil {
		t.Fatal(err)
	}
	named := s.Flags
	s.Flags = append(slices.Clone(named), "--terminal-id", "till-2")
	end = s.Open()
	s.Eventually("out of order", func() bool {
		v := s.View()
		return v.State == screen.OutOfOrder &&
			strings.Contains(v.Detail.What, "1 reports of demo/shop/till-1") &&
			strings.Contains(v.Detail.Do, "put the old name")
	})
	end()
	s.Flags = named
	end = s.Open()
	s.Eventually("the acknowledgement", func() bool {
		code, out, _ := s.Cli("journal", "list")
		return code == 0 && !strings.Contains(out, "pending")
	})
	end()
	older := filepath.Join(s.Dir, "older")
	s.copyData(older)
	end = s.Open()
	s.Pay("two", "1.00")
	s.WantEnd("two", "approved", "")
	s.Eventually("the report of two", counted(2))
	end()

	s.putBack(older)
	s.Flags = append(slices.Clone(named), "--terminal-id", "till-2")
	end = s.Open()
	s.Eventually("out of order", func() bool {
		v := s.View()
		return v.State == screen.OutOfOrder && strings.Contains(v.Detail.What, "the cloud has another fact")
	})
	end()
	if n, err := c.Count(t.Context()); err != nil || n != 2 {
		t.Errorf("the cloud counts %d, %v", n, err)
	}
}
