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

// like is who is like a face.
type like struct {
	id    string // of whom it is sure, or of two who are alike the one whom a number has named
	alike bool   // two customers are too much like the face
	left  bool   // nobody who was searched is like it, but somebody who was left out of the search
}

// match tells of whom fused embeddings are.
func (j *judge) match(sum []float32, named bool) like {
	j.probe = append(j.probe[:0], sum...)
	if !normalise(j.probe) {
		return like{}
	}
	id, best, second := j.m.Match(j.probe)
	j.want()
	switch {
	case id == "" || !(best >= j.wanted):
		return like{left: second >= j.wanted} // of a search that was narrowed; else the second is below the best
	case best-second >= j.t.Margin:
		return like{id: id}
	case named && second-best < j.t.Margin:
		return like{id: id, alike: true}
	}
	return like{alike: true}
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
// Whoever is like a customer of each of the two is nobody's, in the search or left out of it, since cosines
// of two models can't be compared; as is one who is like two of one, but see Named.
func (v *Visit) Before(m Matcher, t Thresholds) {
	if t.Check() != nil {
		v.closed = true
		return
	}
	v.before = &judge{m: m, t: t}
	v.before.want()
}

// Named tells the visit that its customer has said by a number who stands there, and nobody else has it: its
// Matchers look for that one alone, and give as second whoever is next. Who is like another
// customer too is recognised then, as Finding.Alike says: a face and a number together don't tell twins
// apart, so that it takes a PIN besides. Who is more like the other one is nobody's. It is called before
// the first frame.
func (v *Visit) Named() { v.named = true }

// withBefore is what a Look has to compute besides for who comes over.
func (v *Visit) withBefore() Depth {
	if v.before == nil || v.by == &v.now {
		return 0
	}
	return WithBefore
}

// identify returns the customer of the face that was fused, whom v.by then knows; "" when nobody is sure.
func (v *Visit) identify() string {
	now, old := v.now.match(v.sum, v.named), like{}
	if v.before != nil {
		old = v.before.match(v.before.sum, v.named)
	}
	known := func(l like) bool { return l.id != "" || l.alike }
	found := now
	v.by = &v.now
	if known(old) {
		found, v.by = old, v.before
	}
	if known(now) && (known(old) || old.left) || known(old) && now.left {
		found = like{alike: true}
	}
	if v.finding.Alike = found.alike; found.id == "" {
		v.by = nil
	}
	return found.id
}

// Keeps tells whether a frame of a visit would do as a picture of an enrolment.
func (t Thresholds) Keeps(l Look) bool {
	e := t.ForEnrolment()
	return l.Reason == "" && l.Faces == 1 && len(l.Embedding) > 0 && float32(l.Box.Dx()) >= e.FaceMinPx &&
		e.lit(l.Brightness, l.Sharpness) == "" && e.facing(l.Pose) == ""
}
