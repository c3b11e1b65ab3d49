package vision

import (
	"fmt"
	"math"
)

// Sizes and constants of the embeddings (models/manifest.json, small.json).
const (
	alignSide = 112 // input pixels
	alignMul  = 1.0 / 128
	alignAdd  = -127.5 / 128
)

// alignTo is where the eyes, the nose and the corners of the mouth belong in the aligned face: the
// picture's left before its right (InsightFace, face_align.py, arcface_dst).
var alignTo = [5]point{{x: 38.2946, y: 51.6963}, {x: 73.5318, y: 51.5014}, {x: 56.0252, y: 71.7366},
	{x: 41.5493, y: 92.3655}, {x: 70.7299, y: 92.2041}}

// alignFrom picks the same five from the mesh.
func (m *mesh) alignFrom() [5]point {
	p := &m.points
	return [5]point{middle(p[eyeRight], p[innerRight]), middle(p[innerLeft], p[eyeLeft]), p[noseTip],
		p[mouthRight], p[mouthLeft]}
}

// similarity returns the map from the aligned face back to the frame: the inverse of the similarity (turn,
// scale, shift) that brings from onto to with the least squares (Umeyama 1991; in the plane one complex
// factor). ok is false when the points say nothing, as when they all coincide.
func similarity(from, to *[5]point) (a affine, ok bool) {
	var fx, fy, tx, ty float64
	for i := range from {
		fx, fy, tx, ty = fx+from[i].x/5, fy+from[i].y/5, tx+to[i].x/5, ty+to[i].y/5
	}
	var re, im, norm float64 // the factor is (re + i im) / norm
	for i := range from {
		x, y, u, v := from[i].x-fx, from[i].y-fy, to[i].x-tx, to[i].y-ty
		re += x*u + y*v
		im += x*v - y*u
		norm += x*x + y*y
	}
	size := re*re + im*im
	// Farther out than 10,000 pixels no frame has a face: the mesh has gone mad.
	if !(size > 1e-12) || !(norm > 1e-6 && norm < 1e8) || !(math.Abs(fx)+math.Abs(fy) < 1e4) {
		return affine{}, false
	}
	re, im = re*norm/size, -im*norm/size // inverted
	a = affine{xi: re, xj: -im, yi: im, yj: re}
	a.x0 = fx - tx*a.xi - ty*a.xj
	a.y0 = fy - tx*a.yi - ty*a.yj
	return a, true
}

// Views says which images of the aligned face make an embedding. A network that takes two faces at once
// always gets both.
type Views int

// The views of a face.
const (
	Plain     Views = iota // the face as it is: one run of the network
	Alternate              // the face and its mirror image in turn, from Look to Look: one run each
	Both                   // the mean of the face and its mirror image: two runs
)

// embedder turns an aligned face into a vector of length 1.
type embedder struct {
	net    Network
	tone   *tone
	batch  int // faces the network takes at once: 1 or 2
	views  Views
	odd    bool // Alternate: the next face is mirrored
	vector Embedding
}

func newEmbedder(n Network, v Views) (*embedder, error) {
	const face = alignSide * alignSide * 3
	in, out := len(n.Input(0)), len(n.Output(0))
	batch := in / face
	if in%face != 0 || batch < 1 || batch > 2 || out < batch || out%batch != 0 {
		return nil, fmt.Errorf("vision: embedder network takes %d and gives %d values, want 1 or 2 RGB %dx%d",
			in, out, alignSide, alignSide)
	}
	return &embedder{net: n, tone: newTone(alignMul, alignAdd), batch: batch, views: v,
		vector: make(Embedding, out/batch)}, nil
}

// align fills the network's first input with the aligned face.
func (e *embedder) align(f *frame, m *mesh) bool {
	from := m.alignFrom()
	a, ok := similarity(&from, &alignTo)
	if ok {
		f.crop(e.net.Input(0), alignSide, a, tapsFor(math.Hypot(a.xi, a.yi)), e.tone)
	}
	return ok
}

// embed computes the vector of the aligned face: the views that are asked for, each normalised, are added up
// and normalised. It reports false when the network gave nothing that can be normalised.
func (e *embedder) embed() (bool, error) {
	in, n := e.net.Input(0), alignSide*alignSide*3
	if e.batch == 2 {
		copy(in[n:], in[:n])
		mirror(in[n:])
	} else if e.views == Alternate {
		if e.odd {
			mirror(in)
		}
		e.odd = !e.odd
	}
	clear(e.vector)
	ok, err := e.run()
	if err == nil && e.batch == 1 && e.views == Both {
		mirror(in)
		first := ok
		ok, err = e.run()
		ok = ok && first
	}
	return err == nil && normalise(e.vector) && ok, err
}

// run adds what the network makes of its input to the vector.
func (e *embedder) run() (bool, error) {
	if err := e.net.Run(); err != nil {
		return false, err
	}
	ok, size := true, len(e.vector)
	for out := e.net.Output(0); len(out) >= size; out = out[size:] {
		ok = accumulate(e.vector, out[:size]) && ok
	}
	return ok, nil
}

// mirror swaps left and right of an aligned face.
//
//go:norace
func mirror(face []float32) {
	for y := range alignSide {
		row := face[y*alignSide*3 : (y+1)*alignSide*3]
		for l, r := 0, len(row)-3; l < r; l, r = l+3, r-3 {
			row[l], row[l+1], row[l+2], row[r], row[r+1], row[r+2] =
				row[r], row[r+1], row[r+2], row[l], row[l+1], row[l+2]
		}
	}
}

// accumulate adds v, brought to length 1, to sum. It reports false, and adds nothing, if v has no direction.
//
//go:norace
func accumulate(sum, v []float32) bool {
	l := length(v)
	if !(l > 1e-6) || math.IsInf(l, 0) {
		return false
	}
	for i, x := range v {
		sum[i] += x / float32(l)
	}
	return true
}

// normalise brings v to length 1, or reports false if it has no direction.
//
//go:norace
func normalise(v []float32) bool {
	l := length(v)
	if !(l > 1e-6) || math.IsInf(l, 0) {
		return false
	}
	for i := range v {
		v[i] /= float32(l)
	}
	return true
}

//go:norace
func length(v []float32) float64 {
	var s float64
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	return math.Sqrt(s)
}

// cosine of the angle between two vectors, -1..1; 0 if they cannot be compared.
func cosine(a, b []float32) float32 {
	if len(a) != len(b) {
		return 0
	}
	var s float64
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	if l := length(a) * length(b); l > 1e-12 && !math.IsInf(l, 0) {
		return float32(s / l)
	}
	return 0
}
