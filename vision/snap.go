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
