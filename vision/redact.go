package vision

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Embedding is a vector of length 1 that tells people apart. It is biometric data: however it is printed,
// logged or marshalled, it reads [redacted].
type Embedding []float32

// String returns [redacted].
func (Embedding) String() string { return redacted }

// Format writes [redacted] for every verb.
func (Embedding) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue returns [redacted].
func (Embedding) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[redacted]".
func (Embedding) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Format writes the kind alone: a Visit holds the embeddings of a person.
func (*Visit) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "vision.Visit "+redacted) }

// LogValue returns [redacted].
func (*Visit) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format writes the kind alone: a Pipeline holds the last frame's face.
func (*Pipeline) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "vision.Pipeline "+redacted) }

// LogValue returns [redacted].
func (*Pipeline) LogValue() slog.Value { return slog.StringValue(redacted) }
