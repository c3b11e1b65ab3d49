package report

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"smiletill/payment/report/signature"
)

// maxAck bounds an acknowledgement, in bytes: an id, a hash, a number and an Ed25519 JWS are below 1 KiB.
const maxAck = 4 << 10

// ErrAck marks an acknowledgement that cannot be read.
var ErrAck = errors.New("bad acknowledgement")

// ErrForged is what an AckVerifier wraps when the signature is not the cloud's.
var ErrForged = errors.New("acknowledgement is not signed by the cloud")

// Ack is the cloud's word that it committed the event ID of a terminal, sent after that commit only; or, with
// Refused, that it never will.
type Ack struct {
	ID      string `json:"id"`
	Hash    string `json:"hash"`
	Seq     int64  `json:"seq"`
	Refused string `json:"refused,omitempty"` // why the event is not taken; empty: it is
	Sig     string `json:"sig,omitempty"`     // the cloud's detached JWS over what signature.Ack names
}

// ParseAck reads an acknowledgement. Members that it does not know are allowed, for a cloud newer than the
// terminal.
func ParseAck(payload []byte) (Ack, error) {
	if len(payload) > maxAck {
		return Ack{}, fmt.Errorf("parse acknowledgement: %w: %d bytes, more than %d", ErrAck, len(payload), maxAck)
	}
	var a Ack
	if err := json.Unmarshal(payload, &a); err != nil {
		return Ack{}, fmt.Errorf("parse acknowledgement: %w: %w", ErrAck, err)
	}
	if a.ID == "" || a.Hash == "" || a.Seq <= 0 {
		return Ack{}, fmt.Errorf("parse acknowledgement: %w: id, hash or seq is missing", ErrAck)
	}
	return a, nil
}

// Signed is what the signature of an acknowledgement for a terminal is over.
func (a Ack) Signed(source string) signature.Ack {
	return signature.Ack{Source: source, ID: a.ID, Hash: a.Hash, Seq: a.Seq, Refused: a.Refused}
}

// AckVerifier decides whether an acknowledgement for the terminal with this source comes from the cloud. It
// returns nil or an error that wraps ErrForged. It must not wait for anything.
type AckVerifier interface {
	VerifyAck(source string, a Ack) error
}

// Renewer is an AckVerifier whose keys may change: it is told to look, at each connection and about once a
// second, on Run's goroutine.
type Renewer interface{ Renew() }

// CloudKeys is the AckVerifier that knows the cloud's public keys. Without any it believes nobody.
type CloudKeys []ed25519.PublicKey

// VerifyAck checks the signature.
func (k CloudKeys) VerifyAck(source string, a Ack) error {
	if err := signature.Verify(k, a.Signed(source), a.Sig); err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	return nil
}
