package tflite

import (
	"errors"
	"fmt"
)

// EdgeTPULibrary is the name of the Edge TPU's delegate plug-in (libedgetpu, tflite/public/BUILD).
const EdgeTPULibrary = "libedgetpu.so.1"

// The entry points of a delegate plug-in (tensorflow/lite/delegates/external/external_delegate.cc).
const (
	createSymbol  = "tflite_plugin_create_delegate"
	destroySymbol = "tflite_plugin_destroy_delegate"
)

// What can be wrong with a delegate plug-in; errors.Is tells.
var (
	ErrNoLibrary = errors.New("library not found")                     // by OpenLibrary
	ErrLibrary   = errors.New("not a usable delegate library")         // by OpenLibrary
	ErrNoDevice  = errors.New("the delegate library made no delegate") // by Open: no device, or not yet
	ErrRefused   = errors.New("the delegate failed on the model")      // by Open
)

func noLibrary(path string) error {
	return &Error{
		Err:    fmt.Errorf("tflite: open delegate: %w: %s", ErrNoLibrary, path),
		Advice: "install the accelerator's library, or name it with its full path",
	}
}

func badLibrary(format string, args ...any) error {
	return &Error{
		Err:    fmt.Errorf("tflite: open delegate: "+format+": %w", append(args, ErrLibrary)...),
		Advice: "install the accelerator's library for this machine and this TensorFlow Lite",
	}
}

func noDevice(said string) error {
	return &Error{
		Err:    fmt.Errorf("tflite: open model: %w: %s", ErrNoDevice, said),
		Advice: "plug the accelerator in; this user must be allowed to use it",
	}
}

func refused() error {
	return &Error{
		Err:    fmt.Errorf("tflite: open model: %w", ErrRefused),
		Advice: "compile the model for this accelerator and its library",
	}
}
