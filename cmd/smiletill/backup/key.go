package backup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/decred/dcrd/bech32"
	"github.com/tyler-smith/go-bip39"

	"smiletill/payment"
)

const (
	// keyName is the file of the recovery key's public half, in the data folder. It is no secret.
	keyName = "recovery.pub"
	// secretKind begins a secret key of age in bech32.
	secretKind = "age-secret-key-"
	// wordCount is how many words 32 bytes and their checksum are.
	wordCount = 24
)

// errNoKey is that a terminal has no recovery key yet.
var errNoKey = errors.New("there is no recovery key yet")

// newKey makes a recovery key and keeps its public half in the data folder. The words are the only secret
// half: they are kept nowhere. One that is there is an error unless again is set: what was sealed to it opens
// with its own words alone.
func newKey(dataDir string, again bool) (words string, err error) {
	path := filepath.Join(dataDir, keyName)
	if _, err := os.Stat(path); err == nil && !again {
		return "", payment.WithHint(errors.New("there is a recovery key already"),
			"if its 24 words are lost, `smiletill backup key --again` makes another: backups made before open "+
				"with the old words only")
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return "", fmt.Errorf("make a recovery key: %w", err)
	}
	if words, err = bip39.NewMnemonic(secret); err != nil {
		return "", fmt.Errorf("make a recovery key: %w", err)
	}
	id, err := identity(secret)
	if err != nil {
		return "", err
	}
	if err := replaceFile(path, []byte(id.Recipient().String()+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("keep the recovery key: %w", err)
	}
	return words, nil
}

func identity(secret []byte) (*age.X25519Identity, error) {
	text, err := bech32.EncodeFromBase256(secretKind, secret)
	if err != nil {
		return nil, fmt.Errorf("make a recovery key: %w", err)
	}
	id, err := age.ParseX25519Identity(strings.ToUpper(text))
	if err != nil {
		return nil, fmt.Errorf("make a recovery key: %w", err)
	}
	return id, nil
}

// recoveryKey reads the public half; errNoKey if there is none.
func recoveryKey(dataDir string) (age.Recipient, error) {
	path := filepath.Join(dataDir, keyName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, payment.WithHint(errNoKey, "`smiletill backup key` makes one and shows its 24 words, once")
	}
	var r *age.X25519Recipient
	if err == nil {
		r, err = age.ParseX25519Recipient(strings.TrimSpace(string(text)))
	}
	if err != nil {
		return nil, payment.WithHint(fmt.Errorf("read the recovery key %s: %w", path, err),
			"`smiletill backup key --again` makes another")
	}
	return r, nil
}

// errWords marks words that can't be a recovery key's.
var errWords = errors.New("these are not the words of a recovery key")

// parseWords is the secret half from its words, as somebody has typed them: case, line ends and numbers
// before the words don't matter. errWords says which one is none.
func parseWords(text string) (age.Identity, error) {
	var words []string
	for _, w := range strings.Fields(strings.ToLower(text)) {
		if w = strings.Trim(w, "0123456789.,;:"); w != "" {
			words = append(words, w)
		}
	}
	if len(words) != wordCount {
		return nil, payment.WithHint(fmt.Errorf("%w: %d words, and it has %d", errWords, len(words), wordCount),
			"type all of them, in their order")
	}
	list := bip39.GetWordList()
	for i, w := range words {
		if !slices.Contains(list, w) {
			return nil, payment.WithHint(fmt.Errorf("%w: word %d, %q, is none of the list", errWords, i+1, w),
				"look at it again: each word begins with four letters that no other has")
		}
	}
	secret, err := bip39.EntropyFromMnemonic(strings.Join(words, " "))
	if err != nil {
		return nil, payment.WithHint(fmt.Errorf("%w: their checksum does not fit", errWords),
			"one of them is another, or two are in the wrong order")
	}
	return identity(secret)
}

// replaceFile writes a file, whole or not at all.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
