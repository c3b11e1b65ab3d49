package register_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/register"
)

// tail measures each turn and reports its median and its 99th percentile.
func tail(b *testing.B, turn func(i int)) {
	b.Helper()
	times := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		turn(i)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkDiagnosis is one over a kept connection.
func BenchmarkDiagnosis(b *testing.B) {
	d := benchDesk(b)
	c := d.client()
	c.HTTP = keptAlive()
	tail(b, func(int) {
		if _, err := c.Send(b.Context(), diagnosis()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkSealedDiagnosis is the same, encrypted both ways.
func BenchmarkSealedDiagnosis(b *testing.B) {
	d := benchDesk(b)
	c := d.client()
	c.HTTP = keptAlive()
	k, err := register.DeriveKey("front-key", 1, "correct horse")
	if err != nil {
		b.Fatal(err)
	}
	c.Key, d.pairings = k, register.Pairings{{Name: "front", Key: k}}
	tail(b, func(int) {
		if _, err := c.Send(b.Context(), diagnosis()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkBareHandler answers a body of a Diagnosis' size over the same TLS, and does nothing else.
func BenchmarkBareHandler(b *testing.B) {
	dir := b.TempDir()
	cert, key := filepath.Join(dir, "r.crt"), filepath.Join(dir, "r.key")
	if _, err := register.MakeCertificate(cert, key, poiID, nil); err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	body := `{"SaleToPOIResponse":` + strings.Repeat(" ", 520) + `{}}`
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(body))
	}), TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	done := make(chan error, 1)
	go func() { done <- srv.ServeTLS(l, cert, key) }()
	b.Cleanup(func() {
		if err := errors.Join(srv.Close(), <-done); !errors.Is(err, http.ErrServerClosed) {
			b.Error(err)
		}
	})
	c := keptAlive()
	tail(b, func(int) {
		resp, err := c.Post("https://"+l.Addr().String()+"/", "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 1024)
		_, _ = resp.Body.Read(buf)
		if err := resp.Body.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPayment is from a register's message to its answer, with a customer who smiles at once: what is
// left is what the register's path takes, and the two commits of the engine.
func BenchmarkPayment(b *testing.B) {
	d := benchDesk(b)
	c := d.client()
	c.HTTP = keptAlive()
	changes, stop := d.engine.Watch()
	defer stop()
	tail(b, func(i int) {
		done := make(chan error, 1)
		go func() {
			_, err := c.Send(b.Context(), paymentOf(fmt.Sprintf("%d", i), fmt.Sprint(i), "1", "EUR"))
			done <- err
		}()
		smileAtOnce(b, d.engine, changes)
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPaymentWithoutRegister is the engine's share of it alone.
func BenchmarkPaymentWithoutRegister(b *testing.B) {
	d := benchDesk(b)
	changes, stop := d.engine.Watch()
	defer stop()
	tail(b, func(i int) {
		_, err := d.engine.Begin(b.Context(), payment.Request{ID: fmt.Sprintf("x%d", i),
			Amount: payment.Amount{Minor: 100, Currency: "EUR"}})
		if err != nil {
			b.Fatal(err)
		}
		smileAtOnce(b, d.engine, changes)
		if _, err := d.engine.Wait(b.Context(), fmt.Sprintf("x%d", i)); err != nil {
			b.Fatal(err)
		}
	})
}

func smileAtOnce(b *testing.B, e *payment.Engine, changes <-chan payment.Status) {
	b.Helper()
	for s := range changes {
		if s.Payment.ID == "" || s.Payment.State.Terminal() {
			continue
		}
		ctx, now := context.Background(), time.Now()
		err := errors.Join(
			e.Handle(ctx, s.Payment.ID, payment.Recognised{Customer: customer}),
			e.Handle(ctx, s.Payment.ID, payment.Consented{Evidence: payment.Evidence{Customer: customer,
				MatchFrames: 2, SmileFrames: 1, Since: now, At: now}}))
		if err != nil {
			b.Fatal(err)
		}
		return
	}
}

func keptAlive() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}
