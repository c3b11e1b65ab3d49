package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/cli"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// TestCloudCommand receives an event with the real command: keys are exchanged, the event is acknowledged
// with a signature that the printed key confirms, and the page shows it.
func TestCloudCommand(t *testing.T) {
	t.Parallel()
	b, err := broker.Start("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	dir := t.TempDir()
	data := filepath.Join(dir, "cloud")
	smiletill := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		code := cli.Run(t.Context(), "test", append(args, "--data", data), cli.Streams{Out: &out, Err: &errs})
		if code != 0 {
			t.Fatalf("%v: %d %s", args, code, errs.String())
		}
		return out.String()
	}
	cloudKeys, err := signature.ParsePublic([]byte(smiletill("cloud", "key")))
	if err != nil {
		t.Fatal(err)
	}
	k, public := terminaltest.NewKey(t), filepath.Join(dir, "till.pub")
	till := report.Address{Tenant: "demo", Site: "shop", Terminal: "till-1"}
	text, err := signature.EncodePublic(k.Public())
	if err == nil {
		err = os.WriteFile(public, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out := smiletill("cloud", "trust", "demo/shop/till-1", public); !strings.Contains(out, "may report") {
		t.Error(out)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	page := terminaltest.FreeAddress(t)
	go func() {
		ended <- cli.Run(ctx, "test",
			[]string{"cloud", "run", "--data", data, "--broker", b.URL(), "--listen", page},
			cli.Streams{Out: io.Discard, Err: io.Discard})
	}()
	defer func() {
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("cloud run ended with %d", code)
		}
	}()
	event, err := report.Encode(
		till,
		report.Row{Seq: 2, ID: "e1", Kind: "approved", PaymentID: "order-7", Hash: "ab",
			Body: json.RawMessage(
				`{"amount_minor":1250,"currency":"EUR","kind":"approved"}`,
			)},
		report.KeySigner{Key: k},
	)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Dial(t.Context(), link.Options{Broker: b.URL(), ClientID: "till"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Subscribe(t.Context(), till.Topic(report.ChannelAck)); err != nil {
		t.Fatal(err)
	}
	var ack report.Ack
	for end := time.Now().Add(30 * time.Second); ack.ID == ""; {
		if _, err := l.Publish(t.Context(), till.Topic(report.ChannelPayment), false, event); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-l.Inbox():
			if ack, err = report.ParseAck(m.Payload); err != nil {
				t.Fatal(err)
			}
		case <-time.After(100 * time.Millisecond): // the cloud may not have subscribed yet
			if time.Now().After(end) {
				t.Fatal("no acknowledgement")
			}
		}
	}
	if err := report.CloudKeys(cloudKeys).VerifyAck(till.Source(), ack); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{"/": "12.50 EUR", "/events.json": `"signature":"`} {
		if got := fetch(t, "http://"+page+path); !strings.Contains(got, want) || !strings.Contains(got, "order-7") {
			t.Errorf("%s has no %s:\n%s", path, want, got)
		}
	}
	q, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+page+"/", nil)
	q.Host = "attacker.example"
	resp, err := http.DefaultClient.Do(q)
	if err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a name of another site: %v, %v", resp.Status, err)
	}
	_ = resp.Body.Close()
	if _, err := l.Publish(t.Context(), till.Topic(report.ChannelStatus), true,
		[]byte(`{"status":"online","alarm":"the case was opened"}`)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out := strings.Join(strings.Fields(smiletill("cloud", "terminals")), " ")
		if strings.Contains(out, "smiletill:/demo/shop/till-1 1 1 2 true the case was opened") {
			break
		}
		if time.Now().After(end) {
			t.Fatal(out)
		}
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(text)
}
