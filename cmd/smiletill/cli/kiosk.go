package cli

import (
	"os"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/kiosk"
)

func kioskCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "kiosk", GroupID: "tech", Short: "Show the customer's page on this machine's own display",
		Long: "Show the customer's page on the display that is plugged into this machine, with nothing beside\n" +
			"it and no way out of it, until it is stopped. smiletill-kiosk.service runs it. Until the terminal\n" +
			"answers the display says so; without a display it waits for one.",
		Example: "  sudo systemctl enable --now smiletill-kiosk",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			page, err := kiosk.Page(cfg.Screen.Listen)
			if err != nil {
				return err
			}
			return kiosk.Show(cmd.Context(), kiosk.Options{Page: page, Rotate: cfg.Screen.Rotate,
				Off: cfg.Screen.Dark, Log: config.Logger(cfg.Log, os.Stderr)})
		},
	}
	return bound(cmd)
}
