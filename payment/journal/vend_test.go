package journal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// vend is a machine's payment in its states: opened, vending, and then one of approved and voided.
func vend(t testing.TB, id string) (states [4]payment.Payment) {
	t.Helper()
	p, err := payment.Open(payment.Request{ID: id, Amount: payment.Amount{Minor: 120, Currency: "EUR"},
		Vend: true, Item: "10"}, time.Now(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	states[0] = p
	p = approved(t, p)
	p.Evidence.Camera = payment.Camera{Kind: "usb", Driver: "uvcvideo"}
	p.Evidence.Model = "0123456789abcdef" // not the one in force
	p.Demand = payment.DemandLight
	p.Evidence.Liveness = payment.Liveness{Demand: payment.DemandLight, Verdict: payment.VerdictLive, Frames: 7}
	states[1] = p
	states[2] = next(t, p, payment.Dispensed{})
	states[3] = next(t, p, payment.NotDispensed{Reason: payment.ReasonNotDispensed})
	return states
}

// TestVend: what a machine has in hand is written down before it hears of it, is reported when the product
// fell and never before, and a restart leaves it to the machine.
func TestVend(t *testing.T) {
	path := newPath(t)
	models := map[string]string{"embed": "fedcba9876543210"}
	j := open(t, path, Options{Terminal: "till", Models: models})
	a, b := vend(t, "a"), vend(t, "b")
	commit(t, j, a[0], a[1])
	if rows := pending(t, j, 0, 9); len(rows) != 0 {
		t.Errorf("reported before the product fell: %+v", rows)
	}
	s, err := j.Standing(t.Context(), "c1", "EUR")
	if err != nil || s.Count != 1 || s.Sum != 120 || s.Day != 120 {
		t.Errorf("an open vend is not counted: %+v, %v", s, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{Terminal: "till", Models: models})
	if n, err := j.Recover(t.Context(), time.Now(), true); n != 0 || err != nil {
		t.Errorf("a restart ended it: %d, %v", n, err)
	}
	p, found, err := j.Vending(t.Context())
	want := asStored(a[1])
	want.Evidence.Camera, want.Evidence.Liveness, want.Demand = a[1].Evidence.Camera, a[1].Evidence.Liveness,
		a[1].Demand
	want.Evidence.Model = a[1].Evidence.Model
	if err != nil || !found || p != want {
		t.Fatalf("open vend\n%+v, want\n%+v: %v %v", p, want, found, err)
	}
	commit(t, j, next(t, p, payment.Dispensed{}))
	commit(t, j, b[0], b[1], b[3])
	if _, found, err := j.Vending(t.Context()); found || err != nil {
		t.Errorf("still open: %v", err)
	}
	rows := pending(t, j, 0, 9)
	if len(rows) != 1 || rows[0].PaymentID != "a" {
		t.Fatalf("%+v", rows)
	}
	for _, part := range []string{`"item":"10"`, `"vend":true`, `"camera":{"driver":"uvcvideo","kind":"usb"}`,
		`"verdict":"live"`, `"embed":"0123456789abcdef"`} {
		if !strings.Contains(string(rows[0].Body), part) {
			t.Errorf("the approval after a restart lacks %s: %s", part, rows[0].Body)
		}
	}
	if s, err = j.Standing(t.Context(), "c1", "EUR"); err != nil || s.Count != 1 || s.Sum != 120 {
		t.Errorf("a voided vend is counted: %+v, %v", s, err)
	}
	report := verify(t, &j.Reader)
	if report.Payments != 2 || report.Approved != 1 || report.Open != 0 {
		t.Errorf("%+v", report)
	}
	items, err := j.Items(t.Context(), Range{})
	if err != nil || len(items) != 1 || items[0] != (Item{Item: "10", Currency: "EUR", Sold: 1, Minor: 120,
		Voided: 1}) {
		t.Errorf("%+v, %v", items, err)
	}
	totals, err := j.Totals(t.Context(), Range{}, time.UTC)
	if err != nil || len(totals) != 2 || totals[0].Result != "approved" || totals[1].Result != "voided" {
		t.Errorf("%+v, %v", totals, err)
	}
}

// TestVendKeepsItsOrder: no state of a vend is skipped, or comes twice.
func TestVendKeepsItsOrder(t *testing.T) {
	j := open(t, newPath(t), Options{})
	v := vend(t, "v")
	plain := approved(t, waiting(t, "p"))
	commit(t, j, v[0], waiting(t, "p"))
	for name, p := range map[string]payment.Payment{
		"approved, and no machine had it": v[2], "voided, and no machine had it": v[3],
		"vending without a machine": func() payment.Payment {
			p := plain
			p.State, p.VendedAt = payment.StateVending, p.ClosedAt
			return p
		}(),
	} {
		if err := j.Commit(t.Context(), p); !errors.Is(err, payment.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	commit(t, j, v[1])
	expired := v[3]
	expired.State, expired.Reason = payment.StateExpired, payment.ReasonRestarted
	for name, p := range map[string]payment.Payment{"twice": v[1], "expired": expired} {
		if err := j.Commit(t.Context(), p); !errors.Is(err, payment.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	commit(t, j, v[3])
	if err := j.Commit(t.Context(), v[2]); !errors.Is(err, payment.ErrClosed) {
		t.Errorf("approved after it was voided: %v", err)
	}
	verify(t, &j.Reader)
}

// TestVendedAtStays: when the machine got it in hand is written once, whoever writes.
func TestVendedAtStays(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	a := vend(t, "a")
	commit(t, j, a[0])
	set := func(to string) error {
		_, err := j.db.ExecContext(t.Context(), "UPDATE payment SET vended_at = "+to+" WHERE id = 'a'")
		return err
	}
	if set("'2026-01-01T00:00:00Z'") == nil {
		t.Error("of one that waits")
	}
	commit(t, j, a[1])
	for _, to := range []string{"'2026-01-01T00:00:00Z'", "NULL"} {
		if set(to) == nil {
			t.Errorf("of one that is vending: %s", to)
		}
	}
	commit(t, j, a[2])
	if set("NULL") == nil {
		t.Error("of one that is approved")
	}
}
