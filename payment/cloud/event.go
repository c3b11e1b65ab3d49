package cloud

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// maxEvent bounds one message, in bytes: the terminal's own bound for the data is 16 KiB.
const maxEvent = 64 << 10

// ErrEvent marks a message that is not an event of the terminal whose topic it came on.
var ErrEvent = errors.New("not a payment event")

// Event is one fact as received: of a payment, or about the terminal.
type Event struct {
	Address   report.Address
	Source    string
	ID        string
	Type      string
	PaymentID string    // the event's subject: not a payment's when OfTerminal says so
	Time      time.Time // the terminal's wall time; zero when it had none
	Seq       int64
	Hash      string
	Data      json.RawMessage
	Payload   []byte // the message, byte for byte
	Signature string // the terminal's detached JWS, checked by the Receiver
	Received  time.Time
	Duplicate bool // committed before
	digest    [sha256.Size]byte
}

// OfTerminal says that an event is about the terminal and moves no money: who may pay was changed, or which
// register is let in. Of a newer terminal it may be about something that this program doesn't know.
func (e *Event) OfTerminal() bool { return strings.HasPrefix(e.Type, report.TerminalTypes) }

// Decode reads and validates one message of a payment topic. Errors are ErrEvent.
func Decode(topic string, payload []byte) (Event, error) {
	fail := func(err error) (Event, error) {
		return Event{}, fmt.Errorf("decode event on %q: %w: %w", topic, ErrEvent, err)
	}
	a, channel, err := report.ParseTopic(topic)
	if err != nil {
		return fail(err)
	}
	if channel != report.ChannelPayment {
		return fail(errors.New("another channel"))
	}
	if len(payload) > maxEvent {
		return fail(fmt.Errorf("%d bytes, more than %d", len(payload), maxEvent))
	}
	var e ce.Event
	if err := json.Unmarshal(payload, &e); err != nil {
		return fail(err)
	}
	if err := e.Validate(); err != nil {
		return fail(err)
	}
	out := Event{
		Address: a, Source: e.Source(), ID: e.ID(), Type: e.Type(), PaymentID: e.Subject(), Time: e.Time(),
		Data: e.Data(), Payload: bytes.Clone(payload),
	}
	if err := out.read(e); err != nil {
		return fail(err)
	}
	if out.digest, err = out.sum(); err != nil {
		return fail(err)
	}
	return out, nil
}

// read takes the extension attributes and checks what the specification leaves open.
func (e *Event) read(from ce.Event) error {
	known := []string{report.EventType("approved"), report.EventType("reversed"), report.EventType("voided")}
	switch {
	case from.SpecVersion() != ce.CloudEventsVersionV1:
		return fmt.Errorf("specversion %q", from.SpecVersion())
	case e.Source != e.Address.Source():
		return fmt.Errorf("source %q is not the topic's terminal", e.Source)
	case !slices.Contains(known, e.Type) && !e.OfTerminal():
		return fmt.Errorf("unknown type %q", e.Type)
	case e.PaymentID == "":
		return errors.New("no subject")
	case from.DataContentType() != ce.ApplicationJSON:
		return fmt.Errorf("datacontenttype %q", from.DataContentType())
	case len(e.Data) == 0 || e.Data[0] != '{':
		return errors.New("data is not an object")
	}
	seq, _ := from.Extensions()["seq"].(string)
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil || n <= 0 {
		return fmt.Errorf("seq %q is not a positive number in a string", seq)
	}
	hash, _ := from.Extensions()["hash"].(string)
	if hash == "" {
		return errors.New("no hash")
	}
	e.Seq, e.Hash = n, hash
	e.Signature, _ = from.Extensions()["signature"].(string)
	return nil
}

// signed is what the terminal's signature is over.
func (e *Event) signed() signature.Event {
	s := signature.Event{Source: e.Source, ID: e.ID, Type: e.Type, Data: e.Data}
	if !e.Time.IsZero() {
		s.Time = types.FormatTime(e.Time.UTC())
	}
	return s
}

// sum is SHA-256 over the canonical form of what the terminal signs.
func (e *Event) sum() ([sha256.Size]byte, error) {
	canonical, err := signature.Canonical(e.signed())
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(canonical), nil
}
