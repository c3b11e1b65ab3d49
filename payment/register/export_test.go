package register

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
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

// SetRoom makes the file of records hold less.
func (r *Records) SetRoom(messages, bytes int64) { r.room = room{messages, bytes} }

// Held is what is counted in the file of records.
func (r *Records) Held(t *testing.T) (messages, bytes int64) {
	t.Helper()
	row := r.db.QueryRowContext(t.Context(), `SELECT messages, bytes FROM held`)
	if err := row.Scan(&messages, &bytes); err != nil {
		t.Fatal(err)
	}
	return messages, bytes
}

// AsBefore makes a file of records what the program before 2026-12 made.
func AsBefore(t *testing.T, path string) {
	t.Helper()
	inFile(t, path, func(db *sql.DB) error {
		_, err := db.ExecContext(t.Context(), `DROP TABLE sale; DROP TABLE held; DROP TRIGGER held_insert;
			DROP TRIGGER held_delete; DROP TRIGGER held_update; DROP INDEX message_worth;
			ALTER TABLE message DROP COLUMN answer`)
		return err
	})
}

// Version is that of a file of records.
func Version(t *testing.T, path string) (version int) {
	t.Helper()
	inFile(t, path, func(db *sql.DB) error {
		return db.QueryRowContext(t.Context(), `PRAGMA user_version`).Scan(&version)
	})
	return version
}

func inFile(t *testing.T, path string, do func(db *sql.DB) error) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := do(db); err != nil {
		t.Fatal(err)
	}
}

// RenewUntil renews a certificate, or makes one, until the power is cut before its nth step, from 0. It tells
// whether it came to its end.
func RenewUntil(t *testing.T, certFile, keyFile string, n int) (whole bool) {
	t.Helper()
	cut := errors.New("the power is cut")
	step := func(do func() error) error {
		if n--; n == -1 {
			return cut
		}
		return do()
	}
	p := pair{cert: certFile, key: keyFile,
		replace: func(path string, data []byte) error {
			return step(func() error { return replaceFile(path, data) })
		},
		rename: func(from, to string) error { return step(func() error { return renameFile(from, to) }) }}
	err := p.renew("POI", nil)
	if err != nil && !errors.Is(err, cut) {
		t.Fatal(err)
	}
	return err == nil
}

// RefusedMax is how many refusals are remembered that could not be noted.
const RefusedMax = refusedMax

// Crowd has a server remember n refusals, and tells whether it knows the first and the last, and how many it
// keeps.
func Crowd(s *Server, n int) (oldest, newest bool, kept int) {
	name := func(i int) Header {
		return Header{MessageCategory: CategoryPayment, SaleID: "s", ServiceID: fmt.Sprint(i)}
	}
	for i := range n {
		s.refused.keep("", name(i), Response{Result: Failure})
	}
	_, oldest = s.refused.find("", referTo(Record{Header: name(0)}))
	_, newest = s.refused.find("", referTo(Record{Header: name(n - 1)}))
	return oldest, newest, len(s.refused.known)
}
