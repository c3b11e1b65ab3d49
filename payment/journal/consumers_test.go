package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/journal"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// queue is the glue of cmd/smiletill.
type queue struct{ *journal.Outbox }

func (q queue) Pending(ctx context.Context, after int64, limit int) ([]report.Row, error) {
	rows, err := q.Outbox.Pending(ctx, after, limit)
	out := make([]report.Row, len(rows))
	for i, r := range rows {
		out[i] = report.Row(r)
	}
	return out, err
}

// TestConsumersInJavaScript has libraries that are not ours read what a terminal reports: npm's mqtt,
// cloudevents, canonicalize and jose, and AsyncAPI's parser the document of the topics, against which each
// message is held. `make consumers` installs them.
func TestConsumersInJavaScript(t *testing.T) {
	modules, err := filepath.Abs("../../.build/consumers")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules")); err != nil {
		t.Skip("npm's libraries are not installed: make consumers")
	}
	b, err := broker.Start("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	k, err := signature.NewKey(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	public, err := signature.EncodePublic(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	topics, err := filepath.Abs("../report/asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(ctx, "node", "check.mjs", b.URL(), "3", topics)
	node.Dir, node.Stdin = modules, bytes.NewReader(public)
	var errs bytes.Buffer
	node.Stderr = &errs
	out, err := node.StdoutPipe()
	if err == nil {
		err = node.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("%q %s", lines.Text(), errs.String())
	}
	acknowledge(t, b.URL(), k)
	j := paid(t)
	r, err := report.New(report.Options{
		Broker: b.URL(), Address: report.Address{Tenant: "acme", Site: "shop", Terminal: "till-1"},
		Outbox: queue{j.Outbox()}, Signer: report.KeySigner{Key: k}, Verifier: report.CloudKeys{},
		Log: slog.New(slog.DiscardHandler), Rand: rand.New(rand.NewPCG(1, 2)), AckTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	running, end := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- r.Run(running) }()
	var got []string
	for lines.Scan() {
		var e struct {
			Type        string
			AmountMinor int64 `json:"amount_minor"`
			Chained     bool
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || !e.Chained {
			t.Errorf("%s: %v", lines.Text(), err)
		}
		got = append(got, e.Type)
	}
	err = node.Wait()
	end()
	if rerr := <-done; rerr != nil {
		t.Error(rerr)
	}
	const want = "io.smiletill.payment.approved.v1 io.smiletill.payment.approved.v1 " +
		"io.smiletill.payment.reversed.v1"
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("%v: %v\n%s", got, err, errs.String())
	}
}

// acknowledge publishes what a cloud would, and what a newer one might.
func acknowledge(t *testing.T, url string, k *signature.Key) {
	t.Helper()
	here := report.Address{Tenant: "acme", Site: "shop", Terminal: "till-1"}
	l, err := link.Dial(t.Context(), link.Options{Broker: url, ClientID: "cloud"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, a := range []report.Ack{
		{ID: "x", Hash: "h", Seq: 1}, {ID: "y", Hash: "h", Seq: 2, Refused: "contradicts"},
	} {
		if a.Sig, err = signature.Sign(k, a.Signed(here.Source())); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := l.Publish(t.Context(), here.Topic(report.ChannelAck), false, text)
		if err == nil {
			err = receipt.Wait(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// paid is a journal with two approvals, one of which was given back in part. What a caller wrote is odd on
// purpose.
func paid(t *testing.T) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"), journal.Options{
		Terminal: "till-1", Models: map[string]string{"embedder": "a1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	for _, id := range []string{"a", "b"} {
		p, err := payment.Open(payment.Request{ID: id, Amount: payment.Amount{Minor: 150, Currency: "EUR"},
			Reference: `tàble "4" </script> €𝄞`}, time.Now(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Commit(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if id == "b" {
			p.Demand = payment.DemandLight
		}
		now := time.Now()
		for _, e := range []payment.Event{payment.Recognised{Customer: "c1"}, payment.Consented{
			Evidence: payment.Evidence{Customer: "c1", MatchFrames: 3, SmileFrames: 1, Since: now, At: now,
				Liveness: payment.Liveness{Demand: payment.DemandLight, Verdict: payment.VerdictLive, Frames: 9,
					Screen: "simulated"},
				Camera: payment.Camera{Kind: "usb", Driver: "uvcvideo"}}}} {
			if p, err = payment.Next(p, e, now); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Commit(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	p, err := j.Find(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	r, err := payment.OpenReversal(payment.ReversalRequest{ID: "r", PaymentID: "a", Minor: 50}, p, time.Now())
	if err == nil {
		err = j.Reverse(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return j
}
