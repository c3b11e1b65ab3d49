package vision

import (
	"fmt"
	"image"
	"math"
	"testing"
	"time"
)

// being is a face before the camera, or a picture of one.
type being struct {
	e     Embedding
	width int
	x, y  float64 // of its middle
	sways float64 // pixels
	grows float64 // pixels, with it
	from  float64 // seconds, until when it is not there
	moves float64 // seconds, from when on it sways; 0 is always
	until float64 // seconds, from when on it is gone; 0 is never
	hides float64 // seconds, from when on it is out of sight for one second; 0 is never
	smile float64 // seconds, from when on it smiles; 0 is never
}

// shown is the face at a moment; false when it is out of sight.
func (b *being) shown(s float64) (sight, bool) {
	if s < b.from || b.until > 0 && s >= b.until || b.hides > 0 && s >= b.hides && s < b.hides+1 {
		return sight{}, false
	}
	x, y, w := b.x+0.4*math.Sin(97*s), b.y+0.4*math.Cos(61*s), float64(b.width) // a camera's noise
	if s >= b.moves {
		x, w = x+b.sways*math.Sin(3*s), w+b.grows*math.Sin(3*s)
	}
	return sight{image.Rect(int(x-w/2), int(y-w/2), int(x+w/2), int(y+w/2)),
		Eyes{float32(x), float32(y - w/6), float32(0.6 * w)}}, true
}

// seenFor is what a Pipeline would show to a visit of those before the camera.
func seenFor(v *Visit, all []being, s float64) Look {
	l, main, a := Look{Reason: NoFace}, -1, v.ask()
	var sights []sight
	var who []*being
	for i := range all {
		switch at, ok := all[i].shown(s); {
		case ok && l.poster.box.Empty() && hangs(at.box, a.place):
			l.poster = at
		case ok:
			sights, who = append(sights, at), append(who, &all[i])
			if last := len(sights) - 1; main < 0 || at.box.Dx() > sights[main].box.Dx() {
				main = last
			}
		}
	}
	if main < 0 {
		return l
	}
	var rival sight
	for i := range sights {
		if 2*sights[i].box.Dx() < sights[main].box.Dx() {
			continue
		}
		if l.Faces++; i != main {
			rival = sights[i]
		}
	}
	l.Box, l.Eyes, l.Reason = sights[main].box, sights[main].eyes, ""
	if l.Faces > 1 {
		if l.Reason = SeveralFaces; l.Faces == 2 && l.poster.box.Empty() {
			l.rival = rival
		}
		return l
	}
	l.Smile = rest
	if b := who[main]; b.smile > 0 && s >= b.smile {
		l.Smile = smile
	}
	if l.Depth = v.Depth(); l.Depth == Embed {
		l.Embedding = who[main].e
	}
	return l
}

type posterCase struct {
	name   string
	seen   []being
	want   Stage
	who    string
	poster Side // in the end
	by     float64
	lost   float64 // seconds, by when it counts again that was left out before; 0 is never
}

