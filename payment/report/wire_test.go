package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"smiletill/payment/report/signature"
)

func here() Address { return Address{Tenant: "acme", Site: "kiosk-1", Terminal: "till_2"} }

func goodRow() Row {
	return Row{
		Seq: 7, ID: "0198-a", Kind: "approved", PaymentID: "order-9", Hash: "9f86d0",
		Time: time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.FixedZone("CET", 3600)),
		Body: json.RawMessage(`{"amount_minor":150,"currency":"EUR","models":{"mesh":"a1"},"time_trusted":true}`),
	}
}

func TestAddressRefusesTopicSyntax(t *testing.T) {
	for _, part := range []string{"", "a/b", "+", "#", "a b", "ä", "a\n", "a\x00", "$SYS", ".",
		strings.Repeat("x", 65)} {
		for i, a := range []Address{{part, "s", "t"}, {"s", part, "t"}, {"s", "t", part}} {
			if err := a.Check(); !errors.Is(err, ErrAddress) {
				t.Errorf("part %d %q: %v, want ErrAddress", i, part, err)
			}
		}
	}
	if err := (Address{"A", strings.Repeat("z", 64), "0-_9"}).Check(); err != nil {
		t.Error(err)
	}
}

func TestParseTopic(t *testing.T) {
	for _, bad := range []string{"", "v1/a/b/c", "v2/a/b/c/ack", "v1/a/b/c/ack/x", "v1/a/+/c/ack",
		"v1/a/b/c/cmd", "v1//b/c/ack"} {
		if _, _, err := ParseTopic(bad); !errors.Is(err, ErrAddress) {
			t.Errorf("ParseTopic(%q): %v, want ErrAddress", bad, err)
		}
	}
	for _, c := range []Channel{ChannelPayment, ChannelStatus, ChannelAck} {
		a, got, err := ParseTopic(here().Topic(c))
		if err != nil || a != here() || got != c {
			t.Errorf("%s: %v %v %v", c, a, got, err)
		}
	}
	if got := here().Topic(ChannelPayment); got != "v1/acme/kiosk-1/till_2/payment" {
		t.Errorf("topic %s", got) // pinned: brokers' access rules are written against it
	}
}

func TestClientIDsDoNotCollide(t *testing.T) {
	a, b := Address{"a-b", "c", "d"}, Address{"a", "b-c", "d"}
	if a.ClientID() == b.ClientID() {
		t.Errorf("both are %s: each would throw the other out", a.ClientID())
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*Row){
		"unknown kind":   func(r *Row) { r.Kind = "opened" },
		"no id":          func(r *Row) { r.ID = "" },
		"no payment id":  func(r *Row) { r.PaymentID = "" },
		"no hash":        func(r *Row) { r.Hash = "" },
		"seq 0":          func(r *Row) { r.Seq = 0 },
		"no body":        func(r *Row) { r.Body = nil },
		"not an object":  func(r *Row) { r.Body = []byte(`"x"`) },
		"cut off":        func(r *Row) { r.Body = []byte(`{"a":1`) },
		"two objects":    func(r *Row) { r.Body = []byte(`{} {}`) },
		"a score":        func(r *Row) { r.Body = []byte(`{"match":0.93}`) },
		"exponent":       func(r *Row) { r.Body = []byte(`{"n":1e3}`) },
		"a template":     func(r *Row) { r.Body = []byte(`{"t":[1,2,3]}`) },
		"a deeper score": func(r *Row) { r.Body = []byte(`{"m":{"x":-0.5}}`) },
		"null":           func(r *Row) { r.Body = []byte(`{"x":null}`) },
		"too large":      func(r *Row) { r.Body = []byte(`{"x":"` + strings.Repeat("y", maxBody) + `"}`) },
	} {
		r := goodRow()
		change(&r)
		if _, err := Encode(here(), r, till()); !errors.Is(err, ErrRow) {
			t.Errorf("%s: %v, want ErrRow", name, err)
		}
	}
}

