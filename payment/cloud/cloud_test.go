package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/payment/cloud/broker"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

const patience = 20 * time.Second

func here() report.Address { return report.Address{Tenant: "acme", Site: "s", Terminal: "t"} }

func encode(t testing.TB, change func(*report.Row)) []byte {
	t.Helper()
	r := report.Row{
		Seq: 1, ID: "e-1", Kind: "approved", PaymentID: "p-1", Hash: "h-1", Time: time.Unix(1e9, 0),
		Body: json.RawMessage(`{"amount_minor":150,"currency":"EUR"}`),
	}
	change(&r)
	payload, err := report.Encode(here(), r, report.KeySigner{Key: key(1)})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func same(*report.Row) {}

// key is the same for the same number: 1 is the terminal's, 2 the cloud's.
func key(n byte) *signature.Key {
	k, err := signature.NewKey(bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		panic(err)
	}
	return k
}

func TestDecodeRefuses(t *testing.T) {
	topic := here().Topic(report.ChannelPayment)
	good := string(encode(t, same))
	replaced := func(from, to string) string {
		t.Helper()
		out := strings.Replace(good, from, to, 1)
		if out == good {
			t.Fatalf("%s is not in the event", from)
		}
		return out
	}
	for name, c := range map[string]struct{ topic, payload string }{
		"another topic":     {"x/y", good},
		"another channel":   {here().Topic(report.ChannelAck), good},
		"another terminal":  {"v1/acme/s/u/payment", good},
		"empty":             {topic, ""},
		"not JSON":          {topic, good[:len(good)-1]},
		"trailing":          {topic, good + "{}"},
		"null":              {topic, "null"},
		"a list":            {topic, "[" + good + "]"},
		"old specversion":   {topic, replaced(`"specversion":"1.0"`, `"specversion":"0.3"`)},
		"no id":             {topic, replaced(`"id":"e-1",`, "")},
		"empty id":          {topic, replaced(`"id":"e-1"`, `"id":""`)},
		"no type":           {topic, replaced(`"type":"io.smiletill.payment.approved.v1",`, "")},
		"unknown type":      {topic, replaced("approved.v1", "opened.v1")},
		"no subject":        {topic, replaced(`"subject":"p-1",`, "")},
		"another data type": {topic, replaced("application/json", "text/plain")},
		"data is no object": {topic, replaced(`{"amount_minor":150,"currency":"EUR"}`, `[1]`)},
		"no seq":            {topic, replaced(`,"seq":"1"`, "")},
		"seq a number":      {topic, replaced(`"seq":"1"`, `"seq":1`)},
		"seq negative":      {topic, replaced(`"seq":"1"`, `"seq":"-1"`)},
		"seq too large":     {topic, replaced(`"seq":"1"`, `"seq":"9223372036854775808"`)},
		"no hash":           {topic, replaced(`"hash":"h-1",`, "")},
		"bad time":          {topic, replaced("2001-09-09", "2001-13-09")},
		"too large":         {topic, replaced("EUR", strings.Repeat("E", maxEvent))},
	} {
		if e, err := Decode(c.topic, []byte(c.payload)); !errors.Is(err, ErrEvent) {
			t.Errorf("%s: %+v, %v, want ErrEvent", name, e, err)
		}
	}
	e, err := Decode(topic, []byte(good))
	if err != nil || e.Seq != 1 || e.PaymentID != "p-1" || e.Hash != "h-1" || string(e.Payload) != good {
		t.Errorf("%+v, %v", e, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, same))
	f.Add([]byte(`{"specversion":"1.0","data_base64":"AA=="}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := Decode(here().Topic(report.ChannelPayment), payload)
		if err != nil {
			if !errors.Is(err, ErrEvent) {
				t.Fatal(err)
			}
			return
		}
		if e.Source != here().Source() || e.ID == "" || e.Hash == "" || e.Seq <= 0 {
			t.Fatalf("accepted %+v", e)
		}
	})
}

// The digest is over content, not over spelling: a terminal's newer software may order members otherwise.
func TestDigestIgnoresSpelling(t *testing.T) {
	topic := here().Topic(report.ChannelPayment)
	first, err := Decode(topic, encode(t, same))
	if err != nil {
		t.Fatal(err)
	}
	respelled, err := Decode(topic, encode(t, func(r *report.Row) {
		r.Body = json.RawMessage(`{ "currency":"\u0045UR", "amount_minor":150 }`)
	}))
	if err != nil || respelled.digest != first.digest {
		t.Errorf("digests differ, %v", err)
	}
	dearer, err := Decode(topic, encode(t, func(r *report.Row) {
		r.Body = json.RawMessage(`{"amount_minor":151,"currency":"EUR"}`)
	}))
	if err != nil || dearer.digest == first.digest {
		t.Errorf("another amount, the same digest, %v", err)
	}
}

// bench is a receiver with a broker and a terminal's hand-driven connection.
type bench struct {
	t      *testing.T
	url    string
	file   string
	term   *link.Link
	mu     sync.Mutex
	events []Event
	alarms []Alarm
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b, err := broker.Start("127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	k := &bench{t: t, url: b.URL(), file: filepath.Join(t.TempDir(), "cloud.db")}
	if k.term, err = link.Dial(t.Context(), link.Options{Broker: k.url, ClientID: "terminal"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.term.Close)
	if err := k.term.Subscribe(t.Context(), here().Topic(report.ChannelAck)); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *bench) options() Options {
	return Options{
		Broker: k.url, File: k.file, Key: key(2), Log: slog.New(slog.DiscardHandler),
		Rand: rand.New(rand.NewPCG(1, 2)), MinDelay: 10 * time.Millisecond, MaxDelay: 50 * time.Millisecond,
		OnEvent: func(e Event) { k.mu.Lock(); defer k.mu.Unlock(); k.events = append(k.events, e) },
		OnAlarm: func(a Alarm) { k.mu.Lock(); defer k.mu.Unlock(); k.alarms = append(k.alarms, a) },
	}
}

func (k *bench) start(o Options) (r *Receiver, stop func()) {
	k.t.Helper()
	r, err := Open(k.t.Context(), o)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := r.Trust(k.t.Context(), here(), key(1).Public()); err != nil {
		k.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, r.Close()); err != nil {
			k.t.Error(err)
		}
	})
	k.t.Cleanup(stop)
	select {
	case <-r.Ready():
	case <-time.After(patience):
		k.t.Fatal("never ready")
	}
	return r, stop
}

func (k *bench) send(payload []byte) {
	k.t.Helper()
	if _, err := k.term.Publish(k.t.Context(), here().Topic(report.ChannelPayment), false, payload); err != nil {
		k.t.Fatal(err)
	}
}

func (k *bench) wantAck(id, hash string, seq int64) { k.t.Helper(); k.wantAnswer(id, hash, seq, false) }

func (k *bench) wantAnswer(id, hash string, seq int64, refused bool) {
	k.t.Helper()
	select {
	case m := <-k.term.Inbox():
		a, err := report.ParseAck(m.Payload)
		if err == nil {
			err = report.CloudKeys{key(2).Public()}.VerifyAck(here().Source(), a)
		}
		if err != nil || a.ID != id || a.Hash != hash || a.Seq != seq || (a.Refused != "") != refused {
			k.t.Errorf("acknowledgement %+v, %v, want %s %s %d", a, err, id, hash, seq)
		}
	case <-time.After(patience):
		k.t.Fatalf("no acknowledgement of %s", id)
	}
}

func (k *bench) wantCount(r *Receiver, want int) {
	k.t.Helper()
	if n, err := r.Count(k.t.Context()); err != nil || n != want {
		k.t.Errorf("count %d, %v, want %d", n, err, want)
	}
}

func TestReceiverCountsOnceAndSurvivesRestart(t *testing.T) {
	k := newBench(t)
	r, stop := k.start(k.options())
	k.send(encode(t, same))
	k.wantAck("e-1", "h-1", 1)
	k.send(encode(t, same))
	k.wantAck("e-1", "h-1", 1)
	k.wantCount(r, 1)
	stop()
	r, _ = k.start(k.options())
	k.send(encode(t, same))
	k.wantAck("e-1", "h-1", 1)
	k.send(encode(t, func(r *report.Row) { r.ID, r.Seq, r.Hash = "e-2", 2, "h-2" }))
	k.wantAck("e-2", "h-2", 2)
	k.wantCount(r, 2)

	events, err := r.Events(t.Context(), 0, 10)
	if err != nil || len(events) != 2 || events[0].ID != "e-1" || events[1].ID != "e-2" {
		t.Fatalf("%+v, %v", events, err)
	}
	if string(events[0].Payload) != string(encode(t, same)) {
		t.Errorf("stored %s", events[0].Payload)
	}
	if tail, err := r.Events(t.Context(), 1, 10); err != nil || len(tail) != 1 || tail[0].ID != "e-2" {
		t.Errorf("after the first: %+v, %v", tail, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	var seen []string
	for _, e := range k.events {
		seen = append(seen, fmt.Sprint(e.ID, e.Duplicate))
	}
	if got := strings.Join(seen, " "); got != "e-1false e-1true e-1true e-2false" {
		t.Errorf("OnEvent saw %s", got)
	}
}

// A terminal whose card was replaced by an older copy sells on under numbers that were used: each sale
// counts, and a person is told.
func TestOlderJournalPutBackIsAnAlarm(t *testing.T) {
	k := newBench(t)
	r, _ := k.start(k.options())
	k.send(encode(t, same))
	k.wantAck("e-1", "h-1", 1)
	again := func(r *report.Row) { r.ID, r.Hash = "e-other", "h-other" }
	k.send(encode(t, again))
	k.wantAck("e-1", "h-1", 1) // by which the terminal learns that its journal is another
	k.wantAck("e-other", "h-other", 1)
	k.send(encode(t, again))
	k.wantAck("e-other", "h-other", 1)
	k.wantCount(r, 2)
	kept, err := r.Alarms(t.Context(), 9)
	if err != nil || len(kept) != 1 || kept[0].Why != Rewound || kept[0].ID != "e-other" || kept[0].Count != 1 {
		t.Errorf("%+v, %v", kept, err)
	}
}

// What is about the terminal is committed and acknowledged, counted as no payment, and shown; so is what a
// newer terminal says that this program does not know. A payment of an unknown kind is not taken.
func TestAuditsAreKept(t *testing.T) {
	k := newBench(t)
	r, _ := k.start(k.options())
	k.send(encode(t, func(r *report.Row) {
		r.Body = json.RawMessage(`{"amount_minor":150,"currency":"EUR",
			"models":{"embed":"5c1eeb94e7","manifest":"0a1b2c3d4e"}}`)
	}))
	k.wantAck("e-1", "h-1", 1)
	audit := func(r *report.Row) {
		r.Seq, r.ID, r.Hash, r.Kind, r.PaymentID = 2, "e-2", "h-2", report.KindAudit, "c_ada"
		r.Body = json.RawMessage(`{"audit":"customer_renewed","customer":"c_ada","unmatched":true}`)
	}
	for range 2 {
		k.send(encode(t, audit))
		k.wantAck("e-2", "h-2", 2)
	}
	// The place of another, which the terminal is told of first.
	k.send(encode(t, func(r *report.Row) { audit(r); r.ID, r.Hash = "e-3", "h-3" }))
	k.wantAck("e-2", "h-2", 2)
	k.wantAck("e-3", "h-3", 2)
	k.wantCount(r, 1)
	if kept, err := r.Alarms(t.Context(), 9); err != nil || len(kept) != 1 || kept[0].Why != Rewound {
		t.Errorf("%+v, %v", kept, err)
	}
	audits, err := r.Audits(t.Context(), 9)
	if err != nil || len(audits) != 2 || audits[1].ID != "e-2" || audits[1].PaymentID != "c_ada" {
		t.Fatalf("%+v, %v", audits, err)
	}
	page, ask := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	ask.RemoteAddr = "127.0.0.1:5000"
	r.Page().ServeHTTP(page, ask)
	for _, want := range []string{"embed 5c1eeb94 manifest 0a1b2c3d", "customer renewed", "c_ada",
		"not compared with the old one"} {
		if !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	newer := Event{Type: report.TerminalTypes + "moved.v1"}
	if !newer.OfTerminal() || (&Event{Type: report.EventType("approved")}).OfTerminal() {
		t.Error("what is about the terminal is told from payments by the type")
	}
}

func TestContradictionIsAnAlarmAndRefused(t *testing.T) {
	k := newBench(t)
	r, _ := k.start(k.options())
	k.send(encode(t, same))
	k.wantAck("e-1", "h-1", 1)
	for _, change := range []func(*report.Row){
		func(r *report.Row) { r.Hash = "h-9" },
		func(r *report.Row) { r.Seq = 9 },
		func(r *report.Row) { r.Body = json.RawMessage(`{"amount_minor":9,"currency":"EUR"}`) },
		func(r *report.Row) { r.Kind = "voided" },
	} {
		k.send(encode(t, change))
	}
	k.wantAnswer("e-1", "h-9", 1, true)
	k.wantAnswer("e-1", "h-1", 9, true)
	k.wantAnswer("e-1", "h-1", 1, true)
	k.wantAnswer("e-1", "h-1", 1, true)
	k.send([]byte("junk"))
	k.send(encode(t, func(r *report.Row) { r.ID, r.Seq, r.Hash = "e-2", 2, "h-2" }))
	k.wantAck("e-2", "h-2", 2)
	k.wantCount(r, 2)
	if kept, err := r.Alarms(t.Context(), 9); err != nil || len(kept) != 1 || kept[0].Count != 4 ||
		kept[0].Why != Contradiction {
		t.Errorf("%+v, %v", kept, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.alarms) != 4 || k.alarms[0].Event.Hash != "h-9" {
		t.Errorf("%d alarms: %+v", len(k.alarms), k.alarms)
	}
	if events, err := r.Events(t.Context(), 0, 1); err != nil || events[0].Hash != "h-1" {
		t.Errorf("the first event was changed: %+v, %v", events, err)
	}
}

// A database that cannot commit ends the receiver: without the commit there is no acknowledgement.
func TestNoCommitNoAcknowledgement(t *testing.T) {
	k := newBench(t)
	r, err := Open(t.Context(), k.options())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Trust(t.Context(), here(), key(1).Public()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.db.Exec(`DROP TABLE event`); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.Run(t.Context()) }()
	<-r.Ready()
	k.send(encode(t, same))
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "commit events") {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("goes on without a database")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	select {
	case m := <-k.term.Inbox():
		t.Errorf("acknowledged %s", m.Payload)
	default:
	}
}

// Who is not known, and what the terminal did not sign, is neither counted nor answered.
func TestOnlyKnownTerminalsAreHeard(t *testing.T) {
	k := newBench(t)
	r, _ := k.start(k.options())
	forge := func(change func(*report.Row), by byte) []byte {
		row := report.Row{Seq: 1, ID: "e-1", Kind: "approved", PaymentID: "p-1", Hash: "h-1",
			Body: json.RawMessage(`{"amount_minor":150}`)}
		change(&row)
		payload, err := report.Encode(here(), row, report.KeySigner{Key: key(by)})
		if err != nil {
			t.Fatal(err)
		}
		return payload
	}
	k.send(forge(same, 3)) // a key of nobody
	signed := forge(same, 1)
	k.send(bytes.Replace(signed, []byte("150"), []byte("151"), 1))               // another amount
	k.send(bytes.Replace(signed, []byte("approved.v1"), []byte("voided.v1"), 1)) // another type
	k.send(bytes.Replace(signed, []byte("signature"), []byte("signaturf"), 1))   // none
	k.send(signed)
	k.wantAck("e-1", "h-1", 1) // and none before it
	k.wantCount(r, 1)
	if had, err := r.Distrust(t.Context(), here()); err != nil || !had {
		t.Fatal(had, err)
	}
	k.send(forge(func(r *report.Row) { r.ID, r.Seq = "e-2", 2 }, 1))
	if err := r.Trust(t.Context(), here(), key(3).Public()); err != nil {
		t.Fatal(err)
	}
	k.send(forge(func(r *report.Row) { r.ID, r.Seq = "e-3", 3 }, 3))
	k.wantAck("e-3", "h-1", 3)
	alarms, err := r.Alarms(t.Context(), 9)
	why := map[Verdict]int{}
	for _, a := range alarms {
		why[a.Why] += a.Count
	}
	if err != nil || why[Forged] < 4 || why[Forged]+why[UnknownTerminal] != 5 {
		t.Errorf("%+v, %v", alarms, err)
	}
	terminals, err := r.Terminals(t.Context())
	if err != nil || len(terminals) != 1 || terminals[0].Events != 2 || terminals[0].Keys != 1 {
		t.Errorf("%+v, %v", terminals, err)
	}
}

func TestStoreIsPrivateAndDurable(t *testing.T) {
	k := newBench(t)
	k.file = filepath.Join(t.TempDir(), "odd ?name%20#.db")
	r, err := Open(t.Context(), k.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	info, err := os.Stat(k.file)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("%v, %v, want a file of mode 0600", info, err)
	}
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} {
		var got string
		if err := r.store.db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	k := newBench(t)
	for name, change := range map[string]func(*Options){
		"no file":      func(o *Options) { o.File = "" },
		"no key":       func(o *Options) { o.Key = nil },
		"no log":       func(o *Options) { o.Log = nil },
		"no rand":      func(o *Options) { o.Rand = nil },
		"in the clear": func(o *Options) { o.Broker = "mqtt://192.0.2.1" },
		"no folder":    func(o *Options) { o.File = filepath.Join(t.TempDir(), "none", "x.db") },
	} {
		o := k.options()
		change(&o)
		_, err := Open(t.Context(), o)
		if !errors.Is(err, ErrOptions) && !errors.Is(err, link.ErrOptions) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(k.file, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), k.options()); err == nil {
		t.Error("opened what is not a database")
	}
}
