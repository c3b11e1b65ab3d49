package vision

import (
	"image"
	"math"
	"slices"
)

// Matcher finds whom an embedding of length 1 belongs to: the best customer's id and cosine, and the cosine of the best
// other customer. With nobody enrolled the id is "".
type Matcher interface {
	Match(probe []float32) (id string, best, second float32)
}

// Stage is how far a Visit has come.
type Stage int

// The stages of a visit.
const (
	Searching  Stage = iota // nobody is known yet, or whoever was there has gone
	Recognised              // one customer stands there and hasn't smiled yet
	Consented               // that customer smiled, in this visit
	Unknown                 // a good view of somebody who is no customer
)

// String names the stage.
func (s Stage) String() string {
	switch s {
	case Searching:
		return "searching"
	case Recognised:
		return "recognised"
	case Consented:
		return "consented"
	case Unknown:
		return "unknown"
	}
	return "invalid"
}

// Evidence counts what a consent rests on. It holds no score.
type Evidence struct {
	MatchFrames int // frames of this face that matched the customer
	SmileFrames int // the last of them, in a row, with the smile
}

// Finding is what a Visit makes of a frame.
type Finding struct {
	Stage    Stage
	Reason   Reason  // what is in the way right now; "" when nothing is
	Customer string  // from Recognised on; "" for Unknown
	Progress float32 // 0..1: half of it is being recognised, half the smile
	Evidence Evidence
}

// Visit fuses the Looks of one payment into a recognised customer and a consent. Everything it knows belongs to one face:
// when that face leaves, jumps, is joined by another or turns into somebody else, it starts over from nothing. It counts
// frames and knows no clock, so that a replay runs as fast as it can. It serves one goroutine.
type Visit struct {
	matcher Matcher
	t       Thresholds
	track   track
}

// track is what is known of the one face that is in view.
type track struct {
	stage    Stage
	customer string
	sum      []float32 // of the embeddings, unnormalised
	mean     []float32 // of length 1
	fused    int
	matched  int // frames that matched the customer
	doubtful int // good frames in a row that may be somebody else
	idle     int // frames in a row that could not be used
	box      image.Rectangle
	mouth    [mouthWindow]float32
	mouths   int
	relaxed  float32 // the lowest median of the mouth so far
	smiles   int     // frames in a row
}

// mouthWindow is how many frames the median of the mouth spans: a single bad mesh must not become the person's neutral.
const mouthWindow = 5

// NewVisit starts a visit: one for each payment, so that no look or smile of an earlier one counts.
func NewVisit(m Matcher, t Thresholds) *Visit { return &Visit{matcher: m, t: t} }

// Depth is how deep the next Look must be.
func (v *Visit) Depth() Depth {
	if v.track.stage == Unknown {
		return Detect
	}
	return Embed // also while waiting for the smile: it must be seen on frames that match
}

// Observe takes the next Look.
func (v *Visit) Observe(l Look) Finding {
	if v.track.stage == Unknown {
		return v.finding(l.Reason)
	}
	if l.Faces > 1 || v.jumped(l.Box) {
		v.startOver()
	}
	if !l.Box.Empty() {
		v.track.box = l.Box
	}
	if l.Reason != "" || l.Embedding == nil {
		v.track.idle++
		v.track.smiles = 0
		if v.track.idle > v.t.IdleFrames {
			v.startOver()
		}
		return v.finding(l.Reason)
	}
	v.track.idle = 0
	v.identify(l.Embedding)
	if v.track.stage == Unknown {
		return v.finding("")
	}
	v.watchMouth(l)
	return v.finding("")
}

func (v *Visit) startOver() {
	t := &v.track
	clear(t.sum)
	clear(t.mean)
	*t = track{sum: t.sum, mean: t.mean}
}