// The whole event, pinned: consumers depend on it, and the cloud's digest of a repeated event on its
// stability.
func TestEncode(t *testing.T) {
	got, err := Encode(here(), goodRow(), till())
	if err != nil {
		t.Fatal(err)
	}
	// Of till's key, over the canonical content: the same wherever it is made.
	const signed = "eyJhbGciOiJFZERTQSIsImtpZCI6IlVERFJlT1psMWlwWEFmcDl3WXNtMTNzREJNSzVvZy0tUVdkQmp6" +
		"dWY2bzQifQ.." +
		"qXow7K0B0a1qOI26ioYSnGzq86-KMfoVnbM3KNoTr3pjNIo1nmOGc3gpUM1622FAIGXvmvIZfj7JBe-svuSSAA"
	const want = `{"specversion":"1.0","id":"0198-a","source":"smiletill:/acme/kiosk-1/till_2",` +
		`"type":"io.smiletill.payment.approved.v1","subject":"order-9","datacontenttype":"application/json",` +
		`"time":"2026-03-01T11:00:00.005Z",` +
		`"data":{"amount_minor":150,"currency":"EUR","models":{"mesh":"a1"},"time_trusted":true},` +
		`"hash":"9f86d0","seq":"7","signature":"` + signed + `"}`
	if string(got) != want {
		t.Errorf("event\n%s\nwant\n%s", got, want)
	}
}

func TestEncodeCarriesALargeSeqWhole(t *testing.T) {
	r := goodRow()
	r.Seq, r.Time = math.MaxInt64, time.Time{}
	got, err := Encode(here(), r, till())
	if err != nil {
		t.Fatal(err)
	}
	var attributes map[string]any
	if err := json.Unmarshal(got, &attributes); err != nil {
		t.Fatal(err)
	}
	if attributes["seq"] != "9223372036854775807" {
		t.Errorf("seq %v", attributes["seq"])
	}
	if v, there := attributes["time"]; there {
		t.Errorf("time %v for a terminal without a clock", v)
	}
}

func TestParseAckRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "null", "[]", "{}", `{"id":"a"}`, `{"id":"a","hash":"b"}`, `{"id":"a","hash":"b","seq":0}`,
		`{"id":"a","hash":"b","seq":1.5}`, `{"id":"a","hash":"b","seq":"1"}`, `{"id":7,"hash":"b","seq":1}`,
		`{"id":"a","hash":"b","seq":99999999999999999999}`, `{"id":"a","hash":"b","seq":1} x`, "\xff\xfe",
		`{"id":"a","hash":"` + strings.Repeat("b", maxAck) + `","seq":1}`,
	} {
		if _, err := ParseAck([]byte(bad)); !errors.Is(err, ErrAck) {
			t.Errorf("ParseAck(%.60q): %v, want ErrAck", bad, err)
		}
	}
	got, err := ParseAck([]byte(`{"id":"a","hash":"b","seq":1,"sig":"s","later":true}`))
	if want := (Ack{"a", "b", 1, "", "s"}); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
}

func FuzzParseAck(f *testing.F) {
	f.Add([]byte(`{"id":"a","hash":"b","seq":1,"sig":"s"}`))
	f.Add([]byte(`{"ID":"a","HASH":"b","seq":1e0}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := ParseAck(payload)
		if err != nil {
			if !errors.Is(err, ErrAck) || a != (Ack{}) {
				t.Fatalf("%v, %v", a, err)
			}
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := ParseAck(again); err != nil && len(again) <= maxAck || err == nil && b != a {
			t.Fatalf("%v became %v, %v", a, b, err)
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add("approved", "id", []byte(`{"a":1}`))
	f.Add("voided", "\xff", []byte(`{"a":"\ud800"}`))
	f.Fuzz(func(t *testing.T, kind, id string, body []byte) {
		payload, err := Encode(
			here(),
			Row{Seq: 1, ID: id, Kind: kind, PaymentID: "p", Hash: "h", Body: body},
			till(),
		)
		if err != nil {
			if !errors.Is(err, ErrRow) {
				t.Fatal(err)
			}
			return
		}
		var e struct{ Data any }
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		var want any
		if err := json.Unmarshal(body, &want); err != nil || !reflect.DeepEqual(e.Data, want) {
			t.Fatalf("data %v, want %v (%v)", e.Data, want, err)
		}
	})
}

func TestCloudKeys(t *testing.T) {
	k := till().Key
	a := Ack{ID: "a", Hash: "b", Seq: 1}
	var err error
	if a.Sig, err = signature.Sign(k, a.Signed(here().Source())); err != nil {
		t.Fatal(err)
	}
	if err := (CloudKeys{k.Public()}).VerifyAck(here().Source(), a); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another terminal": CloudKeys{k.Public()}.VerifyAck("smiletill:/a/b/c", a),
		"no key":           CloudKeys{}.VerifyAck(here().Source(), a),
		"a refusal":        CloudKeys{k.Public()}.VerifyAck(here().Source(), Ack{"a", "b", 1, "no", a.Sig}),
	} {
		if !errors.Is(err, ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// till signs with a key that is always the same.
func till() KeySigner {
	k, err := signature.NewKey(bytes.NewReader(bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		panic(err)
	}
	return KeySigner{k}
}
