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
	keyIDLen = 8
)

// loadKey reads dir's master key, or makes one if there are no records that an old one has sealed.
func loadKey(dir string, records int, log *slog.Logger) (masterKey, error) {
	path := filepath.Join(dir, keyName)
	data, fi, err := readFile(path, 1024)
	if errors.Is(err, fs.ErrNotExist) {
		if records > 0 {
			return masterKey{}, hint(fmt.Errorf("%s: %w, and %d records need it", path, ErrKeyMissing, records),
				"put the key back from a copy; without one, move the records away and enrol everybody again")
		}
		return makeKey(dir, log)
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
	key, err := parseKey(data)
	if err != nil {
		return masterKey{}, hint(fmt.Errorf("%s: %w", path, err),
			"put the key back from a copy; without one, move key and records away and enrol everybody again")
	}
	return key, nil
}

func makeKey(dir string, log *slog.Logger) (masterKey, error) {
	var key masterKey
	rand.Read(key[:]) //nolint:errcheck // it never fails (crypto/rand)
	if err := writeFile(dir, keyName, key.file(), removeOnError); err != nil {
		return masterKey{}, fmt.Errorf("make key: %w", err)
	}
	log.Warn("gallery key made", "file", filepath.Join(dir, keyName), "protection", Protection)
	return key, nil
}

func (k masterKey) file() []byte {
	sum := sha256.Sum256(k[:])
	text := base64.StdEncoding.EncodeToString(append(k[:], sum[:keySum]...))
	return []byte(keyMagic + text + "\n")
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
