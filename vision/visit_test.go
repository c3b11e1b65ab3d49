package vision

import (
	"encoding/json"
	"fmt"
	"image"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
)

// people have embeddings at right angles; a gallery knows some of them.
type gallery map[string]Embedding

func (g gallery) Match(probe []float32) (id string, best, second float32) {
	best, second = -1, -1
	for name, e := range g {
		switch c := cosine(e, probe); {
		case c > best:
			id, best, second = name, c, best
		case c > second:
			second = c
		}
	}
	return id, best, second
}

func axis(weights ...float32) Embedding {
	e := make(Embedding, 8)
	copy(e, weights)
	normalise(e)
	return e
}

var (
	anna, bert, carl = axis(1), axis(0, 1), axis(0, 0, 1) // carl is nobody's customer
	likeAnna         = axis(1, 0, 0, 0.9)                 // cosine 0.74: one frame of her
	hardlyAnna       = axis(1, 0, 0, 1.75)                // 0.496: below Verify, above SameFace
	between          = axis(1, 0.95)                      // 0.72 and 0.69: twins
	both             = gallery{"anna": anna, "bert": bert}
	here, there      = image.Rect(200, 100, 400, 340), image.Rect(10, 100, 200, 340)
	nailed           = image.Rect(201, 100, 401, 340) // a poster's place: the clock doesn't sway it
)

const rest, smile = 0.95, 1.4

func face1(e Embedding, mouth float32) Look {
	return Look{Faces: 1, Box: here, Depth: Embed, Smile: mouth, Embedding: e}
}

// wide is a face with an open mouth.
func wide(l Look) Look { l.Lips = 0.25; return l }

// apart is the customer's face with lips that are so far apart, which rises by so much.
func apart(lips, rise float32) Look { l := face1(anna, rest+rise); l.Lips = lips; return l }

// aside is a face that is turned away a little: it is recognised.
func aside(l Look) Look { l.Pose.Yaw = -18; return l }

func mouth(m float32) Look { return face1(anna, m) }

func at(l Look, box image.Rectangle) Look { l.Box = box; return l }

func refused(r Reason) Look {
	l := Look{Faces: 1, Box: here, Reason: r, Depth: Landmarks, Smile: smile}
	switch r {
	case NoFace:
		l = Look{Reason: r}
	case SeveralFaces:
		l = Look{Faces: 2, Box: here, Reason: r}
	default:
	}
	return l
}

// shots are frames in a row: each part is either a Look or a number that repeats the Look after it.
func shots(parts ...any) (ls []Look) {
	n := 1
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			n = p
		case Look:
			for range n {
				ls = append(ls, p)
			}
			n = 1
		}
	}
	return ls
}

// clock counts the frames of a camera.
type clock struct {
	from, at time.Time
	fps      int
}

func startClock(fps int) *clock {
	now := time.Now()
	return &clock{from: now, at: now, fps: fps}
}

// run shows the frames as a Pipeline would: no deeper than the visit asks for. The frames are those of a
// camera with 10 a second; one with more gives more of each, and one with 15 now one, now two.
func run(v *Visit, frames []Look) (f Finding, consents int) {
	return startClock(10).run(v, frames)
}

func (c *clock) run(v *Visit, frames []Look) (f Finding, consents int) {
	shown := 0
	for i, l := range frames {
		for ; shown*10 < (i+1)*c.fps; shown++ {
			c.at = c.at.Add(time.Second / time.Duration(c.fps))
			if f = c.show(v, l); f.Stage == Consented {
				consents++
			}
		}
	}
	return f, consents
}

func (c *clock) show(v *Visit, l Look) Finding {
	if l.Eyes = (Eyes{300, 200, 120}); l.Box != nailed { // nobody stands like a poster
		l.Eyes.X += float32(5 * math.Sin(3*c.at.Sub(c.from).Seconds()))
	}
	switch d := v.Depth(); {
	case d < Landmarks:
		l.Depth, l.Smile, l.Embedding = min(l.Depth, Detect), 0, nil
	case d < Embed:
		l.Depth, l.Embedding = min(l.Depth, Landmarks), nil
	}
	return v.Observe(l, c.at)
}

type visitCase struct {
	name     string
	frames   []Look
	m        Matcher
	t        Thresholds
	want     Stage
	customer string
}

var (
	easy  = DefaultThresholds()
	A, AS = face1(anna, rest), face1(anna, smile)
	B, BS = face1(bert, rest), face1(bert, smile)
)

