package claiming_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/cmd/smiletill/front"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// TestClaim: a code that is typed makes terminal and cloud known to each other, with all that reporting
// needs.
func TestClaim(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := newTill(t, s.url, "")
	if why := d.claim.Wanted(); why == nil || !strings.Contains(why.Error(), "not claimed") {
		t.Fatal(why)
	}
	d.run()
	code := d.shown("")
	if row, any := d.claim.Row(); !any || !strings.HasPrefix(row.Value, "unclaimed") ||
		strings.Contains(row.Value+row.Do, code[4:]) {
		t.Errorf("%+v", row)
	}
	id := s.typed(s.wish(strings.ToLower(code), "acme/shop/till-1"))
	if c := s.end(id); c.State != fleet.Done || c.Source != "smiletill:/acme/shop/till-1" || c.By != "anna" {
		t.Fatalf("%+v", c)
	}
	if err := d.claimed(); !errors.Is(err, claiming.ErrClaimed) {
		t.Fatal(err)
	}
	after := d.again()
	cfg := after.cfg
	if err := cfg.Commissioned(); err != nil || cfg.Terminal.Tenant != "acme" || cfg.Terminal.Site != "shop" ||
		cfg.Terminal.ID != "till-1" || cfg.MQTT.Broker != "mqtts://127.0.0.1:8883" || cfg.Claim.Cloud != "" {
		t.Errorf("%v, %+v, %+v", err, cfg.Terminal, cfg.MQTT)
	}
	if after.claim.Wanted() != nil {
		t.Error(after.claim.Wanted())
	}
	if row, _ := after.claim.Row(); !strings.HasPrefix(row.Value, "claimed by "+s.url) {
		t.Errorf("%+v", row)
	}
	k, err := signature.OpenKey(cfg.TerminalKeyPath(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := fleet.Keys(t.Context(), s.db(), "smiletill:/acme/shop/till-1")
	if err != nil || len(keys) != 1 || !keys[0].Equal(k.Public()) {
		t.Errorf("%v, %v", keys, err)
	}
	known, err := signature.ReadPublic(cfg.CloudKeyPath())
	if err != nil || !known[0].Equal(s.key.Public()) {
		t.Errorf("%v, %v", known, err)
	}
	c, err := link.TLSFiles(cfg.MQTT.CAFile, cfg.MQTT.CertFile, cfg.MQTT.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	if cert := c.Certificates[0].Leaf; cert.URIs[0].String() != "smiletill:/acme/shop/till-1" ||
		cert.NotBefore.After(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%v from %v", cert.URIs, cert.NotBefore)
	}
	for _, f := range []string{cfg.MQTT.KeyFile, cfg.TerminalKeyPath()} {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	again := s.typed(s.wish(code, "acme/shop/till-2")) // used
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if c, err := s.fleet.Await(ctx, again); err == nil || c.Offers != 0 {
		t.Errorf("a used code: %+v, %v", c, err)
	}
}

// TestScan: what the code's picture holds does too; if the terminal that comes has another key, nothing is
// offered to it.
func TestScan(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := newTill(t, s.url, "")
	d.run()
	code := d.scanned()
	liar := code[:len(code)-43] + strings.Repeat("A", 43)
	if c := s.end(s.typed(s.wish(liar, "acme/shop/till-1"))); c.State != fleet.Refused || c.Offers != 0 {
		t.Errorf("%+v", c)
	}
	if c := s.end(s.typed(s.wish(code, "acme/shop/till-1"))); c.State != fleet.Done {
		t.Errorf("%+v", c)
	}
}

// TestWrongCodes: each wrong code is told to who typed it, and the fifth has another one shown.
func TestWrongCodes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := newTill(t, s.url, "")
	d.run()
	code := d.shown("")
	wrong := code[:4] + "222-222"
	for n := range 5 {
		if c := s.end(s.typed(s.wish(wrong, "acme/shop/till-1"))); c.State != fleet.Wrong || c.Offers != 1 {
			t.Errorf("%d: %+v", n, c)
		}
	}
	until(t, "no code is shown", func() bool { return d.now() == "" })
	if all, err := s.receiver.Terminals(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	s.typed(s.wish(code, "acme/shop/till-1")) // locked: the right one does not do any more
	select {
	case err := <-d.ended:
		t.Errorf("a locked code was taken: %v", err)
		d.ended <- err
	case <-time.After(1500 * time.Millisecond): // three looks of the cloud at what was typed
	}
}

// TestNames: whose name it is is looked at before anything is offered.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	first := newTill(t, s.url, "")
	first.run()
	if c := s.end(s.typed(s.wish(first.shown(""), "acme/shop/till-1"))); c.State != fleet.Done {
		t.Fatalf("%+v", c)
	}
	second := newTill(t, s.url, "")
	second.run()
	code := second.shown("")
	if c := s.end(s.typed(s.wish(code, "acme/shop/till-1"))); c.State != fleet.Refused ||
		!strings.Contains(c.Why, "cloud replace") {
		t.Errorf("a name that is taken: %+v", c)
	}
	nameless := s.wish(code, "")
	if c := s.end(s.typed(nameless)); c.State != fleet.Refused || !strings.Contains(c.Why, "called") {
		t.Errorf("%+v", c)
	}
	demo := s.wish(code, "demo/shop/till-9")
	if c := s.end(s.typed(demo)); c.State != fleet.Refused {
		t.Errorf("%+v", c)
	}
	unknown := s.wish(code, "acme/shop/till-7")
	unknown.Replace = true
	if _, err := s.fleet.Claim(t.Context(), unknown); !errors.Is(err, fleet.ErrClaim) {
		t.Errorf("nobody to be replaced: %v", err)
	}
	replace := s.wish(code, "acme/shop/till-1")
	replace.Replace = true
	if c := s.end(s.typed(replace)); c.State != fleet.Done {
		t.Fatalf("%+v", c)
	}
	if err := second.claimed(); !errors.Is(err, claiming.ErrClaimed) {
		t.Error(err)
	}
	keys, err := fleet.Keys(t.Context(), s.db(), "smiletill:/acme/shop/till-1")
	k, kerr := signature.OpenKey(second.cfg.TerminalKeyPath(), rand.Reader)
	if err != nil || kerr != nil || len(keys) != 1 || !keys[0].Equal(k.Public()) {
		t.Errorf("after a replacement: %d keys, %v, %v", len(keys), err, kerr)
	}
}

// TestOwnName: a terminal whose settings name it is claimed under that name alone.
func TestOwnName(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := newTill(t, s.url, "[terminal]\ntenant = \"acme\"\nsite = \"north\"\nid = \"till-5\"\n")
	d.run()
	code := d.shown("")
	if c := s.end(s.typed(s.wish(code, "acme/north/till-6"))); c.State != fleet.Refused {
		t.Errorf("%+v", c)
	}
	if c := s.end(s.typed(s.wish(code, ""))); c.State != fleet.Done ||
		c.Source != "smiletill:/acme/north/till-5" {
		t.Errorf("%+v", c)
	}
}

// TestTwoTechnicians: of two who type one code the second is told who was first; two terminals at once are
// each claimed.
func TestTwoTechnicians(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a, b := newTill(t, s.url, ""), newTill(t, s.url, "")
	a.run()
	b.run()
	first, second := a.shown(""), b.shown("")
	wish := s.wish("222-222-222", "acme/shop/till-8")
	s.typed(wish)
	wish.By = "bert"
	if _, err := s.fleet.Claim(t.Context(), wish); !errors.Is(err, fleet.ErrClaim) ||
		!strings.Contains(err.Error(), "anna") || strings.Contains(err.Error(), "222-222-222") {
		t.Errorf("%v", err)
	}
	one, two := s.typed(s.wish(first, "acme/shop/till-1")), s.typed(s.wish(second, "acme/shop/till-2"))
	if x, y := s.end(one), s.end(two); x.State != fleet.Done || y.State != fleet.Done {
		t.Errorf("%+v, %+v", x, y)
	}
}

// TestTwoClouds: a code that is typed at another cloud than the terminal asks does nothing there.
func TestTwoClouds(t *testing.T) {
	t.Parallel()
	own, other := newShop(t), newShop(t)
	d := newTill(t, own.url, "")
	d.run()
	code := d.shown("")
	id := other.typed(other.wish(code, "evil/shop/till-1"))
	if c := own.end(own.typed(own.wish(code, "acme/shop/till-1"))); c.State != fleet.Done {
		t.Fatalf("%+v", c)
	}
	if c, err := other.fleet.Look(t.Context(), id); err != nil || c.State != fleet.Open || c.Offers != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestCloudIsAway: where the cloud can't be reached the screen says that, and no code; when it is there, the
// code.
func TestCloudIsAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	d := newTill(t, "https://"+address, "")
	d.run()
	until(t, "the screen says it", func() bool {
		f, _ := d.front.FaultOf(front.PartsCause)
		return strings.Contains(f.What, "can't be reached") && strings.Contains(f.Do, address) && f.Code == ""
	})
	if row, _ := d.claim.Row(); !strings.Contains(row.Value, "can't be reached") {
		t.Errorf("%+v", row)
	}
	s := newShop(t)
	if l, err = net.Listen("tcp", address); err != nil {
		t.Skip("somebody else has taken the address")
	}
	serveAt(t, l, s.door, s.cert)
	d.shown("")
}
