package register

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the protocol's key derivation
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// ErrSealed marks a sealed message that can't be opened. It says the same of a wrong passphrase, a damaged
// blob and bad padding: which of them it was would help only an attacker.
var ErrSealed = errors.New("message can't be opened")

// Key derivation of the protocol's sealed messages.
const (
	kdfSalt   = "AdyenNexoV1Salt"
	kdfRounds = 4000
	hmacBytes = 32
	aesBytes  = 32
	ivBytes   = aes.BlockSize
	keyBytes  = hmacBytes + aesBytes + ivBytes

	cryptoVersion = 1
)

// Key seals and opens messages of one register: 80 bytes derived from a passphrase. It does not print.
type Key struct {
	ID       string // KeyIdentifier
	Version  int    // KeyVersion
	material [keyBytes]byte
}

// DeriveKey makes the key of a passphrase: PBKDF2-HMAC-SHA1.
func DeriveKey(id string, version int, passphrase string) (*Key, error) {
	derived, err := pbkdf2.Key(sha1.New, passphrase, []byte(kdfSalt), kdfRounds, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("derive a register's key: %w", err)
	}
	k := &Key{ID: id, Version: version}
	copy(k.material[:], derived)
	return k, nil
}

// String gives [redacted].
func (*Key) String() string { return "[redacted]" }

// GoString gives [redacted].
func (*Key) GoString() string { return "[redacted]" }

// LogValue gives [redacted].
func (*Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// MarshalJSON gives "[redacted]".
func (*Key) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

func (k *Key) mac(plain []byte) []byte {
	m := hmac.New(sha256.New, k.material[:hmacBytes])
	m.Write(plain)
	return m.Sum(nil)
}

// cbc gives the cipher's parts for a nonce of 16 bytes.
func (k *Key) cbc(nonce []byte) (cipher.Block, []byte, error) {
	block, err := aes.NewCipher(k.material[hmacBytes : hmacBytes+aesBytes])
	iv := make([]byte, ivBytes)
	for i := range iv {
		iv[i] = k.material[hmacBytes+aesBytes+i] ^ nonce[i]
	}
	return block, iv, err
}

// seal encrypts a whole message. random gives the nonce.
func (k *Key) seal(plain []byte, random io.Reader) (blob string, trailer *SecurityTrailer, err error) {
	nonce := make([]byte, ivBytes)
	if _, err := io.ReadFull(random, nonce); err != nil {
		return "", nil, fmt.Errorf("seal message: %w", err)
	}
	block, iv, err := k.cbc(nonce)
	if err != nil {
		return "", nil, fmt.Errorf("seal message: %w", err)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return base64.StdEncoding.EncodeToString(padded), &SecurityTrailer{
		CryptoVersion: cryptoVersion, KeyIdentifier: k.ID, KeyVersion: k.Version,
		Nonce: base64.StdEncoding.EncodeToString(nonce),
		HMAC:  base64.StdEncoding.EncodeToString(k.mac(plain)),
	}, nil
}

// open decrypts a message. Errors are ErrSealed.
func (k *Key) open(blob string, t SecurityTrailer) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(blob)
	nonce, nonceErr := base64.StdEncoding.DecodeString(t.Nonce)
	want, macErr := base64.StdEncoding.DecodeString(t.HMAC)
	switch {
	case errors.Join(err, nonceErr, macErr) != nil:
		return nil, fmt.Errorf("%w: NexoBlob, Nonce and Hmac must be base64", ErrSealed)
	case t.CryptoVersion != cryptoVersion:
		return nil, fmt.Errorf("%w: AdyenCryptoVersion must be %d", ErrSealed, cryptoVersion)
	case len(nonce) != ivBytes || len(want) != hmacBytes:
		return nil, fmt.Errorf("%w: Nonce has 16 bytes and Hmac 32", ErrSealed)
	case len(data) == 0 || len(data)%aes.BlockSize != 0:
		return nil, fmt.Errorf("%w: NexoBlob is cut short", ErrSealed)
	}
	block, iv, err := k.cbc(nonce)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	// The HMAC is over the plaintext, so the padding has to be believed first. Whatever it says, an HMAC is
	// computed over as many bytes as are there, and the answer is the same.
	plain := data
	pad := int(data[len(data)-1])
	padded := pad >= 1 && pad <= aes.BlockSize &&
		bytes.Equal(data[len(data)-pad:], bytes.Repeat([]byte{byte(pad)}, pad))
	if padded {
		plain = data[:len(data)-pad]
	}
	if !hmac.Equal(k.mac(plain), want) || !padded {
		return nil, fmt.Errorf("%w: the passphrase is another one, or the message was damaged", ErrSealed)
	}
	return plain, nil
}

// openRequest opens a sealed request and holds the header inside against the one outside, which nothing
// protects. No request: it could not be opened. A request with an error: it was, and can't be met; what could
// not be read of its header is as outside.
func (k *Key) openRequest(outer *Request) (*Request, error) {
	plain, err := k.open(outer.NexoBlob, *outer.SecurityTrailer)
	if err != nil {
		return nil, err
	}
	inner, err := parse(plain)
	switch {
	case inner == nil:
		return &Request{Header: outer.Header}, fmt.Errorf("in the NexoBlob: %w", err)
	case err == nil && inner.Header != outer.Header:
		err = &fieldError{path: "MessageHeader", what: "the header outside differs from the sealed one",
			send: "send the same in both"}
	}
	return inner, err
}

// sealReply puts a reply under a key; its header stays readable.
func (k *Key) sealReply(r Reply, random io.Reader) (Reply, error) {
	plain, err := json.Marshal(message{Reply: &r})
	if err != nil {
		return Reply{}, fmt.Errorf("seal reply: %w", err)
	}
	sealed := Reply{Header: r.Header}
	sealed.NexoBlob, sealed.SecurityTrailer, err = k.seal(plain, random)
	return sealed, err
}
