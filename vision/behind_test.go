package vision

import (
	"image"
	"math"
	"testing"
	"time"
)

// room is what is behind a face: how far each side of it goes along with the face, and how much there is to
// see of it.
type room struct {
	left, right float64 // 0 stands still, 1 moves with the face
	contrast    float64
	fps         int
	steady      bool    // the face doesn't move
	dims        float64 // what the camera's exposure changes in a second
}

// behindOf is a frame of it at a time, with the eyes in the middle; the face sways by 8 pixels, and grows and
// tilts a little.
func (r room) behindOf(at time.Duration) Behind {
	const x, y, span = 31.5, 31.5, 10.
	s := math.Sin(2 * math.Pi * at.Seconds() / 1.3)
	if r.steady {
		s = 0
	}
	dx, dy, grown, roll := 0.8*s, 0.3*s, 0.01*s, 0.01*s
	n := Behind{Luma: make([]float32, behindSide*behindSide), Area: image.Rect(0, 8, 64, 56), Roll: roll,
		Eyes: Eyes{X: float32(x + dx), Y: float32(y + dy), Span: float32(span * (1 + grown))}}
	gain := 1 + r.dims*at.Seconds()
	for j := range behindSide {
		for i := range behindSide {
			share := r.left
			if i > 31 {
				share = r.right
			}
			// Where the place was when the face was in the middle.
			fx, fy := float64(i)-x-share*dx, float64(j)-y-share*dy
			u, v := fx-share*(grown*fx-roll*fy), fy-share*(grown*fy+roll*fx)
			tint := math.Sin(u/2.1)*math.Cos(v/2.7) + math.Sin(0.31*u+0.53*v)
			n.Luma[j*behindSide+i] = float32(gain * (0.4 + r.contrast*tint))
		}
	}
	return n
}

// TestWhatIsBehindStandsStill: the wall behind a person doesn't move with the face; what is behind the face
// on a photo does. Where there is nothing to see on a side, or it is hair or a passer-by that moves, nobody
// is suspected.
func TestWhatIsBehindStandsStill(t *testing.T) {
	for name, c := range map[string]struct {
		room room
		want Verdict
	}{
		"a wall":                                 {room{0, 0, 0.1, 20, false, 0}, VerdictLive},
		"a photo":                                {room{1, 1, 0.1, 20, false, 0}, VerdictUndecided},
		"a photo, 10 pictures a second":          {room{1, 1, 0.1, 10, false, 0}, VerdictUndecided},
		"a photo, 30":                            {room{1, 1, 0.1, 30, false, 0}, VerdictUndecided},
		"a photo, and a camera that follows":     {room{1, 1, 0.1, 20, false, 0.1}, VerdictUndecided},
		"a wall, and a camera that follows":      {room{0, 0, 0.1, 20, false, 0.1}, VerdictLive},
		"a film that sways less than its face":   {room{0.6, 0.6, 0.1, 20, false, 0}, VerdictUndecided},
		"hair at one side":                       {room{1, 0, 0.1, 20, false, 0}, VerdictLive},
		"and at the other":                       {room{0, 1, 0.1, 20, false, 0}, VerdictLive},
		"a plain wall, or a photo before one":    {room{1, 1, 0.0005, 20, false, 0}, VerdictLive},
		"a face that keeps still before a wall":  {room{0, 0, 0.1, 20, true, 0}, VerdictLive},
		"a photo that keeps still tells nothing": {room{1, 1, 0.1, 20, true, 0}, VerdictLive},
	} {
		t.Run(name, func(t *testing.T) {
			s := lively()
			s.demand, s.fps, s.room = DemandPassive, c.room.fps, &c.room
			if f, _, _ := s.play(t, 1); f.Stage != Consented || f.Verdict != c.want {
				t.Errorf("%s, %q, want %q", f.Stage, f.Verdict, c.want)
			}
		})
	}
}

