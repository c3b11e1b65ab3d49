package erasure

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/cmd/smiletill/vault"
	"smiletill/payment"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// receipt is the file of a receipt: what a terminal signed, and the key that it says it signed it with.
type receipt struct {
	claim.Departure
	Key string `json:"key"` // public, in PEM
}

// sign makes the receipt of what is erased, with the terminal's key, and makes no key for that.
func (m *mark) sign(cfg config.Config, gone erased, now time.Time) error {
	k, err := signature.OpenSealedKey(cfg.TerminalKeyPath(), noKey{}, vault.Of(cfg).For(vault.Reports))
	if err != nil {
		return err
	}
	key, err := signature.EncodePublic(k.Public())
	if err != nil {
		return err
	}
	data, err := json.Marshal(gone)
	if err != nil {
		return err
	}
	r := claim.Departure{Source: reporting.Address(cfg).Source(), ID: rand.Text(), Type: claim.ErasedType,
		Time: now.UTC().Format(time.RFC3339), Data: data}
	r.Signature, err = signature.Sign(k, signature.Event{Source: r.Source, ID: r.ID, Type: r.Type, Time: r.Time,
		Data: r.Data})
	m.Receipt, m.Key = &r, string(key)
	return err
}

// noKey is where none is made.
type noKey struct{}

var errNoKey = errors.New("the terminal has no key")

func (noKey) Read([]byte) (int, error) { return 0, errNoKey }

func (m mark) text() ([]byte, error) {
	text, err := json.MarshalIndent(receipt{*m.Receipt, m.Key}, "", "  ")
	return append(text, '\n'), err
}

// errReceipt is of a receipt that was changed, or is none.
var errReceipt = errors.New("this receipt does not hold")

// Check reads the receipt in a file, tells whether it holds by a key (the one in keyFile, or else the one
// that it names itself), and prints what it says.
func Check(w io.Writer, file, keyFile string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the receipt: %w", err)
	}
	var r receipt
	if json.Unmarshal(text, &r) != nil {
		err = errors.New("the file is not one that was handed out")
	}
	if err == nil && r.Type != claim.ErasedType {
		err = fmt.Errorf("it is of type %q", r.Type)
	}
	var keys []ed25519.PublicKey
	if err == nil && keyFile != "" {
		keys, err = signature.ReadPublic(keyFile)
	} else if err == nil {
		keys, err = signature.ParsePublic([]byte(r.Key))
	}
	if err == nil {
		err = r.Verify(keys)
	}
	var gone erased
	if err == nil {
		gone, err = decode(r.Data)
	}
	if err != nil {
		return payment.WithHint(fmt.Errorf("%w: %w", errReceipt, err),
			"it is to be the whole file, and --key the file of the terminal's public key, as `smiletill key` had "+
				"printed it")
	}
	gone.print(w, r.Source, r.ID, r.Time)
	if keyFile == "" {
		_, err = fmt.Fprintf(w, "it holds by the key that it names itself, %s: whether that was the terminal's, "+
			"the cloud knows, or --key\n", signature.ID(keys[0]))
		return err
	}
	_, err = fmt.Fprintf(w, "it holds by key %s\n", signature.ID(keys[0]))
	return err
}

// nameOf is a source as commands of the cloud take it.
func nameOf(source string) string { return strings.TrimPrefix(source, "smiletill:/") }
