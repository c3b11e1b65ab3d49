package payment

import (
	"errors"
	"fmt"
)

// WithHint attaches to an error what an operator can do about it. The text of the error and errors.Is
// stay as they are; HintOf finds the advice. A nil error stays nil.
func WithHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, hint}
}

// WithHintf is WithHint with advice as fmt.Sprintf writes it.
func WithHintf(err error, format string, args ...any) error {
	return WithHint(err, fmt.Sprintf(format, args...))
}

// HintOf is the advice of the outermost error that carries one, whichever package made it, or "".
func HintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint says what to do next.
func (h *hinted) Hint() string { return h.hint }
