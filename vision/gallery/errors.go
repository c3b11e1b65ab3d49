package gallery

import (
	"errors"
	"fmt"
)

// What can go wrong, for errors.Is. The errors themselves say more, and their method Hint what to do.
var (
	ErrInUse           = errors.New("gallery is in use by another process")
	ErrClosed          = errors.New("gallery is closed")
	ErrLocked          = errors.New("gallery is locked")
	ErrFull            = errors.New("gallery is full")
	ErrUnsafe          = errors.New("others may read it")
	ErrKeyMissing      = errors.New("the key is missing")
	ErrKeyDamaged      = errors.New("the key is damaged")
	ErrOtherKey        = errors.New("sealed with another key")
	ErrOtherModel      = errors.New("enrolled with another embedding model")
	ErrDamaged         = errors.New("record is damaged")
	ErrName            = errors.New("name won't do")
	ErrTemplates       = errors.New("templates won't do")
	ErrDisagree        = errors.New("templates disagree: not one person, or blurred pictures")
	ErrOtherFace       = errors.New("not the face that is enrolled")
	ErrIncomparable    = errors.New("nothing here compares it with the face of another model")
	ErrAlreadyEnrolled = errors.New("already enrolled")
	ErrNameTaken       = fmt.Errorf("%w", ErrAlreadyEnrolled) // under this name; else it is the face
	ErrUnknownCustomer = errors.New("no such customer")
	ErrSmile           = errors.New("smile makes no sense")
)

// hinted is an error that an operator meets: it carries what to do next.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }

// Hint says what to do next.
func (e *hinted) Hint() string { return e.hint }

func hint(err error, hint string) error { return &hinted{err, hint} }
