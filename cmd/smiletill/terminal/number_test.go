//go:build !notflite

package terminal_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/cli"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/models"
	"smiletill/vision/gallery"
)

const graceNumber = "847291038475"

// fill enrols strangers, and takes tables into use by which a hundred customers ask for a cosine that no
// visit reaches, and a few for one that all do.
func (s *shop) fill(customers int) {
	s.T.Helper()
	dir := terminaltest.CopyModels(s.T)
	terminaltest.Remake(s.T, dir, models.Embed, func(m *models.Model, data []byte) []byte {
		t := models.Tail{Templates: 1, On: "nothing"}
		for _, r := range [][3]float64{{0.5, 1e-3, 0}, {0.55, 5e-4, 0}, {0.998, 1e-5, 0.5}, {0.9985, 1e-6, 0.6},
			{0.999, 1e-7, 0.7}} {
			t.Rows = append(t.Rows, models.TailRow{Cosine: r[0], FalseAccepts: r[1], Low: r[1], High: r[1],
				Missed: r[2]})
		}
		m.Tail = []models.Tail{t}
		return data
	})
	s.Flags = append(s.Flags, "--paths-models-dir", dir)
	set, err := models.Open(dir)
	if err != nil {
		s.T.Fatal(err)
	}
	s.strangers(set.Model(models.Embed).SHA256, customers)
}

