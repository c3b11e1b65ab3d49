package vision

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// hues of about the same luminance, in linear light.
var hues = []Colour{{1, .1, 1}, {0, .5, 0}, {0, .4, .9}, {.9, .24, 0}, {.35, .3, 1}, {1, .2, .07}}

var page = Colour{.3, .3, .3}

const codeSlot = 200 * time.Millisecond

// stage is a face before a terminal whose screen plays a light code, and what that light does to it.
type stage struct {
	fps     int
	light   float64                // the screen's at white, as a share of the room's
	late    time.Duration          // the screen's delay, as it is measured
	off     time.Duration          // and by how much it is measured wrong
	relay   time.Duration          // by which what is there answers later than a face
	shares  [Patches]float64       // how much each place of it answers
	noise   float64                // of a place's colour
	answers func(code []int) []int // the code that it answers instead
	flicker float64                // of the forehead's, besides
	spoilt  int                    // lights with it; 0: all
	moves   float64                // what the room's light changes on the face within a second
	hides   time.Duration          // after which, since the light began, the pictures are blurred; 0: never
	jumps   bool                   // the mouth smiles from one picture to the next
	veiled  bool                   // the face is blurred for 0.2 s, while the mouth jumps
	dull    int                    // of twenty pictures so many look like an artefact's
	room    *room                  // what is behind the face; nil: nobody looks
	demand  Demand
	dark    bool // the screen can't play
	unsaid  bool // the page never says that it has played
}

// relief is how a head answers a screen below the camera; plain is how paper does.
func relief() [Patches]float64 {
	return [Patches]float64{.8, .75, .75, .9, .9, .8, .8, 1.5, 1.5, 1.7, 1, .9, .7, .7}
}

func plain() (p [Patches]float64) {
	for i := range p {
		p[i] = 1
	}
	return p
}

// glare is how the glass of a screen does that somebody holds up: it mirrors in one place.
func glare() [Patches]float64 {
	return [Patches]float64{7: .4, 8: 1.6, 9: 3, 4: .2}
}

func lively() stage {
	return stage{fps: 20, light: .15, late: 70 * time.Millisecond, shares: relief(), noise: .004,
		demand: DemandLight}
}

// play has the customer step up, rest, and smile for as long as it takes, and gives what the visit came to
// and the lights that it wished for.
func (s stage) play(t *testing.T, seed uint64) (f Finding, lights int, took time.Duration) {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 3))
	random := rand.NewChaCha8([32]byte{byte(seed)})
	v := NewVisit(both, DefaultThresholds())
	v.Ask(s.demand)
	if s.dark {
		v.Dark()
	}
	start := time.Now()
	var began time.Duration
	var shown, answered []int
	tint := func(code []int, at time.Duration) Colour {
		if i := int((at - began) / codeSlot); code != nil && at >= began && i < len(code) {
			return hues[code[i]]
		}
		return page
	}
	for k := 0; k < 12*s.fps; k++ {
		at := time.Duration(k) * time.Second / time.Duration(s.fps)
		l := face1(anna, s.mouth(at))
		if l.Passive = (Passive{Done: true, Live: .9}); k%20 < s.dull {
			l.Passive.Live = .05
		}
		l.Skin = s.skin(tint(answered, at-s.late-s.relay), at, dice)
		if since := at - 1100*time.Millisecond; s.veiled && since > 0 && since < 200*time.Millisecond {
			l.Reason = Blurred
		}
		if s.room != nil {
			l.Behind = s.room.behindOf(at)
		}
		if since := at - began; s.hides > 0 && shown != nil && since > s.hides {
			l.Reason = Blurred
		}
		f = v.Observe(l, start.Add(at))
		if f.Light && shown == nil {
			began = at + 50*time.Millisecond
			code, err := DrawCode(hues, page, random)
			if err != nil {
				t.Fatal(err)
			}
			if shown, answered, lights = code, code, lights+1; s.spoilt > 0 && lights > s.spoilt {
				s.flicker = 0
			}
			if s.answers != nil {
				answered = s.answers(code)
			}
		}
		if shown != nil && at > began+CodeLength*codeSlot {
			if !s.unsaid {
				v.Lit(s.said(shown, start.Add(began)))
			}
			shown = nil
		}
		if f.Stage == Consented {
			return f, lights, at
		}
	}
	return f, lights, 12 * time.Second
}

// mouth smiles within 0.4 s, slowly at first and at last.
func (s stage) mouth(at time.Duration) float32 {
	x := min(max((at-1200*time.Millisecond).Seconds()/.4, 0), 1)
	if s.jumps && x > 0 {
		x = 1
	}
	return rest + (smile-rest)*float32(x*x*(3-2*x))
}

func (s stage) said(code []int, began time.Time) Lit {
	l := Lit{Page: page}
	for i, c := range code {
		l.Colours = append(l.Colours, hues[c])
		l.At = append(l.At, began.Add(s.late+s.off+time.Duration(i)*codeSlot))
	}
	l.Until = l.At[0].Add(CodeLength * codeSlot)
	return l
}