// refusals are the visits that must not end in consent.
func refusals() []visitCase {
	loose := easy
	loose.Match = 0
	nan := face1(anna, float32(math.NaN()))
	return []visitCase{
		{"nobody", shots(50, refused(NoFace)), both, easy, Searching, ""},
		{"two faces all the time", shots(50, refused(SeveralFaces)), both, easy, Searching, ""},
		{"thresholds that take anybody", shots(20, A, 10, AS), both, loose, Searching, ""},
		{"too few frames", shots(2, A), both, easy, Searching, ""},
		{"empty gallery", shots(20, A, 10, AS), gallery{}, easy, Unknown, ""},
		{"a stranger smiles", shots(20, face1(carl, rest), 10, face1(carl, smile)), both, easy, Unknown, ""},
		{"as like one as the other", shots(20, face1(between, rest), 10, face1(between, smile)), both, easy,
			Unknown, ""},
		{"embeddings without direction", shots(40, face1(make(Embedding, 8), rest)), both, easy, Searching, ""},
		{"no smile", shots(100, A), both, easy, Recognised, "anna"},
		{"a photo that smiles all the time", shots(200, AS), both, easy, Recognised, "anna"},
		{"smiles from before the recognition on", shots(2, A, 30, AS), both, easy, Recognised, "anna"},
		{"a faint smile", shots(20, A, 30, face1(anna, rest+0.14)), both, easy, Recognised, "anna"},
		{"rest after a pout", shots(20, face1(anna, 0.7), 20, face1(anna, 0.99)), both, easy, Recognised, "anna"},
		{"a yawn that looks like a smile", shots(20, A, 30, wide(AS), 10, A), both, easy, Recognised, "anna"},
		{"a yawn that looks like a broad smile", shots(20, A, 30, apart(0.25, 0.7), 10, A), both, easy, Recognised,
			"anna"},
		{"a small yawn", shots(20, A, 30, apart(0.18, 0.3), 10, A), both, easy, Recognised, "anna"},
		{"a slow yawn begins", shots(20, A, 3, apart(0.07, 0.16), 3, apart(0.1, 0.2), 3, apart(0.16, 0.28),
			4, apart(0.19, 0.33), 20, wide(AS), 10, A), both, easy, Recognised, "anna"},
		{"rest after a yawn", shots(20, mouth(1.1), 20, wide(mouth(0.7)), 20, mouth(1.1)), both, easy,
			Recognised, "anna"},
		{"rounds the lips in every third tenth, then rests", shots(8, mouth(1.1), mouth(0.85), 2, mouth(1.1),
			mouth(0.85), 2, mouth(1.1), mouth(0.85), 2, mouth(1.1), mouth(0.85), 2, mouth(1.1), mouth(0.85), 20,
			mouth(1.1)), both, easy, Recognised, "anna"},
		{"smiles to the side", shots(20, A, 30, aside(AS)), both, easy, Recognised, "anna"},
		{"a twitch", shots(20, A, 3, AS, 20, A), both, easy, Recognised, "anna"},
		{"twitches", shots(20, A, 3, AS, A, 3, AS, A, 3, AS, A), both, easy, Recognised, "anna"},
		{"a mouth that goes on and off", shots(20, A, AS, A, AS, A, AS, A, AS, A, AS, A), both, easy,
			Recognised, "anna"},
		{"a smile with gaps", shots(20, A, 3, AS, refused(Blurred), 2, AS, refused(TurnedAway), 2, AS), both, easy,
			Recognised, "anna"},
		{"a mouth that cannot be measured", shots(20, A, 30, nan), both, easy, Recognised, "anna"},
		{"a smile that hardly is hers", shots(20, A, 30, face1(hardlyAnna, smile)), both, easy, Recognised, "anna"},
		{"stranger takes her place to smile", shots(20, A, 10, face1(carl, smile)), both, easy, Searching, ""},
		{"customer takes her place to smile", shots(20, A, 30, BS), both, easy, Recognised, "bert"},
		{"he takes her place at rest, then smiles", shots(8, A, 3, B, 6, BS), both, easy, Recognised, "bert"},
		{"he takes her place within the smile", shots(20, A, 3, AS, 3, BS), both, easy, Recognised, "bert"},
		{"one frame of his within the smile", shots(20, A, 2, AS, BS, 2, AS), both, easy, Searching, ""},
		{"he looks in while she smiles", shots(20, A, 3, AS, refused(SeveralFaces), 20, AS), both, easy,
			Recognised, "anna"},
		{"she is lost for a frame, then smiles", shots(20, A, refused(NoFace), 20, AS), both, easy,
			Recognised, "anna"},
		{"the face jumps, then smiles", shots(20, A, 20, at(AS, there)), both, easy, Recognised, "anna"},
		{"the face jumps while the frame is blurred",
			shots(20, A, at(refused(Blurred), there), 20, AS), both, easy, Recognised, "anna"},
		{"a face without a place", shots(20, A, at(AS, image.Rectangle{}), 20, AS), both, easy, Recognised, "anna"},
		{"a stranger stays", shots(50, face1(carl, rest), 10, face1(carl, smile)), both, easy, Refused, ""},
		{"a stranger goes and comes for long", shots(30, face1(carl, rest), 5, refused(NoFace), 40,
			face1(carl, rest)),
			both, easy, Refused, ""},
		{"refused is final", shots(60, face1(carl, rest), 5, refused(NoFace), 20, A, 10, AS), both, easy,
			Refused, ""},
		{"a poster", shots(200, at(face1(carl, rest), nailed)), both, easy, Unknown, ""},
	}
}

