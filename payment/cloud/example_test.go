package cloud_test

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"

	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// one is an outbox of one row; payment/journal has the real one.
type one struct {
	row    report.Row
	closed chan struct{}
}

func (o *one) Pending(_ context.Context, after int64, _ int) ([]report.Row, error) {
	if after >= o.row.Seq {
		return nil, nil
	}
	return []report.Row{o.row}, nil
}

func (o *one) Close(context.Context, string, string, int64) error {
	close(o.closed)
	return nil
}

func (o *one) Park(context.Context, int64, string) error { return nil }

// The whole way of a payment report, in one process.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	dir, err := os.MkdirTemp("", "cloud")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var keys []*signature.Key // the terminal's and the cloud's
	for range 2 {
		k, err := signature.NewKey(cryptorand.Reader)
		if err != nil {
			fmt.Println(err)
			return
		}
		keys = append(keys, k)
	}
	quiet, random := slog.New(slog.DiscardHandler), func() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

	b, err := broker.Start("127.0.0.1:0", quiet)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = b.Close() }()
	c, err := cloud.Open(ctx, cloud.Options{
		Broker: b.URL(), File: filepath.Join(dir, "cloud.db"), Key: keys[1], Log: quiet, Rand: random(),
		OnEvent: func(e cloud.Event) { fmt.Printf("cloud: %s of %s: %s\n", e.Type, e.PaymentID, e.Data) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	till := report.Address{Tenant: "acme", Site: "kiosk-1", Terminal: "till_2"}
	if err := c.Trust(ctx, till, keys[0].Public()); err != nil {
		fmt.Println(err)
		return
	}
	received := make(chan error)
	go func() { received <- c.Run(ctx) }()
	<-c.Ready()

	box := &one{closed: make(chan struct{}), row: report.Row{
		Seq: 1, ID: "e-1", Kind: "approved", PaymentID: "order-9", Hash: "9f86",
		Body: json.RawMessage(`{"amount_minor":150,"currency":"EUR"}`),
	}}
	r, err := report.New(report.Options{
		Broker: b.URL(), Address: till,
		Outbox: box, Signer: report.KeySigner{Key: keys[0]},
		Verifier: report.CloudKeys{c.Key()}, Log: quiet, Rand: random(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	reported := make(chan error)
	go func() { reported <- r.Run(ctx) }()
	<-box.closed
	fmt.Println("terminal: acknowledged, row closed")
	cancel()
	fmt.Println(<-received, <-reported, c.Close())
	// Output:
	// cloud: io.smiletill.payment.approved.v1 of order-9: {"amount_minor":150,"currency":"EUR"}
	// terminal: acknowledged, row closed
	// <nil> <nil> <nil>
}
