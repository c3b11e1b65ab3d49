package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/trial"
)

func cameraCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "camera", GroupID: "tech", Short: "List and try the cameras of this machine",
		Args: cobra.NoArgs,
	}
	list := &cobra.Command{
		Use: "list", Short: "List cameras, what they offer, and which one the terminal takes",
		Long: "List the video nodes of this machine: the name and the place to call a camera by in\n" +
			"camera.source (card:NAME, bus:PLACE: they stay the same when cameras are plugged in another\n" +
			"order), and the formats it offers. A star marks the one that the configuration means.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return trial.ListCameras(cmd.OutOrStdout(), cfg.Camera)
		},
	}
	cmd.AddCommand(bound(list), bound(cameraTestCommand(a)))
	return cmd
}

func cameraTestCommand(a *app) *cobra.Command {
	seconds, sheet := 5, ""
	cmd := &cobra.Command{
		Use: "test", Short: "Watch through the camera for a while and judge it",
		Long: "Watch through the configured camera and judge its rate, the light, and the faces it sees.\n" +
			"Stop the terminal first: a camera serves one program. With --sheet twelve of the pictures\n" +
			"are kept in one JPEG (mode 0600), with the edge of camera.region drawn in them where it is set.\n" +
			"It shows whoever stood there: delete it after a look.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if seconds < 1 || seconds > 600 {
				return config.Usage(fmt.Errorf("test camera: --seconds %d: use 1 to 600", seconds))
			}
			return trial.TestCamera(cmd.Context(), cmd.OutOrStdout(), cfg, time.Duration(seconds)*time.Second, sheet)
		},
	}
	cmd.Flags().IntVar(&seconds, "seconds", seconds, "how long to watch")
	cmd.Flags().StringVar(&sheet, "sheet", "", "file for a contact sheet (.jpg)")
	return cmd
}
