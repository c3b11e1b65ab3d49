package trial

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/device/camera"
)

// ListCameras prints the cameras of this machine, what they offer, and which one a configuration means.
func ListCameras(w io.Writer, c config.CameraConfig) error {
	root := os.DirFS("/")
	source := c.Source
	if camera.Settings(c).Replay() {
		fmt.Fprintf(w, "camera.source is a recording: %s\n", c.Source)
		source = "auto"
	}
	chosen, findErr := camera.Find(root, source)
	table := columns.New(w)
	all := camera.Devices(root)
	if len(all) > 0 {
		fmt.Fprintln(table, "\tNODE\tCARD\tBUS\tOFFERS")
	}
	starred := camera.Settings(c).Replay()
	for _, d := range all {
		offers, err := camera.Offers(d.Node)
		star := ""
		taken := d.Loopback == "" || c.TestSource
		if taken && err == nil && len(offers) > 0 && !starred && findErr == nil {
			for _, one := range chosen {
				if one.Node == d.Node {
					star, starred = "*", true
				}
			}
		}
		says := offered(offers, err)
		if d.Loopback != "" {
			says = "no camera: " + d.Loopback
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", star, d.Node, d.Card, d.Bus, says)
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
