package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"smiletill/payment/report/signature"
)

// maxBody bounds the data of one event, in bytes. A payment fact takes some 500; the rest is room for model
// versions.
const maxBody = 16 << 10

// ErrRow marks a row that cannot be an event.
var ErrRow = errors.New("row cannot be reported")

// Row is one fact of the outbox.
type Row struct {
	Seq       int64     // > 0, rising; not every number occurs
	ID        string    // unique per terminal: the event's id
	Kind      string    // approved, reversed or voided; or audit
	PaymentID string    // the event's subject: of an audit fact a customer or a register's key
	Time      time.Time // wall time of the fact; zero when the clock was not known
	Body      json.RawMessage
	Hash      string // the fact's link in the journal's chain; opaque here
}

// KindAudit is the kind of a fact that is no payment's: who may pay, or which register is let in, was
// changed.
const KindAudit = "audit"

// TerminalTypes is what the types of all events begin with that are about the terminal, and move no money.
const TerminalTypes = "io.smiletill.terminal."

// EventType is the CloudEvents type of a kind of fact.
func EventType(kind string) string {
	if kind == KindAudit {
		return TerminalTypes + kind + ".v1"
	}
	return "io.smiletill.payment." + kind + ".v1"
}

// EventSigner signs events with the terminal's key.
type EventSigner interface {
	SignEvent(e signature.Event) (jws string, err error)
}

// KeySigner is the EventSigner of a key.
type KeySigner struct{ Key *signature.Key }

// SignEvent signs.
func (s KeySigner) SignEvent(e signature.Event) (string, error) { return signature.Sign(s.Key, e) }

// Encode writes the row as a structured-mode CloudEvents 1.0 JSON event. The body must be a JSON object of
// strings, integers, booleans and objects of them: a fraction or a list cannot leave the terminal, so that
// neither a score nor a template can, whatever upstream got wrong. seq and hash travel as extension
// attributes; seq is a string, because the CloudEvents Integer has 32 bits. signature is the terminal's
// detached JWS over what signature.Event names. Errors are ErrRow.
func Encode(a Address, r Row, by EventSigner) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("encode row %d: %w: %w", r.Seq, ErrRow, err)
	}
	e := event.New(event.CloudEventsVersionV1)
	e.SetID(r.ID)
	e.SetSource(a.Source())
	e.SetType(EventType(r.Kind))
	e.SetSubject(r.PaymentID)
	if !r.Time.IsZero() {
		e.SetTime(r.Time.UTC())
	}
	e.SetExtension("seq", strconv.FormatInt(r.Seq, 10))
	e.SetExtension("hash", r.Hash)
	if err := e.SetData(event.ApplicationJSON, r.Body); err != nil {
		return nil, fmt.Errorf("encode row %d: %w: %w", r.Seq, ErrRow, err)
	}
	signed := signature.Event{Source: e.Source(), ID: e.ID(), Type: e.Type(), Data: r.Body}
	if !r.Time.IsZero() {
		signed.Time = types.FormatTime(r.Time.UTC())
	}
	jws, err := by.SignEvent(signed)
	if err != nil {
		return nil, fmt.Errorf("encode row %d: %w: %w", r.Seq, ErrRow, err)
	}
	e.SetExtension("signature", jws)
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("encode row %d: %w: %w", r.Seq, ErrRow, err)
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode row %d: %w: %w", r.Seq, ErrRow, err)
	}
	return payload, nil
}

func (r Row) check() error {
	switch r.Kind {
	case "approved", "reversed", "voided", KindAudit:
	default:
		return fmt.Errorf("kind %q is not a fact for the cloud", r.Kind)
	}
	switch {
	case r.Seq <= 0:
		return errors.New("seq is not positive")
	case r.ID == "" || r.PaymentID == "" || r.Hash == "":
		return errors.New("id, payment id or hash is empty")
	case len(r.Body) > maxBody:
		return fmt.Errorf("body has %d bytes, more than %d", len(r.Body), maxBody)
	}
	return checkBody(r.Body)
}

// checkBody walks the tokens of one JSON object.
func checkBody(body []byte) error {
	if t := bytes.TrimSpace(body); len(t) == 0 || t[0] != '{' {
		return errors.New("body is not a JSON object")
	}
	if !json.Valid(body) {
		return errors.New("body is not JSON")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		switch t := t.(type) {
		case json.Number:
			if strings.ContainsAny(t.String(), ".eE") {
				return errors.New("body holds a number that is not an integer")
			}
		case json.Delim:
			if t == '[' {
				return errors.New("body holds a list")
			}
		case nil:
			return errors.New("body holds a null")
		}
	}
}
