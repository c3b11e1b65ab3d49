package signature

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/gowebpki/jcs"
)

// Why a signature is refused.
var (
	// ErrSignature marks a signature that is not that of a known key over this content.
	ErrSignature = errors.New("signature does not hold")
	// ErrNoKey marks that no key is known to check with.
	ErrNoKey = errors.New("no key is known to check with")
)

// Event is what a terminal signs of an event: the attributes that say what happened.
type Event struct {
	Source string          `json:"source"`
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Time   string          `json:"time,omitempty"` // as in the event, RFC 3339
	Data   json.RawMessage `json:"data"`
}

// Ack is what the cloud signs of an acknowledgement, or of a refusal.
type Ack struct {
	Source  string `json:"source"`
	ID      string `json:"id"`
	Hash    string `json:"hash"`
	Seq     int64  `json:"seq"`
	Refused string `json:"refused,omitempty"` // why; empty for an acknowledgement
}

// Claim is what a terminal signs when it is claimed by a cloud, and when it asks for another certificate.
type Claim struct {
	Act    string `json:"claim"`            // "claim" or "renew"
	Source string `json:"source,omitempty"` // the terminal's name, where it has one already
	Of     string `json:"of"`               // SHA-256 of what was said, in base64url
}

// Canonical is the JSON of RFC 8785 of what is signed.
func Canonical[T Event | Ack | Claim](v T) ([]byte, error) {
	text, err := json.Marshal(v)
	if err == nil {
		text, err = jcs.Transform(text)
	}
	if err != nil {
		return nil, fmt.Errorf("write canonical JSON: %w", err)
	}
	return text, nil
}

// Sign gives the detached JWS (header..signature) of what is signed. The same content has the same
// signature.
func Sign[T Event | Ack | Claim](k *Key, v T) (string, error) {
	text, err := Canonical(v)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	signed, err := k.signer.Sign(text)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	jws, err := signed.DetachedCompactSerialize()
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return jws, nil
}

// Verify checks a detached JWS with the keys that may have signed it. Errors: ErrNoKey,
// ErrSignature.
func Verify[T Event | Ack | Claim](keys []ed25519.PublicKey, v T, jws string) error {
	if len(keys) == 0 {
		return fmt.Errorf("check signature: %w", ErrNoKey)
	}
	text, err := Canonical(v)
	if err != nil {
		return fmt.Errorf("check signature: %w: %w", ErrSignature, err)
	}
	signed, err := jose.ParseDetached(jws, text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return fmt.Errorf("check signature: %w: %w", ErrSignature, err)
	}
	if len(signed.Signatures) != 1 {
		return fmt.Errorf("check signature: %w: %d signatures", ErrSignature, len(signed.Signatures))
	}
	for _, key := range keys {
		if signed.Signatures[0].Header.KeyID != ID(key) {
			continue
		}
		if _, err := signed.Verify(key); err != nil {
			return fmt.Errorf("check signature: %w: %w", ErrSignature, err)
		}
		return nil
	}
	return fmt.Errorf("check signature: %w: by a key that is not known here", ErrSignature)
}
