//go:build cgo && linux && !notflite

package vision_test

import (
	"image"
	"testing"
	"time"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/visits"
)

// shot renders a scenario of the portraits at the left and at the right of the picture, or one alone.
func shot(t *testing.T, st *visits.Studio, seconds float64, who ...visits.Visitor) (frames []image.Image) {
	t.Helper()
	s := visits.Scenario{Name: "glanced at", Seconds: seconds, FPS: filmFPS, Seed: 91, Visitors: who,
		Light: visits.Light{Gain: 1, Side: 0.1, Drift: 0.02, Noise: 1.2}}
	err := st.Shoot(s, func(m *image.RGBA) error {
		copied := *m
		copied.Pix = append([]uint8(nil), m.Pix...)
		frames = append(frames, &copied)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// rests stands at x and sways a little; smiles does so from a moment on.
func rests(portrait string, x float64) visits.Visitor { return smiles(portrait, x, 60) }

func smiles(portrait string, x, from float64) visits.Visitor {
	pose := func(x, smile float64) visits.Pose { return visits.Pose{X: x, Y: 205, Face: 186, Smile: smile} }
	return visits.Visitor{Portrait: portrait, Keys: []visits.Key{
		{At: 0, Pose: pose(x, 0)}, {At: 0.4, Pose: pose(x+4, 0)}, {At: min(from, 0.8), Pose: pose(x, 0)},
		{At: from + 0.2, Pose: pose(x, 1)}, {At: from + 60, Pose: pose(x, 1)}}}
}

// glanced plays pictures of filmFPS to a visit as a camera with fps takes them, and tells what each was.
func glanced(t *testing.T, p *vision.Pipeline, v *vision.Visit, frames []image.Image, fps, phase int,
	each func(i int, l *vision.Look, f vision.Finding),
) {
	t.Helper()
	start := time.Now()
	for i := phase; i < len(frames); i += filmFPS / fps {
		at := start.Add(time.Duration(i) * time.Second / filmFPS)
		l, err := p.LookFor(v, frames[i], at)
		if err != nil {
			t.Fatal(err)
		}
		each(i, &l, v.Observe(l, at))
	}
}

const swapAt = filmFPS * 3 / 4 // pictures

// Nobody slips in between two frames that are looked at in full: who stands where the customer stood, smiling
// or not, for good or in turn, and who steps up beside, is seen within a tenth of a second and a picture, and
// nobody is charged.
func TestGlanceMissesNobody(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` films it without the race detector")
	}
	p, st := pipeline(t), studio(t)
	alone := shot(t, st, 0.9, rests("hopper", 200))
	customer := one{look(t, p, alone[0]).Embedding}
	other := shot(t, st, 0.6, smiles("collins", 200, 0.2))
	beside := shot(t, st, 0.3, rests("hopper", 200), rests("collins", 470))
	turns := func(i, n int) image.Image { // two of six are the customer's: those that are compared, perhaps
		if (i+n)%6 < 2 {
			return alone[swapAt]
		}
		return other[len(other)-1]
	}
	for _, c := range []struct {
		name    string
		seconds float64
		after   func(i, n int) image.Image
	}{
		{"another face", 0.6, func(i, _ int) image.Image { return other[i] }},
		{"another face in turn", 0.6, turns},
		{"a second face", 0.3, func(i, _ int) image.Image { return beside[i] }},
	} {
		for n := range 3 {
			for _, fps := range []int{15, 30} {
				from := swapAt + 2*n
				frames := append([]image.Image(nil), alone[:from]...)
				for i := range int(c.seconds * filmFPS) {
					frames = append(frames, c.after(i, n))
				}
				v, before, glances := vision.NewVisit(customer, shipped(t)), vision.Stage(""), 0
				late := from + filmFPS/10 + filmFPS/fps
				glanced(t, p, v, frames, fps, 0, func(i int, l *vision.Look, f vision.Finding) {
					if l.Glance {
						glances++
					}
					if i < from {
						before = f.Stage
					}
					if f.Stage == vision.Consented || i >= late && i < late+filmFPS/10 && f.Stage != vision.Searching {
						t.Errorf("%s, %d fps, from picture %d on: %s in picture %d", c.name, fps, from, f.Stage, i)
					}
				})
				if before != vision.Recognised || glances == 0 {
					t.Errorf("%s, %d fps: %q before, %d glances", c.name, fps, before, glances)
				}
			}
		}
	}
}

// While the customer rests the mesh alone looks at most frames, and the others are those of a camera with ten
// a second; in the smile each is looked at in full. It is consent when it would be without glances, and costs
// no memory.
func TestGlanceChangesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` films it without the race detector")
	}
	var runs [3]int
	th := shipped(t)
	th.Views = vision.Plain
	p := vision.New(vision.Networks{Detector: counting{network(t, models.Detect), &runs[0]},
		Mesh:     counting{network(t, models.Mesh), &runs[1]},
		Embedder: counting{network(t, models.Embed), &runs[2]}}, th)
	frames := shot(t, studio(t), 2.2, smiles("hopper", 320, 1.4))
	customer := one{look(t, p, frames[0]).Embedding}
	for _, fps := range rates() {
		end := map[bool]int{}
		for _, full := range []bool{true, false} {
			v, glances, looks := vision.NewVisit(customer, shipped(t)), 0, 0
			start := time.Now()
			runs = [3]int{}
			for i := 0; i < len(frames) && end[full] == 0; i += filmFPS / fps {
				at := start.Add(time.Duration(i) * time.Second / filmFPS)
				looking := func() (vision.Look, error) { return p.LookFor(v, frames[i], at) }
				if full {
					looking = func() (vision.Look, error) { return p.Look(frames[i], v.Depth()) }
				}
				l, err := looking()
				if err != nil {
					t.Fatal(err)
				}
				if looks++; l.Glance {
					glances++
				}
				f := v.Observe(l, at)
				if f.Stage == vision.Consented {
					end[full] = i
				}
			}
			t.Logf("%d fps: consent in picture %d; %d frames, %d glances, runs %v", fps, end[full], looks, glances,
				runs)
			if want := fps > 10 && !full; want != (glances > looks/5) {
				t.Errorf("%d fps, all in full: %v, %d glances", fps, full, glances)
			}
			if runs[0] != looks-glances || runs[2] != looks-glances {
				t.Errorf("%d fps: %d frames, %d glances, runs %v", fps, looks, glances, runs)
			}
		}
		if d := end[true] - end[false]; end[true] == 0 || end[false] == 0 || d < -filmFPS/10 || d > filmFPS/10 {
			t.Errorf("%d fps: consent in picture %d in full, %d with glances", fps, end[true], end[false])
		}
	}
	v, i, start := vision.NewVisit(customer, shipped(t)), 0, time.Now()
	see := func() {
		at := start.Add(time.Duration(i) * time.Second / 30)
		l, err := p.LookFor(v, frames[i%30], at)
		if err != nil {
			t.Fatal(err)
		}
		v.Observe(l, at)
		i++
	}
	for range 30 {
		see()
	}
	if n := testing.AllocsPerRun(9, see); n > 1 { // an RGBA picture is converted with one word
		t.Errorf("%v allocations a frame", n)
	}
}
