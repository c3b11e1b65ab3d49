package register

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"time"
)

// DigestOf is what a record says of a message's content.
func DigestOf(parts ...string) [32]byte { return digest(parts...) }

// SealRequest is a request of the register "POS 1 (front)", sealed.
func SealRequest(k *Key, poiID string, q Request) Request {
	q.Header = Header{ProtocolVersion: protocolVersion, MessageClass: classService, MessageType: typeRequest,
		MessageCategory: q.Header.MessageCategory, ServiceID: q.Header.ServiceID, SaleID: "POS 1 (front)",
		POIID: poiID}
	plain, err := json.Marshal(message{Request: &q})
	if err != nil {
		panic(err)
	}
	sealed := Request{Header: q.Header}
	if sealed.NexoBlob, sealed.SecurityTrailer, err = k.seal(plain, rand.Reader); err != nil {
		panic(err)
	}
	return sealed
}

// Open opens a sealed blob.
func (k *Key) Open(blob string, t SecurityTrailer) ([]byte, error) { return k.open(blob, t) }

// Seal seals a plaintext, each time alike.
func (k *Key) Seal(plain []byte) (string, SecurityTrailer) {
	blob, t, err := k.seal(plain, bytes.NewReader(make([]byte, ivBytes)))
	if err != nil {
		panic(err)
	}
	return blob, *t
}

// CheckJSON is the check before encoding/json reads a body.
func CheckJSON(body []byte) error { return checkJSON(body) }

// SetPause shortens the pause between two attempts.
func (n *Notifier) SetPause(d time.Duration) { n.pause = d }
