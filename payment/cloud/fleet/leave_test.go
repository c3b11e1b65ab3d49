package fleet_test

import (
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// TestLeave: a terminal takes itself out of service, once and by its own key alone; said again it changes
// nothing, also where another has its name by then.
func TestLeave(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	name := report.Address{Tenant: "acme", Site: "shop", Terminal: "till-1"}
	key := func() *signature.Key {
		k, err := signature.NewKey(rand.Reader)
		if err == nil {
			err = g.fleet.Trust(t.Context(), name, k.Public())
		}
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	own := key()
	if _, _, err := fleet.Certify(t.Context(), g.fleet, g.authority, name); err != nil {
		t.Fatal(err)
	}
	d := fleet.NewDoor(g.fleet, fleet.DoorOptions{Certificate: g.cloud, Log: slog.New(slog.DiscardHandler)})
	say := func(k *signature.Key, id, what string, change func(*claim.Departure)) int {
		t.Helper()
		r := claim.Departure{Source: name.Source(), ID: id, Type: claim.ErasedType, Time: "2026-11-30T00:00:00Z",
			Data: json.RawMessage(`{"what":"` + what + `"}`)}
		var err error
		r.Signature, err = signature.Sign(k, signature.Event{Source: r.Source, ID: r.ID, Type: r.Type, Time: r.Time,
			Data: r.Data})
		if err != nil {
			t.Fatal(err)
		}
		change(&r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodPost, claim.PathLeave, strings.NewReader(string(text))))
		return w.Code
	}
	known := func() (keys, good int) {
		t.Helper()
		err := g.db.QueryRow(`SELECT (SELECT count(*) FROM terminal), (SELECT count(*) FROM certificate
			WHERE revoked = '')`).Scan(&keys, &good)
		if err != nil {
			t.Fatal(err)
		}
		return keys, good
	}
	as := func(*claim.Departure) {}
	stranger, err := signature.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		got  int
		want int
	}{
		{"a stranger's word", say(stranger, "1", claim.Decommissioned, as), http.StatusForbidden},
		{"a receipt of a reset", say(own, "1", "factory-reset", as), http.StatusBadRequest},
		{"changed", say(own, "1", claim.Decommissioned, func(r *claim.Departure) { r.ID = "2" }),
			http.StatusForbidden},
		{"of another type", say(own, "1", claim.Decommissioned, func(r *claim.Departure) { r.Type = "x" }),
			http.StatusBadRequest},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
	if keys, good := known(); keys != 1 || good != 1 {
		t.Fatalf("revoked by what is none: %d keys, %d certificates", keys, good)
	}
	for range 2 {
		if got := say(own, "1", claim.Decommissioned, as); got != http.StatusNoContent {
			t.Fatal(got)
		}
		if keys, good := known(); keys != 0 || good != 0 {
			t.Errorf("not revoked: %d keys, %d certificates", keys, good)
		}
	}
	key() // another has the name
	if got := say(own, "3", claim.Decommissioned, as); got != http.StatusNoContent {
		t.Error(got)
	}
	if keys, _ := known(); keys != 1 {
		t.Error("who left has put out who came after it")
	}
}
