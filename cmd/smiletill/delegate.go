package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"smiletill/device/screen"
	"smiletill/vision/edgetpu"
	"smiletill/vision/tflite"
)

// newAccelerator gives the accelerator that vision.delegate names.
func newAccelerator(delegate string, log *slog.Logger) *edgetpu.Accelerator {
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

const compiledMax = 256 << 20 // bytes, as a manifest allows

// probeCommand is what tries a delegate library in a child process, which may crash or hang with it. A
// technician can call it too.
func probeCommand() *cobra.Command {
	var library, model string
	cmd := &cobra.Command{
		Use: "delegate-probe", Hidden: true, Args: cobra.NoArgs,
		Short: "Try an accelerator's library with a compiled model",
		Long: "Load an accelerator's library, open a compiled model with it, and run it once.\n" +
			"A library of another TFLite than this program's may crash or hang: that is what this is for.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := readCompiled(model, cmd.InOrStdin())
			if err != nil {
				return err
			}
			if err := tflite.CrashPlainly(); err != nil {
				return err
			}
			if err := tryDelegate(library, data); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), edgetpu.Worked)
			return err
		},
	}
	cmd.Flags().StringVar(&library, "library", tflite.EdgeTPULibrary, "the accelerator's library, path or name")
	cmd.Flags().StringVar(&model, "model", "-", "file of the compiled model; - is the standard input")
	return cmd
}

func readCompiled(name string, stdin io.Reader) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read the compiled model: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	data, err := io.ReadAll(io.LimitReader(stdin, compiledMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the compiled model: %w", err)
	case len(data) > compiledMax:
		return nil, fmt.Errorf("read the compiled model: larger than %d MB", compiledMax>>20)
	}
	return data, nil
}

// tryDelegate opens and runs a model once. Its errors carry the verdict as the exit code, and only its
// details as their text: the parent has the words.
func tryDelegate(library string, model []byte) error {
	ip, err := openCompiled(library, model)
	var f *edgetpu.Failure
	if errors.As(err, &f) {
		said := f.Said
		if said == "" {
			said = f.Error()
		}
		return &exitError{int(f.Verdict), withHint(errors.New(said), "%s", f.Hint())}
	}
	if err := ip.Run(); err != nil {
		return &exitError{int(edgetpu.RunFailed), errors.Join(err, ip.Close())}
	}
	return ip.Close()
}

// accelerate moves the networks to the accelerator beside the payments, if it can be had.
func (p *parts) accelerate(ctx context.Context) error {
	p.accelerator.Run(ctx)
	return nil
}

func acceleratorRow(s edgetpu.State) screen.StatusRow {
	row := screen.StatusRow{Name: "accelerator", Value: s.Text, Level: screen.LevelOK, Do: s.Do}
	switch {
	case s.Phase == edgetpu.Failed, s.Do != "":
		row.Level = screen.LevelWarning
	case s.Phase == edgetpu.Starting:
		row.Level = screen.LevelUnknown
	}
	return row
}
