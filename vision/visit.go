package vision

import (
	"image"
	"math"
	"slices"
)

// Matcher finds the customer that a face is most like. best is the cosine with that customer, second with
// the best OTHER customer, both -1..1; id is "" when there is no customer at all. probe is only lent.
type Matcher interface {
	Match(probe []float32) (id string, best, second float32)
}

// Stage is how far a visit has come.
type Stage string

// The stages of a visit.
const (
	Searching  Stage = "searching"  // nobody is recognised yet
	Recognised Stage = "recognised" // a customer, who has not consented
	Consented  Stage = "consented"  // that customer has smiled: final
	Unknown    Stage = "unknown"    // a face that is no customer's, until it goes away
)

// Evidence counts the frames behind a finding. It holds no scores.
type Evidence struct {
	Fused   int // good frames of one face that were fused to recognise the customer
	Matched int // frames that matched the customer one by one since
	Smiling int // those of them that show the smile, in a row
}

// Finding is what a visit has come to.
type Finding struct {
	Stage    Stage
	Reason   Reason   // why the last frame could not be used: advice for the screen; "" when it could
	Customer string   // from Recognised on
	Progress float32  // 0..1; 0.5 is recognised, 1 consented
	Evidence Evidence // from Recognised on
}

// The baseline of the mouth is the lowest fifth's highest of the last 64 good frames (6 s at 10 a second).
const window, restOf = 64, 5

// Visit follows one payment from the first frame to consent. It serves one goroutine; a new payment needs a
// new Visit.
type Visit struct {
	m Matcher
	t Thresholds

	finding Finding
	closed  bool            // thresholds that cannot be trusted
	box     image.Rectangle // the face in the last frame; empty when it was lost
	sum     []float32       // embeddings of this face
	smiling []float32       // embeddings of the smile's frames
	probe   []float32       // what is asked of the Matcher
	fused   int
	failed  int             // attempts
	mouth   [window]float32 // ring of Look.Smile
	sorted  [window]float32
	seen    int // values ever written to mouth
}

// NewVisit returns a visit that has seen nothing. With thresholds that Check refuses it never recognises
// anybody.
func NewVisit(m Matcher, t Thresholds) *Visit {
	return &Visit{m: m, t: t, closed: t.Check() != nil, finding: Finding{Stage: Searching}}
}

// Depth says what the next Look must compute: the embedding as long as a swap of the face would matter.
func (v *Visit) Depth() Depth {
	if v.finding.Stage == Searching || v.finding.Stage == Recognised {
		return Embed
	}
	return Detect
}

// Observe takes the next Look in the order of the frames and returns what the visit has come to. A face
// that is lost, jumps, is joined by another one or turns into another person starts the visit over.
func (v *Visit) Observe(l Look) Finding {
	if v.finding.Stage == Consented || v.closed {
		return v.finding
	}
	if !v.follows(&l) {
		v.restart()
	}
	v.box = l.Box
	if l.Faces != 1 {
		v.box = image.Rectangle{}
	}
	v.finding.Reason = l.Reason
	if l.Reason != "" || len(l.Embedding) == 0 || math.IsNaN(float64(l.Smile)) || v.finding.Stage == Unknown {
		v.interrupt()
		v.progress()
		return v.finding
	}
	if v.fused > 0 && !(cosine(l.Embedding, v.sum) >= v.t.SameFace) {
		v.restart()
	}
	switch v.finding.Stage {
	case Searching:
		v.search(&l)
	case Recognised:
		v.await(&l)
	case Consented, Unknown: // nothing is left to look for
	}
	v.progress()
	return v.finding
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

// restart forgets the person.
func (v *Visit) restart() {
	clear(v.sum)
	clear(v.smiling)
	clear(v.probe)
	v.fused, v.failed, v.seen = 0, 0, 0
	v.finding = Finding{Stage: Searching, Reason: v.finding.Reason}
}

// interrupt ends a row of smiling frames.
func (v *Visit) interrupt() {
	clear(v.smiling)
	v.finding.Evidence.Smiling = 0
}

func (v *Visit) progress() {
	switch e := v.finding.Evidence; v.finding.Stage {
	case Searching:
		v.finding.Progress = 0.5 * min(float32(v.fused)/float32(v.t.FuseMin), 1)
	case Recognised:
		v.finding.Progress = 0.5 + 0.5*min(float32(e.Smiling)/float32(v.t.SmileFrames+1), 1)
	case Consented:
		v.finding.Progress = 1
	case Unknown:
		v.finding.Progress = 0
	}
}

// search fuses the frame with those before it and looks for their customer.
func (v *Visit) search(l *Look) {
	if !fuse(&v.sum, l.Embedding) {
		return
	}
	v.fused++
	if v.fused < v.t.FuseMin {
		return
	}
	if id := v.match(v.sum); id != "" {
		v.finding.Stage, v.finding.Customer = Recognised, id
		v.finding.Evidence = Evidence{Fused: v.fused}
		return
	}
	if v.fused >= v.t.FuseMax {
		clear(v.sum)
		v.fused = 0
		if v.failed++; v.failed >= v.t.Attempts {
			v.finding.Stage = Unknown
		}
	}
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

// match returns the customer of fused embeddings, or "" when it is not sure.
func (v *Visit) match(sum []float32) string {
	v.probe = append(v.probe[:0], sum...)
	if !normalise(v.probe) {
		return ""
	}
	id, best, second := v.m.Match(v.probe)
	if id == "" || !(best >= v.t.Match) || !(best-second >= v.t.Margin) {
		return ""
	}
	return id
}

// await waits for the smile of the recognised customer.
func (v *Visit) await(l *Look) {
	id, best, _ := v.m.Match(l.Embedding)
	if id != v.finding.Customer {
		v.restart()
		return
	}
	if !(best >= v.t.Verify) {
		v.interrupt()
		return
	}
	v.finding.Evidence.Matched++
	v.mouth[v.seen%window] = l.Smile
	v.seen++
	base, ok := v.baseline()
	smiles := ok && l.Smile-base >= v.t.SmileRise && l.Smile >= v.t.SmileMin
	if !smiles || !fuse(&v.smiling, l.Embedding) {
		v.interrupt()
		return
	}
	v.finding.Evidence.Smiling++
	if v.finding.Evidence.Smiling >= v.t.SmileFrames && v.match(v.smiling) == v.finding.Customer {
		v.finding.Stage = Consented
	}
}

// baseline is the mouth of the customer at rest: low among the last frames since the recognition, so that
// it follows one who arrives smiling and then relaxes, but not the lowest, so that a twitch or a slip of
// the mesh does not make it.
func (v *Visit) baseline() (float32, bool) {
	n := min(v.seen, window)
	if n < v.t.RestFrames {
		return 0, false
	}
	s := v.sorted[:n]
	copy(s, v.mouth[:n])
	slices.Sort(s)
	return s[max(v.t.RestFrames, n/restOf)-1], true
}
