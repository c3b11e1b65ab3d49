package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// ErrKey marks a file that holds no usable key.
var ErrKey = errors.New("no usable key")

// keyFileMax bounds what is read as a key, in bytes: one in PEM has 120.
const keyFileMax = 64 << 10

// Key signs. It does not print.
type Key struct {
	private ed25519.PrivateKey
	signer  jose.Signer
}

// NewKey makes a key of 32 random bytes.
func NewKey(random io.Reader) (*Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return keyOf(ed25519.NewKeyFromSeed(seed))
}

func keyOf(private ed25519.PrivateKey) (*Key, error) {
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("make a key: %w", ErrKey)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA,
		Key: jose.JSONWebKey{Key: private, KeyID: ID(public)}}, nil)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &Key{private: private, signer: signer}, nil
}

// Public is the half that others check with.
func (k *Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// Derive gives 32 bytes for another use than signing: the same for the same purpose, and nothing that tells
// of the key.
func (k *Key) Derive(purpose string) []byte {
	derived, err := hkdf.Key(sha256.New, k.private.Seed(), nil, purpose, sha256.Size)
	if err != nil {
		panic(err) // of lengths alone, which are these
	}
	return derived
}

// String gives [redacted].
func (*Key) String() string { return "[redacted]" }

// GoString gives [redacted].
func (*Key) GoString() string { return "[redacted]" }

// LogValue gives [redacted].
func (*Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON gives "[redacted]".
func (*Key) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

// ID names a public key: its thumbprint of RFC 7638, 43 characters of base64url.
func ID(key ed25519.PublicKey) string {
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "" // of bytes that are no key: it fits none
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// Sealer keeps a key's file so that this machine alone reads it.
type Sealer interface {
	Seal(plain []byte) (sealed []byte, err error)
	Unseal(sealed []byte) (plain []byte, err error) // what is not sealed it gives back as it is
}

// plainText is the Sealer of a file that is kept as it is.
type plainText struct{}

func (plainText) Seal(plain []byte) ([]byte, error)    { return plain, nil }
func (plainText) Unseal(sealed []byte) ([]byte, error) { return sealed, nil }

// OpenKey reads the private key in a file (PKCS #8 in PEM), or makes one where there is no file. A file that
// others may read, or that holds no Ed25519 key, is an error: nothing is overwritten.
func OpenKey(path string, random io.Reader) (*Key, error) {
	return OpenSealedKey(path, random, plainText{})
}

// OpenSealedKey is OpenKey of a file that is sealed, or is to be if it is made now. A Sealer's errors are
// as it gives them.
func OpenSealedKey(path string, random io.Reader, sealer Sealer) (*Key, error) {
	// A Sealer may say that something of its own is not there: that is no reason for another key.
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return readKey(path, sealer)
	}
	k, err := NewKey(random)
	if err != nil {
		return nil, err
	}
	if err := k.write(path, sealer); err != nil {
		return nil, fmt.Errorf("keep key %s: %w", path, err)
	}
	return k, nil
}

func readKey(path string, sealer Sealer) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read key %s: %w: it is a folder, or else no regular file", path, ErrKey)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf(
			"read key %s: %w: others may read it; chmod 0600, and make a new one if they did",
			path,
			ErrKey,
		)
	}
	text, err := readSmall(path)
	if err == nil {
		text, err = sealer.Unseal(text)
	}
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", path, err)
	}
	private, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w", path, err)
	}
	return keyOf(private)
}

// CheckKey tells whether a text is what a key's file holds where it is not sealed. Errors are ErrKey.
func CheckKey(text []byte) error {
	_, err := parseKey(text)
	return err
}

func parseKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%w: it is not PEM", ErrKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: it is no Ed25519 key in PKCS #8", ErrKey)
	}
	return private, nil
}

// write makes the file as a whole or not at all: under another name, synced, linked to a name that nobody
// has.
func (k *Key) write(path string, sealer Sealer) error {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return err
	}
	text, err := sealer.Seal(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if err := errors.Join(err, os.Remove(f.Name())); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// EncodePublic writes a public key as SubjectPublicKeyInfo in PEM.
func EncodePublic(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("write public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

// ReadPublic reads one or more public keys (SubjectPublicKeyInfo in PEM) of a file: the one that is used and,
// while keys are changed, the one before or after it.
func ReadPublic(path string) ([]ed25519.PublicKey, error) {
	rest, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	keys, err := ParsePublic(rest)
	if err != nil {
		return nil, fmt.Errorf("read public key %s: %w", path, err)
	}
	return keys, nil
}

// ParsePublic is ReadPublic of a text. Errors are ErrKey.
func ParsePublic(rest []byte) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: a %s is no public Ed25519 key", ErrKey, block.Type)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no key in PEM form", ErrKey)
	}
	return keys, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, keyFileMax))
}