// strangers enrols customers of a model who look like nobody, the first with digits.
func (s *shop) strangers(model string, customers int) {
	s.T.Helper()
	cfg := s.Config()
	g, err := gallery.Open(cfg.GalleryDir(), gallery.Model{SHA256: model, Agree: 0.4, Same: 0.5},
		slog.New(slog.DiscardHandler))
	if err != nil {
		s.T.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range customers {
		number := ""
		if i == 0 {
			number = "0815"
		}
		face := make([]float64, 128)
		for k := range face {
			face[k] = r.NormFloat64()
		}
		var templates [][]float32
		for range 3 {
			templates = append(templates, moment(face, r))
		}
		if _, err := g.Numbered(number).Enrol(fmt.Sprint("Filler ", i), templates, nil); err != nil {
			s.T.Fatal(err)
		}
	}
	if err := g.Close(); err != nil {
		s.T.Fatal(err)
	}
}

// typeNumber types digits where the page asks for them.
func (s *shop) typeNumber(asked, digits string) int {
	s.T.Helper()
	s.Eventually("the question for the number", func() bool {
		return s.Sees(screen.EnterPIN) && s.View().Number && s.View().Asked == asked
	})
	resp, err := http.Post("http://"+s.Term.Addresses().Screen+"/pin", "application/json",
		strings.NewReader(fmt.Sprintf(`{"asked":%q,"pin":%q,"number":true}`, asked, digits)))
	if err != nil {
		s.T.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode == http.StatusNoContent {
		s.Eventually("the search", func() bool { return !s.View().Number })
	}
	return resp.StatusCode
}

// TestNumberNarrows: in a gallery that is too large for faces alone, who is not recognised is asked for the
// customer's number, and pays with it; a register may send it along. A wrong one costs a try, whether nobody
// has it or somebody else, and in a small gallery nobody is asked.
func TestNumberNarrows(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.fill(100)
	end := s.Open()
	s.Opened()
	args := append([]string{"enrol", "--agreed", "en", "--digits", "-", "Grace Hopper"},
		s.Photos("enrol_1", "enrol_2",
			"enrol_3")...)
	s.Stdin("12\n")
	if code, _, errs := s.Cli(args...); code != 2 || !strings.Contains(errs, gallery.ErrDigits.Error()) {
		t.Errorf("two digits from a pipe: %d: %s", code, errs)
	}
	s.Stdin(graceNumber + "\n")
	code, out, errs := s.Cli(args...)
	if code != 0 || !strings.Contains(out, "Take photo 3 (enrol_3.jpg) again") { // of one portrait all three are
		t.Fatalf("enrol: %d: %s%s", code, out, errs)
	}
	s.Pay("typed", "4.20")
	if code := s.typePIN("typed", graceNumber); code != http.StatusConflict {
		t.Errorf("typed before it is asked for: %d", code)
	}
	if code := s.typeNumber("typed", "12"); code != http.StatusConflict {
		t.Errorf("two digits: %d", code)
	}
	s.typeNumber("typed", "999999")
	s.typeNumber("typed", graceNumber)
	s.WantEnd("typed", "approved", "")

	p, err := s.Begin(t.Context(), control.PaymentRequest{ID: "sent", Amount: "4.30", Currency: "EUR",
		Digits: graceNumber})
	if err != nil {
		t.Fatal(p, err)
	}
	s.WantEnd("sent", "approved", "")
	s.Stdin(graceNumber + "\n")
	if code, out, errs := s.Cli("pay", "4.35", "--digits", "-"); code != 0 {
		t.Errorf("digits from a pipe: %d: %s%s", code, out, errs)
	}
	if _, err := s.Begin(t.Context(), control.PaymentRequest{ID: "bad", Amount: "4.30", Currency: "EUR",
		Digits: "12x4"}); err == nil || !strings.Contains(err.Error(), gallery.ErrDigits.Error()) {
		t.Errorf("digits that are none: %v", err)
	}

	s.Pay("wrong", "4.40")
	s.typeNumber("wrong", "999999")
	s.typeNumber("wrong", "0815")
	s.WantEnd("wrong", "declined", "not_recognised")
	s.nowhere(graceNumber)
	end()
}

// TestDigitsAreTypedUnseen: at a terminal `--digits -` asks for them, twice, and shows nothing of them. Two
// that differ enrol nobody.
func TestDigitsAreTypedUnseen(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	args := append([]string{"enrol", "--agreed", "en", "--digits", "-", "Grace Hopper"},
		s.Photos("enrol_1", "enrol_2",
			"enrol_3")...)
	for _, c := range []struct {
		again, says string
		code        int
	}{{"847291038476", "the two numbers differ", 2}, {graceNumber, "enrolled Grace Hopper", 0}} {
		master, slave := openPTY(t)
		var said bytes.Buffer
		ended := make(chan int, 1)
		go func() {
			ended <- cli.Run(t.Context(), "test", append(args, s.Flags[:6]...), cli.Streams{In: slave, Out: &said,
				Err: &said})
		}()
		s.Eventually("no echo", func() bool {
			state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
			return err == nil && state.Lflag&unix.ECHO == 0
		})
		if _, err := master.WriteString(graceNumber + "\n" + c.again + "\n"); err != nil {
			t.Fatal(err)
		}
		if code := <-ended; code != c.code || !strings.Contains(said.String(), c.says) ||
			strings.Contains(said.String(), graceNumber) {
			t.Errorf("%d, want %d and %q:\n%s", code, c.code, c.says, &said)
		}
		if n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCINQ); err != nil || n > len("\r\n\r\n") {
			t.Errorf("the terminal showed %d bytes of what was typed, %v", n, err)
		}
	}
	s.nowhere(graceNumber)
}

// nowhere looks for digits in each file of the terminal.
func (s *shop) nowhere(digits string) {
	s.T.Helper()
	err := filepath.WalkDir(filepath.Join(s.Dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(digits)) {
			s.T.Errorf("%s holds the number in clear text", path)
		}
		return err
	})
	if err != nil {
		s.T.Error(err)
	}
}

// moment is a template of a face: 0.9 with another one of it.
func moment(face []float64, r *rand.Rand) []float32 {
	v, square := make([]float32, len(face)), 0.0
	for i := range v {
		x := face[i] + 0.33*r.NormFloat64()
		v[i], square = float32(x), square+x*x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(square))
	}
	return v
}
