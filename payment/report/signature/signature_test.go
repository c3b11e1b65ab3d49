package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func newKey(t testing.TB) *Key {
	t.Helper()
	k, err := NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOnlyTheSignersContentHolds(t *testing.T) {
	k, other := newKey(t), newKey(t)
	ack := Ack{Source: "smiletill:/a/b/c", ID: "e1", Hash: "00ff", Seq: 7}
	jws, err := Sign(k, ack)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*Ack)) Ack { a := ack; f(&a); return a }
	header, _, _ := strings.Cut(jws, ".")
	forge := func(text string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(text)) + strings.TrimPrefix(jws, header)
	}
	keys := []ed25519.PublicKey{other.Public(), k.Public()}
	for _, c := range []struct {
		name string
		keys []ed25519.PublicKey
		ack  Ack
		jws  string
		want error
	}{
		{"as it was signed", keys, ack, jws, nil},
		{"another terminal", keys, change(func(a *Ack) { a.Source = "smiletill:/a/b/d" }), jws, ErrSignature},
		{"another event", keys, change(func(a *Ack) { a.ID = "e2" }), jws, ErrSignature},
		{"another hash", keys, change(func(a *Ack) { a.Hash = "00fe" }), jws, ErrSignature},
		{"another seq", keys, change(func(a *Ack) { a.Seq = 8 }), jws, ErrSignature},
		{"a refusal", keys, change(func(a *Ack) { a.Refused = "no" }), jws, ErrSignature},
		{"another key", keys[:1], ack, jws, ErrSignature},
		{"no key", nil, ack, jws, ErrNoKey},
		{"no signature", keys, ack, "", ErrSignature},
		{"only points", keys, ack, "..", ErrSignature},
		{"no algorithm", keys, ack, forge(`{"alg":"none"}`), ErrSignature},
		{"a shared secret", keys, ack, forge(`{"alg":"HS256"}`), ErrSignature},
		{"somebody else's key", keys, ack, forge(`{"alg":"EdDSA","kid":"` + ID(other.Public()) + `"}`),
			ErrSignature},
		{"no key named", keys, ack, forge(`{"alg":"EdDSA"}`), ErrSignature},
		{"its own key", keys, ack, forge(`{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}}`),
			ErrSignature},
		{"cut off", keys, ack, jws[:len(jws)-4], ErrSignature},
	} {
		if err := Verify(c.keys, c.ack, c.jws); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	again, err := Sign(k, ack)
	if err != nil || again != jws {
		t.Errorf("the same content has another signature: %v", err)
	}
}

func TestEventsAreSignedByTheirMeaning(t *testing.T) {
	k := newKey(t)
	e := Event{Source: "s", ID: "1", Type: "t", Data: json.RawMessage(`{"b":1,"a":"ä"}`)}
	jws, err := Sign(k, e)
	if err != nil {
		t.Fatal(err)
	}
	e.Data = json.RawMessage(` { "a" : "\u00e4", "b":1 } `) // as another JSON library may write it
	if err := Verify([]ed25519.PublicKey{k.Public()}, e, jws); err != nil {
		t.Error(err)
	}
	e.Data = json.RawMessage(`{"b":2,"a":"ä"}`)
	if err := Verify([]ed25519.PublicKey{k.Public()}, e, jws); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
	if _, err := Sign(k, Event{Data: json.RawMessage(`{`)}); err == nil {
		t.Error("signed what is no JSON")
	}
}

func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "terminal.key")
	first, err := OpenKey(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKey(path, nil) // no randomness is needed: it is there
	if err != nil || !again.Public().Equal(first.Public()) {
		t.Errorf("another key at the second start: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".key-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	public, err := EncodePublic(first.Public())
	if err != nil {
		t.Fatal(err)
	}
	two := append(append([]byte("# old and new\n"), public...), public...)
	if keys, err := ParsePublic(two); err != nil || len(keys) != 2 || !keys[1].Equal(first.Public()) {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	for name, text := range map[string]string{"empty": "", "words": "hello", "public": string(public)} {
		bad := filepath.Join(dir, name)
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKey(bad, rand.Reader); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(bad); string(after) != text {
			t.Errorf("%s was overwritten", name)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(path, rand.Reader); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a key that others may read: %v", err)
	}
	if _, err := OpenKey(dir, rand.Reader); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder as a key: %v", err)
	}
	if _, err := ReadPublic(path); !errors.Is(err, ErrKey) {
		t.Errorf("a private key as a public one: %v", err)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	k := newKey(t)
	text, err := json.Marshal(k)
	all := fmt.Sprintf("%v %+v %#v %s %s %v", k, k, k, k, text, k.LogValue())
	if err != nil || strings.Count(all, "[redacted]") != 6 || strings.ContainsAny(all, "{}&") {
		t.Errorf("%s, %v", all, err)
	}
}

func FuzzVerify(f *testing.F) {
	k := newKey(f)
	jws, err := Sign(k, Ack{Source: "s", ID: "1", Hash: "h", Seq: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(jws, "s", "1", "h", int64(1))
	f.Add("e30..", "s", "1", "h", int64(1))
	f.Fuzz(func(t *testing.T, sig, source, id, hash string, seq int64) {
		err := Verify([]ed25519.PublicKey{k.Public()}, Ack{Source: source, ID: id, Hash: hash, Seq: seq}, sig)
		if err == nil && (source != "s" || id != "1" || hash != "h" || seq != 1) {
			t.Errorf("%q %q %q %d holds", source, id, hash, seq)
		}
	})
}

func Example() {
	k, _ := NewKey(rand.Reader)
	ack := Ack{Source: "smiletill:/acme/kiosk/till-1", ID: "e-1", Hash: "9f86d081", Seq: 12}
	jws, _ := Sign(k, ack)
	fmt.Println(Verify([]ed25519.PublicKey{k.Public()}, ack, jws))
	ack.Seq++
	fmt.Println(errors.Is(Verify([]ed25519.PublicKey{k.Public()}, ack, jws), ErrSignature))
	// Output:
	// <nil>
	// true
}

// gone is a machine whose TPM is not there.
type gone struct{ plainText }

func (gone) Unseal([]byte) ([]byte, error) { return nil, fs.ErrNotExist }

// A key that does not open is not replaced by a new one, whatever it is that is not there.
func TestKeyThatDoesNotOpenIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "terminal.key")
	first, err := OpenSealedKey(path, rand.Reader, gone{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSealedKey(path, rand.Reader, gone{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the TPM: %v", err)
	}
	if k, err := OpenKey(path, nil); err != nil || !k.Public().Equal(first.Public()) {
		t.Errorf("it is another: %v", err)
	}
	one, other := first.Derive("one"), first.Derive("other")
	if len(one) != 32 || bytes.Equal(one, other) || !bytes.Equal(one, first.Derive("one")) {
		t.Error("what is derived is not one thing for one purpose")
	}
}
