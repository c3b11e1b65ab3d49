package camera

import (
	"image"
	"image/color"
)

// Turned is a picture of a camera that hangs on its side or upside down, as it lies in memory. To turn the
// pixels would cost as much as decoding them, so whoever looks for faces turns the places that it asks for,
// and for others it is an upright image like any.
type Turned struct {
	lies     image.Image
	quarters int // clockwise, 0 to 3
}

// Turn gives a picture turned clockwise by so many quarters; all of it counts, whatever its region was.
func Turn(img image.Image, quarters int) *Turned {
	if t, ok := img.(interface{ Turned() (image.Image, int) }); ok {
		lies, already := t.Turned()
		img, quarters = lies, already+quarters
	}
	return &Turned{img, quarters & 3}
}

// Turned gives the picture as it lies, and by how many quarters it has to be turned clockwise.
func (t *Turned) Turned() (img image.Image, quarters int) { return t.lies, t.quarters }

// ColorModel is that of the picture as it lies.
func (t *Turned) ColorModel() color.Model { return t.lies.ColorModel() }

// Bounds are those of the upright picture; they begin at 0, 0.
func (t *Turned) Bounds() image.Rectangle {
	size := t.lies.Bounds().Size()
	if t.quarters%2 == 1 {
		size.X, size.Y = size.Y, size.X
	}
	return image.Rectangle{Max: size}
}

// At gives the colour of one pixel of the upright picture.
func (t *Turned) At(x, y int) color.Color {
	b := t.lies.Bounds()
	switch t.quarters {
	case 1:
		x, y = y, b.Dy()-1-x
	case 2:
		x, y = b.Dx()-1-x, b.Dy()-1-y
	case 3:
		x, y = b.Dx()-1-y, x
	}
	return t.lies.At(b.Min.X+x, b.Min.Y+y)
}
