package gallery

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
)

const (
	keyName = "gallery.key"
	// keyMagic begins the key file; the key in base64 and four bytes of its SHA-256 follow. The sum tells
	// a damaged key from damaged records.
	keyMagic = "smiletill-gallery-key-1 "
	keySum   = 4
	// keyMax bounds what is read of it, in bytes: sealed it has about 700.
	keyMax   = 8 << 10
	keyIDLen = 8
)

// Sealer keeps the key's file so that this machine alone reads it. Its errors carry their own hint.
type Sealer interface {
	Seal(plain []byte) (sealed []byte, err error)
	Unseal(sealed []byte) (plain []byte, err error) // what is not sealed it gives back as it is
	Protection() string                             // in words, of a key that is made now
}

// plainText is the Sealer of a file that is kept as it is.
type plainText struct{}

func (plainText) Seal(plain []byte) ([]byte, error)    { return plain, nil }
func (plainText) Unseal(sealed []byte) ([]byte, error) { return sealed, nil }
func (plainText) Protection() string                   { return Protection }

// KeyPath is where the key of a gallery's folder is.
func KeyPath(dir string) string { return filepath.Join(dir, keyName) }

// loadKey reads dir's master key, or makes one if there are no records that an old one has sealed.
func loadKey(dir string, records int, machine Sealer, log *slog.Logger) (masterKey, error) {
	path := filepath.Join(dir, keyName)
	data, fi, err := readFile(path, keyMax)
	if errors.Is(err, fs.ErrNotExist) {
		if records > 0 {
			return masterKey{}, hint(fmt.Errorf("%s: %w, and %d records need it", path, ErrKeyMissing, records),
				"put the key back from a copy; without one, move the records away and enrol everybody again")
		}
		return makeKey(dir, machine, log)
	}
	if err != nil && fi == nil { // a folder, say: no damage that a key could have
		return masterKey{}, hint(err, "put what is in the place of the key away, and the key back from a copy; "+
			"without one, move the records away and enrol everybody again")
	}
	if err != nil {
		return masterKey{}, err
	}
	if err := private(path, fi, "0600"); err != nil {
		return masterKey{}, err
	}
	if data, err = machine.Unseal(data); err != nil {
		return masterKey{}, fmt.Errorf("%s: %w", path, err)
	}
	key, err := parseKey(data)
	if err != nil {
		return masterKey{}, hint(fmt.Errorf("%s: %w", path, err),
			"put the key back from a copy; without one, move key and records away and enrol everybody again")
	}
	return key, nil
}

func makeKey(dir string, machine Sealer, log *slog.Logger) (masterKey, error) {
	var key masterKey
	rand.Read(key[:]) //nolint:errcheck // it never fails (crypto/rand)
	text, err := machine.Seal(key.file())
	if err == nil {
		err = writeFile(dir, keyName, text, removeOnError)
	}
	if err != nil {
		return masterKey{}, fmt.Errorf("make key: %w", err)
	}
	log.Warn("gallery key made", "file", KeyPath(dir), "protection", machine.Protection())
	return key, nil
}

func (k masterKey) file() []byte {
	sum := sha256.Sum256(k[:])
	text := base64.StdEncoding.EncodeToString(append(k[:], sum[:keySum]...))
	return []byte(keyMagic + text + "\n")
}

// CheckKey tells whether data are what a key's file holds where it is not sealed. Errors are ErrKeyDamaged.
func CheckKey(data []byte) error {
	_, err := parseKey(data)
	return err
}

func parseKey(data []byte) (masterKey, error) {
	var key masterKey
	text, ok := bytes.CutPrefix(data, []byte(keyMagic))
	if !ok {
		return key, fmt.Errorf("%w: it isn't a gallery's key", ErrKeyDamaged)
	}
	raw, err := base64.StdEncoding.Strict().AppendDecode(nil, bytes.TrimSuffix(text, []byte("\n")))
	if err != nil || len(raw) != len(key)+keySum {
		return key, fmt.Errorf("%w: it has the wrong length", ErrKeyDamaged)
	}
	sum := sha256.Sum256(raw[:len(key)])
	if !bytes.Equal(sum[:keySum], raw[len(key):]) {
		return key, fmt.Errorf("%w: its checksum is wrong", ErrKeyDamaged)
	}
	copy(key[:], raw)
	return key, nil
}

// sealer seals and opens records.
type sealer struct {
	aead   cipher.AEAD // its nonce is random and in front of the ciphertext
	keyID  [keyIDLen]byte
	digits masterKey // of their marks
}

// newSealer derives a key for each purpose; the key's id stands in every record.
func newSealer(k masterKey) (sealer, error) {
	var s sealer
	key, err := hkdf.Key(sha256.New, k[:], nil, "smiletill gallery 1: records", 32)
	if err != nil {
		return s, fmt.Errorf("derive key: %w", err)
	}
	id, err := hkdf.Key(sha256.New, k[:], nil, "smiletill gallery 1: id of the key", keyIDLen)
	if err != nil {
		return s, fmt.Errorf("derive key: %w", err)
	}
	copy(s.keyID[:], id)
	digits, err := hkdf.Key(sha256.New, k[:], nil, "smiletill gallery 1: digits", len(s.digits))
	if err != nil {
		return s, fmt.Errorf("derive key: %w", err)
	}
	copy(s.digits[:], digits)
	block, err := aes.NewCipher(key)
	if err != nil {
		return s, fmt.Errorf("derive key: %w", err)
	}
	if s.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return s, fmt.Errorf("derive key: %w", err)
	}
	return s, nil
}
