package vision

import (
	"math"
	"time"
)

// Colour is a colour of the terminal's screen, red, green and blue in linear light, 0..1 of its white.
type Colour [3]float32

// Lit says what the terminal's screen has shown to a face, on the clock of the frames: the light code.
type Lit struct {
	Page    Colour      // before the first colour and after the last
	Colours []Colour    // one after the other
	At      []time.Time // when the light of each reached the face, by the screen's measured delay
	Until   time.Time   // when the last of them had gone
}

const (
	// skinFrames is how many frames of a face are kept to be held against the light, skinEvery apart: those of
	// 3 s, since the smile may be complete smileAfter after the light.
	skinFrames = 128
	skinEvery  = 24 * time.Millisecond
	// lightHidden is one of how many frames of a light may show nothing of the face: who chooses which frames
	// count has more time to answer.
	lightHidden = 6
	// lightWide is how far off the best delay is looked for: what answers best farther off than lightLag is
	// relayed.
	lightWide = 160 * time.Millisecond
	// LightFrames is how many frames say something about the light, at least: less than six a second show a
	// colour once or not at all.
	LightFrames = 9
	// lightBefore and lightAfter are the times around the colours whose frames count too.
	lightBefore = 150 * time.Millisecond
	lightAfter  = 150 * time.Millisecond
	// lightLag is how far the screen's measured delay may be off, either way: an exposure, and a frame of the
	// screen.
	lightLag  = 40 * time.Millisecond
	lightStep = 10 * time.Millisecond
)

// Groups of places whose answers are held against each other, each a share of a face.
const (
	wholeFace = iota
	forehead3 // middle, right and left
	bothCheeks
	lowerFace // beside the mouth and the chin
	groups
)

// groupWeight is what each place of patchAt counts in a group. In the whole face it is little where the face
// turns away from the screen and the mesh slides over its edge, and on the nose, which shines.
var groupWeight = [groups][Patches]float64{
	wholeFace:  {0.09, 0.09, 0.09, 0.09, 0.09, 0.03, 0.03, 0.10, 0.10, 0.10, 0.065, 0.065, 0.03, 0.03},
	forehead3:  {0: 1. / 3, 1: 1. / 3, 2: 1. / 3},
	bothCheeks: {3: 0.5, 4: 0.5},
	lowerFace:  {7: 1. / 3, 8: 1. / 3, 9: 1. / 3},
}

// lighting are the colours of a face in the frames of a visit, a ring.
type lighting struct {
	at   [skinFrames]time.Time
	tint [skinFrames][2][Patches]float32 // log(red/green), log(blue/green)
	none [skinFrames]bool                // the frame shows nothing of the face
	seen int
}

func (s *lighting) reset() { s.seen = 0 }

// add takes the face of a frame.
func (s *lighting) add(skin *[Patches]Patch, at time.Time) {
	k, ok := s.next(at, false)
	if !ok {
		return
	}
	const dark = 1e-4 // half a level of 255 in linear light
	for i := range skin {
		p := &skin[i]
		g := math.Log(float64(p.Green + dark))
		s.tint[k][0][i] = float32(math.Log(float64(p.Red+dark)) - g)
		s.tint[k][1][i] = float32(math.Log(float64(p.Blue+dark)) - g)
	}
}

// miss takes a frame that shows nothing of the face.
func (s *lighting) miss(at time.Time) { s.next(at, true) }

func (s *lighting) next(at time.Time, none bool) (k int, ok bool) {
	if s.seen > 0 && at.Sub(s.at[(s.seen-1)%skinFrames]) < skinEvery {
		return 0, false
	}
	k = s.seen % skinFrames
	s.at[k], s.none[k] = at, none
	s.seen++
	return k, true
}

// answer is how a face answered a light.
type answer struct {
	frames int
	late   bool            // it fits a later delay better
	match  [groups]float64 // correlation of the colours with the code, -1..1
	size   [groups]float64 // change of their logarithm for the whole of the screen's light
}

// answerTo holds the frames against a light. The best delay within lightLag counts, without the frames that
// fit it worst: the mesh slips, or somebody turns for a moment.
func (s *lighting) answerTo(l *Lit) answer {
	if len(l.Colours) == 0 || len(l.At) != len(l.Colours) {
		return answer{}
	}
	var all fit
	hidden := s.since(&all, l, lightAfter)
	switch {
	case all.n < LightFrames:
		return answer{frames: all.n}
	case hidden*lightHidden > all.n+hidden || !s.holds(l):
		return answer{} // as if nothing was seen: who is there may not choose what counts
	}
	first := all
	first.level()
	_, lag := first.best(l)
	kept := all.without(first.worst(l, lag))
	kept.level()
	a, _ := kept.best(l)
	a.frames, a.late = all.n, kept.late(l, a.match[wholeFace])
	return a
}

// late reports whether a delay beyond lightLag fits better than the best within it.
func (f *fit) late(l *Lit, best float64) bool {
	for lag := lightLag + lightStep; lag <= lightWide; lag += lightStep {
		if f.against(l, lag).match[wholeFace] > best+0.01 {
			return true
		}
	}
	return false
}

// holds reports whether the frames since the light began are still kept, or were ever seen.
func (s *lighting) holds(l *Lit) bool {
	return s.seen > 0 && !s.at[max(0, s.seen-skinFrames)%skinFrames].After(l.At[0])
}

// best is the answer at the delay within lightLag at which the whole face fits best.
func (f *fit) best(l *Lit) (best answer, at time.Duration) {
	for lag := -lightLag; lag <= lightLag; lag += lightStep {
		if a := f.against(l, lag); a.match[wholeFace] > best.match[wholeFace] {
			best, at = a, lag
		}
	}
	return best, at
}

