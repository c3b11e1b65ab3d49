package tflite

import (
	"errors"
	"fmt"
)

// Options say how a model runs.
type Options struct {
	Threads int  // threads for one Run, 1..64; 0 means 1
	XNNPACK bool // use the XNNPACK kernels, signed and unsigned 8-bit ones included
	// Delegate is offered the model's operators before XNNPACK is; nil for none. One that needs tensors of
	// fixed size leaves the rest to the slow reference kernels.
	Delegate *Library
	Want     Want // what the model must be; the zero Want takes any
}

// ErrNotBuilt is returned by Open in a binary that was built without TensorFlow Lite.
var ErrNotBuilt = &Error{
	Err:    errors.New("tflite: this binary was built without TensorFlow Lite"),
	Advice: "build it with cgo and without the tag notflite: make build",
}

// ErrModel marks bytes that are not a model this runtime can run; errors.Is tells.
var ErrModel = errors.New("not a usable TFLite model")

// ErrClosed is returned by Run after Close.
var ErrClosed = errors.New("interpreter is closed")

// Error is an error with advice for the operator.
type Error struct {
	Err    error
	Advice string
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error without its advice.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what the operator can do about it.
func (e *Error) Hint() string { return e.Advice }

const (
	maxThreads = 64
	minModel   = 64      // bytes; smaller than the smallest flatbuffer with one operator
	maxValues  = 1 << 26 // values in one tensor (256 MB of float32): more is a broken shape
)

func badModel(format string, args ...any) error {
	return &Error{
		Err: fmt.Errorf("tflite: open model: "+format+": %w", append(args, ErrModel)...),
		Advice: "the model file is damaged or is not for this terminal: name another one, or use the built-in " +
			"models",
	}
}

// check looks at what can be judged without the runtime: length and file identifier (bytes 4..8, "TFL3").
func check(model []byte, o Options) error {
	if o.Threads < 0 || o.Threads > maxThreads {
		return fmt.Errorf("tflite: open model: %d threads, want 0 to %d", o.Threads, maxThreads)
	}
	if len(model) < minModel {
		return badModel("%d bytes, want at least %d", len(model), minModel)
	}
	if id := string(model[4:8]); id != "TFL3" {
		return badModel("file identifier %q, want \"TFL3\"", id)
	}
	return nil
}
