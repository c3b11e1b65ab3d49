//go:build !notflite

package terminal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/screen"
	"smiletill/payment"
)

// TestStatusCommand asks for the terminal's own word: an active service whose camera is gone is not ready,
// and what calls a new slot good waits until it is.
func TestStatusCommand(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	if code, _, errs := s.Cli("status"); code != 1 || !strings.Contains(errs, "no smiletill is running") {
		t.Errorf("nothing runs: %d %s", code, errs)
	}
	s.Open()
	s.Opened()
	if code, out, errs := s.Cli("status"); code != 0 || !strings.Contains(out, "ready for payments") ||
		!strings.Contains(out, "camera") {
		t.Errorf("ready: %d %s%s", code, out, errs)
	}
	s.Pull(true)
	s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
	code, out, errs := s.Cli("status")
	if code != 1 || !strings.Contains(errs, "out of order") || !strings.Contains(out, "camera") {
		t.Errorf("without a camera: %d %s%s", code, out, errs)
	}
	good := make(chan int, 1)
	go func() {
		code, _, _ := s.Cli("status", "--ready-for", "300ms")
		good <- code
	}()
	select {
	case code := <-good:
		t.Fatalf("a terminal without a camera was called good: %d", code)
	case <-time.After(700 * time.Millisecond):
	}
	s.Pull(false)
	if code := <-good; code != 0 {
		t.Errorf("it is ready again: %d", code)
	}
}

// TestNotSetUp runs a terminal as a package installs it: it shows what is to be done, and nothing can be
// paid.
func TestNotSetUp(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cfg := s.Config()
	s.NotSetUp = cfg.Commissioned()
	if s.NotSetUp == nil {
		t.Fatal("settings in which nobody is named are taken for a shop's")
	}
	s.Open()
	_, err := s.Begin(t.Context(), control.PaymentRequest{ID: "one", Amount: "1.00", Currency: "EUR"})
	if err == nil || !strings.Contains(err.Error(), "not set up") ||
		!strings.Contains(payment.HintOf(err), "terminal.tenant") ||
		strings.Contains(payment.HintOf(err), "tries again") { // it is to be started again
		t.Errorf("a payment: %v; %s", err, payment.HintOf(err))
	}
	s.Eventually("the page", func() bool {
		v := s.View()
		return v.State == screen.OutOfOrder && v.Reason == screen.NotSetUp &&
			strings.Contains(v.Detail.Do, "terminal.tenant")
	})
	if code, _, errs := s.Cli("status"); code != 1 || !strings.Contains(errs, "not set up") ||
		!strings.Contains(errs, "terminal.tenant") {
		t.Errorf("status: %d %s", code, errs)
	}
	if hung := s.Term.Hung(t.Context()); hung != "" {
		t.Errorf("it waits for settings, and is taken for hung: %s", hung)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Wait(ctx, "one", time.Second); err == nil || errors.Is(err, payment.ErrNotFound) {
		t.Errorf("a payment of a terminal without a journal: %v", err)
	}
}

// TestStatusOfALinkWithoutTheCloudsKey: that the cloud's key is not known hides nothing else that is wrong.
func TestStatusOfALinkWithoutTheCloudsKey(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--mqtt-broker", "mqtts://127.0.0.1:1", "--mqtt-ca-file", "/nowhere/ca.pem")
	s.Open()
	s.Opened()
	s.Eventually("both are told", func() bool {
		for _, row := range s.Term.StatusRows(t.Context()) {
			if row.Name == "report" {
				return row.Level != screen.LevelOK && strings.Contains(row.Value, "/nowhere/ca.pem") &&
					strings.Contains(row.Value, "the cloud's key is not known") &&
					strings.Contains(row.Do, "smiletill cloud key")
			}
		}
		return false
	})
}
