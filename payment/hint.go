package payment

// WithHint attaches to an error what an operator can do about it. The text of the error and errors.Is
// stay as they are; the advice is found by errors.As(err, &interface{ Hint() string }). A nil error
// stays nil.
func WithHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hinted{err, hint}
}

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Hint says what to do next.
func (h *hinted) Hint() string { return h.hint }
