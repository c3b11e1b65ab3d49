package edgetpu

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Verdict is what a trial of the library found. A child process tells it by its exit code.
type Verdict int

// The verdicts of a child; the codes are clear of those of shells and of the Go runtime.
const (
	NoLibrary   Verdict = 80 + iota // the library isn't there
	BadLibrary                      // it can't be loaded, or is no delegate
	NoDevice                        // it made no delegate: no device, or not yet
	Refused                         // it failed on the model
	TookNothing                     // it left all operators of the model to the CPU
	RunFailed                       // the model failed on it
)

// The verdicts of the parent.
const (
	Crashed Verdict = 100 + iota // the child died of a signal
	Hung                         // a limit of time was over
	Odd                          // the child ended in a way that says nothing
	Differs                      // the compiled form is of another network
	Broke                        // a run failed while it was in use
)

// ofModel reports whether another model may fare better.
func (v Verdict) ofModel() bool {
	return v == Refused || v == TookNothing || v == RunFailed || v == Differs
}

// Failure is why the accelerator, or one model on it, can't be used.
type Failure struct {
	Verdict Verdict
	Library string // as it was asked for
	Said    string // details, in the words of whoever noticed; may be ""
	Output  string // the end of what the child printed; may be ""
}

func (f *Failure) Error() string {
	with := func(text string) string {
		if f.Said == "" {
			return text
		}
		return text + ": " + f.Said
	}
	switch f.Verdict {
	case NoLibrary:
		return "library not found: " + f.Library
	case BadLibrary:
		return with(f.Library + " can't be used")
	case NoDevice:
		return with("no Edge TPU answers")
	case Refused:
		return with("the Edge TPU library refuses it")
	case TookNothing:
		return "the Edge TPU library takes none of its operators"
	case RunFailed:
		return with("it failed on the Edge TPU")
	case Crashed:
		return fmt.Sprintf("the Edge TPU library crashed (%s)", f.Said)
	case Hung:
		return with("the Edge TPU library doesn't answer")
	case Broke:
		return with("a run on the Edge TPU failed")
	case Differs:
		return with("its compiled form is of another network")
	case Odd:
	}
	return with("the trial of " + filepath.Base(f.Library) + " ended strangely")
}

// Hint says what a technician can do about it.
func (f *Failure) Hint() string {
	switch f.Verdict {
	case NoLibrary:
		return "install the Edge TPU's library, or name it with its full path"
	case BadLibrary, Crashed:
		return "install the Edge TPU's library for this TensorFlow Lite, or switch the accelerator off"
	case NoDevice:
		return "check the Edge TPU's cable and power, and that this user may use it; then restart the terminal"
	case Refused, TookNothing, RunFailed, Differs:
		return "compile the model again for this Edge TPU, from the same int8 model"
	case Hung, Odd, Broke:
	}
	return "check the Edge TPU's cable and power, then restart the terminal"
}

// again reports whether waiting may help.
func again(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Verdict == NoDevice
}

// aboutModel reports whether err concerns one model only.
func aboutModel(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Verdict.ofModel()
}
