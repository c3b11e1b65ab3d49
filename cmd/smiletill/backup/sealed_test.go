package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/witness"
	"smiletill/device/tpm"
	"smiletill/device/tpm/tpmtest"
	"smiletill/payment/pin"
	"smiletill/payment/report/signature"
	"smiletill/vision/gallery"
)

// What is sealed to a machine comes out of its backup on another one, without a TPM as well.
func TestBackupOfSealedKeys(t *testing.T) {
	ctx := t.Context()
	m := tpmtest.New(t)
	dir := terminal(t, 3)
	v := vaultOf(dir, m.Path)
	want := map[string]string{}
	for name, text := range realKeys(t) {
		want[name] = string(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := v.OpenPINs(ctx, nil)
	if err == nil {
		w := witness.Open(dir, func(error) {}, quiet())
		err = errors.Join(v.SettlePINs(ctx, s, w), s.Close(), v.Settle(false, quiet()))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"terminal.key", "gallery/gallery.key"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !tpm.Sealed(text) {
			t.Fatalf("%s is not sealed: %.40q %v", name, text, err)
		}
	}
	data, id := savedOf(t, dir, m.Path, true)
	empty := t.TempDir()
	if _, _, err := restoreInto(ctx, bytes.NewReader(data), id, target(empty)); err != nil {
		t.Fatal(err)
	}
	for name, want := range want {
		if text, err := os.ReadFile(filepath.Join(empty, name)); err != nil || string(text) != want {
			t.Errorf("%s is %.40q: %v", name, text, err)
		}
	}
	still := func(context.Context) (time.Duration, error) { return 0, nil }
	p, err := pin.Open(ctx, filepath.Join(empty, "pins.db"), still, nil)
	if err == nil {
		err = errors.Join(p.Try(ctx, "c_a", "902751"), p.Close())
	}
	if err != nil {
		t.Errorf("the PIN: %v", err)
	}
	// Without its TPM no backup is made, rather than one that opens nowhere.
	m.Stop(t)
	if _, err := save(ctx, filepath.Join(t.TempDir(), "b"), Source{Data: dir, Vault: v}, at); !errors.Is(err,
		tpm.ErrNone) {
		t.Errorf("without the TPM: %v", err)
	}
}

// realKeys are files of keys of both kinds.
func realKeys(t *testing.T) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "terminal.key")
	_, err := signature.OpenKey(path, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gallery.Open(filepath.Join(dir, "gallery"), gallery.Model{SHA256: strings.Repeat("ab", 32),
		Agree: 0.4, Same: 0.5}, quiet())
	if err == nil {
		err = g.Close()
	}
	all := map[string][]byte{}
	for _, name := range []string{"terminal.key", "gallery/gallery.key"} {
		if err == nil {
			all[name], err = os.ReadFile(filepath.Join(dir, name))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// One PIN that somebody has put in keeps no backup from being made: it is left out, and told.
func TestBackupLeavesForeignPINsOut(t *testing.T) {
	ctx := t.Context()
	m := tpmtest.New(t)
	dir := terminal(t, 3)
	v := vaultOf(dir, m.Path)
	if err := os.WriteFile(filepath.Join(dir, "terminal.key"), realKeys(t)["terminal.key"], 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := v.OpenPINs(ctx, func(context.Context) (time.Duration, error) { return 0, nil })
	if err == nil {
		err = errors.Join(s.Clerk().Set(ctx, "73519"), s.Set(ctx, "c_b", "447120"),
			v.SettlePINs(ctx, s, witness.Open(dir, func(error) {}, quiet())), s.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "pins.db"))
	if err == nil {
		_, err = db.ExecContext(ctx, `UPDATE pin SET hash = zeroblob(32) WHERE customer <> 'c_b'`)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	path := filepath.Join(t.TempDir(), "b")
	words, err := newKey(dir, false)
	if err == nil {
		err = Do(ctx, &out, path, Source{Data: dir, Vault: v})
	}
	for _, want := range []string{"customers pin c_a", "counter pin", "up to fact 3"} {
		if err != nil || words == "" || !strings.Contains(out.String(), want) {
			t.Errorf("it says %q, not %q: %v", out.String(), want, err)
		}
	}
	out.Reset()
	if err := v.Unseal(ctx, &out); err != nil || !strings.Contains(out.String(), "customers pin c_a") {
		t.Errorf("unsealed: %q %v", out.String(), err)
	}
}
