package cli

import (
	"cmp"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/backup"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/reporting"
	"smiletill/cmd/smiletill/vault"
)

func backupCommand(a *app) *cobra.Command {
	var faces bool
	cmd := &cobra.Command{
		Use: "backup FILE", GroupID: "tech", Short: "Write what the terminal knows into a sealed file",
		Long: "Write journal, PINs, keys, paired registers and settings, as they are at one moment, into FILE,\n" +
			"sealed to the recovery key: whoever has the file has nothing without its 24 words. The terminal may\n" +
			"run. Customers' faces are in it with --faces alone.",
		Example: "  sudo smiletill backup key\n  sudo smiletill backup /media/stick/till-3.backup",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return backup.Do(cmd.Context(), cmd.OutOrStdout(), args[0], backup.Source{Data: cfg.Paths.DataDir,
				Gallery: cfg.GalleryDir(), Settings: cmp.Or(a.configPath, config.SystemFile),
				Terminal: reporting.Address(cfg).Source(), Program: "smiletill " + a.version, Faces: faces,
				Vault: vault.Of(cfg)})
		},
	}
	cmd.Flags().BoolVar(&faces, "faces", false, "with customers' faces and the key that opens them")
	bindHidden(cmd)
	var again bool
	key := &cobra.Command{
		Use: "key", Short: "Make the recovery key, and show its 24 words: once", Args: cobra.NoArgs,
		Long: "Make the key that backups are sealed to. Its 24 words are shown now and kept nowhere: write them\n" +
			"on paper, and keep that where the terminal and the backups are not. Without them no backup opens.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return backup.ShowKey(cmd.OutOrStdout(), cmd.ErrOrStderr(), cfg.Paths.DataDir, again)
		},
	}
	key.Flags().BoolVar(&again, "again", false, "make another; backups made before open with the old words only")
	bindHidden(key)
	cmd.AddCommand(key)
	return cmd
}

func restoreCommand(a *app) *cobra.Command {
	var words string
	var to backup.Target
	cmd := &cobra.Command{
		Use: "restore FILE", GroupID: "tech", Short: "Make a stopped terminal of a backup",
		Long: "Put a backup in the place of a stopped terminal's data; what was there is kept in a folder. The\n" +
			"words are asked for, or read from --words (a file, or - for standard input). A restored terminal\n" +
			"asks the cloud for the last fact that it has, and takes no payment before it is known that\n" +
			"nothing is missing; where nobody can tell, `smiletill journal reconcile --because WHY` goes on.",
		Example: "  sudo systemctl stop smiletill\n  sudo smiletill restore /media/stick/till-3.backup",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			to.Data, to.Terminal = cfg.Paths.DataDir, reporting.Address(cfg).Source()
			return backup.PutBack(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], words,
				to)
		},
	}
	cmd.Flags().StringVar(&words, "words", "", "file with the 24 words; - reads standard input; empty asks")
	cmd.Flags().BoolVar(&to.Replace, "replace", false, "this machine takes that terminal's place")
	cmd.Flags().BoolVar(&to.Older, "older", false, "though what is here is newer")
	bindHidden(cmd)
	return cmd
}
