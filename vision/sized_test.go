package vision

import "testing"

// scaled is a gallery that knows what it asks for.
type scaled struct {
	gallery
	cosine float32 // 0: not known
}

func (s *scaled) Cosine() (float32, bool) {
	return s.cosine, s.cosine != 0
}

// TestSizedGallery: a visit asks for what the gallery asks for, in place of the models' threshold, and
// never for less than before.
func TestSizedGallery(t *testing.T) {
	frames := shots(10, face1(likeAnna, rest), 10, face1(likeAnna, smile)) // cosine 0.74
	stage := func(what string, s *scaled, want Stage) {
		t.Helper()
		if f, _ := run(NewVisit(s, DefaultThresholds()), frames); f.Stage != want {
			t.Errorf("%s: %s, want %s", what, f.Stage, want)
		}
	}
	stage("the models' threshold", &scaled{gallery: both}, Consented)
	stage("a large gallery", &scaled{gallery: both, cosine: 0.75}, Unknown)
	stage("a smaller one", &scaled{gallery: both, cosine: 0.73}, Consented)
	stage("a gallery that asks for nothing sensible", &scaled{gallery: both, cosine: 7}, Consented)
	stage("and for less than nothing", &scaled{gallery: both, cosine: -1}, Consented)

	// Somebody who is less alike is a customer of a small gallery, and not below what one frame has to be.
	some := shots(10, face1(axis(1, 0, 0, 1.37), rest), 10, face1(axis(1, 0, 0, 1.37), smile)) // 0.590
	low := &scaled{gallery: both, cosine: 0.586}
	if f, _ := run(NewVisit(low, DefaultThresholds()), some); f.Stage != Consented {
		t.Errorf("0.590 where 0.586 is asked for: %s", f.Stage)
	}
	if f, _ := run(NewVisit(both, DefaultThresholds()), some); f.Stage != Unknown {
		t.Errorf("0.590 where the models' 0.61 holds: %s", f.Stage)
	}
	strict := DefaultThresholds()
	strict.Verify = 0.6
	if f, _ := run(NewVisit(low, strict), some); f.Stage == Consented || f.Stage == Recognised {
		t.Errorf("below what one frame has to be: %s", f.Stage)
	}

	// All but one customer are removed in the middle of a visit.
	shrinks := &scaled{gallery: both, cosine: 0.75}
	v := NewVisit(shrinks, DefaultThresholds())
	shrinks.cosine = 0.6
	if f, _ := run(v, frames); f.Stage != Unknown {
		t.Errorf("the gallery shrank: %s", f.Stage)
	}
	shrinks.cosine = 0
	if f, _ := run(v, append(shots(3, refused(NoFace)), frames...)); f.Stage == Consented {
		t.Errorf("the gallery knows nothing any more: %s", f.Stage)
	}

	// Many are enrolled between the recognition and the smile.
	grows := &scaled{gallery: both, cosine: 0.6}
	v = NewVisit(grows, DefaultThresholds())
	if f, _ := run(v, frames[:10]); f.Stage != Recognised {
		t.Fatalf("%s", f.Stage)
	}
	grows.cosine = 0.75
	if f, _ := run(v, frames); f.Stage == Consented {
		t.Error("the gallery grew, and the smile was taken for enough")
	}
}

// TestAlike: whom two customers are alike is told from whom nobody knows.
func TestAlike(t *testing.T) {
	for _, c := range []struct {
		face  Embedding
		stage Stage
		alike bool
	}{{between, Unknown, true}, {carl, Unknown, false}, {anna, Consented, false}} {
		f, _ := run(NewVisit(both, easy), shots(20, face1(c.face, rest), 10, face1(c.face, smile)))
		if f.Stage != c.stage || f.Alike != c.alike || (f.Customer != "") != (c.stage == Consented) {
			t.Errorf("%+v, want %s and alike %v", f, c.stage, c.alike)
		}
	}
}
