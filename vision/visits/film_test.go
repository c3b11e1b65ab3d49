package visits

import (
	"bytes"
	"math"
	"testing"
)

// dummy stands in for the portraits where they aren't at hand: a picture with detail everywhere under the
// real landmarks.
func dummy(t *testing.T, name string) *portrait {
	t.Helper()
	s, err := readSheet(name)
	if err != nil {
		t.Fatal(err)
	}
	pic := newLayer(512, 512)
	r := rng(7)
	for i := 0; i < len(pic.pix); i += 4 {
		for k := range 3 {
			pic.pix[i+k] = float32(r.between(60, 200))
		}
		pic.pix[i+3] = 255
	}
	s.Enlarge = 1
	return newPortrait(s, pic.blurred(2))
}

func TestSameSeedSameBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	st := &Studio{cast: map[string]*portrait{"hopper": dummy(t, "hopper")}}
	s := Scenario{Name: "s", Seconds: 0.2, Seed: 5, Light: Light{Gain: 1, Noise: 2, Side: 0.1},
		Visitors: []Visitor{{Portrait: "hopper", Blinks: []float64{0.1},
			Keys: []Key{{0, Pose{X: 320, Y: 200, Face: 150, Yaw: 4, Smile: 1}}}}}}
	film := func(s Scenario) []byte {
		b, err := st.Film(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := film(s)
	if !bytes.Equal(first, film(s)) {
		t.Error("the same scenario gives other bytes")
	}
	if n := len(Split(first)); n != 2 {
		t.Errorf("%d frames, want 2", n)
	}
	s.Seed++
	if bytes.Equal(first, film(s)) {
		t.Error("another seed gives the same bytes")
	}
	s.Visitors[0].Portrait = "nobody"
	if _, err := st.Film(s); err == nil {
		t.Error("a scenario without a portrait was filmed")
	}
}

// forward finds where the landmark of the portrait ends up, by searching the warped face around it.
func forward(w *warp, a point) point {
	q := a
	for range 60 { // the backward displacement is small and smooth: the fixed point converges
		s := w.grid.move(q)
		q = point{q.x + a.x - s.x, q.y + a.y - s.y}
	}
	return q
}

func TestSmileWidensAndLiftsTheMouth(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	for _, name := range []string{"hopper", "collins"} {
		p := dummy(t, name)
		width := func(smile float64) (width, lift float64) {
			w := p.bend(Pose{Smile: smile})
			r, l := p.local(forward(w, p.mark(61))), p.local(forward(w, p.mark(291)))
			return (l.x - r.x) / p.eyeDist, -(l.y + r.y) / 2 / p.eyeDist
		}
		w0, l0 := width(0)
		w1, l1 := width(1)
		if rise := w1/w0 - 1; rise < 0.15 || rise > 0.4 {
			t.Errorf("%s: a smile widens the mouth by %.0f %%, want 15 to 40", name, 100*rise)
		}
		if l1-l0 < 0.03 {
			t.Errorf("%s: a smile lifts the corners by %.3f of the eyes' distance", name, l1-l0)
		}
	}
}

// TestNothingTears: neighbours in the film come from neighbours in the portrait, in the same order, in the
// most extreme poses of the scenarios. A fold would turn a cheek inside out.
func TestNothingTears(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	for _, name := range []string{"hopper", "collins"} {
		p := dummy(t, name)
		for _, pose := range []Pose{
			{Smile: 0}, {Smile: 1}, {Yaw: -9, Pitch: -6},
			{Smile: 1, Yaw: 9, Pitch: 6}, {Smile: 1, Yaw: -9, Pitch: 6},
		} {
			w := p.bend(pose)
			r := 1.3 * p.ears
			for y := p.eyes.y - r; y < p.eyes.y+r; y += 2 {
				for x := p.eyes.x - r; x < p.eyes.x+r; x += 2 {
					a := w.grid.move(point{x, y})
					b, c := w.grid.move(point{x + 1, y}), w.grid.move(point{x, y + 1})
					area := (b.x-a.x)*(c.y-a.y) - (b.y-a.y)*(c.x-a.x)
					if area < 0.15 || area > 5 {
						t.Fatalf("%s %+v: a pixel at %.0f,%.0f comes from %.2f pixels",
							name, pose, x, y, area)
					}
				}
			}
		}
	}
}

func TestLidsAndLipsClose(t *testing.T) {
	p := dummy(t, "collins")
	for what, o := range map[string]opening{"right eye": p.right, "left eye": p.other, "mouth": p.mouth} {
		u := (o.upper[0].x + o.upper[len(o.upper)-1].x) / 2
		a, b := along(o.upper, u), along(o.lower, u)
		seen := func(c float64) (open int) { // how much of what lies between the curves is still to be seen
			last := math.Inf(-1)
			for v := a - o.above - 2; v < b+o.below+2; v += 0.05 {
				s, light := o.source(u, v, c)
				if s < last-1e-9 {
					t.Fatalf("%s shut by %.1f: the order of the rows is turned at %.2f", what, c, v)
				}
				if light < 0 || light > 1 {
					t.Fatalf("%s: light %.2f", what, light)
				}
				last = s
				if s > a+1e-6 && s < b-1e-6 {
					open++
				}
			}
			return open
		}
		all, half, none := seen(0), seen(0.5), seen(1)
		if none > 1 || half < all/3 || half > 2*all/3 {
			t.Errorf("%s: rows seen when open %d, half shut %d, shut %d", what, all, half, none)
		}
	}
}

func TestSplineGoesThroughItsPoints(t *testing.T) {
	from := []point{{0, 0}, {100, 0}, {0, 100}, {100, 100}, {50, 50}, {30, 70}}
	to := []point{{0, 0}, {100, 0}, {0, 100}, {100, 100}, {58, 45}, {30, 72}}
	s := newBend(from, to, 100)
	for i, q := range to {
		dx, dy := s.at(q)
		if math.Hypot(q.x+dx-from[i].x, q.y+dy-from[i].y) > 1e-6 {
			t.Errorf("point %d comes from %.3f,%.3f, want %v", i, q.x+dx, q.y+dy, from[i])
		}
	}
}

func TestResamplingKeepsFlatThingsFlat(t *testing.T) {
	l := newLayer(20, 10)
	l.box(0, 0, 20, 10, [3]float64{100, 150, 200})
	check := func(what string, l *layer) {
		t.Helper()
		for i, v := range l.pix {
			if want := [4]float32{100, 150, 200, 255}[i%4]; math.Abs(float64(v-want)) > 0.01 {
				t.Fatalf("%s: value %d is %v, want %v", what, i, v, want)
			}
		}
	}
	check("enlarged", l.enlarge(2))
	check("halved", l.half())
	check("blurred", l.blurred(3))
	var px [4]float32
	newPyramid(l, 3).sample(9.3, 4.7, 0.4, &px)
	check("sampled", &layer{w: 1, h: 1, pix: px[:]})
}

// What is filmed faster has the same moments, and others between.
func TestOtherRates(t *testing.T) {
	slow := Scenarios()[1]
	fast := slow
	fast.FPS = 60
	if n := fast.Frames(); n != 6*slow.Frames() {
		t.Errorf("%d pictures at 60 a second, %d at %d", n, slow.Frames(), FPS)
	}
	between := 0
	for i := range slow.Frames() {
		if a, b := slow.Pose(0, i), fast.Pose(0, 6*i); a != b {
			t.Errorf("picture %d: %+v, at 60 a second %+v", i, a, b)
		}
		if fast.Pose(0, 6*i+3) != fast.Pose(0, 6*i) {
			between++
		}
	}
	if between < slow.Frames()-1 {
		t.Errorf("only %d of %d pictures between are other ones", between, slow.Frames())
	}
}

// Empty parts that are passed over give what they gave when they were sampled: nothing.
func TestEmptyPartsAreEmpty(t *testing.T) {
	l := newLayer(40, 30)
	l.box(12, 7, 21, 19, [3]float64{90, 140, 200})
	l.box(30, 28, 33, 30, [3]float64{10, 20, 30})
	looked := &layer{w: l.w, h: l.h, pix: l.pix}
	looked.findFilled()
	passed := 0
	for y := -3.; y < 34; y += 0.37 {
		for x := -3.; x < 44; x += 0.37 {
			var a, b [4]float32
			l.cubic(x, y, 1, &a)
			looked.cubic(x, y, 1, &b)
			if a != b {
				t.Fatalf("at %.2f,%.2f: %v, want %v", x, y, b, a)
			}
			if looked.empty(int(math.Floor(x-0.5))-1, int(math.Floor(y-0.5))-1) {
				passed++
			}
		}
	}
	if passed == 0 {
		t.Error("nothing is passed over")
	}
}
