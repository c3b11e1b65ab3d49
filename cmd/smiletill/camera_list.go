package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"smiletill/device/camera"
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
			return listCameras(cmd.OutOrStdout(), cfg.Camera)
		},
	}
	cmd.AddCommand(bound(list), bound(cameraTestCommand(a)))
	return cmd
}

func listCameras(w io.Writer, c CameraConfig) error {
	root := os.DirFS("/")
	source := c.Source
	if isReplay(c) {
		fmt.Fprintf(w, "camera.source is a recording: %s\n", c.Source)
		source = "auto"
	}
	chosen, findErr := camera.Find(root, source)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	all := camera.Devices(root)
	if len(all) > 0 {
		fmt.Fprintln(table, "\tNODE\tCARD\tBUS\tOFFERS")
	}
	starred := isReplay(c)
	for _, d := range all {
		offers, err := camera.Offers(d.Node)
		star := ""
		if err == nil && len(offers) > 0 && !starred && findErr == nil {
			for _, one := range chosen {
				if one.Node == d.Node {
					star, starred = "*", true
				}
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", star, d.Node, d.Card, d.Bus, offered(offers, err))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if findErr != nil {
		return fmt.Errorf("list cameras: %w", findErr)
	}
	return nil
}

// offered writes what a node offers, or why it can't be asked.
func offered(offers []camera.Offer, err error) string {
	switch {
	case err != nil:
		for u := errors.Unwrap(err); u != nil; u = errors.Unwrap(u) {
			err = u // the table has the node already
		}
		return "can't be asked: " + err.Error()
	case len(offers) == 0:
		return "no pictures (metadata, or an output)"
	}
	var texts []string
	for _, o := range offers {
		if slices.Contains(camera.Formats(), camera.Format(o.Format)) {
			texts = append(texts, strings.TrimSpace(o.Format+" "+strings.Join(o.Sizes, " ")))
		}
	}
	switch others := len(offers) - len(texts); {
	case len(texts) == 0:
		return fmt.Sprintf("nothing that can be used here (%s)", offers[0].Format)
	case others > 0:
		texts = append(texts, fmt.Sprintf("%d others", others))
	}
	return strings.Join(texts, "; ")
}
