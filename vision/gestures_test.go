//go:build cgo && linux && !notflite

package vision_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/visits"
)

// sitter is a face that is bent into gestures.
type sitter struct {
	name      string
	photo     image.Image
	landmarks [468][3]float64
	face      vision.Embedding
	rest      float32
}

// sitters are the two portraits of this package, the second with her mouth shut by the generator, and the
// neutral photos of DIR/Name/neutral.jpg where a folder is named.
func sitters(t *testing.T, p *vision.Pipeline, dir string) (all []sitter) {
	t.Helper()
	add := func(name string, img image.Image) {
		l := look(t, p, img)
		if l.Reason != "" {
			t.Logf("%s is left out: %s", name, l.Reason)
			return
		}
		all = append(all, sitter{name, img, p.Landmarks(), l.Embedding, l.Smile})
	}
	stranger, err := visits.Open("stranger_smile")
	if err != nil {
		t.Fatal(err)
	}
	still, err := jpeg.Decode(bytes.NewReader(stranger.Frames[23]))
	if err != nil {
		t.Fatal(err)
	}
	add("hopper.jpg", picture(t, "hopper.jpg"))
	add("stranger", still)
	photos, err := filepath.Glob(filepath.Join(dir, "*", "neutral.jpg"))
	if err != nil || dir != "" && len(photos) == 0 {
		t.Fatalf("no photos in %s: %v", dir, err)
	}
	for _, path := range photos {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		add(filepath.Base(filepath.Dir(path)), img)
	}
	return all
}

// played is how one visit of the generator ended.
type played struct {
	gesture               visits.Gesture
	recognised, consented bool
	asMild                bool    // or would, after an enrolment that measured a small smile
	risen                 float32 // the most that was seen of the rise that is wanted, 0..1
}

// play films a gesture and shows it to a visit, frame by frame.
func (s *sitter) play(p *vision.Pipeline, g visits.Gesture, seed uint64) (end played, err error) {
	end.gesture = g
	var studio visits.Studio
	studio.Sit(s.name, s.photo, s.landmarks)
	scene := g.Scenario(s.name, seed)
	film, err := studio.Film(scene)
	if err != nil {
		return end, err
	}
	if dir := os.Getenv("GESTURES_OUT"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, scene.Name+" "+s.name+".mjpeg"), film, 0o600); err != nil {
			return end, err
		}
	}
	v, start := vision.NewVisit(one{s.face}, p.Thresholds()), time.Now()
	own := vision.NewVisit(mild{one{s.face}, s.rest}, p.Thresholds())
	for i, frame := range visits.Split(film) {
		img, err := jpeg.Decode(bytes.NewReader(frame))
		if err != nil {
			return end, err
		}
		l, err := p.Look(img, max(v.Depth(), own.Depth()))
		if err != nil {
			return end, err
		}
		at := start.Add(time.Duration(i) * time.Second / visits.FPS)
		f := v.Observe(l, at)
		end.asMild = own.Observe(l, at).Stage == vision.Consented
		end.recognised = end.recognised || f.Stage == vision.Recognised
		end.risen = max(end.risen, min((f.Progress-0.5)/0.3, 1))
		if end.consented = f.Stage == vision.Consented; end.consented && end.asMild {
			break
		}
	}
	return end, nil
}

// mild is a customer whose enrolment measured so small a smile that the least rise is enough.
type mild struct {
	one
	rest float32
}

func (m mild) Smile(string) (rest, rise float32, ok bool) { return m.rest, 0.15, true }

// performance is a gesture from a seed; the seed chooses the sitter too.
type performance struct {
	gesture visits.Gesture
	seed    int
}

// performances are n visits that mean nothing by it, of five kinds, and a third as many of each that smiles;
// without a number the few that the check has time for.
func performances(t *testing.T) (all []performance) {
	n, seed := number(t, "GESTURES"), number(t, "GESTURES_SEED")
	if n == 0 {
		return []performance{{visits.Talks, 5005}, {visits.Yawns, 57}, {visits.Chews, 2}, {visits.Turns, 1},
			{visits.Smiles, 2}}
	}
	t.Logf("GESTURES=%d GESTURES_SEED=%d", n, seed)
	for i := range (n + 4) / 5 {
		for _, g := range visits.Gestures() {
			if !g.Consents() || i%3 == 0 {
				all = append(all, performance{g, seed + i})
			}
		}
	}
	return all
}

func number(t *testing.T, name string) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q, want a number", name, v)
	}
	return n
}

// Who rests, talks, yawns, chews or turns the head has not smiled, and who smiles has, also after talking.
// `make gestures` plays 300 from a seed.
func TestGestures(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	faces := sitters(t, pipeline(t), os.Getenv("GESTURES_FACES"))
	all := performances(t)
	jobs, ends := make(chan performance), make(chan played)
	var wg sync.WaitGroup
	th := shipped(t)
	for range min(runtime.GOMAXPROCS(0), 2) {
		n := vision.Networks{Detector: network(t, models.Detect), Mesh: network(t, models.Mesh),
			Embedder: network(t, models.Embed)}
		wg.Go(func() {
			p := vision.New(n, th)
			for j := range jobs {
				who := &faces[j.seed%len(faces)]
				end, err := who.play(p, j.gesture, uint64(j.seed))
				if err != nil {
					t.Errorf("%s, seed %d: %v", j.gesture, j.seed, err)
				} else if c := j.gesture.Consents(); end.consented != c || end.asMild != c || !end.recognised {
					t.Logf("%s, seed %d, %s: %+v", j.gesture, j.seed, who.name, end)
				}
				ends <- end
			}
		})
	}
	go func() {
		for _, j := range all {
			jobs <- j
		}
		close(jobs)
		wg.Wait()
		close(ends)
	}()
	tally(t, len(all), ends)
}

// tally counts the ends of n visits by gesture.
func tally(t *testing.T, n int, ends <-chan played) {
	t.Helper()
	type counts struct {
		visits, recognised, consented, mild int
		risen                               float32
	}
	of, done := map[visits.Gesture]*counts{}, 0
	for e := range ends {
		c := of[e.gesture]
		if c == nil {
			c = &counts{}
			of[e.gesture] = c
		}
		c.visits, c.risen = c.visits+1, max(c.risen, e.risen)
		if e.recognised {
			c.recognised++
		}
		if e.consented {
			c.consented++
		}
		if e.asMild {
			c.mild++
		}
		if done++; done%25 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d visits\n", done, n)
		}
	}
	accepted, smiled := 0, 0
	for _, g := range visits.Gestures() {
		c := of[g]
		if c == nil {
			continue
		}
		t.Logf("%-20s %4d visits, %4d recognised, %4d consented, %4d with a small own smile; rise up to %3.0f %%",
			g, c.visits, c.recognised, c.consented, c.mild, 100*c.risen)
		switch {
		case g.Consents():
			accepted, smiled = accepted+c.consented, smiled+c.visits
		case c.consented+c.mild > 0:
			t.Errorf("%s: %d and %d of %d visits were taken for a smile", g, c.consented, c.mild, c.visits)
		case c.recognised == 0:
			t.Errorf("%s: nobody was recognised in %d visits", g, c.visits)
		}
	}
	if 10*accepted < 9*smiled {
		t.Errorf("of %d who smiled %d were seen", smiled, accepted)
	}
}
