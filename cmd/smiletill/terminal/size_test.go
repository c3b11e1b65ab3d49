//go:build !notflite

package terminal_test

import (
	"fmt"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/models"
)

// tables are those of a network that misses a share of its customers from a cosine of 0.6 on.
func tables(missed float64) []models.Tail {
	t := models.Tail{Templates: 1, On: "nothing"}
	for i, far := range []float64{1e-3, 1e-4, 1e-5, 1e-6, 1e-7} {
		t.Rows = append(t.Rows, models.TailRow{Cosine: 0.6 + float64(i)/50, FalseAccepts: far, Low: far, High: far,
			Missed: missed})
	}
	return []models.Tail{t}
}

// TestGalleryTooLarge: by its models' tables a terminal says from which cosine on a face is a customer's,
// and that the gallery is too large where that would not recognise one in twenty; payments go on.
func TestGalleryTooLarge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tables []models.Tail
		says   []string
		large  bool
	}{
		"no tables": {nil, []string{"from a cosine of 0.490 on", "has no table"}, false},
		"small":     {tables(0.04), []string{"from a cosine of 0.467 on, for one stranger in 1000"}, false},
		"large": {tables(0.07), []string{"too large for faces alone", "100 looks at a customer about 7",
			"false_alarms under [gallery]"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			dir := terminaltest.CopyModels(t)
			terminaltest.Remake(t, dir, models.Embed, func(m *models.Model, data []byte) []byte {
				m.Tail = c.tables
				return data
			})
			s.Flags = append(s.Flags, "--paths-models-dir", dir)
			s.Open()
			s.Opened()
			args := append([]string{"enrol", "--agreed", "en", "Grace Hopper"},
				s.Photos("enrol_1", "enrol_2", "enrol_3")...)
			if code, _, errs := s.Cli(args...); code != 0 {
				t.Fatalf("enrol: %d: %s", code, errs)
			}
			_, out, _ := s.Cli("status")
			out = strings.Join(strings.Fields(out), " ")
			for _, want := range c.says {
				if !strings.Contains(out, want) {
					t.Errorf("status says no %q:\n%s", want, out)
				}
			}
			if strings.Contains(out, "too large") != c.large {
				t.Errorf("too large: %v wanted:\n%s", c.large, out)
			}
			if c.large { // and payments go on
				s.Pay("one", "4.20")
				s.WantEnd("one", "approved", "")
			}
		})
	}
}

// TestTooLargeUnderTheModelBefore: the customers who have not come over yet count too, by the tables of their
// own model.
func TestTooLargeUnderTheModelBefore(t *testing.T) {
	t.Parallel()
	for share, large := range map[float64]bool{0.04: false, 0.12: true} {
		t.Run(fmt.Sprint(share), func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.kept(3, func(m *models.Model, data []byte) []byte {
				m.Tail = tables(share)
				return append(data, 0) // another network, by its hash
			})
			s.Open()
			s.Opened()
			s.EnrolCustomer()
			_, out, _ := s.Cli("status")
			out = strings.Join(strings.Fields(out), " ")
			if strings.Contains(out, "too large") != large || !strings.Contains(out, "by the model before from 0.6") {
				t.Errorf("too large: %v wanted:\n%s", large, out)
			}
		})
	}
}
