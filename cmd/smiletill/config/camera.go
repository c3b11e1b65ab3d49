package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CheckCamera refuses a recording in place of the camera of a terminal that takes payments, unless that is
// one for demonstrations (its tenant is "demo", as where nothing is set, or "test") or camera.test_source is
// set. Commands that take no payments may use recordings.
func (c *Config) CheckCamera() error {
	if !strings.HasPrefix(c.Camera.Source, "replay:") || c.Camera.TestSource ||
		c.Terminal.Tenant == "demo" || c.Terminal.Tenant == "test" {
		return nil
	}
	return Usage(&loadError{Problems: []problem{{
		Where: c.Origin("camera.source"), What: "camera.source: a recording is no camera to take payments with",
		Instead: `write "auto", or name a camera; a terminal for tests says so with camera.test_source = true`,
	}}})
}

// region is a part of the upright picture, as fractions of its width and height from the upper left corner.
type region = struct{ Left, Top, Right, Bottom float64 }

const (
	regionExample = "0.25,0,0.75,1"
	regionWanted  = `left, top, right and bottom edge as fractions of the picture, like "` + regionExample +
		`", or "" for all of it`

	// Where the middle of a customer's face has to be in any case, across and down (vision.Thresholds.CentreMax;
	// a test of trial holds them together), and the least that a region has to have of it: the width of a face
	// that fills a third of the picture would leave it at every step.
	regionFrom, regionTo, regionLeast = 0.2, 0.8, 0.2
)

var errRegion = errors.New("not four fractions")

// parseRegion reads four fractions with commas between them; empty text is the whole picture.
func parseRegion(text string) (region, error) {
	if strings.TrimSpace(text) == "" {
		return region{}, nil
	}
	parts := strings.Split(text, ",")
	var edges [4]float64
	if len(parts) != len(edges) {
		return region{}, errRegion
	}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		f, err := strconv.ParseFloat(part, 64)
		if err != nil || strings.Trim(part, "0123456789.") != "" { // no sign, exponent or "inf"
			return region{}, errRegion
		}
		edges[i] = f
	}
	return region{edges[0], edges[1], edges[2], edges[3]}, nil
}

// regionText is the way back.
func regionText(r region) string {
	if r == (region{}) {
		return ""
	}
	var parts []string
	for _, f := range [...]float64{r.Left, r.Top, r.Right, r.Bottom} {
		parts = append(parts, strconv.FormatFloat(f, 'f', -1, 64))
	}
	return strings.Join(parts, ",")
}

// regionOfFaces refuses a region in which nobody could pay.
func regionOfFaces(v any) *mistake {
	r := v.(region)
	inside := func(from, to float64) float64 { return min(to, regionTo) - max(from, regionFrom) + 1e-9 }
	switch {
	case r == region{}:
		return nil
	case max(r.Left, r.Top, r.Right, r.Bottom) > 1:
		return &mistake{regionText(r) + " leaves the picture, which ends at 1", "write " + regionWanted}
	case r.Left >= r.Right:
		return &mistake{fmt.Sprintf("its right edge, %g, is not right of its left edge, %g", r.Right, r.Left),
			"write " + regionWanted}
	case r.Top >= r.Bottom:
		return &mistake{fmt.Sprintf("its bottom edge, %g, is not below its top edge, %g", r.Bottom, r.Top),
			"write " + regionWanted}
	case inside(r.Left, r.Right) < regionLeast, inside(r.Top, r.Bottom) < regionLeast:
		return &mistake{
			fmt.Sprintf("nobody could pay in %s: a customer's face is taken from %g to %g of width and height",
				regionText(r), regionFrom, regionTo),
			fmt.Sprintf("write a region that has %g or more of that, like %q, and turn the camera so that customers "+
				"are in the middle of its picture", regionLeast, regionExample),
		}
	}
	return nil
}
