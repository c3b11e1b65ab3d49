package claiming_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"smiletill/cmd/smiletill/claiming"
	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// between is a server with a certificate of its own that hands everything on to a shop's.
func between(t *testing.T, s *shop) string {
	t.Helper()
	a, err := fleet.OpenAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	p := httputil.NewSingleHostReverseProxy(to)
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	p.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	return serve(t, p, cert).URL
}

// swapped is the cloud's own server, in which somebody changes what terminals say.
func swapped(t *testing.T, s *shop, change func(path string, body []byte) []byte) string {
	t.Helper()
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		body = change(q.URL.Path, body)
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		s.door.ServeHTTP(w, q)
	}), s.cert).URL
}

func request(t *testing.T) []byte {
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

// TestAttacks: with the right code typed, whoever stands between has nothing of it.
func TestAttacks(t *testing.T) {
	t.Parallel()
	hello := func(change func(*claim.Hello)) func(string, []byte) []byte {
		return func(path string, body []byte) []byte {
			var h claim.Hello
			if path != claim.PathWait || json.Unmarshal(body, &h) != nil {
				return body
			}
			change(&h)
			text, _ := json.Marshal(h)
			return text
		}
	}
	for _, c := range []struct {
		name string
		url  func(*testing.T, *shop) string
		want fleet.State
	}{
		{"own TLS certificate", between, fleet.Wrong},
		{"swapped request", func(t *testing.T, s *shop) string {
			mine := request(t)
			return swapped(t, s, hello(func(h *claim.Hello) { h.Request = mine }))
		}, fleet.Wrong},
		{"swapped key", func(t *testing.T, s *shop) string {
			k, err := signature.NewKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return swapped(t, s, hello(func(h *claim.Hello) { h.Key = k.Public() }))
		}, fleet.Wrong},
		{"made-up proof", func(t *testing.T, s *shop) string {
			return swapped(t, s, func(path string, body []byte) []byte {
				var a claim.Answer
				if path != claim.PathAnswer || json.Unmarshal(body, &a) != nil {
					return body
				}
				a.Proof = bytes.Repeat([]byte{7}, 32)
				text, _ := json.Marshal(a)
				return text
			})
		}, fleet.Wrong},
		{"nobody between", func(_ *testing.T, s *shop) string { return s.url }, fleet.Done},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			d := newTill(t, c.url(t, s), "")
			d.run()
			got := s.end(s.typed(s.wish(d.shown(""), "acme/shop/till-1")))
			all, err := s.receiver.Terminals(t.Context())
			if got.State != c.want || err != nil || len(all) != map[bool]int{true: 1, false: 0}[c.want == fleet.Done] {
				t.Errorf("%+v, %+v, %v", got, all, err)
			}
			if again := d.again(); (again.cfg.Commissioned() == nil) != (c.want == fleet.Done) {
				t.Errorf("the terminal: %v", again.cfg.Commissioned())
			}
		})
	}
}

// lossy is the cloud's own server, whose first answers to a path are lost after the cloud has done what was
// asked, or before (404: it was started again and has forgotten the run).
func lossy(t *testing.T, s *shop, path string, times int32, before bool) string {
	t.Helper()
	var lost atomic.Int32
	return serve(t, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != path || lost.Add(1) > times {
			s.door.ServeHTTP(w, q)
			return
		}
		if before {
			http.NotFound(w, q)
			return
		}
		s.door.ServeHTTP(httptest.NewRecorder(), q)
		panic(http.ErrAbortHandler)
	}), s.cert).URL
}

// TestLostAnswers: a claim ends the same whichever answer was lost, and wherever the cloud was started again.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path string
		times      int32
		before     bool
	}{
		{"the offer", claim.PathWait, 2, false},
		{"the grant", claim.PathAnswer, 2, false},
		{"the run", claim.PathAnswer, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			d := newTill(t, lossy(t, s, c.path, c.times, c.before), "")
			d.run()
			id := s.typed(s.wish(d.shown(""), "acme/shop/till-1"))
			if err := d.claimed(); !errors.Is(err, claiming.ErrClaimed) {
				t.Error(err)
			}
			if got := s.end(id); got.State != fleet.Done {
				t.Errorf("%+v", got)
			}
			if all, err := s.receiver.Terminals(t.Context()); err != nil || len(all) != 1 || all[0].Keys != 1 {
				t.Errorf("%+v, %v", all, err)
			}
		})
	}
}

// TestGrantLostForGood: the cloud knows the terminal, and the terminal was cut off before it knew that. It is
// claimed once more, under the same name, and is the same terminal.
func TestGrantLostForGood(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	d := newTill(t, lossy(t, s, claim.PathAnswer, 1<<20, false), "")
	d.run()
	if got := s.end(s.typed(s.wish(d.shown(""), "acme/shop/till-1"))); got.State != fleet.Done {
		t.Fatalf("%+v", got)
	}
	d.stop() // the power is cut
	<-d.ended
	d.ended <- nil
	again := openTill(t, d.cfg.Paths.DataDir, s.url, "")
	if again.claim.Wanted() == nil {
		t.Fatal("the terminal thinks that it is claimed")
	}
	again.run()
	if got := s.end(s.typed(s.wish(again.shown(""), "acme/shop/till-1"))); got.State != fleet.Done {
		t.Errorf("%+v", got)
	}
	if err := again.claimed(); !errors.Is(err, claiming.ErrClaimed) {
		t.Error(err)
	}
	var good int
	err := s.db().QueryRow(`SELECT count(*) FROM certificate WHERE revoked = ''`).Scan(&good)
	if all, terr := s.receiver.Terminals(t.Context()); err != nil || terr != nil || good != 1 ||
		all[0].Keys != 1 {
		t.Errorf("%d certificates, %+v, %v, %v", good, all, err, terr)
	}
}

// TestDoorRefuses: what is no terminal's, or comes too often, is refused before it costs anything.
func TestDoorRefuses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	post := func(path, body string) int {
		t.Helper()
		resp, err := s.server.Client().Post(s.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{claim.PathWait, "", 400}, {claim.PathWait, "{}", 400}, {claim.PathWait, strings.Repeat("x", 100_000), 400},
		{claim.PathAnswer, "{}", 404}, {claim.PathAnswer, "x", 400}, {claim.PathRenew, "{}", 400},
		{claim.PathAnswer, `{"run":"00"}`, 404}, {"/", "{}", 404},
	} {
		if got := post(c.path, c.body); got != c.want {
			t.Errorf("%s %.20s: %d, want %d", c.path, c.body, got, c.want)
		}
	}
	if resp, err := s.server.Client().Get(s.url + claim.PathWait); err != nil || resp.StatusCode != 405 {
		t.Errorf("GET: %v, %v", resp.Status, err)
	}
	d := newTill(t, s.url, "")
	d.run()
	code := d.shown("")
	until(t, "the terminal waits", func() bool { return len(s.door.Waiting()) == 1 })
	k, err := signature.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	liar, _, err := claim.ParseCode(code[:4] + "222-222")
	if err != nil {
		t.Fatal(err)
	}
	_, hello, err := claim.Open(liar, claim.Hello{Key: k.Public(), Request: request(t)})
	if err != nil {
		t.Fatal(err)
	}
	if got := post(claim.PathWait, string(hello)); got != http.StatusConflict {
		t.Errorf("another's half of the code: %d", got)
	}
}
