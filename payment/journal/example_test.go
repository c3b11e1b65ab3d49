package journal_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
)

// A terminal starts, takes a payment that is cancelled, and lists it.
func Example() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	ctx, stop := context.WithCancel(context.Background())

	j, err := journal.Open(ctx, filepath.Join(folder, "journal.db"), journal.Options{Terminal: "till-1"})
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close()
	if _, err := j.Recover(ctx, time.Now(), false); err != nil {
		log.Fatal(err)
	}
	engine := payment.NewEngine(j, payment.Options{})
	ended := make(chan error)
	go func() { ended <- engine.Run(ctx) }()

	amount, err := payment.ParseAmount("1.50 EUR")
	if err != nil {
		log.Fatal(err)
	}
	p, err := engine.Begin(ctx, payment.Request{ID: "order-1", Amount: amount, Reference: "table 4"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := engine.Cancel(ctx, p.ID, payment.ByRegister); err != nil {
		log.Fatal(err)
	}
	entries, err := j.List(ctx, journal.Filter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		fmt.Println(e.Seq, e.Payment.ID, e.Payment.Amount, e.Payment.State, e.Payment.Reason)
	}
	report, err := j.Verify(ctx, nil)
	fmt.Println(report.Facts, "facts", err)
	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2 order-1 1.50 EUR cancelled cancelled_by_register
	// 2 facts <nil>
}