// jumped tells that the face is not where the last frame had it: another face, then.
func (v *Visit) jumped(now image.Rectangle) bool {
	before := v.track.box
	if before.Empty() || now.Empty() {
		return false
	}
	dx := float64(now.Min.X+now.Max.X-before.Min.X-before.Max.X) / 2
	dy := float64(now.Min.Y+now.Max.Y-before.Min.Y-before.Max.Y) / 2
	return math.Hypot(dx, dy) > float64(v.t.JumpMax)*float64(before.Dx())
}

// identify fuses an embedding and holds it against the gallery and against the face's own past.
func (v *Visit) identify(e Embedding) {
	t := &v.track
	if t.fused > 0 {
		switch same := cosine(e, t.mean); {
		case same < v.t.OtherFace:
			v.startOver() // somebody else stands there
		case same < v.t.SameFace:
			t.smiles = 0
			if t.doubtful++; t.doubtful > v.t.DoubtFrames {
				v.startOver()
			}
			return // neither fused nor counted
		}
	}
	t.doubtful = 0
	t.fuse(e)
	if t.stage == Recognised || t.stage == Consented {
		id, best, _ := v.matcher.Match(e)
		if id != t.customer || best < v.t.SameFace {
			t.smiles = 0
			if id != t.customer && best >= v.t.MatchScore {
				v.startOver()
			}
			return
		}
		t.matched++
		return
	}
	if t.fused < v.t.FuseMin {
		return
	}
	id, best, second := v.matcher.Match(t.mean)
	if id != "" && best >= v.t.MatchScore && best-second >= v.t.MatchMargin {
		t.stage, t.customer, t.matched = Recognised, id, t.fused
		return
	}
	if t.fused >= v.t.UnknownAfter {
		t.stage = Unknown
	}
}

func (t *track) fuse(e Embedding) {
	if len(t.sum) != len(e) {
		t.sum, t.mean = make([]float32, len(e)), make([]float32, len(e))
	}
	var square float64
	for i, x := range e {
		t.sum[i] += x
		square += float64(t.sum[i]) * float64(t.sum[i])
	}
	scale := float32(1 / math.Sqrt(max(square, 1e-12)))
	for i, x := range t.sum {
		t.mean[i] = x * scale
	}
	t.fused++
}

// watchMouth counts frames with a smile: a mouth well above this person's own relaxed mouth in this visit. Who arrives with
// a smile, and a smiling photo, set the bar by it.
func (v *Visit) watchMouth(l Look) {
	t := &v.track
	if t.fused == 0 || t.doubtful > 0 {
		return
	}
	if max(l.Pose.Yaw, -l.Pose.Yaw) > v.t.SmileYawMax {
		t.smiles = 0 // the measure of a mouth holds for a face from the front
		return
	}
	t.mouth[t.mouths%mouthWindow] = l.Smile
	t.mouths++
	if t.mouths < mouthWindow {
		return
	}
	window := t.mouth
	slices.Sort(window[:])
	if median := window[mouthWindow/2]; t.mouths == mouthWindow || median < t.relaxed {
		t.relaxed = median
	}
	if t.stage != Recognised && t.stage != Consented {
		return
	}
	if l.Smile-t.relaxed < v.t.SmileRise || t.matched == 0 {
		t.smiles = 0
		return
	}
	t.smiles++
}

func (v *Visit) finding(r Reason) Finding {
	t := &v.track
	f := Finding{Stage: t.stage, Reason: r, Customer: t.customer}
	switch t.stage {
	case Searching:
		f.Progress = 0.5 * min(1, float32(t.fused)/float32(v.t.FuseMin))
	case Recognised, Consented:
		t.stage, f.Stage = Recognised, Recognised
		f.Progress = 0.5 + 0.5*min(1, float32(t.smiles)/float32(v.t.SmileFrames))
		f.Evidence = Evidence{MatchFrames: t.matched, SmileFrames: t.smiles}
		if t.smiles >= v.t.SmileFrames {
			t.stage, f.Stage = Consented, Consented
		}
	case Unknown:
	}
	return f
}
