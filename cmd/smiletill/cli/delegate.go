package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/trial"
	"smiletill/payment"
	"smiletill/vision/edgetpu"
	"smiletill/vision/networks"
	"smiletill/vision/tflite"
)

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
			data, err := trial.ReadCompiled(model, cmd.InOrStdin())
			if err != nil {
				return err
			}
			if err := tflite.CrashPlainly(); err != nil {
				return err
			}
			if err := networks.TryDelegate(library, data); err != nil {
				return verdict(err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), edgetpu.Worked)
			return err
		},
	}
	cmd.Flags().StringVar(&library, "library", tflite.EdgeTPULibrary, "the accelerator's library, path or name")
	cmd.Flags().StringVar(&model, "model", "-", "file of the compiled model; - is the standard input")
	return cmd
}

// verdict is an error with the verdict as the exit code, and only its details as the text: the parent has the
// words.
func verdict(err error) error {
	var f *edgetpu.Failure
	if !errors.As(err, &f) {
		return err
	}
	said := f.Said
	if said == "" {
		said = f.Error()
	}
	return &exitError{int(f.Verdict), payment.WithHint(errors.New(said), f.Hint())}
}
