package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// maxAck bounds an acknowledgement, in bytes: an id, a hash, a number and an Ed25519 JWS are below 1 KiB.
const maxAck = 4 << 10

// ErrAck marks an acknowledgement that cannot be read.
var ErrAck = errors.New("bad acknowledgement")

// ErrForged is what an AckVerifier wraps when the signature is not the cloud's.
var ErrForged = errors.New("acknowledgement is not signed by the cloud")

// Ack is the cloud's word that it committed the event ID of a terminal. It is sent after that commit only.
type Ack struct {
	ID   string `json:"id"`
	Hash string `json:"hash"`
	Seq  int64  `json:"seq"`
	Sig  string `json:"sig,omitempty"` // over source, id, hash and seq; empty while unsigned
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

// AckVerifier decides whether an acknowledgement for the terminal with this source comes from the cloud. It
// returns nil or an error that wraps ErrForged. It must not wait for anything.
type AckVerifier interface {
	VerifyAck(source string, a Ack) error
}

// AcceptUnsigned is the AckVerifier that verifies nothing: whoever may publish to the ack topic can close
// rows. It says so in the log, once. It stands where the verification of Ed25519 signatures will.
type AcceptUnsigned struct {
	log  *slog.Logger
	once sync.Once
}

// NewAcceptUnsigned makes the choice explicit at the place that makes it.
func NewAcceptUnsigned(log *slog.Logger) *AcceptUnsigned { return &AcceptUnsigned{log: log} }

// VerifyAck accepts.
func (v *AcceptUnsigned) VerifyAck(source string, _ Ack) error {
	v.once.Do(func() {
		v.log.Warn("acknowledgements are accepted without a signature: only the broker's access rules guard them",
			"source", source)
	})
	return nil
}
