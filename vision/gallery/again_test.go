package gallery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpenRefusesAModel(t *testing.T) {
	for _, m := range []Model{
		{}, {SHA256: "", Agree: 0.5, Same: 0.6}, {SHA256: "a1", Agree: 0.5, Same: 0.6},
		{SHA256: strings.Repeat("g1", 32), Agree: 0.5, Same: 0.6},
		{SHA256: modelA.SHA256 + "00", Agree: 0.5, Same: 0.6}, {SHA256: modelA.SHA256, Same: 0.6},
		{SHA256: modelA.SHA256, Agree: 0.5, Same: 1},
	} {
		if _, err := Open(t.TempDir()+"/g", m, quiet()); err == nil {
			t.Errorf("%+v is taken for a model", m)
		}
	}
}

// The cosines of enrolment are the model's.
func TestModelsCosinesDecide(t *testing.T) {
	strict := Model{SHA256: modelA.SHA256, Agree: 0.97, Same: 0.98}
	g := mustOpen(t, t.TempDir()+"/g", strict)
	if _, err := g.Enrol("Ada", pictures(1, 3), nil); !errors.Is(err, ErrDisagree) {
		t.Errorf("pictures of cosine 0.9, agreement of 0.97 wanted: %v", err)
	}
	loose := Model{SHA256: modelA.SHA256, Agree: 0.5, Same: 0.99}
	g = mustOpen(t, t.TempDir()+"/g", loose)
	mustEnrol(t, g, "Ada", 1, 3)
	if _, err := g.Enrol("Ann", [][]float32{picture(1, 7), picture(1, 8), picture(1, 9)}, nil); err != nil {
		t.Errorf("cosine 0.9 is the same person from 0.99 on: %v", err)
	}
}

func TestOtherModel(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	bob := mustEnrol(t, g, "Bob", 2, 3)
	g.Close()
	g = mustOpen(t, dir, modelB)
	if id, _, _ := g.Match(picture(1, 0)); id != "" {
		t.Errorf("a face of another model matches %s", id)
	}
	stale := g.Stale()
	if len(stale) != 2 || len(g.Damaged()) != 0 || len(g.List()) != 0 {
		t.Fatalf("stale %v, damaged %v, usable %v", stale, g.Damaged(), g.List())
	}
	at := slices.IndexFunc(stale, func(s Stale) bool { return s.ID == ada.ID })
	if at < 0 || stale[at].Name != "Ada" || stale[at].Model != modelA.SHA256 || stale[at].Now != modelB.SHA256 {
		t.Fatalf("got %#v", stale)
	}
	s := stale[at]
	wantHint(t, s, ErrOtherModel)
	for _, part := range []string{ada.ID, "a1a1a1a1", "b2b2b2b2", ada.EnrolledAt.Format("2006-01-02")} {
		if !strings.Contains(s.Error(), part) {
			t.Errorf("%q does not say %s", s.Error(), part)
		}
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s),
		s.LogValue().String(), s.Hint()} {
		if strings.Contains(text, "Ada") {
			t.Errorf("%q tells the name", text)
		}
	}
	_, err := g.Enrol("Ada", pictures(1, 3), nil)
	wantHint(t, err, ErrAlreadyEnrolled) // the advice: enrol the old one again
	if err := g.Remove(bob.ID); err != nil || len(g.Stale()) != 1 {
		t.Fatal(err, g.Stale())
	}
	if err := g.Remove(bob.ID); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestEnrolAgainRefuses(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	g.Close()
	g = mustOpen(t, dir, modelB)
	bob := mustEnrol(t, g, "Bob", 2, 3)
	before, err := os.ReadFile(filepath.Join(dir, ada.ID+recordExt))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id  string
		templates [][]float32
		want      error
	}{
		{"nobody", "", pictures(1, 3), ErrUnknownCustomer},
		{"unknown", "c_" + strings.Repeat("a", 26), pictures(1, 3), ErrUnknownCustomer},
		{"a path", "../gallery", pictures(1, 3), ErrUnknownCustomer},
		{"too few", ada.ID, pictures(1, 2), ErrTemplates},
		{"none", ada.ID, nil, ErrTemplates},
		{"two people", ada.ID, [][]float32{picture(1, 1), picture(1, 2), picture(3, 1)}, ErrDisagree},
		{"another customer's face", ada.ID, [][]float32{picture(2, 7), picture(2, 8), picture(2, 9)},
			ErrAlreadyEnrolled},
		{"another dimension", ada.ID, [][]float32{normalise(picture(1, 1)[:64]), normalise(picture(1, 1)[:64]),
			normalise(picture(1, 1)[:64])}, ErrTemplates},
	} {
		_, err := g.EnrolAgain(c.id, c.templates, nil, nil)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if c.want == ErrDisagree && !strings.Contains(err.Error(), "picture 3 is") {
			t.Errorf("%v: which one is to be taken again?", err)
		}
	}
	if after, _ := os.ReadFile(filepath.Join(dir, ada.ID+recordExt)); !slices.Equal(before, after) ||
		len(g.Stale()) != 1 || len(g.List()) != 1 {
		t.Error("a refused enrolment changed something")
	}
	if id, _, _ := g.Match(picture(2, 9)); id != bob.ID {
		t.Errorf("Bob is %q", id)
	}
}

