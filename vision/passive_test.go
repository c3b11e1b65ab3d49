//go:build cgo && linux && !notflite

package vision_test

import (
	"image"
	"math"
	"testing"

	"smiletill/models"
	"smiletill/vision"
)

// alive is a liveness network that gives three logits; it computes nothing.
type alive struct {
	in, out []float32
	runs    int
}

func (a *alive) Input(int) []float32  { return a.in }
func (a *alive) Output(int) []float32 { return a.out }
func (a *alive) Run() error           { a.runs++; return nil }

func newAlive(logits ...float32) *alive { return &alive{in: make([]float32, 128*128*3), out: logits} }

func withLiveness(t testing.TB, n vision.Network) *vision.Pipeline {
	t.Helper()
	return vision.New(vision.Networks{Detector: network(t, models.Detect), Mesh: network(t, models.Mesh),
		Embedder: network(t, models.Embed), Liveness: n}, vision.DefaultThresholds())
}

// The network runs only when it is asked for and the frame can be used; what gives no number is undecided.
func TestPassiveIsAskedFor(t *testing.T) {
	const with = vision.WithPassive
	hopper, nan := picture(t, "hopper.jpg"), float32(math.NaN())
	dark, empty := mapped(hopper, func(v uint8) uint8 { return v / 9 }), image.NewGray(hopper.Rect)
	done := func(live float32) vision.Passive { return vision.Passive{Done: true, Live: live} }
	var undecided vision.Passive
	for name, c := range map[string]struct {
		img    image.Image
		depth  vision.Depth
		logits []float32
		want   vision.Passive
		runs   int
		looked vision.Depth
	}{
		"not asked for":  {hopper, vision.Embed, []float32{9, 0, 0}, undecided, 0, vision.Embed},
		"no face":        {empty, vision.Embed | with, []float32{9, 0, 0}, undecided, 0, 0},
		"dark":           {dark, vision.Landmarks | with, []float32{9, 0, 0}, undecided, 0, 0},
		"found only":     {hopper, vision.Detect | with, []float32{0, 0}, done(0.5), 1, vision.Detect},
		"with landmarks": {hopper, vision.Landmarks | with, []float32{0, 0, 0, 0}, done(0.25), 1, vision.Landmarks},
		"with all":       {hopper, vision.Embed | with, []float32{-99, 99, 0}, done(0), 1, vision.Embed},
		"very sure":      {hopper, vision.Embed | with, []float32{2000, -2000, 0}, done(1), 1, vision.Embed},
		"not a number":   {hopper, vision.Detect | with, []float32{1, nan, 0}, undecided, 1, vision.Detect},
		"all of them":    {hopper, vision.Detect | with, []float32{nan, nan, nan}, undecided, 1, vision.Detect},
	} {
		n := newAlive(c.logits...)
		l, err := withLiveness(t, n).Look(c.img, c.depth)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(float64(l.Passive.Live-c.want.Live)) > 1e-6 || l.Passive.Done != c.want.Done ||
			n.runs != c.runs || l.Depth != c.looked || (l.Took.Passive > 0) != (c.runs > 0) {
			t.Errorf("%s: %+v after %d runs at depth %v, took %v; want %+v", name, l.Passive, n.runs, l.Depth,
				l.Took.Passive, c.want)
		}
	}
	if l, err := pipeline(t).Look(hopper, vision.Embed|vision.WithPassive); err != nil || l.Passive.Done {
		t.Errorf("without a network: %+v, %v", l.Passive, err)
	}
	for _, bad := range []*alive{{make([]float32, 7), make([]float32, 3), 0}, newAlive(1)} {
		if _, err := withLiveness(t, bad).Look(hopper, vision.Detect); err == nil {
			t.Errorf("a network of %d inputs and %d outputs is taken", len(bad.in), len(bad.out))
		}
	}
}

// What it is shown is 2.7 times the face's box, the picture's left on the left, in the network's own colours.
func TestPassiveSeesTheFace(t *testing.T) {
	n := newAlive(1, 0)
	hopper := picture(t, "hopper.jpg")
	l, err := withLiveness(t, vision.Preprocessed(n, true, 0, 1)).Look(hopper, vision.Detect|vision.WithPassive)
	if err != nil || !l.Passive.Done {
		t.Fatal(l, err)
	}
	centre, half := l.Box.Min.Add(l.Box.Max).Div(2), float64(l.Box.Dx())*2.7/2
	half = min(half, float64(hopper.Rect.Dy())/2)
	left := min(max(float64(centre.X)-half, 0), float64(hopper.Rect.Dx())-2*half)
	top := min(max(float64(centre.Y)-half, 0), float64(hopper.Rect.Dy())-2*half)
	var off float64
	for j := 8; j < 128; j += 16 {
		for i := 8; i < 128; i += 16 {
			var want, got [3]float64 // means over 5x5 pixels of the input, and the same place of the picture
			for v := -2; v <= 2; v++ {
				for u := -2; u <= 2; u++ {
					x, y := left+(float64(i+u)+0.5)*2*half/128, top+(float64(j+v)+0.5)*2*half/128
					r, g, b, _ := hopper.At(int(x), int(y)).RGBA()
					for k, c := range []uint32{b, g, r} {
						want[k] += float64(c>>8) / 25
						got[k] += float64(n.in[((j+v)*128+i+u)*3+k]) / 25
					}
				}
			}
			for k := range want {
				off += math.Abs(want[k]-got[k]) / 64 / 3
			}
		}
	}
	if off > 6 {
		t.Errorf("the input is off by %.1f levels in the mean", off)
	}
}

