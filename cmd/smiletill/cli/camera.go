package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
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
	cmd.AddCommand(bound(list), bound(cameraTestCommand(a)), bound(cameraCalibrateCommand(a)))
	return cmd
}

func cameraCalibrateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "calibrate", Short: "Measure how late the screen's light is seen by the camera",
		Long: "Have the running terminal play its colours to you, and measure when the camera sees them on your\n" +
			"face: for payments that demand the light ([liveness]) it has to know. The customer's page must be\n" +
			"open on the terminal's own display. Stand an arm's length before it and look at it; that takes ten\n" +
			"seconds, in a bright room up to a minute. Do it again after another screen, camera, resolution or\n" +
			"format.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			d, err := control.NewClient(cfg.Paths.ControlSocket).Calibrate(cmd.Context(), func(text string) {
				fmt.Fprintln(out, text)
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "The screen's light is seen %.0f ms after it was shown (lights were %.0f ms apart). "+
				"It is kept, and in force.\n", d.DelayMS, d.ApartMS)
			return nil
		},
	}
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
