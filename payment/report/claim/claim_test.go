package claim_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// side has what both sides of a run need.
type side struct {
	t     testing.TB
	key   *signature.Key
	hello claim.Hello
}

func newSide(t testing.TB) *side {
	t.Helper()
	k, err := signature.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &side{t, k, claim.Hello{Key: k.Public(), Request: request(t), Program: "test"}}
}

func request(t testing.TB) []byte {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, k)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func code(t testing.TB, text string) claim.Code {
	t.Helper()
	c, _, err := claim.ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const shown = "K7P-4MX-9TR"

var print = sha256.Sum256([]byte("the cloud's certificate"))

// meet is a run: what the cloud makes of a hello, by the code that was typed there.
func (s *side) meet(typed string, hello []byte, terms string) (claim.Offer, *claim.Proof, claim.Hello) {
	s.t.Helper()
	h, err := claim.ParseHello(hello)
	if err != nil {
		s.t.Fatal(err)
	}
	o, p, err := claim.Meet(code(s.t, typed), print, hello, h, []byte(terms), "run")
	if err != nil {
		s.t.Fatal(err)
	}
	return o, p, h
}

// TestRun: with one code on both sides each believes the other.
func TestRun(t *testing.T) {
	s := newSide(t)
	opening, hello, err := claim.Open(code(t, shown), s.hello)
	if err != nil {
		t.Fatal(err)
	}
	offer, cloud, h := s.meet(shown, hello, "{}")
	terminal, err := opening.Check(offer, print)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := terminal.Answer("run", s.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := cloud.Holds(answer, h); err != nil {
		t.Error(err)
	}
	if err := terminal.Granted(cloud.Grant("certificate")); err != nil {
		t.Error(err)
	}
	if bytes.Contains(hello, []byte("4MX")) || strings.Contains(fmt.Sprint(cloud, code(t, shown)), "4MX") {
		t.Error("the code's secret half is said")
	}
	if _, err := opening.Check(offer, print); !errors.Is(err, claim.ErrMessage) {
		t.Errorf("one opening is good for two offers: %v", err)
	}
}

// TestAttacks: whatever somebody between changes, one side at least sees it before it believes anything.
func TestAttacks(t *testing.T) {
	other := sha256.Sum256([]byte("another's certificate"))
	for _, c := range []struct {
		name   string
		typed  string
		seen   [sha256.Size]byte                        // by the terminal
		hello  func(*side, []byte) []byte               // on its way to the cloud
		offer  func(*claim.Offer)                       // on its way back
		answer func(*side, *claim.Answer, *claim.Hello) // on its way to the cloud
		grant  func(*claim.Grant)
		want   string // who sees it
	}{
		{name: "nothing", want: ""},
		{name: "another code was typed", typed: "K7P-4MX-9TS", want: "terminal"},
		{name: "own TLS certificate", seen: other, want: "terminal"},
		{name: "swapped request", want: "terminal", hello: func(s *side, text []byte) []byte {
			return remade(s.t, text, func(h *claim.Hello) { h.Request = request(s.t) })
		}},
		{name: "swapped key", want: "terminal", hello: func(s *side, text []byte) []byte {
			return remade(s.t, text, func(h *claim.Hello) { h.Key = newSide(s.t).hello.Key })
		}},
		{name: "swapped point", want: "terminal", hello: func(s *side, text []byte) []byte {
			_, mine, err := claim.Open(code(s.t, "K7P-222-222"), s.hello)
			if err != nil {
				s.t.Fatal(err)
			}
			return mine
		}},
		{name: "other terms", want: "terminal", offer: func(o *claim.Offer) { o.Terms = []byte(`{"broker":"x"}`) }},
		{name: "no proof", want: "terminal", offer: func(o *claim.Offer) { o.Proof = nil }},
		{name: "the terminal's own point", want: "terminal", offer: func(o *claim.Offer) {
			k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			pub, err := k.PublicKey.ECDH()
			if err != nil {
				t.Fatal(err)
			}
			o.Point = pub.Bytes()
		}},
		{name: "made-up proof", want: "cloud", answer: func(_ *side, a *claim.Answer, _ *claim.Hello) {
			a.Proof = bytes.Repeat([]byte{1}, 32)
		}},
		{name: "no proof to the cloud", want: "cloud", answer: func(_ *side, a *claim.Answer, _ *claim.Hello) {
			a.Proof = nil
		}},
		{name: "another's signature", want: "cloud", answer: func(s *side, a *claim.Answer, h *claim.Hello) {
			h.Key = newSide(s.t).hello.Key
		}},
		{name: "another certificate", want: "grant", grant: func(g *claim.Grant) { g.Certificate += "x" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSide(t)
			opening, hello, err := claim.Open(code(t, shown), s.hello)
			if err != nil {
				t.Fatal(err)
			}
			if c.hello != nil {
				hello = c.hello(s, hello)
			}
			typed, seen := c.typed, c.seen
			if typed == "" {
				typed = shown
			}
			if seen == ([sha256.Size]byte{}) {
				seen = print
			}
			offer, cloud, h := s.meet(typed, hello, "{}")
			if c.offer != nil {
				c.offer(&offer)
			}
			terminal, err := opening.Check(offer, seen)
			if c.want == "terminal" {
				if !errors.Is(err, claim.ErrWrongCode) {
					t.Errorf("the terminal believes it: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			answer, err := terminal.Answer("run", s.key)
			if err != nil {
				t.Fatal(err)
			}
			if c.answer != nil {
				c.answer(s, &answer, &h)
			}
			if err := cloud.Holds(answer, h); (err != nil) != (c.want == "cloud") {
				t.Errorf("the cloud: %v", err)
			}
			g := cloud.Grant("certificate")
			if c.grant != nil {
				c.grant(&g)
			}
			if err := terminal.Granted(g); (err != nil) != (c.want == "grant") {
				t.Errorf("the terminal: %v", err)
			}
		})
	}
}

// remade is a hello with something of it changed.
func remade(t testing.TB, text []byte, change func(*claim.Hello)) []byte {
	t.Helper()
	var h claim.Hello
	err := json.Unmarshal(text, &h)
	change(&h)
	if err == nil {
		text, err = json.Marshal(h)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestHelloIsChecked: what the exchange's library would choke on does not reach it.
func TestHelloIsChecked(t *testing.T) {
	s := newSide(t)
	_, good, err := claim.Open(code(t, shown), s.hello)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaRequest, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, big)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*claim.Hello){
		"no plate":         func(h *claim.Hello) { h.Plate = "" },
		"another plate":    func(h *claim.Hello) { h.Plate = "K0P" },
		"no key":           func(h *claim.Hello) { h.Key = nil },
		"long key":         func(h *claim.Hello) { h.Key = append(h.Key, 1) },
		"no point":         func(h *claim.Hello) { h.Point = nil },
		"the zero point":   func(h *claim.Hello) { h.Point = []byte{0} },
		"off the curve":    func(h *claim.Hello) { h.Point = append(bytes.Clone(h.Point[:64]), h.Point[64]^1) },
		"beyond the curve": func(h *claim.Hello) { h.Point = append([]byte{4}, bytes.Repeat([]byte{255}, 64)...) },
		"no request":       func(h *claim.Hello) { h.Request = nil },
		"broken request":   func(h *claim.Hello) { h.Request[len(h.Request)-1] ^= 1 },
		"RSA request":      func(h *claim.Hello) { h.Request = rsaRequest },
		"long program":     func(h *claim.Hello) { h.Program = strings.Repeat("x", 200) },
		"name with slash":  func(h *claim.Hello) { h.Name = report.Address{Terminal: "a/b"} },
		"fixed, no name":   func(h *claim.Hello) { h.Fixed = true },
	} {
		if h, err := claim.ParseHello(remade(t, good, change)); !errors.Is(err, claim.ErrMessage) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	for _, text := range []string{"", "null", "[]", "{}", `{"plate":"K7P"}`, string(good) + "{}",
		strings.Repeat(" ", claim.MaxMessage) + string(good)} {
		if _, err := claim.ParseHello([]byte(text)); !errors.Is(err, claim.ErrMessage) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		c, err := claim.NewCode(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := claim.ParseCode(strings.ToLower(c.Text()))
		if err != nil || again != c {
			t.Errorf("%s: %v", c.Text(), err)
		}
		seen[c.Text()] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d codes of 100", len(seen))
	}
	c, id := code(t, shown), signature.ID(newSide(t).key.Public())
	if again, key, err := claim.ParseCode(c.Scan(id)); err != nil || again != c || key != id {
		t.Errorf("%q: %v, %q, %v", c.Scan(id), again, key, err)
	}
	for _, bad := range []string{"", "K7P", "K7P-4MX-9TRX", "K7P-4MX-9T1", "смешно",
		strings.Repeat("2", 1000),
		"smiletill-claim:K7P-4MX-9TR:short", "smiletill-claim:K7P-4MX-9TR"} {
		if got, _, err := claim.ParseCode(bad); !errors.Is(err, claim.ErrCode) {
			t.Errorf("%.40q: %v, %v", bad, got, err)
		}
	}
}

// TestOfferIsChecked: terms that a terminal could not work with are refused before they are believed.
func TestOfferIsChecked(t *testing.T) {
	s := newSide(t)
	_, hello, err := claim.Open(code(t, shown), s.hello)
	if err != nil {
		t.Fatal(err)
	}
	offer, _, _ := s.meet(shown, hello, "{}")
	keys, err := signature.EncodePublic(s.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*claim.Terms){
		"clear text":    func(x *claim.Terms) { x.Broker = "mqtt://h:8883" },
		"no port":       func(x *claim.Terms) { x.Broker = "mqtts://h" },
		"with password": func(x *claim.Terms) { x.Broker = "mqtts://u:p@h:8883" },
		"no name":       func(x *claim.Terms) { x.Name = report.Address{} },
		"no keys":       func(x *claim.Terms) { x.Keys = "" },
		"no signers":    func(*claim.Terms) {},
	} {
		terms := claim.Terms{Name: report.Address{Tenant: "a", Site: "b", Terminal: "c"}, Keys: string(keys),
			Broker: "mqtts://h:8883"}
		change(&terms)
		if offer.Terms, err = json.Marshal(terms); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(offer)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := claim.ParseOffer(text); !errors.Is(err, claim.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzMessages: no text from outside does more than be refused, and what is taken goes through the exchange.
func FuzzMessages(f *testing.F) {
	s := newSide(f)
	opening, hello, err := claim.Open(code(f, shown), s.hello)
	if err != nil {
		f.Fatal(err)
	}
	offer, _, _ := s.meet(shown, hello, "{}")
	text, err := json.Marshal(offer)
	if err != nil {
		f.Fatal(err)
	}
	_ = opening
	for _, seed := range [][]byte{hello, text, []byte(`{"certificate":""}`), []byte(shown), []byte("{}")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if h, err := claim.ParseHello(text); err == nil {
			if _, _, err := claim.Meet(code(t, shown), print, text, h, nil, ""); err != nil {
				t.Errorf("%q was taken: %v", text, err)
			}
		}
		opening, _, err := claim.Open(code(t, shown), s.hello)
		if err != nil {
			t.Fatal(err)
		}
		if o, _, err := claim.ParseOffer(text); err == nil {
			if _, err := opening.Check(o, print); !errors.Is(err, claim.ErrWrongCode) {
				t.Errorf("%q was believed: %v", text, err)
			}
		}
		_, _ = claim.ParseAnswer(text)
		_, _ = claim.ParseRenewal(text)
		_, _, _ = claim.ParseGrant(text)
		if c, _, err := claim.ParseCode(string(text)); err == nil {
			if again, _, err := claim.ParseCode(c.Text()); err != nil || again != c {
				t.Errorf("%q: %v, %v", text, again, err)
			}
		}
	})
}
