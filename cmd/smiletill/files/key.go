package files

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/vault"
	"smiletill/payment"
	"smiletill/payment/report/signature"
)

// noMore is where no key may be made: only the terminal itself does, as the user that owns its files.
type noMore struct{}

var errNoMore = errors.New("no key is made here")

func (noMore) Read([]byte) (int, error) { return 0, errNoMore }

// TerminalKey opens the terminal's key, and makes none.
func TerminalKey(cfg config.Config) (*signature.Key, error) {
	k, err := signature.OpenSealedKey(cfg.TerminalKeyPath(), noMore{}, vault.Of(cfg).For(vault.Reports))
	if errors.Is(err, errNoMore) {
		err = payment.WithHint(fmt.Errorf("this terminal has no key yet (%s)", cfg.TerminalKeyPath()),
			"start the terminal once: it makes its key then")
	}
	return k, err
}

// ReceiptKeys are the keys that a receipt may be signed with: those of a file, or else this terminal's own.
func ReceiptKeys(cfg config.Config, file string) ([]ed25519.PublicKey, error) {
	if file != "" {
		return signature.ReadPublic(file)
	}
	k, err := TerminalKey(cfg)
	if err != nil {
		return nil, err
	}
	return []ed25519.PublicKey{k.Public()}, nil
}
