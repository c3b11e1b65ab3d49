package wiring

import (
	"errors"
	"fmt"
)

// hinted is an error with advice for an operator.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// Hint says what to do about the error.
func (e hinted) Hint() string { return e.hint }

func withHint(err error, format string, args ...any) error {
	return hinted{err, fmt.Sprintf(format, args...)}
}

// hintOf is an error's advice, or "".
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
