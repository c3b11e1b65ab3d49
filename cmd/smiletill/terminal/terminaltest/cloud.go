package terminaltest

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/demo"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/report/signature"
)

// NewCloud runs a broker and a cloud that knows a terminal, whose data is in dir, until the test ends.
func NewCloud(t *testing.T, cfg config.Config, dir string, rng *rand.Rand) (*broker.Broker, *cloud.Receiver) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	b, err := broker.Start("127.0.0.1:0", quiet)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cloud.Open(t.Context(), cloud.Options{Broker: b.URL(), File: filepath.Join(dir, "cloud.db"),
		Key: NewKey(t), Log: quiet, Rand: rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))})
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Introduce(t.Context(), c, cfg, filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, c.Close(), b.Close()); err != nil {
			t.Errorf("end of the cloud: %v", err)
		}
	})
	return b, c
}

// NewKey makes a key to sign with.
func NewKey(t *testing.T) *signature.Key {
	t.Helper()
	k, err := signature.NewKey(cryptorand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
