package visits

import (
	"image"
	"math"
	"reflect"
	"testing"
)

// A jaw that opens takes the chin down, shows the dark between the lips, and leaves the order of the rows and
// all above the mouth alone.
func TestJawOpens(t *testing.T) {
	p := dummy(t, "hopper")
	for _, pose := range []Pose{
		{Jaw: 0.1, Part: 1}, {Jaw: 0.5, Part: 0.95, Teeth: 1}, {Jaw: 0.1, Part: 0.1, Slide: 0.05}, {Slide: -0.05},
	} {
		j := p.newJaw(pose)
		for u := -0.9 * j.half; u < 0.9*j.half; u += j.half / 12 {
			last, dark := math.Inf(-1), 0.0
			const step = 0.25
			for v := j.high - 5; v < j.neck+5; v += step {
				q, over := j.source(u, v)
				if q.y < last-1e-9 {
					t.Fatalf("%+v: the order of the rows is turned at %.1f,%.1f", pose, u, v)
				}
				if last = q.y; over.cover > 0.5 {
					dark += step
				}
				if (v < j.high || v > j.neck) && q != (point{u, v}) {
					t.Fatalf("%+v: %.1f,%.1f moves", pose, u, v)
				}
			}
			want := pose.Jaw * pose.Part * p.eyeDist
			if math.Abs(u) < j.half/12 && math.Abs(dark-1.1*want) > 0.2*want+3 {
				t.Errorf("%+v: the lips are %.1f apart at %.1f, want about %.1f", pose, dark, u, want)
			}
		}
		if q, _ := j.source(0, j.chin+j.drop); math.Abs(q.y-j.chin) > 1 {
			t.Errorf("%+v: the chin is not %.0f lower", pose, j.drop)
		}
	}
	if p.newJaw(Pose{Smile: 1}) != nil {
		t.Error("a smile opens the jaw")
	}
}

// peaks counts how often a value of the poses rises above a limit, and the longest time in seconds above it.
func peaks(s Scenario, of func(Pose) float64, limit float64) (n int, longest float64) {
	above := 0.0
	for at := 0.0; at < s.Seconds; at += 0.01 {
		if v := of(s.Visitors[0].pose(at)); v > limit {
			if above == 0 {
				n++
			}
			above += 0.01
			longest = max(longest, above)
		} else {
			above = 0
		}
	}
	return n, longest
}

// The gestures are what they are called, from any seed, and the same from the same.
func TestGesturesAreWhatTheySay(t *testing.T) {
	jaw := func(p Pose) float64 { return p.Jaw * p.Part }
	for seed := range uint64(40) {
		for _, g := range Gestures() {
			s := g.Scenario("hopper", seed)
			if !reflect.DeepEqual(s, g.Scenario("hopper", seed)) {
				t.Fatalf("%s: seed %d gives another scenario", g, seed)
			}
			smiles, _ := peaks(s, func(p Pose) float64 { return p.Smile }, 0.3)
			if (smiles > 0) != g.Consents() {
				t.Errorf("%s, seed %d: %d smiles", g, seed, smiles)
			}
			opens, long := peaks(s, jaw, 0.025)
			switch g {
			case Talks:
				if opens < 4 || long > 1 {
					t.Errorf("%s, seed %d: %d openings, the longest of %.2f s", g, seed, opens, long)
				}
			case Yawns:
				if opens < 1 || long < 1 || long > 5 {
					t.Errorf("%s, seed %d: %d openings, the longest of %.2f s", g, seed, opens, long)
				}
			case Rests, Chews, Turns, Smiles:
				if opens > 0 {
					t.Errorf("%s, seed %d: the mouth opens", g, seed)
				}
			case TalksThenSmiles:
			}
			if turned, _ := peaks(s, func(p Pose) float64 { return math.Abs(p.Yaw) }, 12); turned > 0 && g != Turns {
				t.Errorf("%s, seed %d: the head turns", g, seed)
			}
		}
	}
}

// Whoever sits for the studio is seen as in the photo, with the photo's edge going on.
func TestSit(t *testing.T) {
	s, err := readSheet("hopper")
	if err != nil {
		t.Fatal(err)
	}
	photo := image.NewGray(image.Rect(10, 20, 522, 532))
	for i := range photo.Pix {
		photo.Pix[i] = 120
	}
	var st Studio
	st.Sit("grey", photo, s.Landmarks)
	film, err := st.Film(Scenario{Name: "s", Seed: 1, Light: Light{Gain: 1},
		Visitors: []Visitor{{Portrait: "grey", Keys: []Key{{0, Pose{X: 320, Y: 200, Face: 170, Smile: 0.5}}}}}})
	if err != nil || len(Split(film)) != 1 {
		t.Fatal(len(Split(film)), err)
	}
	p := st.cast["grey"]
	if p.ears > 1.6*sitterFace {
		t.Errorf("the face is %.0f wide", p.ears)
	}
	var px [4]float32
	for _, q := range []point{{-50, -50}, {0, 0}, {255.9, 255.9}, {1e4, 1e4}} {
		if p.photo.linear(q.x, q.y, &px); px != [4]float32{120, 120, 120, 255} {
			t.Errorf("at %v: %v", q, px)
		}
	}
}
