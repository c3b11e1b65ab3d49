package cloud

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// as encodes an event of another terminal's name, or of this one's under another.
func as(t testing.TB, a report.Address, by *signature.Key, id, hash string, seq int64) Event {
	t.Helper()
	r := report.Row{Seq: seq, ID: id, Kind: "approved", PaymentID: "p", Hash: hash, Time: time.Unix(1e9, 0),
		Body: json.RawMessage(`{"amount_minor":150,"currency":"EUR"}`)}
	payload, err := report.Encode(a, r, report.KeySigner{Key: by})
	if err != nil {
		t.Fatal(err)
	}
	e, err := Decode(a.Topic(report.ChannelPayment), payload)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// An event is counted once, whatever its terminal is called when it sends it again, and a person is told. A
// terminal with another key keeps nobody's events from being counted.
func TestRenamedTerminalIsCountedOnce(t *testing.T) {
	now := here()
	now.Terminal = "t2"
	other := here()
	other.Terminal = "other"
	for _, c := range []struct {
		name   string
		second Event
		want   Verdict
		count  int
	}{
		{"the same under a new name", as(t, now, key(1), "e-1", "h-1", 1), Renamed, 1},
		{"another content under a new name", as(t, now, key(1), "e-1", "h-x", 1), Contradiction, 1},
		{"what follows, under a new name", as(t, now, key(1), "e-2", "h-2", 2), Stored, 2},
		{"a number that was used under the old name", as(t, now, key(1), "e-9", "h-9", 1), Rewound, 2},
		{"another terminal with this id", as(t, other, key(3), "e-1", "h-1", 1), Borrowed, 2},
		{"another terminal with this number", as(t, other, key(3), "e-9", "h-9", 1), Stored, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newBench(t)
			r, err := Open(t.Context(), k.options())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			for a, by := range map[report.Address]*signature.Key{here(): key(1), now: key(1), other: key(3)} {
				if err := r.Trust(t.Context(), a, by.Public()); err != nil {
					t.Fatal(err)
				}
			}
			got, err := r.store.commit(t.Context(), []Event{as(t, here(), key(1), "e-1", "h-1", 1), c.second})
			if err != nil || got[0] != Stored || got[1] != c.want {
				t.Fatalf("%v, %v, want stored, %s", got, err, c.want)
			}
			k.wantCount(r, c.count)
			alarms := map[bool]int{true: 0, false: 1}[c.want == Stored]
			if kept, err := r.Alarms(t.Context(), 9); err != nil || len(kept) != alarms {
				t.Errorf("alarms %+v, %v", kept, err)
			}
		})
	}
}

// A terminal that connects under a new name is told the latest event of its old one: data that were put back
// are found out.
func TestRenamedTerminalIsToldWhatIsStored(t *testing.T) {
	k := newBench(t)
	r, _ := k.start(k.options())
	k.send(encode(t, func(r *report.Row) { r.ID, r.Seq, r.Hash = "e-7", 7, "h-7" }))
	k.wantAck("e-7", "h-7", 7)
	now := here()
	now.Terminal = "t2"
	if err := r.Trust(t.Context(), now, key(1).Public()); err != nil {
		t.Fatal(err)
	}
	if err := k.term.Subscribe(t.Context(), now.Topic(report.ChannelAck)); err != nil {
		t.Fatal(err)
	}
	k.status(now, "online", "a")
	select {
	case m := <-k.term.Inbox():
		a, err := report.ParseAck(m.Payload)
		if err == nil {
			err = report.CloudKeys{key(2).Public()}.VerifyAck(now.Source(), a)
		}
		if got := fmt.Sprint(a.ID, a.Hash, a.Seq); err != nil || got != fmt.Sprint("e-7", "h-7", 7) {
			t.Errorf("%s, %v", got, err)
		}
	case <-time.After(patience):
		t.Fatal("it was told nothing")
	}
}
