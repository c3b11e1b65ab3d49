package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"smiletill/cmd/smiletill/witness"
	"smiletill/device/tpm"
	"smiletill/payment"
	"smiletill/payment/report/signature"
)

// Unseal takes the sealing back, of a terminal that is stopped: for another mainboard that is to come, for a
// version that knows nothing of it, or for good. What is sealed already stays so where one of them does not
// open.
func (v *Vault) Unseal(ctx context.Context, out io.Writer) (err error) {
	if err := v.stopped(); err != nil {
		return err
	}
	lock, err := v.hold()
	if err != nil {
		return payment.WithHint(err, "stop the terminal first: `sudo systemctl stop smiletill`")
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	uncut := func() error { return nil }
	if err := v.stayPlain(); err != nil { // first: whatever is unsealed, nothing seals it again
		return err
	}
	pins, foreign, err := v.unsealPINs(ctx)
	if err != nil {
		return err
	}
	done := 0
	if pins {
		done++
	}
	for _, f := range v.files() {
		if err := v.finish(f, uncut); err != nil {
			return fmt.Errorf("unseal %s: %w", f.path, err)
		}
		data, err := os.ReadFile(f.path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !tpm.Sealed(data) {
			continue
		}
		var plain []byte
		if err == nil {
			plain, err = v.For(f.purpose).unseal(data)
		}
		if err == nil {
			err = f.replace(plain, func(again []byte) error {
				if !bytes.Equal(again, plain) {
					return errors.New("the disk does not keep what is written")
				}
				return nil
			}, uncut)
		}
		if err != nil {
			return fmt.Errorf("unseal %s: %w", f.path, err)
		}
		done++
	}
	// Wherever it starts next, the counter of that machine is where it begins.
	if _, err := os.Stat(v.cfg.TerminalKeyPath()); err == nil {
		k, err := signature.OpenKey(v.cfg.TerminalKeyPath(), nil)
		if err == nil {
			err = witness.Adopt(v.cfg.Paths.DataDir, k.Derive(forWitness))
		}
		if err != nil {
			return err
		}
	}
	for _, words := range foreign {
		if _, err := fmt.Fprintln(out, words); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "%d secrets are as they are without a TPM: whoever copies the disk copies the "+
		"keys\n", done)
	if err == nil && !v.off() {
		_, err = fmt.Fprintf(out, "on this machine they stay so; another one seals them at its first start, "+
			"unless security.tpm is \"off\". To have them sealed here again: sudo rm %s\n", v.plainPath())
	}
	return err
}

// unsealPINs also gives what is to be told of them.
func (v *Vault) unsealPINs(ctx context.Context) (was bool, words []string, err error) {
	if _, err := os.Stat(v.cfg.PINsPath()); errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	s, err := v.OpenPINs(ctx, nil)
	if err != nil {
		return false, nil, err
	}
	s.SealedBy(always{v.For(pins)})
	if was, err = s.Sealed(ctx); err == nil && was {
		var foreign []string
		foreign, err = s.Unseal(ctx)
		words = foreignWords(foreign)
	}
	return was, words, errors.Join(err, s.Close())
}

// always opens what is sealed, whatever the settings say.
type always struct{ Sealer }

func (a always) Unseal(data []byte) ([]byte, error) { return a.unseal(data) }