func posterCases() []posterCase {
	customer := being{e: anna, width: 200, x: 320, y: 240, sways: 5, smile: 5}
	late, small, large := customer, customer, being{e: carl, width: 280, x: 450, y: 240}
	late.from, small.width, small.x = 4, 130, 120
	poster := being{e: carl, width: 140, x: 540, y: 200}
	but := func(b being, change func(*being)) being { change(&b); return b }
	queue := but(poster, func(b *being) { b.sways = 4 })
	same := but(poster, func(b *being) { b.width = 200 })
	all := func(b ...being) []being { return b }
	return []posterCase{
		{"a poster beside her", all(customer, poster), Consented, "anna", Right, 5.5, 0},
		{"on the other side", all(customer, but(poster, func(b *being) { b.x = 90 })),
			Consented, "anna", Left, 5.5, 0},
		{"larger than her", all(small, large), Consented, "anna", Right, 5.5, 0},
		{"as large as her", all(but(customer, func(b *being) { b.grows = 9 }), same),
			Consented, "anna", Right, 5.5, 0},
		{"of another customer", all(customer, but(poster, func(b *being) { b.e = bert })),
			Consented, "anna", Right, 5.5, 0},
		{"of another customer, which smiles", all(but(customer, func(b *being) { b.smile = 0 }),
			but(large, func(b *being) { b.e, b.smile, b.x = bert, 4, 500 })), Recognised, "anna", Right, 0, 0},
		{"alone, then she comes", all(late, poster), Consented, "anna", Right, 5.7, 0},
		{"alone, more than twice as large, then she comes",
			all(but(late, func(b *being) { b.width, b.x = 120, 120 }), large), Consented, "anna", Right, 5.7, 0},
		{"alone for two seconds, then she comes",
			all(but(late, func(b *being) { b.from, b.smile = 2, 3.4 }), poster), Consented, "anna", Right, 4, 0},
		{"alone, then she stands before it", all(but(late, func(b *being) { b.x = 500 }),
			but(same, func(b *being) { b.until = 4 })), Consented, "anna", "", 5.7, 0},
		{"alone", all(poster), Unknown, "", "", 0, 0},
		{"somebody goes away from before it", all(but(customer, func(b *being) { b.smile = 5.4 }),
			but(queue, func(b *being) { b.x, b.until = 580, 2 }),
			but(poster, func(b *being) { b.x, b.from = 500, 2 })),
			Consented, "anna", Right, 5.9, 0},
		{"hidden for a while", all(customer, but(poster, func(b *being) { b.hides = 3.2 })),
			Consented, "anna", Right, 5.5, 0},
		{"hidden before it is found out: it is looked at anew, and she has smiled by then",
			all(but(customer, func(b *being) { b.smile = 3.4 }), but(poster, func(b *being) { b.hides = 1 })),
			Recognised, "anna", Right, 0, 0},
		{"a second person", all(customer, queue), Searching, "", "", 0, 0},
		{"one who stands still for two seconds", all(customer, but(queue, func(b *being) { b.moves = 2 })),
			Searching, "", "", 0, 0},
		{"one who stands still, and then does not", all(customer, but(queue, func(b *being) { b.moves = 4 })),
			Searching, "", "", 0, 4.6},
		{"a poster that is taken off and waved", all(customer,
			but(poster, func(b *being) { b.sways, b.moves = 60, 4 })), Searching, "", "", 0, 4.6},
		{"one who stands still beside a poster", all(but(customer, func(b *being) { b.sways = 0 }), poster),
			Searching, "", "", 0, 0},
		{"a poster and a second person", all(customer, poster, but(queue, func(b *being) { b.x, b.from = 100, 3 })),
			Searching, "", Right, 0, 0},
		{"a second poster, where the first one was not", all(customer, but(poster, func(b *being) { b.until = 4 }),
			but(poster, func(b *being) { b.x, b.from = 90, 4 })), Searching, "", "", 0, 4.6},
	}
}

// Of two faces the one that has never moved is a poster and is left out; one that moves counts, at once. So
// it is before every camera, after the same time.
func TestPosterBeside(t *testing.T) {
	for _, c := range posterCases() {
		for _, fps := range []int{10, 15, 30, 60} {
			t.Run(fmt.Sprintf("%s/%d fps", c.name, fps), func(t *testing.T) {
				v, start := NewVisit(both, easy), time.Now()
				var f, last Finding
				end, out := 0.0, 0.0
				for i := 0; i < 9*fps && f.Stage != Consented; i++ {
					end = float64(i) / float64(fps)
					f = v.Observe(seenFor(v, c.seen, end), start.Add(time.Duration(end*float64(time.Second))))
					if f.Poster != "" {
						out = end
					}
					if f.Strangers > 0 {
						t.Errorf("%d strangers after %.2f s", f.Strangers, end)
					}
					if last.Poster != "" && f.Poster == "" && f.Reason != SeveralFaces {
						t.Errorf("it counts again after %.2f s, and the frame is %q", end, f.Reason)
					}
					last = f
				}
				if f.Stage != c.want || f.Customer != c.who || f.Poster != c.poster {
					t.Errorf("%s of %q, poster %q; want %s of %q, %q", f.Stage, f.Customer, f.Poster, c.want, c.who,
						c.poster)
				}
				if f.Still != (c.want == Unknown) {
					t.Errorf("still: %v", f.Still)
				}
				if c.poster == "" && (out > c.lost || out == 0 && c.lost > 0) {
					t.Errorf("a face was left out until %.2f s, want %.2f", out, c.lost)
				}
				if c.want == Consented && end > c.by {
					t.Errorf("after %.2f s, want %.2f", end, c.by)
				}
			})
		}
	}
}

