package register_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
	"smiletill/payment/register"
)

// bodies are the golden requests and the faults of registers, to begin with.
func bodies(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "messages", "*.request.json"))
	faults, faultErr := filepath.Glob(filepath.Join("testdata", "faults", "*.json"))
	if err != nil || faultErr != nil || len(files) == 0 || len(faults) == 0 {
		f.Fatal(files, faults, err, faultErr)
	}
	files = append(files, faults...)
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
}

// FuzzBody: whatever comes is answered with a message that the schema knows, and takes no money: the till of
// this test is closed.
func FuzzBody(f *testing.F) {
	bodies(f)
	f.Add([]byte(`{"SaleToPOIRequest":{}}`))
	f.Add([]byte(`{"SaleToPOIRequest":{"MessageHeader":{},"NexoBlob":"AAAA","SecurityTrailer":{}}}`))
	key, err := register.DeriveKey("front-key", 1, "correct horse")
	if err != nil {
		f.Fatal(err)
	}
	answers := schemas(f, "Answer")
	s := register.NewServer(register.Options{
		POIID:    poiID,
		Till:     func() (*register.Till, error) { return nil, payment.ErrOutOfOrder },
		Pairings: func() (register.Pairings, error) { return register.Pairings{{Name: "front", Key: key}}, nil },
		Health:   func(context.Context) register.Health { return register.Health{} },
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/nexo", strings.NewReader(string(body)))
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusRequestEntityTooLarge || w.Code == http.StatusOK && w.Body.Len() == 0 {
			return
		}
		var v any
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%q: %d %q", body, w.Code, w.Body)
		}
		if err := answers.Validate(v); err != nil {
			t.Errorf("%q: %s: %v", body, w.Body, err)
		}
	})
}

// FuzzSealed: a blob opens only as it was sealed.
func FuzzSealed(f *testing.F) {
	key, err := register.DeriveKey("front-key", 1, "correct horse")
	if err != nil {
		f.Fatal(err)
	}
	const plain = `{"SaleToPOIRequest":{}}`
	good, trailer := key.Seal([]byte(plain))
	f.Add(good, trailer.Nonce, trailer.HMAC, trailer.CryptoVersion)
	f.Add("AAAA", trailer.Nonce, trailer.HMAC, 1)
	f.Add(good[:len(good)-4], "", "", 0)
	f.Fuzz(func(t *testing.T, blob, nonce, mac string, version int) {
		got, err := key.Open(blob, register.SecurityTrailer{CryptoVersion: version, Nonce: nonce, HMAC: mac})
		if err != nil {
			if !errors.Is(err, register.ErrSealed) {
				t.Error(err)
			}
			return
		}
		same := func(a, b string) bool { // as bytes: base64 has spare bits and may be broken into lines
			x, errX := base64.StdEncoding.DecodeString(a)
			y, errY := base64.StdEncoding.DecodeString(b)
			return errX == nil && errY == nil && string(x) == string(y)
		}
		if string(got) != plain || !same(blob, good) || !same(nonce, trailer.Nonce) || !same(mac, trailer.HMAC) {
			t.Errorf("opened %q of %q", got, blob)
		}
	})
}
