package networks

import (
	"errors"
	"log/slog"
	"strings"

	"smiletill/vision/edgetpu"
	"smiletill/vision/tflite"
)

// NewAccelerator gives the accelerator that vision.delegate names.
func NewAccelerator(delegate string, log *slog.Logger) *edgetpu.Accelerator {
	library := delegate
	switch delegate {
	case "off":
		library = ""
	case "auto":
		library = tflite.EdgeTPULibrary
	}
	child := edgetpu.Child{ // this very program, also when its file has been replaced
		Argv:    []string{"/proc/self/exe", "delegate-probe", "--library", library, "--model", "-"},
		Library: library, Runtime: "TFLite " + tflite.Version(),
	}
	return edgetpu.New(edgetpu.Options{
		Library: library, Wanted: delegate != "auto", Log: log.With("room", "vision"), Probe: child.Probe,
		Open: func(model []byte) (edgetpu.Compiled, error) {
			ip, err := openCompiled(library, model)
			if err != nil {
				return nil, err // not ip: a nil pointer in an interface is not nil
			}
			return ip, nil
		},
	})
}

// openCompiled opens a compiled model with a delegate library. Its errors are a *edgetpu.Failure.
func openCompiled(library string, model []byte) (*tflite.Interpreter, error) {
	fail := func(v edgetpu.Verdict, said string) error {
		return &edgetpu.Failure{Verdict: v, Library: library, Said: said}
	}
	l, err := tflite.OpenLibrary(library)
	switch {
	case errors.Is(err, tflite.ErrNoLibrary):
		return nil, fail(edgetpu.NoLibrary, "")
	case err != nil:
		return nil, fail(edgetpu.BadLibrary, plainly(err))
	}
	ip, err := tflite.Open(model, tflite.Options{Threads: 1, XNNPACK: true, Delegate: l})
	switch {
	case errors.Is(err, tflite.ErrNoDevice):
		return nil, fail(edgetpu.NoDevice, plainly(err))
	case err != nil:
		return nil, fail(edgetpu.Refused, plainly(err))
	}
	if taken, _ := ip.Delegated(); taken == 0 {
		_ = ip.Close() // it was only a question
		return nil, fail(edgetpu.TookNothing, "")
	}
	return ip, nil
}

// plainly is what an error of the runtime adds to the verdict.
func plainly(err error) string {
	text := err.Error()
	for _, known := range []string{
		"tflite: open delegate: ", "tflite: open model: ",
		tflite.ErrNoDevice.Error() + ": ", tflite.ErrRefused.Error() + ": ",
	} {
		text = strings.TrimPrefix(text, known)
	}
	return strings.TrimSuffix(text, ": "+tflite.ErrLibrary.Error())
}

// TryDelegate opens a compiled model with a delegate library and runs it once. Its errors are a
// *edgetpu.Failure. The library may crash or hang the process: this is for a child.
func TryDelegate(library string, model []byte) error {
	ip, err := openCompiled(library, model)
	if err != nil {
		return err
	}
	if err := ip.Run(); err != nil {
		return &edgetpu.Failure{Verdict: edgetpu.RunFailed, Library: library,
			Said: errors.Join(err, ip.Close()).Error()}
	}
	return ip.Close()
}
