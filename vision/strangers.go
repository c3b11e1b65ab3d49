package vision

import "time"

// strangers are the faces of a visit that are no customer's.
type strangers struct {
	known  [strangersKept][]float32 // fused embeddings of those that were counted: a ring
	poster []float32                // the first still face
	met    int                      // written to it
	stayed time.Duration            // how long they stood there, together
	face   track                    // of the face of the moment
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

// gone forgets where the face was.
func (s *strangers) gone() { s.face = track{} }
