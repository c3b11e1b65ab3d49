package vision

import "math"

// snapped rounds a so coarsely that whole i and j are mapped without rounding, and so finely that it
// doesn't matter: to 2^-16 of a pixel, and 2^-24 for the steps. Compiled for arm64, Go rounds a product and
// a sum at once, which changes the last bit of a float, and an int8 network turns that into another value
// now and then. Without this, int8 networks made embeddings of the same frame on arm64 and x86-64 with a
// cosine of 0.991; with it, the same ones (TestArm64UnderEmulation).
func (a affine) snapped() affine {
	const place, step = 1 << 16, 1 << 24
	return affine{
		x0: math.Round(a.x0*place) / place,
		xi: math.Round(a.xi*step) / step,
		xj: math.Round(a.xj*step) / step,
		y0: math.Round(a.y0*place) / place,
		yi: math.Round(a.yi*step) / step,
		yj: math.Round(a.yj*step) / step,
	}
}

// grid rounds a coordinate in pixels to 1/32: a tenth of what int8 costs the mesh (models/README.md), and far
// more than the last bits of its float outputs, in which processors differ.
func grid(v float32) float64 { return math.Round(float64(v)*32) / 32 }

// snap puts the coordinates of a face on the grid, so that the next crop is the same on every processor.
func (d *face) snap() {
	for _, v := range []*float32{&d.x0, &d.y0, &d.x1, &d.y1} {
		*v = float32(grid(*v))
	}
	for k := range d.keys {
		d.keys[k] = [2]float32{float32(grid(d.keys[k][0])), float32(grid(d.keys[k][1]))}
	}
}
