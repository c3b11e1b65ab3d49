package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/flash"
	"smiletill/cmd/smiletill/setup"
)

func flashCommand() *cobra.Command {
	var words setup.Words
	var job flash.Job
	var yes bool
	cmd := &cobra.Command{
		Use: "flash IMAGE DEVICE", GroupID: "tech",
		Short: "Write a card's image, compare it, and put first settings on it",
		Long: "Write a card's image (.img, also compressed with xz, zstd or gzip) on a card, read it back and\n" +
			"compare it, then put first settings into its first partition. The disk that this machine runs\n" +
			"from, disks that are in use and single partitions are refused; what is erased is shown and asked\n" +
			"about. IMAGE.sha256, SHA256SUMS or the manifest beside the image is held against it first.\n\n" +
			"The Wi-Fi's password is asked for, or read from --wifi-password-file or from the variable\n" +
			setup.PasswordVariable + "; it is never an argument, which others on this machine could see.",
		Example: "  sudo smiletill flash smiletill-pi4.img.xz /dev/sdb\n" +
			"  sudo smiletill flash smiletill-pi4.img.xz /dev/sdb --name acme/berlin-1/till-3 --wifi Shop\n" +
			"  smiletill flash smiletill-pi4.img.xz card.img --file --yes --name acme/berlin-1/till-3",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, errs := cmd.InOrStdin(), cmd.ErrOrStderr()
			s, err := words.Settings(in, errs)
			if err != nil {
				return err
			}
			job.Image, job.Device, job.Step = args[0], args[1], flash.Steps(errs)
			if len(s.Lines()) > 0 {
				job.Files = []flash.File{{Name: setup.FileName, Data: s.Text()}}
			}
			for _, f := range s.Files {
				job.Files = append(job.Files, flash.File(f))
			}
			job.Agreed = func(d flash.Disk) (bool, error) { return flash.Ask(cmd.Context(), in, errs, d) }
			if yes {
				job.Agreed = func(d flash.Disk) (bool, error) { fmt.Fprintf(errs, "%s is erased\n", d); return true, nil }
			}
			r, err := flash.Do(cmd.Context(), job)
			if err != nil {
				return err
			}
			return r.Write(cmd.OutOrStdout(), s.Lines())
		},
	}
	flags := cmd.Flags()
	words.Flags(flags)
	flags.BoolVar(&yes, "yes", false, "erase without asking: for scripts")
	flags.BoolVar(&job.Plain, "file", false, "DEVICE is a plain file")
	return cmd
}
