package cli

import (
	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/setup"
)

func setupCommand(a *app) *cobra.Command {
	var root, kept string
	var o setup.Order
	cmd := &cobra.Command{
		Use: "setup", GroupID: "tech",
		Short: "Give the terminal its name and first settings: asked here, or from a file",
		Long: "Ask the five things that matter (name, board, camera, currency and limit, broker) and write them\n" +
			"into the configuration; an empty answer keeps what is shown. With --from a settings file is taken\n" +
			"over in place of that, once: " + setup.FileName +
			" in a folder, of the card's first partition or a stick. All of it\n" +
			"is checked before anything is changed; a report is left beside it, and the Wi-Fi's password in it\n" +
			"is erased.",
		Example: "  sudo smiletill setup\n  sudo smiletill setup --from /media/CONFIG",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t := setup.Target{Root: root, Config: a.configPath, Kept: kept}
			return t.Do(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Folder, "from", "", "folder with "+setup.FileName+" in it")
	flags.StringVar(&o.Stick, "stick", "",
		"take them from a stick of this label too, if one is there within 5 s: CONFIG")
	flags.BoolVar(&o.Outside, "outside", false,
		"the folder is a stick that anybody can put in: once the terminal has its "+
			"name, Wi-Fi, address and time servers alone are taken from it")
	flags.BoolVar(&o.Report, "report", false,
		"only write the report of a file that was taken over anew, with the "+
			"addresses of now")
	flags.BoolVar(&o.Firewall, "firewall", false,
		"only have the firewall open what the configuration opens, and ssh where keys are set")
	flags.StringVar(&kept, "kept", "",
		"where /etc can't be written: folder for what belongs there; it is put below "+
			"/run each time")
	flags.StringVar(&root, "root", "", "folder of the system that is set up, in place of this one")
	return cmd
}