// consents are the visits that must.
func consents() []visitCase {
	return []visitCase{
		{"at rest, then a smile", shots(10, A, 5, AS), both, easy, Consented, "anna"},
		{"frames that are only like her", shots(10, face1(likeAnna, rest), 5, face1(likeAnna, smile)), both, easy,
			Consented, "anna"},
		{"arrives smiling, relaxes, smiles", shots(30, AS, 12, A, 5, AS), both, easy, Consented, "anna"},
		{"yawns, rests, smiles", shots(10, A, 20, wide(AS), 6, A, 5, AS), both, easy, Consented, "anna"},
		{"smiles and shows the teeth", shots(10, A, 5, apart(0.18, 0.4)), both, easy, Consented, "anna"},
		{"smiles with lips that just part", shots(10, A, 5, apart(0.05, 0.16)), both, easy, Consented, "anna"},
		{"bad frames before and between", shots(5, refused(TooFar), 3, A, 4, refused(Blurred), 6, A,
			refused(TooDark), 2, A, 5, AS), both, easy, Consented, "anna"},
		{"he goes, she comes and pays", shots(10, B, refused(NoFace), 10, A, 5, AS), both, easy, Consented, "anna"},
		{"after a swap the second pays for himself", shots(10, A, 12, B, 5, BS), both, easy, Consented, "bert"},
		{"a stranger goes, she pays", shots(40, face1(carl, rest), refused(NoFace), 10, A, 5, AS), both, easy,
			Consented, "anna"},
		{"the second attempt succeeds", shots(8, face1(hardlyAnna, rest), 10, A, 5, AS), gallery{"anna": anna},
			easy, Consented, "anna"},
		{"a poster hung there, then she came", shots(80, at(face1(carl, rest), nailed), 3,
			refused(SeveralFaces), 10, A, 5, AS), both, easy, Consented, "anna"},
		{"consent is final", shots(10, A, 5, AS, 5, refused(NoFace), 20, B), both, easy, Consented, "anna"},
	}
}

// The same visit ends the same way before every camera.
func TestVisit(t *testing.T) {
	for _, fps := range []int{10, 15, 30, 60} {
		for _, c := range append(refusals(), consents()...) {
			t.Run(fmt.Sprintf("%d fps/%s", fps, c.name), func(t *testing.T) {
				f, consents := startClock(fps).run(NewVisit(c.m, c.t), c.frames)
				if f.Stage != c.want || f.Customer != c.customer {
					t.Errorf("%s of %q after %d frames, want %s of %q", f.Stage, f.Customer, len(c.frames),
						c.want, c.customer)
				}
				if c.want != Consented && consents > 0 {
					t.Error("consented on the way")
				}
				if f.Progress < 0 || f.Progress > 1 || (f.Progress == 1) != (f.Stage == Consented) {
					t.Errorf("progress %v at %s", f.Progress, f.Stage)
				}
			})
		}
	}
}

