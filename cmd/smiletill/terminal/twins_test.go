//go:build !notflite

package terminal_test

import (
	"bytes"
	"image/jpeg"
	"log/slog"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/models"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// TestTwins: two customers are so alike that nobody can tell which of them smiles. They are asked for their
// number, also in a small shop, and then for the PIN: without one nobody is charged. Alone, a twin pays as
// everybody does.
func TestTwins(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ann, beth := s.twins("111", "222")
	s.Open()
	s.Opened()
	s.Stdin(terminaltest.RightPIN + "\n" + terminaltest.RightPIN + "\n")
	s.does("customers", "pin", ann.ID)
	s.Pay("one", "4.20")
	s.typeNumber("one", "111")
	s.Eventually("the question for the PIN", func() bool { return s.Sees(screen.EnterPIN) })
	s.typePIN("one", terminaltest.RightPIN)
	if p := s.WantEnd("one", "approved", ""); p.Customer != ann.ID {
		t.Errorf("charged was %+v", p)
	}
	s.Pay("none", "4.20")
	s.typeNumber("none", "222")
	if p := s.WantEnd("none", "declined", "pin_not_set"); p.Customer != "" {
		t.Errorf("somebody was charged, or named: %+v", p)
	}
	if code, _, errs := s.Cli("customers", "remove", "--yes", beth.ID); code != 0 {
		t.Fatalf("remove: %d %s", code, errs)
	}
	s.Pay("two", "4.20")
	s.WantEnd("two", "approved", "")
	if _, out, _ := s.Cli("journal", "list"); strings.Count(out, "approved") != 2 {
		t.Errorf("journal:\n%s", out)
	}
}

// TestTwinsOfOneNumber: with a number that both have twins are nobody, whatever PIN they have.
func TestTwinsOfOneNumber(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ann, beth := s.twins("111", "111")
	s.Open()
	s.Opened()
	for _, c := range []gallery.Customer{ann, beth} {
		s.Stdin(terminaltest.RightPIN + "\n" + terminaltest.RightPIN + "\n")
		s.does("customers", "pin", c.ID)
	}
	s.Pay("shared", "4.20")
	s.typeNumber("shared", "111")
	s.typeNumber("shared", "111")
	s.WantEnd("shared", "declined", "not_recognised")
}

// twins enrols two customers with pictures of one, and their digits.
func (s *shop) twins(digits ...string) (ann, beth gallery.Customer) {
	s.T.Helper()
	cfg := s.Config()
	set, err := models.Open("")
	if err != nil {
		s.T.Fatal(err)
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		s.T.Fatal(err)
	}
	defer l.Close()
	var templates [][]float32
	for _, name := range []string{"enrol_1", "enrol_2", "enrol_3", "enrol_4", "enrol_5"} {
		data, err := visits.Photo(name)
		if err != nil {
			s.T.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			s.T.Fatal(err)
		}
		one, _, reason, err := l.Template(img)
		if err != nil || reason != "" {
			s.T.Fatal(reason, err)
		}
		templates = append(templates, one)
	}
	// As enrolled, two would be one: a gallery of its own cosines takes both, as that of real twins might.
	g, err := gallery.Open(cfg.GalleryDir(), gallery.Model{SHA256: set.Model(models.Embed).SHA256, Agree: 0.01,
		Same: 0.9999}, slog.New(slog.DiscardHandler))
	if err != nil {
		s.T.Fatal(err)
	}
	ann, err = g.Numbered(digits[0]).Enrol("Ann", templates[:3], nil)
	if err != nil {
		s.T.Fatal(err)
	}
	beth, err = g.Numbered(digits[1]).Enrol("Beth", templates[2:], nil)
	if err != nil {
		s.T.Fatal(err)
	}
	if err := g.Close(); err != nil {
		s.T.Fatal(err)
	}
	return ann, beth
}