func (s stage) skin(light Colour, at time.Duration, dice *rand.Rand) (skin [Patches]Patch) {
	for i := range skin {
		var c [3]float64
		for k := range c {
			room := .3 * (1 + s.moves*at.Seconds()*float64(k-1))
			noise := s.noise
			if groupWeight[forehead3][i] > 0 {
				noise += s.flicker
			}
			c[k] = (room + .3*s.light*s.shares[i]*float64(light[k])) * (1 + noise*dice.NormFloat64())
		}
		skin[i] = Patch{Red: float32(c[0]), Green: float32(c[1]), Blue: float32(c[2])}
	}
	return skin
}

// TestLightAnswered: who is there answers the screen's light. What does not, or not so, is never live.
func TestLightAnswered(t *testing.T) {
	other := func(code []int) []int {
		o := make([]int, len(code))
		for i := range code {
			o[i] = (code[(i+2)%len(code)] + 3) % len(hues)
		}
		return o
	}
	for _, c := range []struct {
		name   string
		change func(s *stage)
		want   Verdict // "": anything but live
	}{
		{"a face", func(*stage) {}, VerdictLive},
		{"at 7.5 pictures a second", func(s *stage) { s.fps = 8 }, VerdictLive},
		{"at 30", func(s *stage) { s.fps = 30 }, VerdictLive},
		{"in a bright room", func(s *stage) { s.light = .05 }, VerdictLive},
		{"the screen's delay is 20 ms off", func(s *stage) { s.off = 20 * time.Millisecond }, VerdictLive},
		{"a camera that drifts", func(s *stage) { s.moves = .05 }, VerdictLive},

		{"in the sun", func(s *stage) { s.light = .004 }, ""},
		{"5 pictures a second", func(s *stage) { s.fps = 5 }, ""},
		{"no answer", func(s *stage) { s.light = 0 }, VerdictFailed},
		{"another code", func(s *stage) { s.answers = other }, ""},
		{"60 ms late", func(s *stage) { s.relay, s.fps = 60*time.Millisecond, 30 }, ""},
		{"100 ms late", func(s *stage) { s.relay = 100 * time.Millisecond }, ""},
		{"150 ms late", func(s *stage) { s.relay = 150 * time.Millisecond }, ""},
		{"a second late", func(s *stage) { s.relay = time.Second }, ""},
		{"paper", func(s *stage) { s.shares = plain() }, VerdictUndecided},
		{"the glass of a screen", func(s *stage) { s.shares = glare() }, ""},
		{"the forehead does not answer", func(s *stage) { s.flicker = .2 }, ""},
		{"the forehead answers the second time", func(s *stage) { s.flicker, s.spoilt = .14, 1 }, VerdictLive},
		{"the forehead answers the third time", func(s *stage) { s.flicker, s.spoilt = .14, 2 }, VerdictUndecided},
		{"hidden after two colours", func(s *stage) { s.hides = 400 * time.Millisecond }, ""},
		{"another code, hidden after one colour", func(s *stage) {
			s.answers, s.hides = other, 250*time.Millisecond
		}, ""},
		{"the screen can't play", func(s *stage) { s.dark = true }, VerdictUndecided},
		{"nobody says that it has played", func(s *stage) { s.unsaid = true }, VerdictUndecided},
		{"no colours to be seen", func(s *stage) { s.noise = 0; s.light = 0 }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := range uint64(20) {
				s := lively()
				c.change(&s)
				f, lights, _ := s.play(t, seed)
				if f.Stage != Consented || c.want != "" && f.Verdict != c.want || c.want == "" &&
					f.Verdict == VerdictLive {
					t.Fatalf("seed %d: %s, %q, want %q", seed, f.Stage, f.Verdict, c.want)
				}
				if f.Verdict == VerdictLive && (f.Judged < LightFrames || lights != 1+s.spoilt) {
					t.Errorf("seed %d: live by %d frames and %d lights", seed, f.Judged, lights)
				}
			}
		})
	}
}

// TestLightOrPassive: a mouth that jumps is no matter to the light, which tells by itself.
func TestLightOrPassive(t *testing.T) {
	s := lively()
	s.jumps = true
	if f, _, _ := s.play(t, 1); f.Verdict != VerdictLive {
		t.Errorf("by the light: %q", f.Verdict)
	}
}

// TestPassiveWantsTheSmileToCome: the pictures alone say who is there, and that the mouth did not get to the
// smile from one to the next, as between two photos. Pictures too far apart do not tell.
func TestPassiveWantsTheSmileToCome(t *testing.T) {
	for _, c := range []struct {
		fps   int
		jumps bool
		want  Verdict
	}{
		{30, false, VerdictLive}, {15, false, VerdictLive}, {10, false, VerdictLive},
		{30, true, VerdictFailed}, {20, true, VerdictFailed}, {15, true, VerdictFailed}, {10, true, VerdictFailed},
		{5, true, VerdictUndecided},
	} {
		s := lively()
		s.demand, s.fps, s.jumps = DemandPassive, c.fps, c.jumps
		if f, _, _ := s.play(t, 1); f.Stage != Consented || f.Verdict != c.want {
			t.Errorf("%d a second, jumps %v: %s, %q, want %q", c.fps, c.jumps, f.Stage, f.Verdict, c.want)
		}
	}
}

