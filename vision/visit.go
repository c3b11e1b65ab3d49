package vision

import (
	"image"
	"math"
	"time"
)

// Matcher finds the customer that a face is most like. best is the cosine with that customer, second with
// the best OTHER customer, both -1..1; id is "" when there is no customer at all. probe is only lent.
type Matcher interface {
	Match(probe []float32) (id string, best, second float32)
}

// Sized is a Matcher that knows from which cosine on a face is one of its customers: the more customers
// there are, the higher, as each is a chance for a mistake. ok is false where Thresholds.Match holds. What
// a visit has once asked for it never goes below: a customer who is removed meanwhile makes it no easier,
// and those who are enrolled meanwhile count from the next frame on.
type Sized interface {
	Cosine() (cosine float32, ok bool)
}

// Stage is how far a visit has come.
type Stage string

// The stages of a visit.
const (
	Searching  Stage = "searching"  // nobody is recognised yet
	Recognised Stage = "recognised" // a customer, who has not consented
	Consented  Stage = "consented"  // that customer has smiled: final
	Unknown    Stage = "unknown"    // a face that is no customer's, until it goes away
	Refused    Stage = "refused"    // such faces were there too long: final
)

// Evidence counts the frames behind a finding. It holds no scores.
type Evidence struct {
	Fused   int // good frames of one face that were fused to recognise the customer
	Matched int // frames that matched the customer one by one since
	Smiling int // those of them that show the smile
}

// Finding is what a visit has come to.
type Finding struct {
	Stage     Stage
	Reason    Reason   // why the last frame could not be used: advice for the screen; "" when it could
	Customer  string   // from Recognised on
	Progress  float32  // 0..1; 0.5 is recognised, up to 0.8 the smile rises, then it has to last; 1 is consented
	Evidence  Evidence // from Recognised on
	Strangers int      // different faces so far that were compared with the gallery and are no customer's
	Light     bool     // the screen has to play its light now, or is playing it
	Verdict   Verdict  // with Consented: what was found of the visit's Demand
	Judged    int      // frames behind it
	Still     bool     // the face is no customer's and has not moved at all: a poster, not a person
	Alike     bool     // two customers or more are so like this face that it alone can't tell which: twins
	Before    bool     // the customer was recognised by the model before: see Visit.Before
	Poster    Side     // where such a face was left out beside the one that is followed; "" when none was
}

// Visit follows one payment from the first frame to consent. It serves one goroutine; a new payment needs a
// new Visit. All that it waits for is a time and a number of frames, so that a camera's rate decides nothing.
type Visit struct {
	t      Thresholds
	now    judge
	before *judge // of Before; nil: no such model
	by     *judge // who has recognised the customer
	named  bool   // by a number

	finding   Finding
	closed    bool            // thresholds that cannot be trusted
	last      time.Time       // of the last frame that was looked at in full
	checked   time.Time       // of that, if it showed the recognised customer
	box       image.Rectangle // the face in the last frame; empty when it was lost
	sum       []float32       // embeddings of this face
	fused     int             // frames in sum
	since     time.Time       // the first of them
	asked     time.Time       // when the Matcher was last asked about sum
	failed    int             // attempts
	consent   consent
	live      liveness
	strangers strangers
	posters   posters
}

// NewVisit returns a visit that has seen nothing. With thresholds that Check refuses it never recognises
// anybody.
func NewVisit(m Matcher, t Thresholds) *Visit {
	v := &Visit{t: t, now: judge{m: m, t: t}, closed: t.Check() != nil, finding: Finding{Stage: Searching}}
	v.now.want()
	return v
}

// Depth says what the next Look must compute: the embedding as long as a swap of the face would matter, then
// whether the face moves.
func (v *Visit) Depth() Depth {
	switch v.finding.Stage {
	case Searching:
		return Embed | v.withBefore()
	case Recognised:
		return Embed | v.live.depth() | v.withBefore()
	case Unknown:
		return Landmarks
	case Consented, Refused:
	}
	return Detect
}

