package vision

import (
	"image"
	"math"
)

// Sizes and constants of BlazeFace short range (MediaPipe face_detection_short_range.pbtxt).
const (
	detectSide  = 128 // input pixels
	anchors     = 896
	boxValues   = 16  // cx, cy, w, h, then six keypoints x, y
	keypoints   = 6   // right eye, left eye (the subject's), nose, mouth, right and left tragion
	logitClip   = 100 // score_clipping_thresh
	overlapSame = 0.3 // min_suppression_threshold: boxes with more IoU are one face
	maxFaces    = 16  // more are not told apart: the frame is refused anyway
	detectMul   = 1 / 127.5
	detectAdd   = -1
	maxHits     = 256 // anchors above the threshold that are looked at
)

// face is one detection, in pixels of the frame, relative to its upper left corner.
type face struct {
	score          float32 // 0..1
	x0, y0, x1, y1 float32
	keys           [keypoints][2]float32
}

func (d *face) width() float32  { return d.x1 - d.x0 }
func (d *face) height() float32 { return d.y1 - d.y0 }
func (d *face) area() float32   { return max(d.width(), 0) * max(d.height(), 0) }

func (d *face) overlap(o *face) float32 {
	w := min(d.x1, o.x1) - max(d.x0, o.x0)
	h := min(d.y1, o.y1) - max(d.y0, o.y0)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (d.area() + o.area() - w*h)
}

// detector decodes the output of BlazeFace.
type detector struct {
	net    Network
	tone   *tone
	anchor [anchors][2]float32 // centres, 0..1
	hits   [maxHits]face       // sorted by falling score
	used   [maxHits]bool
	faces  [maxFaces]face
}

func newDetector(n Network) *detector {
	d := &detector{net: n, tone: newTone(detectMul, detectAdd)}
	i := 0
	for _, grid := range [...]struct{ side, each int }{{16, 2}, {8, 6}} {
		for y := range grid.side {
			for x := range grid.side {
				for range grid.each {
					s := float32(grid.side)
					d.anchor[i] = [2]float32{(float32(x) + 0.5) / s, (float32(y) + 0.5) / s}
					i++
				}
			}
		}
	}
	return d
}

// letterbox is where the whole frame, with bars beside or above it, goes in the network's input.
func letterbox(f *frame) (area image.Rectangle, a affine, taps int) {
	padX, padY := padding(f)
	scale := float64(max(f.y.w, f.y.h)) / detectSide
	area = atLeastOne(image.Rect(int(math.Ceil(padX/scale)), int(math.Ceil(padY/scale)),
		detectSide-int(math.Ceil(padX/scale)), detectSide-int(math.Ceil(padY/scale))))
	a = affine{x0: 0.5*scale - 0.5 - padX, xi: scale, y0: 0.5*scale - 0.5 - padY, yj: scale}
	return area, a, tapsFor(scale)
}

// padding is the width of the bar on the left and the height of the one above, in pixels of the frame.
func padding(f *frame) (x, y float64) {
	side := max(f.y.w, f.y.h)
	return float64(side-f.y.w) / 2, float64(side-f.y.h) / 2
}

// crop fills the network's input with the frame.
func (d *detector) crop(f *frame) {
	in := d.net.Input(0)
	area, a, taps := letterbox(f)
	bars(in, area)
	f.shrink(in, area, a, taps, d.tone)
	turn(in, detectSide, f.quarters)
}

// turn turns a square RGB picture clockwise in its place. It is done to the detector's few pixels, which come
// out of whole lines of the frame; the other crops turn where they read.
func turn(in []float32, side, quarters int) {
	at := func(x, y int) *[3]float32 { return (*[3]float32)(in[(y*side+x)*3:]) }
	last := side - 1
	switch quarters {
	case 1, 3:
		for y := range side / 2 {
			for x := y; x < last-y; x++ {
				a, b, c, d := at(x, y), at(last-y, x), at(last-x, last-y), at(y, last-x) // clockwise
				if quarters == 1 {
					*a, *b, *c, *d = *d, *a, *b, *c
				} else {
					*a, *b, *c, *d = *b, *c, *d, *a
				}
			}
		}
	case 2:
		for y := range side / 2 {
			for x := range side {
				a, b := at(x, y), at(last-x, last-y)
				*a, *b = *b, *a
			}
		}
	}
}

