package camera

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Region is the part of an upright picture where customers' faces are looked for, as fractions of its width
// and height from the upper left corner, 0..1. The zero value is the whole picture.
type Region struct{ Left, Top, Right, Bottom float64 }

// Whole tells whether nothing of the picture is left out.
func (r Region) Whole() bool { return r == Region{} || r == Region{0, 0, 1, 1} }

// String says where it is, as one reads it: "0.25 to 0.75 of the width, 0 to 1 of the height".
func (r Region) String() string {
	if r.Whole() {
		return "the whole picture"
	}
	return fmt.Sprintf("%g to %g of the width, %g to %g of the height", r.Left, r.Right, r.Top, r.Bottom)
}

// In gives the region in the pixels of an upright picture with bounds b.
func (r Region) In(b image.Rectangle) image.Rectangle {
	if r.Whole() {
		return b
	}
	at := func(share float64, side int) int { return int(math.Round(share * float64(side))) }
	return image.Rect(b.Min.X+at(r.Left, b.Dx()), b.Min.Y+at(r.Top, b.Dy()),
		b.Min.X+at(r.Right, b.Dx()), b.Min.Y+at(r.Bottom, b.Dy()))
}

// Framed is a picture of a camera that sees more than its customers. All of it is there for whoever looks at
// it; who looks for faces asks for the region.
type Framed struct {
	all    Turned
	region Region
}

// Turned gives the picture as it lies, and by how many quarters it has to be turned clockwise.
func (f *Framed) Turned() (img image.Image, quarters int) { return f.all.Turned() }

// ColorModel is that of the picture as it lies.
func (f *Framed) ColorModel() color.Model { return f.all.ColorModel() }

// Bounds are those of the upright picture; they begin at 0, 0.
func (f *Framed) Bounds() image.Rectangle { return f.all.Bounds() }

// At gives the colour of one pixel of the upright picture.
func (f *Framed) At(x, y int) color.Color { return f.all.At(x, y) }

// Region says where customers' faces are, as fractions of the upright picture.
func (f *Framed) Region() (left, top, right, bottom float64) {
	return f.region.Left, f.region.Top, f.region.Right, f.region.Bottom
}