// The network that ships finds the portraits bona fide, and does not allocate.
func TestPassiveOfPortraits(t *testing.T) {
	p := withLiveness(t, vision.Preprocessed(network(t, models.Liveness), true, 0, 1))
	for _, name := range []string{"hopper.jpg", "collins.jpg"} {
		var img image.Image = picture(t, name)
		l, err := p.Look(img, vision.Embed|vision.WithPassive)
		t.Logf("%s: %+v", name, l.Passive)
		if err != nil || !l.Passive.Done || !(l.Passive.Live > 0 && l.Passive.Live <= 1) {
			t.Errorf("%s: %+v, %v", name, l.Passive, err)
		}
		if n := testing.AllocsPerRun(3, func() {
			_, _ = p.Look(img, vision.Embed|vision.WithPassive|vision.WithSkin|vision.WithBehind)
		}); n != 0 {
			t.Errorf("%v allocations a Look", n)
		}
	}
}

// TestSkin: the colour of each place of a face, whichever way the camera hangs and whatever its format.
func TestSkin(t *testing.T) {
	p := withLiveness(t, nil)
	for _, name := range []string{"hopper.jpg", "collins.jpg"} {
		img := picture(t, name)
		l, err := p.Look(img, vision.Landmarks|vision.WithSkin)
		if err != nil || l.Reason != "" {
			t.Fatal(l.Reason, err)
		}
		for i, s := range l.Skin {
			if !(s.Red > 0.02 && s.Red < 1 && s.Green > 0.02 && s.Green < s.Red*1.05 && s.Blue > 0.01 && s.Blue < 1) {
				t.Errorf("%s: place %d is %+v, which no skin is", name, i, s)
			}
		}
	}
}

// TestBehindIsTheFrame: the coarse picture is the whole frame, with bars where that ends, and the eyes are
// where they are in it.
func TestBehindIsTheFrame(t *testing.T) {
	p, whole := withLiveness(t, nil), picture(t, "hopper.jpg")
	var eyes *[2]float64 // in the whole picture's pixels
	for _, cut := range []image.Rectangle{whole.Rect, image.Rect(90, 0, 530, 480), image.Rect(0, 30, 640, 450)} {
		img := whole.SubImage(cut).(*image.YCbCr)
		l, err := p.Look(img, vision.Landmarks|vision.WithBehind)
		if err != nil || l.Reason != "" {
			t.Fatal(l.Reason, err)
		}
		b, side := l.Behind, max(cut.Dx(), cut.Dy())
		cell := float64(side) / 64
		padX, padY := float64(side-cut.Dx())/2, float64(side-cut.Dy())/2
		var off, n float64
		for j := b.Area.Min.Y; j < b.Area.Max.Y; j++ {
			for i := b.Area.Min.X; i < b.Area.Max.X; i++ {
				x0, y0 := int(float64(i)*cell-padX), int(float64(j)*cell-padY)
				var sum, of float64
				for y := y0; y < y0+int(cell); y++ {
					for x := x0; x < x0+int(cell); x++ {
						if at := (image.Pt(x, y).Add(cut.Min)); at.In(cut) {
							sum, of = sum+float64(img.Y[img.YOffset(at.X, at.Y)])/255, of+1
						}
					}
				}
				off, n = off+math.Abs(sum/of-float64(b.Luma[64*j+i])), n+1
			}
		}
		if want := float64(cut.Dx()*cut.Dy()) / cell / cell; off > 0.02*n || n < 0.9*want || n > want+1 {
			t.Errorf("%v: off by %.3f in the mean of %.0f cells, want %.0f", cut, off/n, n, want)
		}
		at := [2]float64{(float64(b.Eyes.X)+0.5)*cell - padX + float64(cut.Min.X),
			(float64(b.Eyes.Y)+0.5)*cell - padY + float64(cut.Min.Y)}
		if eyes == nil {
			eyes = &at
		}
		if math.Hypot(at[0]-eyes[0], at[1]-eyes[1]) > 4 ||
			math.Abs(float64(b.Eyes.Span)*cell-float64(l.Eyes.Span)) > 0.1 {
			t.Errorf("%v: eyes at %.1f and %.1f cells apart, want %.1f", cut, at, b.Eyes.Span, *eyes)
		}
	}
	if l, err := p.Look(whole, vision.Landmarks); err != nil || l.Behind.Luma != nil {
		t.Errorf("nobody asked, and it is there: %v", err)
	}
}