// Faces are counted that were compared with the gallery, each once, however short they stay.
func TestStrangersAreCounted(t *testing.T) {
	dora, emil := face1(axis(0, 0, 0, 0, 1), rest), face1(axis(0, 0, 0, 0, 0, 1), rest)
	carl, gone := face1(carl, rest), refused(NoFace)
	for _, fps := range []int{10, 15, 30, 60} {
		for _, c := range []struct {
			name   string
			frames []Look
			want   int
		}{
			{"nobody", shots(20, gone), 0},
			{"a glance that is too short to be compared", shots(1, carl, gone), 0},
			{"a customer", shots(20, A), 0},
			{"one who leaves at once", shots(4, carl, gone), 1},
			{"one who stays", shots(30, carl), 1},
			{"the same one again and again", shots(4, carl, gone, 4, carl, gone, 4, carl, gone), 1},
			{"three, four frames each", shots(4, carl, gone, 4, dora, gone, 4, emil, gone), 3},
			{"three without an empty frame between", shots(5, carl, 5, dora, 5, emil, gone), 3},
			{"a customer who leaves before the gallery was asked", shots(1, A, A, gone, 10, A), 0},
			{"a poster", shots(40, at(carl, nailed)), 0},
			{"a poster that is gone and back", shots(14, at(carl, nailed), gone, 14, at(carl, nailed)), 0},
			{"stills at the same place, one after the other",
				shots(14, at(carl, nailed), 14, at(dora, nailed), 14, at(emil, nailed), gone), 2},
			{"a stranger, then a customer", shots(6, carl, gone, 10, A, 6, AS), 1},
		} {
			f, _ := startClock(fps).run(NewVisit(both, DefaultThresholds()), c.frames)
			if f.Strangers != c.want {
				t.Errorf("%d fps: %s: %d strangers, want %d", fps, c.name, f.Strangers, c.want)
			}
		}
	}
}

// A stranger who comes back is unknown after one attempt: who comes and goes is refused in the end too.
func TestStrangerComesBack(t *testing.T) {
	carl, dora, gone := face1(carl, rest), face1(axis(0, 0, 0, 0, 1), rest), refused(NoFace)
	again := func(times, stay int) (ls []Look) {
		for range times {
			ls = append(ls, shots(5, gone, stay, carl)...)
		}
		return ls
	}
	for _, fps := range []int{10, 15, 30, 60} {
		for _, c := range []struct {
			name   string
			frames []Look
			want   Stage
		}{
			{"once", again(1, 10), Searching},
			{"twice", again(2, 10), Unknown},
			{"twice, gone as soon as the attempt failed", again(2, 8), Unknown},
			{"goes before an attempt ended", shots(4, carl, 5, gone, 10, carl), Unknown},
			{"another one", shots(10, carl, 5, gone, 10, dora), Searching},
			{"three times: patience", again(3, 10), Unknown},
			{"for 1 s, again and again", again(20, 10), Refused},
			{"a customer after her", append(again(2, 10), shots(5, gone, 10, A, 5, AS)...), Consented},
		} {
			f, _ := startClock(fps).run(NewVisit(both, DefaultThresholds()), c.frames)
			if f.Stage != c.want {
				t.Errorf("%d fps: %s: %s, want %s", fps, c.name, f.Stage, c.want)
			}
		}
	}
}

func TestKnownStrangers(t *testing.T) {
	var s strangers
	if s.knows(carl, easy.SameFace) {
		t.Error("knows somebody before anybody came")
	}
	s.meet(axis(0, 0, 3, 0.3), easy.SameFace)
	if !s.knows(carl, easy.SameFace) || s.knows(anna, easy.SameFace) {
		t.Error("does not know the one who came, or knows another one")
	}
}

// A mouth that moves for less than 300 ms is no consent, whatever the camera's rate.
func TestTwitchIsNoConsent(t *testing.T) {
	for _, fps := range []int{5, 10, 15, 24, 25, 30, 50, 60, 120} {
		for offset := range 10 {
			for _, ms := range []int{33, 100, 133, 200, 250, 299} {
				v, c := NewVisit(both, DefaultThresholds()), startClock(fps)
				c.at = c.at.Add(time.Duration(offset) * time.Second / time.Duration(10*fps))
				c.twitch(t, v, time.Duration(ms)*time.Millisecond)
			}
		}
	}
}

// A mouth that moves before and after the camera stalls has not been seen to smile meanwhile.
func TestStallIsNoSmile(t *testing.T) {
	for _, stall := range []time.Duration{333 * time.Millisecond, time.Second, 1900 * time.Millisecond} {
		v, c := NewVisit(both, DefaultThresholds()), startClock(30)
		c.run(v, shots(20, A))
		for i := range 8 { // two twitches of 133 ms
			c.at = c.at.Add(time.Second / 30)
			if i == 4 {
				c.at = c.at.Add(stall)
			}
			if f := c.show(v, AS); f.Stage != Recognised {
				t.Fatalf("a stall of %v: %s in frame %d of the smile", stall, f.Stage, i)
			}
		}
	}
}

