//go:build !notflite

package till_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/demo"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
)

// TestDiagnoseTellsTheCloudFromItsBroker asks a terminal that reports to a broker behind which the cloud
// comes late.
func TestDiagnoseTellsTheCloudFromItsBroker(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	b, err := broker.Start("127.0.0.1:0", quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	s := newCounter(t, "--mqtt-broker", b.URL())
	c, err := cloud.Open(t.Context(), cloud.Options{Broker: b.URL(), File: filepath.Join(s.Dir, "cloud.db"),
		Key: terminaltest.NewKey(t), Log: quiet, Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Introduce(t.Context(), c, s.Config(), filepath.Join(s.Dir, "data")); err != nil {
		t.Fatal(err)
	}
	addr, end := s.ready()
	said := func() string {
		_, out, errs := s.ask(t.Context(), "https://"+addr+"/nexo", "diagnose")
		return out + errs
	}
	const alone = "its broker is reached, the cloud itself has acknowledged nothing"
	const heard = "reached: it has acknowledged"
	s.Eventually("the broker", func() bool { return strings.Contains(said(), alone) })
	q := control.PaymentRequest{ID: "one", Amount: "1.00", Currency: "EUR", Reference: "smile"}
	if _, err := s.Begin(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	s.WantEnd("one", "approved", "")
	if now := said(); !strings.Contains(now, alone) {
		t.Errorf("nobody has acknowledged the report, and it says\n%s", now)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, c.Close()); err != nil {
			t.Error(err)
		}
	})
	s.Eventually("the cloud", func() bool { return strings.Contains(said(), heard) })
	end()
	addr, _ = s.ready()
	s.Eventually("what was acknowledged before", func() bool { return strings.Contains(said(), heard) })
}
