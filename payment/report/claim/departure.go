package claim

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"

	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// ErasedType is the type of the receipt of a terminal that was erased, and Decommissioned what its data say
// under "what" where the terminal leaves service: only then it is a Departure too.
const (
	ErasedType     = "io.smiletill.terminal.erased.v1"
	Decommissioned = "decommission"
)

// Departure is a terminal that leaves service: the receipt of what is erased of it, signed with its key.
type Departure struct {
	Source    string          `json:"source"`
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Time      string          `json:"time"`
	Data      json.RawMessage `json:"data"`
	Signature string          `json:"signature"`
}

// Verify tells whether one of these keys signed it as it is.
func (d Departure) Verify(keys []ed25519.PublicKey) error {
	return signature.Verify(keys, signature.Event{Source: d.Source, ID: d.ID, Type: d.Type, Time: d.Time,
		Data: d.Data}, d.Signature)
}

// ParseDeparture reads a Departure, and whose it is. Errors are ErrMessage.
func ParseDeparture(text []byte) (d Departure, of report.Address, err error) {
	if err := read(text, &d); err != nil {
		return d, of, fmt.Errorf("read a departure: %w", err)
	}
	if of, err = report.ParseSource(d.Source); err != nil {
		return d, of, fmt.Errorf("read a departure: %w: %w", ErrMessage, err)
	}
	var said struct{ What string }
	if err := json.Unmarshal(d.Data, &said); err != nil || d.Type != ErasedType || said.What != Decommissioned {
		return d, of, fmt.Errorf("read a departure: %w: it is of type %q and says %q", ErrMessage, d.Type,
			said.What)
	}
	return d, of, nil
}