// lightSlips is one of how many frames is left out, one at least.
const lightSlips = 12

// worst are the frames that fit a code worst at a delay.
func (f *fit) worst(l *Lit, lag time.Duration) (bad [skinFrames]bool) {
	size := f.against(l, lag).size[wholeFace]
	var off [skinFrames]float64
	for c := range f.code {
		f.group(wholeFace, c)
		for k := range f.n {
			d := f.mean[k] - size*f.code[c][k]
			off[k] += d * d
		}
	}
	for range max(1, f.n/lightSlips) {
		worst := 0
		for k := range f.n {
			if off[k] > off[worst] {
				worst = k
			}
		}
		bad[worst], off[worst] = true, -1
	}
	return bad
}

// without is the fit of the other frames.
func (f *fit) without(bad [skinFrames]bool) (kept fit) {
	for k := range f.n {
		if bad[k] {
			continue
		}
		kept.t[kept.n] = f.t[k]
		for c := range f.tint {
			for i := range f.tint[c] {
				kept.tint[c][i][kept.n] = f.tint[c][i][k]
			}
		}
		kept.n++
	}
	return kept
}

// since gives a fit the frames of a light, from lightBefore it until some time after it.
func (s *lighting) since(f *fit, l *Lit, after time.Duration) (hidden int) {
	for k := max(0, s.seen-skinFrames); k < s.seen; k++ {
		at := s.at[k%skinFrames]
		if !at.Before(l.At[0].Add(-lightBefore)) && !at.After(l.Until.Add(after)) {
			if s.none[k%skinFrames] {
				hidden++
				continue
			}
			f.take(at.Sub(l.At[0]).Seconds(), &s.tint[k%skinFrames])
		}
	}
	return hidden
}

// fit is the least squares of one light.
type fit struct {
	n     int
	t     [skinFrames]float64
	tint  [2][Patches][skinFrames]float64
	drift [3][skinFrames]float64 // orthonormal: a constant, a slope and a curve
	code  [2][skinFrames]float64
	mean  [skinFrames]float64 // of a group's colours
}

func (f *fit) take(t float64, tint *[2][Patches]float32) {
	f.t[f.n] = t
	for c := range tint {
		for i, v := range tint[c] {
			f.tint[c][i][f.n] = float64(v)
		}
	}
	f.n++
}

// level takes what drifts slowly out of the face's colours: a camera that follows, somebody who moves.
func (f *fit) level() {
	middle := (f.t[0] + f.t[f.n-1]) / 2
	for d := range f.drift {
		row := f.drift[d][:f.n]
		for k := range row {
			row[k] = math.Pow(f.t[k]-middle, float64(d))
		}
		for e := range d {
			subtract(row, f.drift[e][:f.n])
		}
		scale := 1 / math.Sqrt(max(dot(row, row), 1e-18))
		for k := range row {
			row[k] *= scale
		}
	}
	for c := range f.tint {
		for i := range f.tint[c] {
			f.steady(f.tint[c][i][:f.n])
		}
	}
}

func (f *fit) steady(row []float64) {
	for d := range f.drift {
		subtract(row, f.drift[d][:f.n])
	}
}

// subtract takes the part along a unit vector out of a row.
func subtract(row, unit []float64) {
	k := dot(row, unit)
	for i := range row {
		row[i] -= k * unit[i]
	}
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// against holds the face's colours against the code that comes lag later than was measured.
func (f *fit) against(l *Lit, lag time.Duration) (a answer) {
	for k := range f.n {
		c := l.over(f.t[k]-lag.Seconds(), exposed)
		f.code[0][k], f.code[1][k] = float64(c[0]-c[1]), float64(c[2]-c[1])
	}
	var power float64
	for c := range f.code {
		f.steady(f.code[c][:f.n])
		power += dot(f.code[c][:f.n], f.code[c][:f.n])
	}
	if power < 1e-9 {
		return a
	}
	for g := range groups {
		var along, whole float64
		for c := range f.code {
			mean := f.group(g, c)
			along += dot(mean, f.code[c][:f.n])
			whole += dot(mean, mean)
		}
		a.size[g] = along / power
		a.match[g] = along / math.Sqrt(max(power*whole, 1e-18))
	}
	return a
}

// group is the mean colour of a group's places in each frame.
func (f *fit) group(g, c int) []float64 {
	mean := f.mean[:f.n]
	clear(mean)
	for i, w := range groupWeight[g] {
		for k, v := range f.tint[c][i][:f.n] {
			mean[k] += w * v
		}
	}
	return mean
}

// lean is how much more the lower face answers than the forehead, as a share of the whole face's answer: a
// head that looks at a screen below the camera shows it its chin and its cheeks. Glass mirrors the screen in
// one place; paper answers all over.
func (a *answer) lean() float64 {
	return (a.size[lowerFace] - a.size[forehead3]) / max(math.Abs(a.size[wholeFace]), 1e-9)
}

// exposed is the time over which a frame takes light up, for a code that changes within it.
const exposed = 20 * time.Millisecond

// over is the mean light of the screen from a time before t, in seconds since the first colour, to t.
func (l *Lit) over(t float64, before time.Duration) (sum Colour) {
	const parts = 4
	for i := range parts {
		c := l.shown(t - before.Seconds()*float64(i)/(parts-1))
		for k := range sum {
			sum[k] += c[k] / parts
		}
	}
	return sum
}

// shown is the colour at a time in seconds since the first.
func (l *Lit) shown(t float64) Colour {
	c := l.Page
	for i, at := range l.At {
		if t >= at.Sub(l.At[0]).Seconds() {
			c = l.Colours[i]
		}
	}
	if t < 0 || t >= l.Until.Sub(l.At[0]).Seconds() {
		return l.Page
	}
	return c
}
