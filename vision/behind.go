package vision

import (
	"image"
	"math"
	"time"
)

// What is behind a face stands still while the face moves; what is behind a face on paper or on a screen that
// somebody holds up moves with it.

const (
	// behindSide is how many cells a frame is wide or high, whichever is more.
	behindSide = detectSide / 2
	// behindFor is how far apart two frames are that are compared: long enough for a head to sway by more than
	// the mesh slips.
	behindFor = 200 * time.Millisecond
	// behindKept frames are kept, behindEvery apart: those of behindFor.
	behindKept, behindEvery = 5, 45 * time.Millisecond
	// behindFar is the farthest that a place may have moved between them, in cells: what is there is blurred
	// over as much.
	behindFar = 1.5
	// The places that are compared lie at both sides of the face, where no hair is: so far from the middle
	// between the eyes, in eye spans.
	behindInner, behindOuter = 1.15, 2.0
	behindAbove, behindBelow = 1.2, 0.9
	// behindShare is from which share of the face's own movement, the mean of both sides, what is there moves
	// with it, and behindSeen what the whole movement has to change of the luma of a place there, as a mean
	// square: on plain walls nothing tells. Choosing seeds of vision/attacks from 2000 and 2600:
	// of the living, 68, both sides show something in 5, with shares of up to 0.38 in the mean and 0.14 at the
	// least; of bent photos (26, on a screen) 20 move so, of two photos in turn 40 of 49.
	behindShare = 0.4
	behindSeen  = 1.5 / (255 * 255)
	// behindLeast is what each side must at least: hair and a passer-by move on one.
	behindLeast = 0.2
	// behindStill is up to which share a side stands still, behindFaint what is enough to see there for that,
	// and behindLoose from which share the other side says that it does not.
	behindStill, behindLoose = 0.25, 0.5
	behindFaint              = 0.3 / (255 * 255)
)

// Behind is the whole frame, coarse, behindSide cells square, with where the face is in it.
type Behind struct {
	Luma []float32       // lines of cells, 0..1; overwritten by the next Look; nil: not asked for
	Area image.Rectangle // of the cells that show the frame; the others are bars
	Eyes Eyes            // in cells
	Roll float64         // radians
}

// coarse fills the luma of the frame from the detector's input, which is the frame in 128 pixels.
//
//go:norace
func (p *Pipeline) coarse(l *Look) {
	in := p.detector.net.Input(0)
	for y := range behindSide {
		upper, lower := in[2*y*detectSide*3:], in[(2*y+1)*detectSide*3:]
		for x := range behindSide {
			var sum float32
			for c, k := range [3]float32{lumaR, lumaG, lumaB} {
				i := 6*x + c
				sum += k * (upper[i] + upper[i+3] + lower[i] + lower[i+3])
			}
			p.behind[y*behindSide+x] = sum/8 + 0.5
		}
	}
	w, h := p.frame.size()
	cell := float32(max(w, h)) / behindSide
	padX, padY := float32(max(w, h)-w)/2, float32(max(w, h)-h)/2
	left, top := int(math.Ceil(float64(padX/cell))), int(math.Ceil(float64(padY/cell)))
	l.Behind = Behind{Luma: p.behind[:], Roll: float64(l.Pose.Roll) * math.Pi / 180,
		Area: image.Rect(left, top, behindSide-left, behindSide-top), Eyes: Eyes{X: (l.Eyes.X+0.5+padX)/cell - 0.5,
			Y: (l.Eyes.Y+0.5+padY)/cell - 0.5, Span: l.Eyes.Span / cell}}
}

// behind compares what is beside a face, from frame to frame, with how the face moves.
type behind struct {
	kept  []kept // a ring of the last frames; nil before the first
	seen  int
	sides [2]moved
}

// kept is a frame that later ones are compared with.
type kept struct {
	luma [behindSide * behindSide]float32
	eyes Eyes
	roll float64
	at   time.Time
}

// moved is the least squares of the change of one side against the change that the face's movement would
// make there.
type moved struct{ along, power, cells float64 }