// Observe takes the next Look, in the order of the frames, with the time at which its frame was taken
// (monotonic), and returns what the visit has come to. A face that is lost, jumps, is joined by another one
// or turns into another person starts the visit over, and so does a while without frames. A glance changes
// nothing.
func (v *Visit) Observe(l Look, at time.Time) Finding {
	if v.finding.Stage == Consented || v.finding.Stage == Refused || v.closed {
		return v.finding
	}
	if l.Glance {
		return v.finding
	}
	v.checked = time.Time{}
	gap := at.Sub(v.last)
	if v.last.IsZero() {
		gap = 0
	}
	v.last = at
	if joined := v.beside(&l, at); joined || gap < 0 || gap > v.t.GapMax || !v.follows(&l) {
		v.restart()
		gap = 0
	}
	v.box = l.Box
	if l.Faces != 1 {
		v.box = image.Rectangle{}
	}
	v.finding.Reason = l.Reason
	switch {
	case v.finding.Stage == Unknown:
		v.outstay(sight{l.Box, l.Eyes}, gap)
	case l.Reason != "" || len(l.Embedding) == 0 || math.IsNaN(float64(l.Smile)):
		v.pause(at)
	default:
		v.use(&l, at)
	}
	v.progress()
	v.finding.Poster = v.posters.side
	return v.finding
}

// use takes a frame that shows a face well.
func (v *Visit) use(l *Look, at time.Time) {
	if v.fused > 0 && !(cosine(l.Embedding, v.sum) >= v.t.SameFace) {
		v.restart()
	}
	v.strangers.face.watch(sight{l.Box, l.Eyes}, at)
	if v.finding.Stage == Searching {
		v.search(l, at)
	} else {
		v.await(l, at)
	}
}

// follows says whether l can show the face of the last frame. Before the first frame every single face does.
func (v *Visit) follows(l *Look) bool {
	if l.Faces != 1 || l.Box.Empty() || l.Reason == NoFace || l.Reason == SeveralFaces {
		return false
	}
	return v.box.Empty() || overlap(v.box, l.Box) >= v.t.Overlap
}

func overlap(a, b image.Rectangle) float32 {
	area := func(r image.Rectangle) float32 { return float32(r.Dx()) * float32(r.Dy()) }
	both := area(a.Intersect(b))
	return ratio(float64(both), float64(area(a)+area(b)-both))
}

// restart forgets the person, but not that a stranger was compared with the gallery.
func (v *Visit) restart() {
	if v.finding.Stage == Searching && !v.asked.IsZero() {
		v.meet()
	}
	clear(v.sum)
	clear(v.now.probe)
	v.before.forget()
	v.by = nil
	v.consent.reset()
	v.live.forget()
	v.strangers.gone()
	v.fused, v.failed, v.asked = 0, 0, time.Time{}
	v.finding = Finding{Stage: Searching, Reason: v.finding.Reason, Strangers: v.finding.Strangers}
}

// meet counts the face that was fused as a stranger's. A poster is none, and there is one a visit: stills
// that come after it somebody puts there.
func (v *Visit) meet() {
	v.finding.Still = v.strangers.face.still(stillFor) && v.strangers.hangs(v.sum, v.t.SameFace)
	if !v.finding.Still && v.strangers.meet(v.sum, v.t.SameFace) {
		v.finding.Strangers++
	}
}

// outstay ends the visit when faces that are no customer's were there for long enough that somebody else
// could have stepped in. A poster may hang there for ever.
func (v *Visit) outstay(s sight, gap time.Duration) {
	v.strangers.face.watch(s, v.last)
	if v.finding.Still {
		if v.finding.Still = v.strangers.face.still(stillFor); !v.finding.Still {
			v.meet()
		} else if v.posters.poster.seen == 0 {
			v.posters.found(v.strangers.face)
		}
		return
	}
	if v.strangers.stayed += gap; v.strangers.stayed >= v.t.PatienceFor {
		v.finding.Stage = Refused
	}
}

