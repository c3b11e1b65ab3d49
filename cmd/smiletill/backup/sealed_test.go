package backup

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"smiletill/cmd/smiletill/witness"
	"smiletill/device/tpm"
	"smiletill/device/tpm/tpmtest"
	"smiletill/payment/pin"
)

// What is sealed to a machine comes out of its backup on another one, without a TPM as well.
func TestBackupOfSealedKeys(t *testing.T) {
	ctx := t.Context()
	m := tpmtest.New(t)
	dir := terminal(t, 3)
	v := vaultOf(dir, m.Path)
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
	for name, want := range map[string]string{"terminal.key": "a key", "gallery/gallery.key": "faces' key"} {
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
