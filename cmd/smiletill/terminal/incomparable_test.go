//go:build !notflite

package terminal_test

import (
	"log/slog"
	"math"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/config"
	"smiletill/vision/gallery"
)

// Whose templates are of a model that is not here any more is renewed as one with another face is: with a
// second person's word and a new PIN, and the journal says who stood by it. While the terminal is off nobody
// is.
func TestRenewalThatNothingCanCompare(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	cfg := s.Config()
	if err := config.PreparePrivateDir(cfg.Paths.DataDir); err != nil {
		t.Fatal(err)
	}
	gone := gallery.Model{SHA256: strings.Repeat("a1", 32), Agree: 0.4, Same: 0.5}
	g, err := gallery.Open(cfg.GalleryDir(), gone, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var old [][]float32
	for i := range 3 {
		face := make([]float32, 64)
		face[0], face[1+i] = 0.9, float32(math.Sqrt(1-0.81))
		old = append(old, face)
	}
	grace, err := g.Enrol("Grace Hopper", old, nil)
	if err == nil {
		err = g.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	again := append([]string{"enrol", "--again", grace.ID, "--agreed", "de"},
		s.Photos("enrol_1", "enrol_2", "enrol_3")...)
	refused := func(when string, args ...string) {
		t.Helper()
		if code, _, errs := s.Cli(args...); code == 0 || !strings.Contains(errs, "nothing here compares it") ||
			!strings.Contains(errs, "customers vouch "+grace.ID) || !strings.Contains(errs, "--new-pin") {
			t.Errorf("%s: %d %s", when, code, errs)
		}
	}
	refused("while the terminal is off", again...)
	s.Open()
	s.Opened()
	refused("alone", again...)
	s.Stdin("730164\n")
	refused("alone, with a new PIN", append(again, "--new-pin")...)
	s.clerk("Anna", "clerk", "915372")
	s.Stdin("915372\n")
	s.does("customers", "vouch", grace.ID, "--as", "Anna")
	refused("without a new PIN", again...)
	s.Stdin("730164\n")
	s.does(append(again, "--new-pin")...)
	wantAudits(s.Shop, "renewal vouched", "customer renewed", "customer pin set")
	all := audits(s.Shop)
	const by = "not compared with the old one; clerk Anna (page) stood by it"
	if a := all[len(all)-2]; !strings.Contains(a, by) {
		t.Errorf("nobody stood by it: %s", a)
	}
	s.Pay("order-1", "1.00")
	s.WantEnd("order-1", "approved", "")
}
