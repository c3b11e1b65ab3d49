package gallery

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// masterKey is the secret that every other key is derived from.
type masterKey [32]byte

// template is one face embedding, L2-normalised.
type template []float32

// Format answers every verb, %x and %#v too, which String alone would not.

func (masterKey) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) } //nolint:errcheck // fmt's own
func (masterKey) String() string               { return redacted }
func (masterKey) GoString() string             { return redacted }
func (masterKey) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (masterKey) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

func (template) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) } //nolint:errcheck // fmt's own
func (template) String() string               { return redacted }
func (template) GoString() string             { return redacted }
func (template) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (template) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

func (mark) String() string               { return redacted }
func (mark) GoString() string             { return redacted }
func (mark) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// A Gallery holds both in fields that fmt would print by reflection, without asking them.

func (*Gallery) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) } //nolint:errcheck // fmt's own
func (*Gallery) String() string               { return redacted }
func (*Gallery) GoString() string             { return redacted }
func (*Gallery) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (*Gallery) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// String gives the pseudonym: a name gets into no log by accident.
func (c Customer) String() string { return c.ID }

// GoString gives the pseudonym.
func (c Customer) GoString() string { return c.ID }

// LogValue gives the pseudonym.
func (c Customer) LogValue() slog.Value { return slog.StringValue(c.ID) }
