package journal_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/journal"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// backlog is how many rows wait when a terminal comes back after a long time.
const backlog = 10_000

func benchKey(b *testing.B) *signature.Key {
	k, err := signature.NewKey(rand.NewChaCha8([32]byte{1}))
	if err != nil {
		b.Fatal(err)
	}
	return k
}

// owing is a journal with a backlog of approvals.
func owing(b *testing.B) *journal.Journal {
	b.Helper()
	j, err := journal.Open(b.Context(), filepath.Join(b.TempDir(), "journal.db"), journal.Options{
		Terminal: "till-1", OutboxMax: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close() })
	for i := range backlog {
		now := time.Now()
		p, err := payment.Open(payment.Request{ID: "p" + strconv.Itoa(i),
			Amount: payment.Amount{Minor: 150, Currency: "EUR"}}, now, time.Minute)
		if err == nil {
			err = j.Commit(b.Context(), p)
		}
		for _, e := range []payment.Event{payment.Recognised{Customer: "c1"}, payment.Consented{
			Evidence: payment.Evidence{Customer: "c1", MatchFrames: 3, SmileFrames: 1, Since: now, At: now}}} {
			if err == nil {
				p, err = payment.Next(p, e, now)
			}
		}
		if err == nil {
			err = j.Commit(b.Context(), p)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return j
}

// BenchmarkDrain delivers a backlog to the reference receiver: each row is read, signed, sent, verified,
// committed with an fsync there, acknowledged with a signature, verified, and closed with another fsync.
func BenchmarkDrain(b *testing.B) {
	bus, err := broker.Start("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = bus.Close() })
	ctx, end := context.WithCancel(context.Background())
	b.Cleanup(end)
	here, k := report.Address{Tenant: "acme", Site: "shop", Terminal: "till-1"}, benchKey(b)
	c, err := cloud.Open(
		ctx,
		cloud.Options{Broker: bus.URL(), File: filepath.Join(b.TempDir(), "cloud.db"), Key: k,
			Log: slog.New(slog.DiscardHandler), Rand: rand.New(rand.NewPCG(1, 2))},
	)
	if err == nil {
		err = c.Trust(ctx, here, k.Public())
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	go func() { _ = c.Run(ctx) }()
	<-c.Ready()
	var took time.Duration
	for range b.N {
		b.StopTimer()
		j := owing(b)
		r, err := report.New(report.Options{Broker: bus.URL(), Address: here, Outbox: queue{j.Outbox()},
			Signer: report.KeySigner{Key: k}, Verifier: report.CloudKeys{k.Public()},
			Log: slog.New(slog.DiscardHandler), Rand: rand.New(rand.NewPCG(1, 2))})
		if err != nil {
			b.Fatal(err)
		}
		running, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		b.StartTimer()
		began := time.Now()
		go func() { done <- r.Run(running) }()
		for r.State().Counts.Closed < backlog {
			time.Sleep(time.Millisecond)
		}
		took += time.Since(began)
		b.StopTimer()
		stop()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*backlog)/took.Seconds(), "rows/s")
}

// BenchmarkBrokerAlone is what the same broker takes for messages of the same size, as many in flight, from
// one who keeps nothing to one who only counts.
func BenchmarkBrokerAlone(b *testing.B) {
	bus, err := broker.Start("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = bus.Close() })
	var ends [2]*link.Link
	for i := range ends {
		ends[i], err = link.Dial(
			b.Context(),
			link.Options{Broker: bus.URL(), ClientID: fmt.Sprint("end", i), Inbox: backlog},
		)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(ends[i].Close)
	}
	if err := ends[1].Subscribe(b.Context(), "rows"); err != nil {
		b.Fatal(err)
	}
	event := make([]byte, 1100) // as a payment's event
	began := time.Now()
	for range b.N {
		var flying []link.Receipt
		for range backlog {
			receipt, err := ends[0].Publish(b.Context(), "rows", false, event)
			if err != nil {
				b.Fatal(err)
			}
			if flying = append(flying, receipt); len(flying) == 16 {
				if err := flying[0].Wait(b.Context()); err != nil {
					b.Fatal(err)
				}
				flying = flying[1:]
			}
		}
		for range backlog {
			<-ends[1].Inbox()
		}
	}
	b.ReportMetric(float64(b.N*backlog)/time.Since(began).Seconds(), "rows/s")
}
