package payment

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// Join is errors.Join of what goes into one line: "; " stands between the texts.
func Join(errs ...error) error {
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return &joined{errs}
}

type joined struct{ all []error }

func (j *joined) Error() string {
	texts := make([]string, len(j.all))
	for i, err := range j.all {
		texts[i] = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return strings.Join(texts, "; ")
}

func (j *joined) Unwrap() []error { return j.all }

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint says what to do next.
func (h *hinted) Hint() string { return h.hint }