// twitch shows the customer for 4 s, whose mouth moves each second.
func (c *clock) twitch(t *testing.T, v *Visit, long time.Duration) {
	t.Helper()
	for c.at.Sub(c.from) < 4*time.Second {
		c.at = c.at.Add(time.Second / time.Duration(c.fps))
		l := A
		if c.at.Sub(c.from)%time.Second < long && c.at.Sub(c.from) > time.Second {
			l = AS
		}
		if f := c.show(v, l); f.Stage == Consented {
			t.Fatalf("consent at %d frames a second by a mouth that moved for %v", c.fps, long)
		}
	}
}

// Frames that stay out, and a clock that goes back, start the visit over: nobody knows who stood there.
func TestGapStartsOver(t *testing.T) {
	for _, gap := range []time.Duration{2100 * time.Millisecond, -time.Second} {
		v, c := NewVisit(both, DefaultThresholds()), startClock(30)
		if f, _ := c.run(v, shots(10, A)); f.Stage != Recognised {
			t.Fatal(f.Stage)
		}
		c.at = c.at.Add(gap)
		if f := c.show(v, AS); f.Stage != Searching {
			t.Errorf("after a gap of %v: %s", gap, f.Stage)
		}
	}
}

func TestVisitEvidence(t *testing.T) {
	v := NewVisit(both, DefaultThresholds())
	f, _ := run(v, shots(10, face1(anna, rest), 5, face1(anna, smile)))
	e := f.Evidence
	if e.Fused < 3 || e.Smiling < 4 || e.Matched < e.Smiling {
		t.Errorf("evidence %+v", e)
	}
	again := v.Observe(refused(NoFace), time.Now().Add(time.Minute))
	if again != f {
		t.Errorf("after consent %+v, want %+v", again, f)
	}
}

func TestVisitPassesTheReasonOn(t *testing.T) {
	v := NewVisit(both, DefaultThresholds())
	for _, r := range []Reason{TooFar, Blurred, SeveralFaces, NoFace, ""} {
		l := face1(anna, rest)
		if r != "" {
			l = refused(r)
		}
		if f := v.Observe(l, time.Now()); f.Reason != r {
			t.Errorf("reason %q, want %q", f.Reason, r)
		}
	}
}

func TestVisitAsksOnlyForWhatItNeeds(t *testing.T) {
	v := NewVisit(both, DefaultThresholds())
	if v.Depth() != Embed {
		t.Error("searching needs embeddings")
	}
	if run(v, shots(10, face1(anna, rest))); v.Depth() != Embed {
		t.Error("a recognised face needs embeddings, or a swap goes unseen")
	}
	v = NewVisit(both, DefaultThresholds())
	if run(v, shots(40, face1(carl, rest))); v.Depth() != Landmarks {
		t.Error("of an unknown face only its movement counts")
	}
}