// TestPassiveWantsSomePicturesOfAFace: the network takes pictures of some people for an artefact's, but not
// all of them.
func TestPassiveWantsSomePicturesOfAFace(t *testing.T) {
	for dull, want := range map[int]Verdict{0: VerdictLive, 18: VerdictLive, 20: VerdictFailed} {
		s := lively()
		s.demand, s.dull = DemandPassive, dull
		if f, _, _ := s.play(t, 1); f.Stage != Consented || f.Verdict != want {
			t.Errorf("%d of 20 like an artefact's: %s, %q, want %q", dull, f.Stage, f.Verdict, want)
		}
	}
}

// TestLightTakesNoLongerThanItPlays: the smile and the light go on together.
func TestLightTakesNoLongerThanItPlays(t *testing.T) {
	without := lively()
	without.demand = DemandNone
	f, lights, before := without.play(t, 1)
	if f.Verdict != VerdictNone || lights != 0 {
		t.Fatalf("nothing was asked for, and it is %q after %d lights", f.Verdict, lights)
	}
	_, _, with := lively().play(t, 1)
	if more := with - before; more > 1300*time.Millisecond {
		t.Errorf("%v more than without a light", more)
	}
}

// TestLightOfAnotherFace: a face that comes in the place of the one that answered has to answer itself.
func TestLightOfAnotherFace(t *testing.T) {
	v := NewVisit(both, DefaultThresholds())
	v.Ask(DemandLight)
	start, k := time.Now(), 0
	s, dice := lively(), rand.New(rand.NewPCG(1, 3))
	code := []int{0, 1, 2, 3, 4, 1}
	show := func(l Look, light Colour) (f Finding, at time.Duration) {
		at = time.Duration(k) * 50 * time.Millisecond
		k++
		l.Skin = s.skin(light, at, dice)
		return v.Observe(l, start.Add(at)), at
	}
	var f Finding
	for range 20 {
		f, _ = show(face1(anna, rest), page)
	}
	for range 3 { // a smile begins, and with it the light
		f, _ = show(face1(anna, smile), page)
	}
	if !f.Light {
		t.Fatal("no light is wished for")
	}
	_, began := show(face1(anna, rest), page)
	for i := range 4 * CodeLength {
		_, _ = show(face1(anna, rest), hues[code[i/4]])
	}
	show(face1(bert, rest), page) // another customer steps in
	s.late = 50 * time.Millisecond
	v.Lit(s.said(code, start.Add(began)))
	for range 9 {
		show(face1(bert, rest), page)
	}
	for range 60 { // who smiles now has seen no light
		if f, _ = show(face1(bert, smile), page); f.Stage == Consented {
			break
		}
	}
	if f.Verdict == VerdictLive {
		t.Errorf("live by the light on another's face: %+v", f)
	}
}

func TestDrawCode(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	seen := map[string]bool{}
	for range 500 {
		code, err := DrawCode(hues, page, random)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range code {
			if n < 0 || n >= len(hues) || i > 0 && n == code[i-1] {
				t.Fatalf("%v", code)
			}
		}
		seen[fmt.Sprint(code)] = true
	}
	if len(seen) < 450 {
		t.Errorf("%d different codes of 500", len(seen))
	}
	grey := []Colour{{.1, .1, .1}, {.2, .2, .2}, {.3, .3, .3}}
	if _, err := DrawCode(grey, page, random); !errors.Is(err, ErrPalette) {
		t.Errorf("greys: %v", err)
	}
	if _, err := DrawCode(hues[:2], page, random); !errors.Is(err, ErrPalette) {
		t.Errorf("two hues: %v", err)
	}
	if _, err := DrawCode(hues, page, io.LimitReader(random, 3)); err == nil {
		t.Error("no random bytes, and a code")
	}
}

// FuzzLit: whatever a page says of its light, a visit comes to an end without a fault, and never to live by
// it when the face does not answer.
func FuzzLit(f *testing.F) {
	f.Add(int64(200), int64(1200), uint8(6))
	f.Add(int64(-5), int64(0), uint8(0))
	f.Add(int64(math.MaxInt32), int64(math.MinInt32), uint8(255))
	f.Fuzz(func(t *testing.T, slot, until int64, n uint8) {
		var s lighting
		dice, start := rand.New(rand.NewPCG(1, 2)), time.Unix(1000, 0)
		dull := stage{shares: relief(), noise: .004}
		for k := range skinFrames + 9 {
			at := time.Duration(k) * 33 * time.Millisecond
			skin := dull.skin(page, at, dice)
			s.add(&skin, start.Add(at))
		}
		l := Lit{Page: page, Until: start.Add(time.Duration(until) * time.Millisecond)}
		for i := range int(n) {
			l.Colours = append(l.Colours, hues[i%len(hues)])
			l.At = append(l.At, start.Add(time.Duration(int64(i)*slot)*time.Millisecond))
		}
		a, th := s.answerTo(&l), DefaultThresholds()
		if a.verdict(&th) == VerdictLive {
			t.Errorf("live without an answer: %+v", a)
		}
	})
}
