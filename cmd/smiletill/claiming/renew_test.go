package claiming_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report/claim"
)

// TestRenewal: a certificate is renewed for the same key, by the cloud that gave it alone, whatever the
// terminal's clock says; of a terminal that is revoked it is not.
func TestRenewal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := newTill(t, s.url, "")
	d.run()
	if c := s.end(s.typed(s.wish(d.shown(""), "acme/shop/till-1"))); c.State != fleet.Done {
		t.Fatalf("%+v", c)
	}
	_ = d.claimed()
	c := d.again().claim
	first := c.Certificate()
	if err := c.Renew(t.Context(), time.Now()); err != nil || !c.Certificate().Equal(first) {
		t.Errorf("on the same day: %v", err)
	}
	if _, err := s.db().Exec(`UPDATE certificate SET issued = issued - 200000`); err != nil {
		t.Fatal(err)
	}
	unset := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := c.Renew(t.Context(), unset); err != nil {
		t.Fatal(err)
	}
	if second := c.Certificate(); second.Equal(first) || string(second.RawSubjectPublicKeyInfo) !=
		string(first.RawSubjectPublicKeyInfo) || second.URIs[0].String() != first.URIs[0].String() {
		t.Error("the renewed certificate is another's, or the same")
	}
	if again := d.again().claim; !again.Certificate().Equal(c.Certificate()) {
		t.Error("after a start the renewed certificate is not in force")
	}
	if _, err := s.db().Exec(`UPDATE certificate SET ends = 1, issued = issued - 200000`); err != nil {
		t.Fatal(err)
	}
	for range 15 { // whatever the cloud's clock says, the latest stay
		if err := c.Renew(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.db().Exec(`UPDATE certificate SET issued = issued - 200000`); err != nil {
			t.Fatal(err)
		}
	}
	var kept int
	if err := s.db().QueryRow(`SELECT count(*) FROM certificate`).Scan(&kept); err != nil || kept != 10 {
		t.Errorf("%d certificates are kept, %v", kept, err)
	}
	other := newShop(t) // at the cloud's address, with another authority
	if text, err := os.ReadFile(d.cfg.ClaimedPath() + "/terms.json"); err != nil {
		t.Fatal(err)
	} else if err := os.WriteFile(d.cfg.ClaimedPath()+"/terms.json",
		bytes.ReplaceAll(text, []byte(s.url), []byte(other.url)), 0o600); err != nil {
		t.Fatal(err)
	}
	err := d.again().claim.Renew(t.Context(), time.Now())
	if err == nil || !strings.Contains(err.Error(), "cert") {
		t.Errorf("another cloud is believed: %v", err)
	}
	if err := s.fleet.Revoke(t.Context(), address("acme/shop/till-1"), "anna"); err != nil {
		t.Fatal(err)
	}
	if err := c.Renew(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Errorf("revoked: %v", err)
	}
}

// TestRenewalIsSigned: a request that was changed on its way is refused.
func TestRenewalIsSigned(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	mine := request(t)
	d := newTill(t, swapped(t, s, func(path string, body []byte) []byte {
		var r claim.Renewal
		if path != claim.PathRenew || json.Unmarshal(body, &r) != nil {
			return body
		}
		r.Request = mine
		text, _ := json.Marshal(r)
		return text
	}), "")
	d.run()
	if c := s.end(s.typed(s.wish(d.shown(""), "acme/shop/till-1"))); c.State != fleet.Done {
		t.Fatalf("%+v", c)
	}
	_ = d.claimed()
	err := d.again().claim.Renew(t.Context(), time.Now())
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("%v", err)
	}
}

// TestCodeEnds: a code is good for a quarter of an hour and five wrong proofs.
func TestCodeEnds(t *testing.T) {
	t.Parallel()
	c := newTill(t, "https://cloud.example:8444", "").claim
	now := time.Now()
	at := func(after time.Duration) string {
		t.Helper()
		code, err := c.RenewCode(now.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	first := at(0)
	if at(14*time.Minute) != first {
		t.Error("a code ends too early")
	}
	second := at(15 * time.Minute)
	if second == first {
		t.Error("a code does not end")
	}
	for range 5 {
		if at(16*time.Minute) != second {
			t.Error("a code ends before five wrong proofs")
		}
		c.Try()
	}
	if at(16*time.Minute) == second {
		t.Error("a code does not end with five wrong proofs")
	}
}

// TestTypedCodeEnds: what was typed is good for a quarter of an hour, and is erased.
func TestTypedCodeEnds(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.typed(s.wish("K7P-4MX-9TR", "acme/shop/till-1"))
	if _, err := s.db().Exec(`UPDATE claim SET until = until - 901`); err != nil {
		t.Fatal(err)
	}
	if c := s.end(id); c.State != fleet.Expired {
		t.Errorf("%+v", c)
	}
	s.typed(s.wish("K7P-4MX-9TR", "acme/shop/till-1")) // can be typed anew
	var left string
	if err := s.db().QueryRow(`SELECT code FROM claim WHERE n = ?`, id).Scan(&left); err != nil || left != "" {
		t.Errorf("%q, %v", left, err)
	}
}
