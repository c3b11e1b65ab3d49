package vision

// judge compares faces with the customers of one model.
type judge struct {
	m      Matcher
	t      Thresholds // of that model: Match, Margin and Verify
	wanted float32    // the highest cosine that was asked for so far
	sum    []float32  // embeddings of this face by the model before; those of the model in force are the visit's
	probe  []float32  // what is asked of the Matcher
}

// want raises the cosine that is wanted to what the Matcher asks for now; never below that of one frame,
// or of what makes no sense.
func (j *judge) want() {
	want := j.t.Match
	if s, ok := j.m.(Sized); ok {
		if c, ok := s.Cosine(); ok && c > 0 && c <= 1 {
			want = max(c, j.t.Verify)
		}
	}
	j.wanted = max(j.wanted, want)
}

// match returns the customer of fused embeddings, or "" when it is not sure; alike: because two customers are
// too much like the face.
func (j *judge) match(sum []float32) (id string, alike bool) {
	j.probe = append(j.probe[:0], sum...)
	if !normalise(j.probe) {
		return "", false
	}
	id, best, second := j.m.Match(j.probe)
	if j.want(); id == "" || !(best >= j.wanted) {
		return "", false
	}
	if !(best-second >= j.t.Margin) {
		return "", true
	}
	return id, false
}

// fuse adds an embedding of the model before, if there is such a model.
func (j *judge) fuse(e Embedding) {
	if j != nil {
		fuse(&j.sum, e)
	}
}

// forget drops the face.
func (j *judge) forget() {
	if j != nil {
		clear(j.sum)
		clear(j.probe)
	}
}

// Before has the visit know customers by a second model too, while they come over from it one by one: those
// of m, whose probes are Look.Before, by that model's own thresholds. It is called before the first frame.
// Whoever is like a customer of each of the two is nobody's, as is one who is like two of one.
func (v *Visit) Before(m Matcher, t Thresholds) {
	if t.Check() != nil {
		v.closed = true
		return
	}
	v.before = &judge{m: m, t: t}
	v.before.want()
}

// withBefore is what a Look has to compute besides for who comes over.
func (v *Visit) withBefore() Depth {
	if v.before == nil || v.by == &v.now {
		return 0
	}
	return WithBefore
}

// identify returns the customer of the face that was fused, whom v.by then knows; "" when nobody is sure.
func (v *Visit) identify() string {
	id, alike := v.now.match(v.sum)
	v.by = &v.now
	if v.before != nil {
		other, likewise := v.before.match(v.before.sum)
		alike = alike || likewise || id != "" && other != ""
		if other != "" {
			id, v.by = other, v.before
		}
	}
	if v.finding.Alike = alike; alike {
		id = ""
	}
	if id == "" {
		v.by = nil
	}
	return id
}

// Keeps tells whether a frame of a visit would do as a picture of an enrolment.
func (t Thresholds) Keeps(l Look) bool {
	e := t.ForEnrolment()
	return l.Reason == "" && l.Faces == 1 && len(l.Embedding) > 0 && float32(l.Box.Dx()) >= e.FaceMinPx &&
		e.lit(l.Brightness, l.Sharpness) == "" && e.facing(l.Pose) == ""
}