// A face in the place of the poster is none that counts, where the picture begins and whichever way it lies.
func TestFaceInAPlace(t *testing.T) {
	lies := image.NewGray(image.Rect(0, 0, 640, 480))
	within := image.NewGray(image.Rect(0, 0, 650, 500)).SubImage(image.Rect(10, 20, 650, 500))
	upright := turnedPart{part{lies, 0, 0, 1, 1}, 1}
	customer, poster := image.Pt(320, 240), image.Pt(560, 200)
	both, none := []image.Point{customer, poster}, image.Rectangle{}
	by := func(middle image.Point, x, y int) image.Rectangle {
		return image.Rectangle{middle, middle}.Inset(-50).Add(image.Pt(x, y))
	}
	box := func(middle image.Point) image.Rectangle { return by(middle, 0, 0) }
	for _, c := range []struct {
		name   string
		img    image.Image
		w, h   int
		faces  []image.Point
		place  image.Rectangle
		reason Reason
		count  int
		main   image.Rectangle
		poster image.Rectangle
	}{
		{"no place", lies, 640, 480, both, none, SeveralFaces, 2, box(customer), none},
		{"in it", lies, 640, 480, both, box(poster), "", 1, box(customer), box(poster)},
		{"the likelier one", lies, 640, 480, []image.Point{poster, customer}, box(poster), "", 1, box(customer),
			box(poster)},
		{"nearly", lies, 640, 480, both, by(poster, 10, 5), "", 1, box(customer), box(poster)},
		{"beside it", lies, 640, 480, both, by(poster, 25, 5), SeveralFaces, 2, box(customer), none},
		{"smaller", lies, 640, 480, both, box(poster).Inset(10), SeveralFaces, 2, box(customer), none},
		{"alone", lies, 640, 480, []image.Point{poster}, box(poster), NoFace, 0, none, box(poster)},
		{"and two people", lies, 640, 480, append([]image.Point{image.Pt(80, 200)}, both...), box(poster),
			SeveralFaces, 2, box(image.Pt(80, 200)), box(poster)},
		{"in a part of a picture", within, 640, 480, both, by(poster, 10, 20), "", 1, by(customer, 10, 20),
			by(poster, 10, 20)},
		{"turned", upright, 480, 640, []image.Point{image.Pt(240, 400), image.Pt(100, 150)},
			box(image.Pt(100, 150)), "", 1, box(image.Pt(240, 400)), box(image.Pt(100, 150))},
		{"outside the region", part{lies, 0, 0, 0.75, 1}, 640, 480, both, box(poster), "", 1, box(customer), none},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := seeing(c.w, c.h, c.faces...)
			if err := p.frame.set(c.img); err != nil {
				t.Fatal(err)
			}
			var l Look
			if _, err := p.find(&l, c.place); err != nil {
				t.Fatal(err)
			}
			near := func(a, b image.Rectangle) bool { return a == b || a.Inset(-2).Intersect(b) == b && !b.Empty() }
			if l.Reason != c.reason || l.Faces != c.count || !near(l.Box, c.main) || !near(l.poster.box, c.poster) {
				t.Errorf("%q, %d faces, %v beside %v; want %q, %d, %v beside %v", l.Reason, l.Faces, l.Box, l.poster.box,
					c.reason, c.count, c.main, c.poster)
			}
		})
	}
	p := seeing(640, 480, customer, poster)
	var img image.Image = lies
	if n := testing.AllocsPerRun(20, func() {
		var l Look
		_ = p.frame.set(img)
		_, _ = p.find(&l, box(poster))
	}); n > 1 { // the test's own Look
		t.Errorf("%v allocations a frame", n)
	}
}
