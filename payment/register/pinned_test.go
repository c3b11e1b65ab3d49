package register_test

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment/register"
)

func oneEuro() register.AmountsReq {
	return register.AmountsReq{Currency: "EUR", RequestedAmount: "1.00"}
}

// TestPinned: the certificate alone decides who is talked to, and a payment goes nowhere else.
func TestPinned(t *testing.T) {
	asked, strayed := 0, 0
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed++ }))
	defer other.Close()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect) // which keeps method and body
	}))
	defer s.Close()
	right := register.Fingerprint(s.Certificate())
	pay := func(url, fingerprint string) error {
		c := register.Client{URL: url, SaleID: "till", POIID: "x-1", HTTP: register.Pinned(fingerprint)}
		_, err := c.Pay(t.Context(), "1", "1", oneEuro(), time.Now())
		return err
	}
	if err := pay(s.URL, strings.Repeat("0", 64)); !errors.Is(err, register.ErrFingerprint) ||
		!errors.Is(err, register.ErrNotSent) || !strings.Contains(err.Error(), right) || asked != 0 {
		t.Errorf("another certificate: %v, asked %d times", err, asked)
	}
	if err := pay(s.URL, right); !errors.Is(err, register.ErrRejected) || errors.Is(err, register.ErrNotSent) ||
		asked != 1 || strayed != 0 {
		t.Errorf("a redirect: %v, asked %d times, strayed %d times", err, asked, strayed)
	}
	s.Close()
	if err := pay(s.URL, right); !errors.Is(err, register.ErrNotSent) || strings.Contains(err.Error(), s.URL) {
		t.Errorf("nobody there: %v", err)
	}
}

// TestCutAnswer: a connection that dies after the message is no ErrNotSent, whenever it dies.
func TestCutAnswer(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"SaleToPOIResponse"`)) // as far as the cable goes
		panic(http.ErrAbortHandler)
	}))
	defer s.Close()
	c := register.Client{URL: s.URL, SaleID: "till", POIID: "x-1",
		HTTP: register.Pinned(register.Fingerprint(s.Certificate()))}
	_, err := c.Pay(t.Context(), "1", "1", oneEuro(), time.Now())
	if err == nil || errors.Is(err, register.ErrNotSent) || errors.Is(err, register.ErrRejected) {
		t.Errorf("cut in the answer: %v", err)
	}
}

func TestFingerprints(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	want := register.Fingerprint(s.Certificate())
	file := filepath.Join(t.TempDir(), "pem")
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	text := append(key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := register.ReadFingerprint(file); got != want || err != nil {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	for _, bad := range []string{"", "no PEM", string(key)} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := register.ReadFingerprint(file); err == nil {
			t.Errorf("%q gives %s", bad, got)
		}
	}
	for _, same := range []string{
		want, strings.ToUpper(want), " " + want[:4] + " " + want[4:8] + ":" + want[8:],
	} {
		if got, err := register.ParseFingerprint(same); got != want || err != nil {
			t.Errorf("%q: %s, %v", same, got, err)
		}
	}
	for _, bad := range []string{"", want[1:], want + "00", strings.Replace(want, want[:1], "g", 1)} {
		if got, err := register.ParseFingerprint(bad); err == nil {
			t.Errorf("%q gives %s", bad, got)
		}
	}
}