// TestBehindIsOfThisFace: what moved with another face says nothing of the one that came after.
func TestBehindIsOfThisFace(t *testing.T) {
	var b behind
	start := time.Now()
	for k := range 40 {
		at := time.Duration(k) * 50 * time.Millisecond
		n := room{left: 1, right: 1, contrast: 0.1}.behindOf(at)
		b.see(&n, start.Add(at))
	}
	if !b.follows() {
		t.Fatal("a photo is not noticed")
	}
	if b.forget(); b.follows() {
		t.Error("and not forgotten")
	}
	for name, n := range map[string]Behind{
		"nothing": {}, "of no size": {Luma: make([]float32, behindSide*behindSide)},
		"not a number": {Luma: make([]float32, behindSide*behindSide), Eyes: Eyes{X: float32(math.NaN()), Span: 9},
			Area: image.Rect(0, 0, 64, 64)},
		"beside the picture": {Luma: make([]float32, behindSide*behindSide), Eyes: Eyes{X: 900, Y: -900, Span: 500},
			Area: image.Rect(0, 0, 64, 64)},
	} {
		for k := range 9 {
			b.see(&n, start.Add(time.Minute+time.Duration(k)*time.Second))
		}
		if b.follows() {
			t.Errorf("%s moves with a face", name)
		}
	}
}

// TestSlowCamera: where the pictures are too far apart to see how the smile came, what stands still behind
// the face speaks for a person; not where the face was hidden meanwhile.
func TestSlowCamera(t *testing.T) {
	for name, c := range map[string]struct {
		room  room
		hides bool
		want  Verdict
	}{
		"before a wall":       {room{0, 0, 0.1, 5, false, 0}, false, VerdictLive},
		"a photo":             {room{1, 1, 0.1, 5, false, 0}, false, VerdictUndecided},
		"a plain wall":        {room{0, 0, 0.0005, 5, false, 0}, false, VerdictUndecided},
		"half a photo":        {room{1, 0, 0.1, 5, false, 0}, false, VerdictUndecided},
		"hidden meanwhile":    {room{0, 0, 0.1, 20, false, 0}, true, VerdictUndecided},
		"and before a photo":  {room{1, 1, 0.1, 20, false, 0}, true, VerdictUndecided},
		"neither, in between": {room{0.35, 0.3, 0.1, 5, false, 0}, false, VerdictUndecided},
	} {
		t.Run(name, func(t *testing.T) {
			s := lively()
			s.demand, s.fps, s.room, s.jumps, s.veiled = DemandPassive, c.room.fps, &c.room, true, c.hides
			if f, _, _ := s.play(t, 1); f.Stage != Consented || f.Verdict != c.want {
				t.Errorf("%s, %q, want %q", f.Stage, f.Verdict, c.want)
			}
		})
	}
}

// TestLightBeforeAPhoto: a face that answers the light, and takes along what is behind it, looks through
// paper.
func TestLightBeforeAPhoto(t *testing.T) {
	for share, want := range map[float64]Verdict{0: VerdictLive, 1: VerdictUndecided} {
		s := lively()
		s.room = &room{left: share, right: share, contrast: 0.1}
		if f, lights, _ := s.play(t, 1); f.Stage != Consented || f.Verdict != want || lights != 1 {
			t.Errorf("share %v: %s, %q after %d lights, want %q", share, f.Stage, f.Verdict, lights, want)
		}
	}
}

// inert is a network that computes nothing.
type inert []float32

func (s inert) Input(int) []float32  { return s }
func (s inert) Output(int) []float32 { return nil }
func (s inert) Run() error           { return nil }

// BenchmarkBehind is what looking at what is behind the face adds to a frame that is compared with another.
func BenchmarkBehind(b *testing.B) {
	p := &Pipeline{detector: &detector{net: make(inert, detectSide*detectSide*3)}}
	if err := p.frame.set(image.NewYCbCr(image.Rect(0, 0, 640, 480), image.YCbCrSubsampleRatio420)); err != nil {
		b.Fatal(err)
	}
	l := Look{Eyes: Eyes{X: 320, Y: 220, Span: 110}}
	var seen behind
	start := time.Unix(0, 0)
	for at := time.Duration(0); b.Loop(); at += 100 * time.Millisecond {
		p.coarse(&l)
		seen.see(&l.Behind, start.Add(at))
	}
}