// Customers come over to the new model one by one; meanwhile the others wait and nobody is taken for another.
func TestEnrolAgain(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	ada, bob := mustEnrol(t, g, "Ada", 1, 3), mustEnrol(t, g, "Bob", 2, 5)
	g.Close()
	g = mustOpen(t, dir, modelB)
	// The old templates are like these: they must not count.
	vouched := Wish{OtherFace: true}
	_, err := g.EnrolAgain(ada.ID, pictures(1, 4), nil, nil)
	if wantHint(t, err, ErrIncomparable); len(g.List()) != 0 {
		t.Error("enrolled though nothing can be compared")
	}
	again, err := g.EnrolAgainAs(ada.ID, pictures(1, 4), nil, vouched, nil)
	if err != nil || again.ID != ada.ID || again.Name != "Ada" || again.Templates != 4 {
		t.Fatal(again, err)
	}
	check := func(when string) {
		t.Helper()
		if id, best, second := g.Match(picture(1, 9)); id != ada.ID || best < 0.8 || second != -1 {
			t.Errorf("%s: Ada is %q %v %v", when, id, best, second)
		}
		if id, best, _ := g.Match(picture(2, 9)); id == bob.ID || best > 0.5 {
			t.Errorf("%s: Bob matches %q %v with another model's templates", when, id, best)
		}
		if stale := g.Stale(); len(stale) != 1 || stale[0].ID != bob.ID || len(g.List()) != 1 {
			t.Errorf("%s: stale %v, usable %v", when, stale, g.List())
		}
	}
	check("at once")
	g.Close()
	g = mustOpen(t, dir, modelB)
	check("reopened")
	// Who is not stale may be enrolled anew too.
	if _, err := g.EnrolAgain(ada.ID, pictures(1, 5), nil, nil); err != nil {
		t.Error(err)
	}
	_, err = g.EnrolAgainAs(bob.ID, pictures(2, 3), nil, vouched, nil)
	if err != nil || len(g.Stale()) != 0 || len(g.List()) != 2 {
		t.Error(err, g.Stale())
	}
	g.Close()
	if _, err := g.EnrolAgain(bob.ID, pictures(2, 3), nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	g = mustOpen(t, dir, modelA) // back to the old model: nobody is lost, everybody waits
	if len(g.Stale()) != 2 || len(g.List()) != 0 {
		t.Errorf("back: stale %v, usable %v", g.Stale(), g.List())
	}
}

// Whoever may enrol can't hand a customer's account to another face, and each renewal is told before it is
// made.
func TestEnrolAgainWantsTheSameFace(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	records, err := g.Records()
	if err != nil || len(records[ada.ID]) != 16 {
		t.Fatal(records, err)
	}
	told := []Change{}
	tell := func(c Change) error { told = append(told, c); return nil }
	_, err = g.EnrolAgain(ada.ID, pictures(2, 4), nil, tell)
	wantHint(t, err, ErrOtherFace)
	if len(told) != 0 {
		t.Error("a refused renewal is told as one")
	}
	if id, _, _ := g.Match(picture(1, 9)); id != ada.ID {
		t.Errorf("Ada is %q", id)
	}
	if id, best, _ := g.Match(picture(2, 9)); best > 0.5 {
		t.Errorf("another woman matches %q, %v", id, best)
	}
	no := errors.New("no ink")
	_, err = g.EnrolAgain(ada.ID, pictures(1, 5), nil, func(Change) error { return no })
	if !errors.Is(err, no) {
		t.Errorf("not written down: %v", err)
	}
	if now, _ := g.Records(); now[ada.ID] != records[ada.ID] {
		t.Error("what could not be written down was done")
	}
	if _, err := g.EnrolAgain(ada.ID, pictures(1, 5), nil, tell); err != nil {
		t.Fatal(err)
	}
	now, _ := g.Records()
	if len(told) != 1 || told[0].ID != ada.ID || !told[0].Again || told[0].Unmatched ||
		told[0].Record != now[ada.ID] || now[ada.ID] == records[ada.ID] {
		t.Errorf("told %+v, records %v then %v", told, records, now)
	}
	g.Close()
	g = mustOpen(t, dir, modelB)
	if again, _ := g.Records(); again[ada.ID] != now[ada.ID] {
		t.Errorf("a reopened gallery has %v, not %v", again, now)
	}
	// Across models nothing can be compared.
	if _, err := g.EnrolAgainAs(ada.ID, pictures(3, 3), nil, Wish{OtherFace: true}, tell); err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || !told[1].Unmatched {
		t.Errorf("told %+v", told)
	}
}