// pause takes a frame that shows nothing of the smile.
func (v *Visit) pause(at time.Time) {
	v.live.miss(at)
	v.consent.pause(at, v.t.SmileGap)
	v.finding.Evidence.Smiling = v.consent.smiling
}

func (v *Visit) progress() {
	switch v.finding.Stage {
	case Searching:
		v.finding.Progress = 0.5 * min(float32(v.fused)/float32(v.t.FuseMin), 1)
	case Recognised:
		held := float32(v.consent.lasted) / float32(v.t.SmileFor)
		v.finding.Progress = 0.5 + 0.3*v.consent.risen + 0.19*min(held, 1)
	case Consented:
		v.finding.Progress = 1
	case Unknown, Refused:
		v.finding.Progress = 0
	}
}

// search fuses the frame with those before it and looks for their customer, not oftener than askEvery: each
// question is a chance for a mistake.
func (v *Visit) search(l *Look, at time.Time) {
	if v.fused == 0 {
		clear(v.sum) // of a failed attempt, kept until now in case the face goes away
		v.before.forget()
		v.since = at
	}
	if !fuse(&v.sum, l.Embedding) {
		return
	}
	v.before.fuse(l.Before)
	v.fused++
	seen := at.Sub(v.since)
	if v.fused < v.t.FuseMin || seen < v.t.FuseMinFor || !v.asked.IsZero() && at.Sub(v.asked) < askEvery {
		return
	}
	v.asked = at
	if id := v.identify(); id != "" {
		v.finding.Stage, v.finding.Customer, v.finding.Before = Recognised, id, v.by == v.before
		v.finding.Evidence = Evidence{Fused: v.fused}
		v.consent.own = ownOf(v.by.m, id)
		return
	}
	if v.fused < v.t.FuseMax || seen < v.t.FuseMaxFor {
		return
	}
	if v.failed++; v.failed >= v.t.Attempts || v.strangers.knows(v.sum, v.t.SameFace) {
		v.finding.Stage = Unknown
		v.meet()
		return
	}
	v.fused = 0
}

// fuse adds an embedding to a sum. It reports false for one that says nothing.
func fuse(sum *[]float32, e []float32) bool {
	if len(e) == 0 {
		return false
	}
	if len(*sum) != len(e) {
		*sum = make([]float32, len(e))
	}
	return accumulate(*sum, e)
}

// await waits for the smile of the recognised customer.
func (v *Visit) await(l *Look, at time.Time) {
	if v.finding.Before {
		l.Embedding = l.Before // as the model that knows the customer sees the face
	}
	id, best, _ := v.by.m.Match(l.Embedding)
	if id != v.finding.Customer {
		v.restart()
		return
	}
	if !(best >= v.by.t.Verify) {
		v.pause(at)
		return
	}
	v.finding.Evidence.Matched++
	v.checked = at
	if l.Pose.Yaw < -v.t.SmileYawMax || l.Pose.Yaw > v.t.SmileYawMax {
		v.finding.Reason = TurnedAway // for who is recognised, not for a smile
	}
	given := v.consent.see(l, at, &v.t)
	v.finding.Evidence.Smiling = v.consent.smiling
	v.live.see(l, v.consent.risen, v.consent.level, at, &v.t)
	if given {
		is := v.by.match(v.consent.sum, v.named)
		if v.finding.Alike = is.alike || v.named && v.finding.Alike; is.id == v.finding.Customer {
			v.live.smiled = at
		}
	}
	v.live.late(at)
	v.finding.Light = v.live.wishes()
	if v.live.smiled.IsZero() {
		return
	}
	if verdict, frames, ok := v.live.verdict(&v.t, at); ok {
		v.finding.Stage, v.finding.Verdict, v.finding.Judged = Consented, verdict, frames
	}
}