func TestThresholdsCheck(t *testing.T) {
	if err := DefaultThresholds().Check(); err != nil {
		t.Error(err)
	}
	if err := DefaultThresholds().ForEnrolment().Check(); err != nil {
		t.Error(err)
	}
	nan := float32(math.NaN())
	for name, spoil := range map[string]func(*Thresholds){
		"everything":   func(t *Thresholds) { *t = Thresholds{} },
		"match":        func(t *Thresholds) { t.Match = nan },
		"verify":       func(t *Thresholds) { t.Verify = 0.9 },
		"same_face":    func(t *Thresholds) { t.SameFace = 0 },
		"margin":       func(t *Thresholds) { t.Margin = -1 },
		"overlap":      func(t *Thresholds) { t.Overlap = 0 },
		"fuse_min":     func(t *Thresholds) { t.FuseMin = 1 },
		"fuse_max":     func(t *Thresholds) { t.FuseMax = 2 },
		"fuse_max_for": func(t *Thresholds) { t.FuseMaxFor = t.FuseMinFor },
		"gap_max":      func(t *Thresholds) { t.GapMax = time.Minute },
		"patience_for": func(t *Thresholds) { t.PatienceFor = -1 },
		"smile_for":    func(t *Thresholds) { t.SmileFor = 299 * time.Millisecond },
		"smile_gap":    func(t *Thresholds) { t.SmileGap = 101 * time.Millisecond },
		"attempts":     func(t *Thresholds) { t.Attempts = 0 },
		"smile_rise":   func(t *Thresholds) { t.SmileRise = 0 },
		"smile_min":    func(t *Thresholds) { t.SmileMin = nan },
		"smile_frames": func(t *Thresholds) { t.SmileFrames = 1 },
		"rest_slots":   func(t *Thresholds) { t.RestSlots = 0 },
		"smile_yaw":    func(t *Thresholds) { t.SmileYawMax = 25 },
		"smile_share":  func(t *Thresholds) { t.SmileShare = 0.1 },
		"smile_least":  func(t *Thresholds) { t.SmileLeast = 0.2 },
		"smile_most":   func(t *Thresholds) { t.SmileMost = 0.1 },
		"rest_slack":   func(t *Thresholds) { t.RestSlack = 1 },
		"lips_max":     func(t *Thresholds) { t.LipsMax = 0.5 },
		"lips_shut":    func(t *Thresholds) { t.LipsShut = 0.3 },
		"lips_rise":    func(t *Thresholds) { t.LipsRise = 0 },
		"light_match":  func(t *Thresholds) { t.LightMatch = 0.5 },
		"light_cheeks": func(t *Thresholds) { t.LightCheeks = nan },
		"light_fail":   func(t *Thresholds) { t.LightFail = 0.9 },
		"light_lean":   func(t *Thresholds) { t.LightLeanMin = 0 },
		"passive_min":  func(t *Thresholds) { t.PassiveMin = 0 },
	} {
		bad := DefaultThresholds()
		spoil(&bad)
		if err := bad.Check(); err == nil || (name != "everything" && !strings.Contains(err.Error(), name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingPrintsAnEmbedding(t *testing.T) {
	secret := Embedding{0.123456}
	l := Look{Embedding: secret}
	v := NewVisit(both, DefaultThresholds())
	run(v, shots(5, face1(anna, rest)))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "e", secret, "l", l, "v", v, "p", &Pipeline{})
	j, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	text := log.String() + string(j)
	for _, x := range []any{secret, l, &l, v, &Pipeline{}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%g"} {
			text += fmt.Sprintf(verb, x)
		}
	}
	if strings.Contains(text, "0.123") || strings.Contains(text, "sum:") || !strings.Contains(text, redacted) {
		t.Errorf("not redacted: %s", text)
	}
}

// Whatever happens before the camera, consent has a history that earns it.
func FuzzVisit(f *testing.F) {
	f.Add([]byte("aaaaaaaaaaAAAAA"))
	f.Add([]byte("aaaaaaaaaabbbbbAAAAA"))
	f.Add([]byte("AAAAAAAAAAAAaaaaaaaaaaaaaaaaAAAA"))
	f.Add([]byte("aaaaaa?aaaa2AAAAAjAAAAa-aaaaaaaaaaaaAAAAAAAA"))
	kinds := map[byte]Look{
		'a': face1(anna, rest), 'A': face1(anna, smile), 'b': face1(bert, rest), 'B': face1(bert, smile),
		'c': face1(carl, rest), 'C': face1(carl, smile),
		'h': face1(hardlyAnna, rest), 'H': face1(hardlyAnna, smile),
		'-': refused(NoFace), '2': refused(SeveralFaces), '?': refused(Blurred), 'j': at(face1(anna, smile), there),
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		v, c := NewVisit(both, DefaultThresholds()), startClock(10)
		for i, b := range script {
			l, ok := kinds[b]
			if !ok {
				return
			}
			got, _ := c.run(v, []Look{l})
			if got.Stage != Consented {
				continue
			}
			who := byte(got.Customer[0])
			past := string(script[:i+1])
			upper := strings.ToUpper(string(who))
			if !strings.HasSuffix(past, strings.Repeat(upper, 5)) {
				t.Fatalf("%q consents without 0.4 s of the smile", past)
			}
			since := strings.TrimLeft(past[strings.LastIndexAny(past, "-2jcC"+other(who))+1:], "?")
			if strings.Count(since, string(who)) < 3 || len(strings.ReplaceAll(since, "?", "")) < 3+3+4 {
				t.Fatalf("%q consents with only %q since the face was found", past, since)
			}
			return
		}
	})
}

func other(who byte) string {
	if who == 'a' {
		return "bB"
	}
	return "aAhH"
}
