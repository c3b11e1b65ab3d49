package vault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/witness"
	"smiletill/device/tpm/tpmtest"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/report/signature"
)

// day is a terminal's start, as far as it looks for older data and seals PINs, and its end.
func day(ctx context.Context, cfg config.Config) (found []witness.Finding, err error) {
	v := Of(cfg)
	if err := v.Settle(false, quiet()); err != nil {
		return nil, err
	}
	k, err := signature.OpenSealedKey(cfg.TerminalKeyPath(), nil, v.For(Reports))
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(ctx, cfg.JournalPath(), journal.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	err = j.Note(ctx, journal.Audit{What: journal.ScreenCalibrated, At: time.Now()})
	if err != nil {
		return nil, err
	}
	s, err := v.OpenPINs(ctx, still)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	w := seen(cfg)
	found, err = v.Older(ctx, w, j, s, k, false)
	if err != nil || len(found) > 0 {
		return found, err
	}
	err = w.Reset(nil, nil)
	w.Begin()
	return nil, errors.Join(err, v.SettlePINs(ctx, s, w), w.Close())
}

// PINs that somebody has put in the place of sealed ones, with one of their own, are found, also by what the
// TPM counts alone; those of a terminal that was unsealed are not.
func TestPINsPutInThePlaceOfSealedOnes(t *testing.T) {
	ctx := t.Context()
	m := tpmtest.New(t)
	dir := filepath.Join(t.TempDir(), "data")
	terminal(t, dir)
	cfg := at(dir, m.Path)
	for range 2 {
		if found, err := day(ctx, cfg); err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
	}
	own := filepath.Join(t.TempDir(), "pins.db")
	s, err := pin.Open(ctx, own, still, nil)
	if err == nil {
		err = errors.Join(s.Set(ctx, "c_a", "555123"), s.Close())
	}
	foreign, err2 := os.ReadFile(own)
	sealed, err3 := os.ReadFile(cfg.PINsPath())
	if err = errors.Join(err, err2, err3, os.WriteFile(cfg.PINsPath(), foreign, 0o600)); err != nil {
		t.Fatal(err)
	}
	finds := func(what string) {
		t.Helper()
		found, err := day(ctx, cfg)
		if err != nil || len(found) != 1 || !strings.Contains(found[0].What, "PINs were sealed") {
			t.Errorf("%s: %v %v", what, found, err)
		}
	}
	finds("put in")
	for _, dir := range []string{dir, witness.Beside(dir)} {
		if err := os.Remove(filepath.Join(dir, "witness.json")); err != nil {
			t.Fatal(err)
		}
	}
	finds("put in, and the witness taken away")
	if err := os.WriteFile(cfg.PINsPath(), sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Of(cfg).Unseal(ctx, &out); err != nil {
		t.Fatal(err)
	}
	if found, err := day(ctx, cfg); err != nil || len(found) > 0 {
		t.Errorf("unsealed: %v %v", found, err)
	}
}