// forget drops a face.
func (b *behind) forget() { b.seen, b.sides = 0, [2]moved{} }

// see takes a frame of the face.
func (b *behind) see(n *Behind, at time.Time) {
	if len(n.Luma) != behindSide*behindSide || !(n.Eyes.Span > 0) ||
		b.seen > 0 && at.Sub(b.kept[(b.seen-1)%behindKept].at) < behindEvery {
		return
	}
	for k := b.seen - 1; k >= max(0, b.seen-behindKept); k-- {
		if was := &b.kept[k%behindKept]; at.Sub(was.at) >= behindFor {
			b.compare(was, n)
			break
		}
	}
	if b.kept == nil {
		b.kept = make([]kept, behindKept)
	}
	k := &b.kept[b.seen%behindKept]
	copy(k.luma[:], n.Luma)
	k.eyes, k.roll, k.at = n.Eyes, n.Roll, at
	b.seen++
}

// compare adds one pair of frames.
//
//go:norace
func (b *behind) compare(was *kept, n *Behind) {
	mid := Eyes{(was.eyes.X + n.Eyes.X) / 2, (was.eyes.Y + n.Eyes.Y) / 2, (was.eyes.Span + n.Eyes.Span) / 2}
	dx, dy := float64(n.Eyes.X-was.eyes.X), float64(n.Eyes.Y-was.eyes.Y)
	grown, turned := float64(n.Eyes.Span/was.eyes.Span)-1, n.Roll-was.roll
	in := n.Area.Inset(1) // with neighbours on all sides
	x0, x1 := cells(mid.X, behindOuter*mid.Span, behindOuter*mid.Span, in.Min.X, in.Max.X)
	y0, y1 := cells(mid.Y, behindAbove*mid.Span, behindBelow*mid.Span, in.Min.Y, in.Max.Y)
	beside := func(x int) bool {
		d := float32(x) - mid.X
		return max(d, -d) > behindInner*mid.Span
	}
	var before, now float64
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			if beside(x) {
				before, now = before+float64(was.luma[y*behindSide+x]), now+float64(n.Luma[y*behindSide+x])
			}
		}
	}
	if !(before > 0) {
		return
	}
	gain := float32(now / before) // the camera's exposure follows
	at := func(i int) float64 { return float64(gain*was.luma[i]+n.Luma[i]) / 2 }
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			if !beside(x) {
				continue
			}
			fx, fy := float64(float32(x)-mid.X), float64(float32(y)-mid.Y)
			mx, my := dx+grown*fx-turned*fy, dy+grown*fy+turned*fx
			if math.Hypot(mx, my) > behindFar {
				continue
			}
			i := y*behindSide + x
			would := -(mx*(at(i+1)-at(i-1)) + my*(at(i+behindSide)-at(i-behindSide))) / 2
			side := &b.sides[0]
			if fx > 0 {
				side = &b.sides[1]
			}
			side.along += would * float64(n.Luma[i]-gain*was.luma[i])
			side.power += would * would
			side.cells++
		}
	}
}

// cells are those from so far before a place to so far behind it, between least and most.
func cells(at, before, behind float32, least, most int) (first, last int) {
	return max(int(math.Ceil(float64(at-before))), least), min(int(math.Floor(float64(at+behind)))+1, most)
}

// follows says whether both sides have moved with the face.
func (b *behind) follows() bool {
	var sum float64
	for _, s := range b.sides {
		if s.cells == 0 || !(s.power >= behindSeen*s.cells) || !(s.along >= behindLeast*s.power) {
			return false
		}
		sum += s.along / s.power
	}
	return sum >= behindShare*float64(len(b.sides))
}

// stands says whether what is behind has been seen to stand still while the face moved.
func (b *behind) stands() (still bool) {
	for _, s := range b.sides {
		switch {
		case s.cells == 0 || !(s.power >= behindFaint*s.cells):
		case s.along >= behindLoose*s.power:
			return false
		case math.Abs(s.along) <= behindStill*s.power:
			still = true
		}
	}
	return still
}
