//go:build !notflite

package networks

import (
	"errors"
	"image"
	"testing"

	"smiletill/models"
	"smiletill/vision"
)

// Who asks for a template while the terminal closes its networks is told so: their memory is gone.
func TestClosedLookerSaysSo(t *testing.T) {
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	l, err := OpenLooker(set)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, 64, 64))
	if _, _, _, err := l.Template(img); !errors.Is(err, errClosed) {
		t.Errorf("a template: %v", err)
	}
	if err := l.Look(img, vision.Embed, func(vision.Look) { t.Error("a look") }); !errors.Is(err, errClosed) {
		t.Errorf("a look: %v", err)
	}
}
