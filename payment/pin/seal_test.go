package pin

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"smiletill/payment"
)

// machine is a fake TPM: it opens what it has sealed, and nothing else.
type machine struct{ name string }

var errOtherMachine = errors.New("sealed to another machine")

func (m machine) Seal(plain []byte) ([]byte, error) {
	flipped := bytes.Clone(plain)
	for i := range flipped {
		flipped[i] ^= m.name[i%len(m.name)]
	}
	return append([]byte(m.name+":"), flipped...), nil
}

func (m machine) Unseal(sealed []byte) ([]byte, error) {
	text, ok := bytes.CutPrefix(sealed, []byte(m.name+":"))
	if !ok {
		return nil, errOtherMachine
	}
	plain, err := m.Seal(text)
	return plain[len(m.name)+1:], err
}

// opened opens a file on a machine.
func opened(t *testing.T, path string, m Sealer) *Store {
	t.Helper()
	still := func(context.Context) (time.Duration, error) { return time.Hour, nil }
	s, err := Open(t.Context(), path, still, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.SealedBy(m)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// guessed tells whether a PIN can be found by the file alone, as somebody tries it who has copied it: without
// the store, which counts.
func guessed(t *testing.T, path, customer, pin string) bool {
	t.Helper()
	s := opened(t, path, nil)
	r, err := s.find(t.Context(), s.db, customer, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	hash := argon2.IDKey([]byte(pin), r.salt, uint32(r.passes), uint32(r.memory), uint8(r.lanes), hashBytes)
	return subtle.ConstantTimeCompare(hash, r.hash) == 1
}

func copied(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	to := filepath.Join(t.TempDir(), "pins.db")
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// PINs that were set before are good after it, and a copy of the file is good for nothing.
func TestSealedPINsCannotBeTriedElsewhere(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "pins.db")
	here := opened(t, path, machine{"here"})
	err := errors.Join(here.Set(ctx, "c_a", "902751"), here.Clerk().Set(ctx, "73519"))
	if err != nil {
		t.Fatal(err)
	}
	if !guessed(t, copied(t, path), "c_a", "902751") {
		t.Fatal("nothing is sealed yet, and the right PIN is not found")
	}
	if err := errors.Join(here.Seal(ctx), here.Seal(ctx), here.Set(ctx, "c_b", "447120")); err != nil {
		t.Fatal(err)
	}
	for customer, pin := range map[string]string{"c_a": "902751", "c_b": "447120"} {
		if guessed(t, copied(t, path), customer, pin) {
			t.Errorf("%s: the right PIN is found in a copy", customer)
		}
		if err := here.Try(ctx, customer, pin); err != nil {
			t.Errorf("%s here: %v", customer, err)
		}
		if err := here.Try(ctx, customer, "111222"); !errors.Is(err, payment.ErrPINWrong) {
			t.Errorf("%s here, a wrong one: %v", customer, err)
		}
	}
	if err := here.Clerk().Try(ctx, "73519"); err != nil {
		t.Errorf("the clerk's: %v", err)
	}
	there := opened(t, copied(t, path), machine{"there"})
	before, err := there.Changes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := there.Seal(ctx); !errors.Is(err, errOtherMachine) {
		t.Errorf("opened elsewhere: %v", err)
	}
	if err := there.Try(ctx, "c_a", "902751"); !errors.Is(err, errOtherMachine) {
		t.Errorf("tried elsewhere: %v", err)
	}
	if err := there.Set(ctx, "c_a", "118822"); !errors.Is(err, errOtherMachine) {
		t.Errorf("set elsewhere: %v", err)
	}
	if after, err := there.Changes(ctx); err != nil || after != before {
		t.Errorf("it has %d changes, and had %d: %v", after, before, err)
	}
	if err := opened(t, copied(t, path), nil).Try(ctx, "c_a", "902751"); !errors.Is(err, errNoSealer) {
		t.Errorf("without a TPM: %v", err)
	}
	for range 2 {
		if foreign, err := here.Unseal(ctx); err != nil || len(foreign) > 0 {
			t.Fatal(foreign, err)
		}
	}
	if is, err := here.Sealed(ctx); is || err != nil {
		t.Errorf("unsealed: %v %v", is, err)
	}
	if err := opened(t, copied(t, path), nil).Try(ctx, "c_b", "447120"); err != nil {
		t.Errorf("unsealed: %v", err)
	}
}

// A hash that somebody has put into a sealed file, or moved from one customer to another, opens nothing.
func TestHashesPutInByHand(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "pins.db")
	s := opened(t, path, machine{"here"})
	if err := errors.Join(s.Set(ctx, "c_a", "902751"), s.Set(ctx, "c_b", "447120"), s.Seal(ctx)); err != nil {
		t.Fatal(err)
	}
	salt := []byte("sixteen bytes...")
	own := argon2.IDKey([]byte("555123"), salt, passes, memoryKiB, lanes, hashBytes)
	_, err := s.db.ExecContext(ctx, `UPDATE pin SET salt = ?, hash = ? WHERE customer = 'c_a'`, salt, own)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Try(ctx, "c_a", "555123"); !errors.Is(err, errForeign) {
		t.Errorf("put in: %v", err)
	}
	_, err = s.db.ExecContext(ctx, `UPDATE pin SET salt = o.salt, hash = o.hash
		FROM (SELECT salt, hash FROM pin WHERE customer = 'c_b') o WHERE customer = 'c_a'`)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Try(ctx, "c_a", "447120"); !errors.Is(err, errForeign) || payment.HintOf(err) == "" {
		t.Errorf("another's: %v", err)
	}
	// It keeps no other from being unsealed, and is told.
	other := opened(t, copied(t, path), machine{"here"})
	if foreign, err := other.Unseal(ctx); err != nil || !slices.Equal(foreign, []string{"c_a"}) {
		t.Errorf("unsealed: %q %v", foreign, err)
	}
	for customer, want := range map[string]error{"c_a": payment.ErrPINNotSet, "c_b": nil} {
		if err := other.Try(ctx, customer, "447120"); !errors.Is(err, want) {
			t.Errorf("unsealed, %s: %v", customer, err)
		}
	}
	if _, err := s.db.ExecContext(ctx, `DELETE FROM pepper`); err != nil {
		t.Fatal(err)
	}
	if err := s.Try(ctx, "c_b", "447120"); err == nil || !strings.Contains(err.Error(), "key of the PINs") {
		t.Errorf("without its key: %v", err)
	}
}

// A PIN that is set while another program seals the file, or unseals it, is as the file is then.
func TestSetWhileItIsSealed(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "pins.db")
	s, other := opened(t, path, machine{"here"}), opened(t, path, machine{"here"})
	unseal := func() error { _, err := other.Unseal(ctx); return err }
	for pin, change := range map[string]func() error{"902751": func() error { return other.Seal(ctx) },
		"447120": unseal} {
		err := other.Seal(ctx)
		if pin == "902751" {
			err = unseal()
		}
		if err == nil {
			err = s.SetAfter(ctx, "c_a", pin, func(string) error { return change() })
		}
		if err = errors.Join(err, s.Try(ctx, "c_a", pin), other.Try(ctx, "c_a", pin)); err != nil {
			t.Errorf("%s: %v", pin, err)
		}
	}
}

// lying seals what it can't open.
type lying struct{ machine }

func (lying) Unseal([]byte) ([]byte, error) { return nil, errOtherMachine }

// What does not open once it is sealed is not used: the PINs stay as they are.
func TestSealThatDoesNotOpen(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "pins.db")
	s := opened(t, path, lying{machine{"here"}})
	if err := s.Set(ctx, "c_a", "902751"); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(ctx); !errors.Is(err, errOtherMachine) {
		t.Fatal(err)
	}
	if err := s.Try(ctx, "c_a", "902751"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Whenever the power goes while a file is sealed or unsealed, all of its PINs are good at the next start:
// what is on the disk at each step is looked at, with SQLite's journal of then. One hash that does not open
// keeps all of them sealed.
func TestSealCutOff(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "pins.db")
	s := opened(t, path, machine{"here"})
	pins := map[string]string{"c_a": "902751", "c_b": "447120", "c_c": "331902"}
	for customer, pin := range pins {
		if err := s.Set(ctx, customer, pin); err != nil {
			t.Fatal(err)
		}
	}
	good := func(what, path string) {
		t.Helper()
		image := opened(t, path, machine{"here"})
		for customer, pin := range pins {
			if err := image.Try(ctx, customer, pin); err != nil {
				t.Errorf("%s, %s: %v", what, customer, err)
			}
		}
	}
	images := 0
	cut := func(what string) {
		t.Helper()
		images++
		to := copied(t, path)
		journal, err := os.ReadFile(path + "-journal")
		if err == nil {
			err = os.WriteFile(to+"-journal", journal, 0o600)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		good(what, to)
	}
	s.SealedBy(cutting{machine{"here"}, cut})
	if err := s.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	cut("sealed")
	box, err := s.pepper(ctx, s.db)
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("stop")
	err = s.rewrite(ctx, `DROP TABLE pepper`, nil, func(customer string, salt, hash []byte) ([]byte, error) {
		cut("unsealing " + customer)
		if customer == "c_c" {
			return nil, stop
		}
		return decrypted(box, customer, salt, hash)
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	cut("not unsealed")
	if is, err := s.Sealed(ctx); !is || err != nil {
		t.Errorf("after an unsealing that failed: %v %v", is, err)
	}
	if _, err := s.Unseal(ctx); err != nil {
		t.Fatal(err)
	}
	cut("unsealed")
	if images < 7 {
		t.Errorf("only %d images were looked at", images)
	}
}

// cutting looks at the disk whenever something is sealed or opened.
type cutting struct {
	machine
	cut func(what string)
}

func (c cutting) Seal(plain []byte) ([]byte, error) {
	c.cut("sealing")
	return c.machine.Seal(plain)
}

func (c cutting) Unseal(sealed []byte) ([]byte, error) {
	c.cut("opening")
	return c.machine.Unseal(sealed)
}