// run finds faces of at least threshold (0..1) in the frame that was cropped, the likeliest first. The slice
// is valid until the next call.
func (d *detector) run(f *frame, threshold float32) ([]face, error) {
	if err := d.net.Run(); err != nil {
		return nil, err
	}
	padX, padY := padding(f)
	if f.quarters&1 == 1 {
		padX, padY = padY, padX
	}
	n := d.decode(threshold, float32(max(f.y.w, f.y.h)), float32(padX), float32(padY))
	return d.merge(n), nil
}

// atLeastOne keeps one row or column of a frame that is a mere line.
func atLeastOne(r image.Rectangle) image.Rectangle {
	if r.Dx() < 1 {
		r.Min.X, r.Max.X = detectSide/2, detectSide/2+1
	}
	if r.Dy() < 1 {
		r.Min.Y, r.Max.Y = detectSide/2, detectSide/2+1
	}
	return r
}

// bars blackens everything around area.
func bars(in []float32, area image.Rectangle) {
	const black = detectAdd
	for y := range detectSide {
		row := in[y*detectSide*3 : (y+1)*detectSide*3]
		if y >= area.Min.Y && y < area.Max.Y {
			fill(row[:area.Min.X*3], black)
			fill(row[area.Max.X*3:], black)
		} else {
			fill(row, black)
		}
	}
}

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}

// decode collects the anchors above the threshold into hits, sorted, and returns how many.
func (d *detector) decode(threshold, side, padX, padY float32) int {
	boxes, logits := d.net.Output(0), d.net.Output(1)
	n := 0
	for i := range anchors {
		s := float32(1 / (1 + math.Exp(-float64(min(max(logits[i], -logitClip), logitClip)))))
		if !(s >= threshold) || (n == maxHits && s <= d.hits[n-1].score) {
			continue
		}
		if n < maxHits {
			n++
		}
		at := n - 1
		for ; at > 0 && d.hits[at-1].score < s; at-- {
			d.hits[at] = d.hits[at-1]
		}
		r := boxes[i*boxValues : (i+1)*boxValues]
		ax, ay := d.anchor[i][0], d.anchor[i][1]
		cx, cy := r[0]/detectSide+ax, r[1]/detectSide+ay
		w, h := r[2]/detectSide, r[3]/detectSide
		hit := face{score: s, x0: float32((cx-w/2)*side) - padX, y0: float32((cy-h/2)*side) - padY,
			x1: float32((cx+w/2)*side) - padX, y1: float32((cy+h/2)*side) - padY} // see affine.snapped
		for k := range keypoints {
			x, y := (r[4+2*k]/detectSide+ax)*side, (r[5+2*k]/detectSide+ay)*side
			hit.keys[k] = [2]float32{float32(x) - padX, float32(y) - padY}
		}
		d.hits[at] = hit
	}
	return n
}

// merge turns the first n hits into faces: all that overlap the likeliest are averaged with it, weighted by
// score.
func (d *detector) merge(n int) []face {
	clear(d.used[:n])
	count := 0
	for i := 0; i < n && count < maxFaces; i++ {
		if d.used[i] {
			continue
		}
		top, sum, weight := &d.hits[i], face{}, float32(0)
		for j := i; j < n; j++ {
			h := &d.hits[j]
			if d.used[j] || (j != i && top.overlap(h) <= overlapSame) {
				continue
			}
			d.used[j] = true
			sum.add(h, h.score)
			weight += h.score
		}
		out := &d.faces[count]
		*out = face{score: top.score}
		out.add(&sum, 1/weight)
		out.snap()
		count++
	}
	return d.faces[:count]
}

// add adds the coordinates of o, weighted.
func (d *face) add(o *face, weight float32) {
	d.x0 += float32(o.x0 * weight) // rounded here: see affine.snapped
	d.y0 += float32(o.y0 * weight)
	d.x1 += float32(o.x1 * weight)
	d.y1 += float32(o.y1 * weight)
	for k := range d.keys {
		d.keys[k][0] += float32(o.keys[k][0] * weight)
		d.keys[k][1] += float32(o.keys[k][1] * weight)
	}
}
