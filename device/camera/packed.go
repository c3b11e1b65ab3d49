package camera

import (
	"image"
	"image/color"
)

// Packed is a YUYV picture where the camera put it, in the memory of its Frame. Taking it apart into planes
// would cost as much as a crop for a network (0.21 ms of 640x480 on x86-64), so whoever looks for faces reads
// it as it is, and for others it is an image like any.
type Packed struct {
	Pix    []byte // Y0 Cb Y1 Cr for two pixels of a line, 4:2:2
	Stride int    // bytes from line to line
	Rect   image.Rectangle
}

// YUYV gives the bytes, and how many there are from line to line. The first pixel is at the first byte.
func (p *Packed) YUYV() (pix []byte, stride int) { return p.Pix, p.Stride }

// ColorModel is color.YCbCrModel.
func (p *Packed) ColorModel() color.Model { return color.YCbCrModel }

// Bounds begin at 0, 0; the width is even.
func (p *Packed) Bounds() image.Rectangle { return p.Rect }

// At gives the colour of one pixel; black outside of the picture.
func (p *Packed) At(x, y int) color.Color {
	if !(image.Point{X: x, Y: y}).In(p.Rect) {
		return color.YCbCr{}
	}
	o := y*p.Stride + 2*x
	pair := y*p.Stride + 4*(x/2)
	return color.YCbCr{Y: p.Pix[o], Cb: p.Pix[pair+1], Cr: p.Pix[pair+3]}
}
