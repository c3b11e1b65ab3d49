package claiming_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/payment"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/journal"
)

// sold puts an approved payment into a terminal's journal, that no cloud has acknowledged.
func sold(t *testing.T, data string) {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(data, "journal.db"), journal.Options{Tenant: "acme",
		Site: "north", Terminal: "till-5"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	amount, err := payment.ParseAmount("1.50 EUR")
	if err != nil {
		t.Fatal(err)
	}
	p, err := payment.Open(payment.Request{ID: "one", Amount: amount}, now, time.Minute)
	if err == nil {
		err = j.Commit(t.Context(), p)
	}
	for _, e := range []payment.Event{payment.Recognised{Customer: "c1"},
		payment.Consented{Evidence: payment.Evidence{Customer: "c1", MatchFrames: 9, SmileFrames: 4, Since: now,
			At: now}}} {
		if err == nil {
			p, err = payment.Next(p, e, now)
		}
	}
	if err == nil {
		err = j.Commit(t.Context(), p)
	}
	if err = errors.Join(err, j.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestClaimedAgain: a terminal that has its name in its settings and sells shows a code again when what the
// cloud gave is removed; while reports wait it is claimed by nobody but who would acknowledge them.
func TestClaimedAgain(t *testing.T) {
	t.Parallel()
	const named = "[terminal]\ntenant = \"acme\"\nsite = \"north\"\nid = \"till-5\"\n"
	s, other := newShop(t), newShop(t)
	d := newTill(t, s.url, named)
	d.run()
	if c := s.end(s.typed(s.wish(d.shown(""), ""))); c.State != fleet.Done {
		t.Fatalf("%+v", c)
	}
	_ = d.claimed()
	data := d.cfg.Paths.DataDir
	sold(t, data)
	if err := os.Remove(d.cfg.ClaimedPath()); err != nil {
		t.Fatal(err)
	}
	elsewhere := openTill(t, data, other.url, named)
	if elsewhere.claim.Wanted() == nil {
		t.Fatal("it takes payments that nobody is told of")
	}
	elsewhere.run()
	if c := other.end(other.typed(other.wish(elsewhere.shown(""), ""))); c.State != fleet.Refused ||
		!strings.Contains(c.Why, "1 reports of smiletill:/acme/north/till-5 wait") {
		t.Errorf("another cloud, while reports wait: %+v", c)
	}
	elsewhere.stop()
	renamed := openTill(t, data, s.url, "")
	renamed.run()
	if c := s.end(s.typed(s.wish(renamed.shown(""), "acme/north/till-6"))); c.State != fleet.Refused {
		t.Errorf("another name, while reports wait: %+v", c)
	}
	renamed.stop()
	back := openTill(t, data, s.url, named)
	back.run()
	if c := s.end(s.typed(s.wish(back.shown(""), ""))); c.State != fleet.Done {
		t.Errorf("the same cloud: %+v", c)
	}
	if err := back.claimed(); !errors.Is(err, claiming.ErrClaimed) {
		t.Error(err)
	}
}

// TestSetUpByHand: a terminal that was given a name, and a broker or a key, or has sold, is not asked.
func TestSetUpByHand(t *testing.T) {
	t.Parallel()
	const named = "[terminal]\ntenant = \"acme\"\nsite = \"north\"\nid = \"till-5\"\n"
	const cloud = "https://cloud.example:8444"
	sells, keyed := t.TempDir(), t.TempDir()
	sold(t, sells)
	if err := os.WriteFile(filepath.Join(keyed, "cloud.pub"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data, settings string
		asked          bool
	}{
		{t.TempDir(), "", true}, {t.TempDir(), named, true}, {sells, named, false}, {keyed, named, false},
		{sells, "", true}, {t.TempDir(), named + "[mqtt]\nbroker = \"mqtts://b:8883\"\n", false},
	} {
		if d := openTill(t, c.data, cloud, c.settings); (d.claim.Wanted() != nil) != c.asked {
			t.Errorf("%q: %v", c.settings, d.claim.Wanted())
		}
	}
	if d := newTill(t, "", ""); d.claim != nil {
		t.Error("no cloud is named, and one is asked")
	}
}

// TestAnotherCodeGivesNoTries: one that is drawn because another terminal's begins alike has the tries that
// were left.
func TestAnotherCodeGivesNoTries(t *testing.T) {
	t.Parallel()
	c := newTill(t, "https://cloud.example:8444", "").claim
	now := time.Now()
	if _, err := c.RenewCode(now); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		c.Try()
	}
	c.DropCode()
	second, err := c.RenewCode(now)
	if err != nil {
		t.Fatal(err)
	}
	c.Try()
	if third, err := c.RenewCode(now); err != nil || third == second {
		t.Errorf("five wrong proofs, and the code stays: %v", err)
	}
}
