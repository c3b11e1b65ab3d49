package register_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment/register"
)

// pair lets a register in and gives its key.
func (d *desk) pair(passphrase string) *register.Key {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	all, key, err := d.pairings.Pair("front", "front-key", passphrase, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	d.pairings = all
	return key
}

func TestSealedPayment(t *testing.T) {
	d := newDesk(t)
	c := d.client()
	c.Key = d.pair("correct horse")
	answers := make(chan answered, 1)
	ctx := t.Context()
	go func() {
		reply, err := c.Send(ctx, paymentOf("s1", "17", "4.20", "EUR"))
		answers <- answered{reply, err}
	}()
	d.smiles(d.running())
	r := d.take(answers)
	d.is("payment", r.Response, register.Success, "")
	// A key that was changed over: the old one counts until it is removed.
	second := d.pair("battery staple")
	if second.Version != 2 {
		t.Errorf("version %d", second.Version)
	}
	for _, key := range []*register.Key{c.Key, second} {
		c.Key = key
		if _, err := c.Send(ctx, diagnosis()); err != nil {
			t.Error(err)
		}
	}
	d.mu.Lock()
	rest, n := d.pairings.Unpair("front-key", 1)
	d.pairings = rest
	d.mu.Unlock()
	if n != 1 || len(rest) != 1 {
		t.Error(n, rest)
	}
	old, err := register.DeriveKey("front-key", 1, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	c.Key = old
	if _, err := c.Send(ctx, diagnosis()); !errors.Is(err, register.ErrRejected) ||
		!strings.Contains(err.Error(), "no register is paired with key") {
		t.Error(err)
	}
}

// TestSealedMessagesThatWontOpen: each way in which a sealed message can be wrong gives a clear answer, and
// nothing is done.
func TestSealedMessagesThatWontOpen(t *testing.T) {
	d := newDesk(t)
	key := d.pair("correct horse")
	wrong, err := register.DeriveKey("front-key", 1, "incorrect horse")
	if err != nil {
		t.Fatal(err)
	}
	flip := func(text string, at int) string {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		raw[(at+len(raw))%len(raw)] ^= 1
		return base64.StdEncoding.EncodeToString(raw)
	}
	for _, c := range []struct {
		name   string
		key    *register.Key
		change func(*register.Request)
		want   string
	}{
		{"wrong passphrase", wrong, func(*register.Request) {}, "passphrase is another one"},
		{"blob cut to half a block", key, func(q *register.Request) { q.NexoBlob = q.NexoBlob[:len(q.NexoBlob)-7] },
			"base64"},
		{"blob cut by a byte", key, func(q *register.Request) {
			raw, _ := base64.StdEncoding.DecodeString(q.NexoBlob)
			q.NexoBlob = base64.StdEncoding.EncodeToString(raw[:len(raw)-1])
		}, "cut short"},
		{"blob cut by a block", key, func(q *register.Request) {
			raw, _ := base64.StdEncoding.DecodeString(q.NexoBlob)
			q.NexoBlob = base64.StdEncoding.EncodeToString(raw[:len(raw)-16])
		}, "damaged"},
		{"bad padding", key, func(q *register.Request) { q.NexoBlob = flip(q.NexoBlob, -1) }, "damaged"},
		{"a bit in the middle", key, func(q *register.Request) { q.NexoBlob = flip(q.NexoBlob, 70) }, "damaged"},
		{"bad HMAC", key, func(q *register.Request) { q.SecurityTrailer.HMAC = flip(q.SecurityTrailer.HMAC, 3) },
			"damaged"},
		{"short HMAC", key, func(q *register.Request) { q.SecurityTrailer.HMAC = "AAAA" }, "Hmac 32"},
		{"another nonce", key, func(q *register.Request) {
			q.SecurityTrailer.Nonce = flip(q.SecurityTrailer.Nonce,
				3)
		},
			"damaged"},
		{"long nonce", key, func(q *register.Request) { q.SecurityTrailer.Nonce += "AAAA" }, "base64"},
		{"another crypto version", key, func(q *register.Request) { q.SecurityTrailer.CryptoVersion = 2 },
			"AdyenCryptoVersion"},
		{"another key version", key, func(q *register.Request) { q.SecurityTrailer.KeyVersion = 7 }, "version 7"},
		{"another key", key, func(q *register.Request) { q.SecurityTrailer.KeyIdentifier = "back" }, "back"},
		{"no blob", key, func(q *register.Request) { q.NexoBlob = "" }, "come together"},
		{"no trailer", key, func(q *register.Request) { q.SecurityTrailer = nil }, "come together"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := register.SealRequest(c.key, poiID, paymentOf("s1", "17", "1", "EUR"))
			c.change(&q)
			body, err := json.Marshal(map[string]any{"SaleToPOIRequest": q})
			if err != nil {
				t.Fatal(err)
			}
			code, answer := d.raw(string(body))
			text := rejection(t, code, answer, string(body))
			if !strings.Contains(text, c.want) {
				t.Errorf("%s, want %q in it", text, c.want)
			}
		})
	}
	if _, err := d.journal.Find(t.Context(), idOf("s1", "17")); err == nil {
		t.Error("a payment was opened")
	}
}

// TestHeaderOutside: what was changed outside opens, is refused under the key, and nothing is done.
func TestHeaderOutside(t *testing.T) {
	d := newDesk(t)
	key := d.pair("correct horse")
	for name, change := range map[string]func(*register.Header){
		"another message":  func(h *register.Header) { h.ServiceID = "s9" },
		"another category": func(h *register.Header) { h.MessageCategory = register.CategoryAbort },
		"no category":      func(h *register.Header) { h.MessageCategory = "" },
	} {
		q := register.SealRequest(key, poiID, paymentOf("s1", "17", "1", "EUR"))
		change(&q.Header)
		body, err := json.Marshal(map[string]any{"SaleToPOIRequest": q})
		if err != nil {
			t.Fatal(err)
		}
		_, answer := d.raw(string(body))
		var m struct{ SaleToPOIResponse register.Reply }
		if err := json.Unmarshal([]byte(answer), &m); err != nil || m.SaleToPOIResponse.SecurityTrailer == nil {
			t.Fatalf("%s: %s: %v", name, answer, err)
		}
		opened, err := key.Open(m.SaleToPOIResponse.NexoBlob, *m.SaleToPOIResponse.SecurityTrailer)
		if err != nil {
			t.Fatal(err)
		}
		r := readReply(t, string(opened))
		if r.category != "Payment" || r.header.ServiceID != "s1" ||
			!strings.Contains(register.Message(r.response), "header outside differs") {
			t.Errorf("%s: %s", name, opened)
		}
	}
	if _, err := d.journal.Find(t.Context(), idOf("s1", "17")); err == nil {
		t.Error("a payment was opened")
	}
}

// rejection checks an answer to be a Reject event for a body, and gives its text.
func rejection(t *testing.T, code int, answer, body string) string {
	t.Helper()
	var m struct {
		Request struct {
			Header register.Header            `json:"MessageHeader"`
			Event  register.EventNotification `json:"EventNotification"`
		} `json:"SaleToPOIRequest"`
	}
	if err := json.Unmarshal([]byte(answer), &m); err != nil || code != 200 {
		t.Fatalf("%d %q: %v", code, answer, err)
	}
	h, e := m.Request.Header, m.Request.Event
	if h.MessageClass != "Event" || h.MessageCategory != "Event" || h.MessageType != "Notification" ||
		h.DeviceID == "" || h.POIID != poiID || e.Event != "Reject" {
		t.Errorf("%s", answer)
	}
	if _, err := time.Parse(time.RFC3339, e.TimeStamp); err != nil {
		t.Error(err)
	}
	if raw, err := base64.StdEncoding.DecodeString(e.Rejected); err != nil || string(raw) != body {
		t.Errorf("RejectedMessage %q %v", raw, err)
	}
	return register.Message(register.Response{AdditionalResponse: e.Details})
}

func TestKeysDoNotPrint(t *testing.T) {
	k, err := register.DeriveKey("front-key", 1, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "key", k)
	asJSON, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v", k, k), logged.String(), string(asJSON)} {
		if !strings.Contains(text, "[redacted]") || strings.Contains(text, "front") {
			t.Error(text)
		}
	}
}

func TestPairings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registers.json")
	none, err := register.LoadPairings(path)
	if err != nil || len(none) != 0 {
		t.Fatal(none, err)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	all, key, err := none.Pair("front", "k1", "correct horse", at)
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Save(path); err != nil {
		t.Fatal(err)
	}
	back, err := register.LoadPairings(path)
	if err != nil || len(back) != 1 || back[0].Name != "front" || !back[0].At.Equal(at) ||
		*back.Key("k1", 1) != *key || back.Key("k1", 2) != nil || back.Key("k2", 1) != nil {
		t.Fatal(back, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "correct horse") {
		t.Errorf("%s %v", text, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := register.LoadPairings(path); err == nil || !strings.Contains(err.Error(), "others may read") {
		t.Error(err)
	}
	for _, damaged := range []string{"", "{", "[{}]", `[{"derived_key":"AAAA"}]`, `"x"`} {
		if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(damaged), 0o600)); err != nil {
			t.Fatal(err)
		}
		if p, err := register.LoadPairings(path); err == nil || len(p) != 0 {
			t.Errorf("%q was read: %v", damaged, p)
		}
	}
}
