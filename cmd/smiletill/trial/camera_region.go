package trial

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"

	"smiletill/device/camera"
	"smiletill/vision"
)

// watched is the region of the picture in which customers' faces count, and what was seen outside it.
type watched struct {
	camera.Region
	outside  int // pictures with a face outside
	most     int // faces outside in one of them
	pictures int
}

func (w *watched) look(l vision.Look) {
	w.pictures++
	if l.Outside > 0 {
		w.outside++
		w.most = max(w.most, l.Outside)
	}
}

// print says what is left out; nothing where all of the picture counts.
func (w *watched) print(out io.Writer) {
	if w.Whole() {
		return
	}
	says := "no face outside the region"
	if w.most > 0 {
		says = fmt.Sprintf("%d %s outside the region (in %d of %d pictures), left out", w.most,
			map[bool]string{true: "face", false: "faces"}[w.most == 1], w.outside, w.pictures)
	}
	row(out, "region", "set", "camera.region is %v; %s", w.Region, says)
}

// draw marks the region in a picture that is kept: what lies outside is darker, behind a bright line.
func (w *watched) draw(m *image.RGBA) {
	if w.Whole() {
		return
	}
	const thick = 2
	r := w.In(m.Rect)
	dark, bright := image.NewUniform(color.Alpha{A: 0x80}), image.NewUniform(color.RGBA{0xff, 0xd0, 0, 0xff})
	for _, part := range around(m.Rect, r) {
		draw.DrawMask(m, part, image.Black, image.Point{}, dark, image.Point{}, draw.Over)
	}
	for _, line := range around(r, r.Inset(thick)) {
		draw.Draw(m, line, bright, image.Point{}, draw.Src)
	}
}

// around gives what of outer lies above, below, left and right of inner.
func around(outer, inner image.Rectangle) [4]image.Rectangle {
	return [4]image.Rectangle{
		{outer.Min, image.Pt(outer.Max.X, inner.Min.Y)},
		{image.Pt(outer.Min.X, inner.Max.Y), outer.Max},
		{image.Pt(outer.Min.X, inner.Min.Y), image.Pt(inner.Min.X, inner.Max.Y)},
		{image.Pt(inner.Max.X, inner.Min.Y), image.Pt(outer.Max.X, inner.Max.Y)},
	}
}
