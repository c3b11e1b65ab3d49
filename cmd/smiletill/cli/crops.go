package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/rates"
)

// The crops command writes what the networks see of a folder of photos, for models/build/calibrate.py.
func cropsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "crops MODELS FACES OUT",
		Short:  "Write the networks' inputs for photos of people with one photo each, to calibrate int8 models",
		Hidden: true,
		Args:   cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := rates.WriteCrops(args[0], args[1], args[2])
			if err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "%d photos; %s now holds faces: remove it after use\n", n, args[2])
			}
			return err
		},
	}
}
