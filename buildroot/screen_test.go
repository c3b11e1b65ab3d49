//go:build linux

package buildroot_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sees waits until the display shows mostly one colour and a little of another, which is what a person would
// see of the customer's page, whatever its words. The last picture is kept beside the card.
func (e *emulated) sees(ground, ink color.RGBA, patience time.Duration) {
	e.t.Helper()
	said := ""
	for end := time.Now().Add(patience); time.Now().Before(end); {
		picture := e.picture()
		of, on := share(picture, ground), share(picture, ink)
		said = fmt.Sprintf("%v: %.1f %% ground, %.1f %% ink", picture.Bounds().Size(), 100*of, 100*on)
		if of > 0.6 && on > 0.002 && on < 0.3 {
			e.keep(picture, "seen")
			e.t.Log("the display:", said)
			return
		}
		select {
		case <-e.ended:
			e.t.Fatal("the machine went off")
		case <-time.After(2 * time.Second):
		}
	}
	e.t.Errorf("the display does not show the page within %v; %s", patience, said)
}

// picture is what the display shows now.
func (e *emulated) picture() *image.RGBA {
	e.t.Helper()
	file := filepath.Join(e.t.TempDir(), "screen.ppm")
	e.tell("screendump", map[string]any{"filename": file})
	picture, err := ppm(read(e.t, file))
	if err != nil {
		e.t.Fatal(err)
	}
	return picture
}

// keep writes a picture beside the card, as TEST-WHAT.png.
func (e *emulated) keep(picture *image.RGBA, what string) {
	e.t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		e.t.Fatal(err)
	}
	name, _, _ := strings.Cut(e.t.Name(), "/")
	what = strings.NewReplacer(" ", "-", ",", "").Replace(what)
	kept := filepath.Join(os.Getenv("SMILETILL_CARD"), name+"-"+what+".png")
	if err := os.WriteFile(kept, b.Bytes(), 0o644); err != nil {
		e.t.Fatal(err)
	}
}

// share is how much of a picture has a colour, from 0 to 1; a tenth of each channel does not count.
func share(picture *image.RGBA, c color.RGBA) float64 {
	near := func(a, b uint8) bool { return max(a, b)-min(a, b) < 26 }
	n := 0
	for i := 0; i < len(picture.Pix); i += 4 {
		if p := picture.Pix[i:]; near(p[0], c.R) && near(p[1], c.G) && near(p[2], c.B) {
			n++
		}
	}
	return float64(n) / float64(len(picture.Pix)/4)
}

// ppm reads what QEMU writes of its display: P6, width, height, 255, then three bytes a pixel.
func ppm(data []byte) (*image.RGBA, error) {
	var w, h int
	r := bytes.NewReader(data)
	if _, err := fmt.Fscanf(r, "P6\n%d %d\n255\n", &w, &h); err != nil {
		return nil, fmt.Errorf("read the display's picture: %w", err)
	}
	if r.Len() != 3*w*h {
		return nil, fmt.Errorf("read the display's picture: %d bytes for %d x %d", r.Len(), w, h)
	}
	picture := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, pixels := 0, data[len(data)-r.Len():]; i < w*h; i++ {
		copy(picture.Pix[4*i:], append(pixels[3*i:3*i+3:3*i+3], 255))
	}
	return picture, nil
}

func TestPictureOfTheDisplay(t *testing.T) {
	picture, err := ppm(append([]byte("P6\n2 1\n255\n"), 28, 30, 36, 255, 255, 255))
	if err != nil {
		t.Fatal(err)
	}
	if got := share(picture, color.RGBA{R: 30, G: 30, B: 30, A: 255}); got != 0.5 {
		t.Errorf("half of it is night: %v", got)
	}
	if _, err := ppm([]byte("P6\n2 1\n255\nabc")); err == nil {
		t.Error("a picture that is cut short is taken")
	}
}
