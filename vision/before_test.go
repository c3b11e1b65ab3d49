package vision

import (
	"math"
	"testing"
)

// old is what the model before sees of a face: another space, in which people are other axes.
func old(l Look, weights ...float32) Look {
	e := make(Embedding, 12)
	copy(e, weights)
	normalise(e)
	l.Before = e
	return l
}

// TestModelBefore: a visit knows customers by two models at once, each by its own thresholds, and whoever two
// customers are like is nobody's, whichever models know them.
func TestModelBefore(t *testing.T) {
	strict := easy
	strict.Match, strict.Verify = 0.8, 0.75
	stale := gallery{"dora": old(Look{}, 1).Before, "emil": old(Look{}, 0, 1).Before,
		"fay": old(Look{}, 0, 0, 1).Before, "gus": old(Look{}, 0, 0, 1, 0, 0.2).Before}
	stranger := []float32{0, 0, 0, 1}
	visit := func(rest, smile Look) []Look { return shots(20, rest, 10, smile) }
	same := func(e Embedding, weights ...float32) []Look {
		return visit(old(face1(e, rest), weights...), old(face1(e, smile), weights...))
	}
	for _, c := range []struct {
		name     string
		frames   []Look
		stage    Stage
		customer string
		before   bool
		alike    bool
	}{
		{"a customer of the model now", same(anna, stranger...), Consented, "anna", false, false},
		{"one of the model before", same(carl, 1), Consented, "dora", true, false},
		{"0.74, enough for the model now", same(carl, 1, 0, 0, 0.9), Unknown, "", false, false},
		{"like a customer of each", same(anna, 1), Unknown, "", false, true},
		{"twins of the model before", same(carl, 0, 0, 1, 0, 0.1), Unknown, "", false, true},
		{"nobody's", same(carl, stranger...), Unknown, "", false, false},
		{"nothing of the model before", same(carl), Unknown, "", false, false},
		{"the face changes for the model before", visit(old(face1(carl, rest), 1),
			old(face1(carl, smile), 0, 1)), Recognised, "emil", true, false},
		{"the face changes for the model now", visit(old(face1(carl, rest), 1),
			old(face1(bert, smile), 1)), Searching, "", false, true},
	} {
		v := NewVisit(both, easy)
		v.Before(stale, strict)
		f, consents := run(v, c.frames)
		if f.Stage != c.stage || f.Customer != c.customer || f.Before != c.before || f.Alike != c.alike ||
			consents > 0 != (c.stage == Consented) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// TestModelBeforeIsAskedFor: the second network runs as long as it may say who somebody is, and no longer.
func TestModelBeforeIsAskedFor(t *testing.T) {
	v := NewVisit(both, easy)
	if v.Depth() != Embed {
		t.Errorf("without the model before: %x", v.Depth())
	}
	v.Before(gallery{"dora": old(Look{}, 1).Before}, easy)
	if v.Depth() != Embed|WithBefore {
		t.Errorf("searching: %x", v.Depth())
	}
	if f, _ := run(v, shots(10, face1(anna, rest))); f.Stage != Recognised || v.Depth() != Embed {
		t.Errorf("known by the model now: %s, %x", f.Stage, v.Depth())
	}
	run(v, shots(2, refused(NoFace)))
	f, _ := run(v, shots(10, old(face1(carl, rest), 1)))
	if f.Stage != Recognised || v.Depth() != Embed|WithBefore {
		t.Errorf("known by the model before: %s, %x", f.Stage, v.Depth())
	}
}

// TestModelBeforeAsksForMore: its gallery says from which cosine on, and thresholds that take anybody take
// nobody.
func TestModelBeforeAsksForMore(t *testing.T) {
	frames := shots(20, old(face1(carl, rest), 1, 0, 0, 0.9), 10, old(face1(carl, smile), 1, 0, 0, 0.9)) // 0.74
	for cosine, want := range map[float32]Stage{0.7: Consented, 0.75: Unknown} {
		v := NewVisit(both, easy)
		v.Before(&scaled{gallery: gallery{"dora": old(Look{}, 1).Before}, cosine: cosine}, easy)
		if f, _ := run(v, frames); f.Stage != want {
			t.Errorf("0.74 where %v is asked for: %s", cosine, f.Stage)
		}
	}
	loose := easy
	loose.Match = 0
	v := NewVisit(both, easy)
	v.Before(gallery{"dora": old(Look{}, 1).Before}, loose)
	if f, _ := run(v, frames); f.Stage != Searching {
		t.Errorf("thresholds that take anybody: %s", f.Stage)
	}
}

// others is a search that was narrowed to nobody: one of those who are left out is so like the face.
type others float32

func (o others) Match([]float32) (id string, best, second float32) { return "", -1, float32(o) }

// named is a search that a number has narrowed to one customer, and how like the face the next of all others
// is.
type named struct {
	Matcher
	second float32
}

func (n named) Match(e []float32) (id string, best, second float32) {
	id, best, _ = n.Matcher.Match(e)
	return id, best, n.second
}

// TestNamedTwin: who gave a number and is like another customer too is recognised, as somebody whom a face
// alone doesn't tell; without a number, and where the other one is more like the face, it is nobody.
func TestNamedTwin(t *testing.T) {
	frames := shots(20, face1(anna, rest), 10, face1(anna, smile))
	for _, c := range []struct {
		second float32
		named  bool
		stage  Stage
		alike  bool
	}{
		{0.1, true, Consented, false}, {0.98, true, Consented, true}, {0.98, false, Unknown, true},
		{1.3, true, Unknown, true}, {float32(math.NaN()), true, Unknown, true},
	} {
		v := NewVisit(named{both, c.second}, easy)
		if c.named {
			v.Named()
		}
		if f, _ := run(v, frames); f.Stage != c.stage || f.Alike != c.alike {
			t.Errorf("the next is %v like the face, named %v: %s, alike %v", c.second, c.named, f.Stage, f.Alike)
		}
	}
}

// later is a search that finds another customer as like the face from some question on, and at the first one.
type later struct {
	Matcher
	asked, from int
	first       bool
}

func (l *later) Match(e []float32) (id string, best, second float32) {
	id, best, _ = l.Matcher.Match(e)
	if l.asked++; l.asked >= l.from || l.first && l.asked == 1 {
		return id, best, best
	}
	return id, best, 0
}

// TestAlikeAtTheSmile: that a face is like two customers counts whenever it was found of a visit: at the
// smile alone, and before it alone.
func TestAlikeAtTheSmile(t *testing.T) {
	frames := shots(20, face1(anna, rest), 10, face1(anna, smile))
	for from := range 40 {
		m := &later{Matcher: both, from: from}
		v := NewVisit(m, easy)
		v.Named()
		f, _ := run(v, frames)
		if f.Stage == Consented && f.Alike != (m.asked >= from) {
			t.Errorf("from question %d of %d on: alike %v", from, m.asked, f.Alike)
		}
	}
	v := NewVisit(&later{Matcher: both, from: 1000, first: true}, easy)
	v.Named()
	if f, _ := run(v, frames); f.Stage != Consented || !f.Alike {
		t.Errorf("when it was recognised: %s, alike %v", f.Stage, f.Alike)
	}
}

// TestNarrowedByTheOtherModel: whoever is like a customer of one model is nobody of the other's, also where
// that customer was left out of the search.
func TestNarrowedByTheOtherModel(t *testing.T) {
	frames := shots(20, old(face1(anna, rest), 1), 10, old(face1(anna, smile), 1))
	for left, want := range map[float32]Stage{0.99: Unknown, 0.9: Unknown, 0.1: Consented} {
		for _, byNumber := range []bool{false, true} {
			v := NewVisit(both, easy)
			v.Before(others(left), easy)
			if byNumber {
				v.Named()
			}
			if f, _ := run(v, frames); f.Stage != want || f.Alike != (want == Unknown) {
				t.Errorf("one of the model before is %v like the face, named %v: %s, alike %v", left, byNumber,
					f.Stage, f.Alike)
			}
		}
	}
	// The other way round, and a number that was mistyped: the search is narrowed to nobody, and the customer's
	// own row is left out of it. Nobody is like two customers then.
	v := NewVisit(others(0.9), easy)
	v.Before(gallery{"dora": old(Look{}, 1).Before}, easy)
	v.Named()
	f, _ := run(v, shots(20, old(face1(carl, rest), 1), 10, old(face1(carl, smile), 1)))
	if f.Stage != Unknown || !f.Alike {
		t.Errorf("one of the model now is left out: %s, alike %v", f.Stage, f.Alike)
	}
	v = NewVisit(others(0.9), easy)
	v.Named()
	if f, _ := run(v, shots(40, face1(anna, rest))); f.Stage != Unknown || f.Alike {
		t.Errorf("mistyped: %s, alike %v", f.Stage, f.Alike)
	}
}
