package vision

import "time"

// strangers are the faces of a visit that are no customer's.
type strangers struct {
	known  [strangersKept][]float32 // fused embeddings of those that were counted: a ring
	poster []float32                // the first still face
	met    int                      // written to it
	stayed time.Duration            // how long they stood there, together

	// Where the eyes of the face of the moment were since it came.
	low, high Eyes
	seen      int
	came, at  time.Time // the first and the last time
}

const (
	// askEvery is how often the gallery is asked about a face: ten times a second, as cameras with that rate
	// give frames, less what a frame may come early.
	askEvery = 90 * time.Millisecond
	// strangersKept is how many strangers are told from one another.
	strangersKept = 8
)

// knows says whether the face is that of a stranger who was counted before; same is Thresholds.SameFace.
func (s *strangers) knows(sum []float32, same float32) bool {
	for _, k := range s.known[:min(s.met, strangersKept)] {
		if cosine(k, sum) >= same {
			return true
		}
	}
	return false
}

// meet remembers a stranger and says whether it is another one than those before.
func (s *strangers) meet(sum []float32, same float32) bool {
	if s.knows(sum, same) {
		return false
	}
	k := &s.known[s.met%strangersKept]
	*k = append((*k)[:0], sum...)
	if !normalise(*k) {
		return false
	}
	s.met++
	return true
}

// hangs says whether a still face is the one poster of the visit: a second one was put there.
func (s *strangers) hangs(sum []float32, same float32) bool {
	if len(s.poster) == 0 {
		s.poster = append(s.poster, sum...)
		return normalise(s.poster)
	}
	return cosine(s.poster, sum) >= same
}

// watch follows the eyes of the face.
func (s *strangers) watch(e Eyes, at time.Time) {
	if e.Span <= 0 {
		return
	}
	if s.seen == 0 {
		s.low, s.high, s.came = e, e, at
	}
	s.seen++
	s.at = at
	s.low = Eyes{min(s.low.X, e.X), min(s.low.Y, e.Y), min(s.low.Span, e.Span)}
	s.high = Eyes{max(s.high.X, e.X), max(s.high.Y, e.Y), max(s.high.Span, e.Span)}
}

// gone forgets where the face was.
func (s *strangers) gone() { s.seen = 0 }

const (
	// stillFor and stillFrames are how long and in how many frames a face does not move before that is said.
	stillFor    = 1200 * time.Millisecond
	stillFrames = 6
	// stillMove is how far the eyes of a printed face may wander, in eye spans: the mesh's own unrest on a
	// camera's noise. Measured on clips of 640x480: a poster 0.013 in 3 s, people who stand still 0.05 to 0.09.
	stillMove = 0.025
)

// still says that the face has not moved at all since it came. Whoever stands sways by centimetres.
func (s *strangers) still() bool {
	if s.seen < stillFrames || s.at.Sub(s.came) < stillFor {
		return false
	}
	return max(s.high.X-s.low.X, s.high.Y-s.low.Y) <= stillMove*s.low.Span
}
