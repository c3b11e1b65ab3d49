package gallery

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// between is a picture that is as like one as like the other, by parts.
func between(a, b []float32, part float32) []float32 {
	v := make([]float32, len(a))
	for i := range v {
		v[i] = part*a[i] + (1-part)*b[i]
	}
	return normalise(v)
}

// Who is forgotten by the own face is surely that customer, and like nobody else: not a stranger, not one who
// is alike, not one of two who are, and not somebody beside them.
func TestSure(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", modelA)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	shots := func(make func(shot uint64) []float32) (all [][]float32) {
		for shot := uint64(11); shot < 14; shot++ {
			all = append(all, make(shot))
		}
		return all
	}
	own := shots(func(shot uint64) []float32 { return picture(1, shot) })
	if id, err := g.Sure(own, nil); err != nil || id != ada.ID {
		t.Errorf("the own face: %q, %v", id, err)
	}
	mixed := append(own[:2:2], picture(7, 1))
	alike := shots(func(shot uint64) []float32 { return between(picture(1, shot), picture(9, shot), 0.4) })
	for who, templates := range map[string][][]float32{
		"a stranger":   shots(func(shot uint64) []float32 { return picture(7, shot) }),
		"a look-alike": alike, "somebody beside them": mixed,
	} {
		if id, err := g.Sure(templates, nil); !errors.Is(err, ErrUnknownCustomer) {
			t.Errorf("%s is %q, %v", who, id, err)
		}
	}
	mustEnrol(t, g, "Beth", 2, 3)
	both := shots(func(shot uint64) []float32 { return between(picture(1, shot), picture(2, shot), 0.5) })
	if id, err := g.Sure(both, nil); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("who is like two is %q, %v", id, err)
	}
	if _, err := g.Sure(own[:1], nil); !errors.Is(err, ErrTemplates) {
		t.Errorf("of one picture: %v", err)
	}
}

// What a customer agreed to is kept with the record and goes with it; one that says too little is refused,
// and one that was changed counts for none.
func TestConsent(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	old := mustEnrol(t, g, "Ada", 1, 3) // before anybody was asked
	c := Consent{Text: "5c1eeb94aa00bb11", Lang: "de", At: day, Explained: "Anna"}
	for _, bad := range []Consent{{}, {Text: "5c", At: day, Explained: "Anna"}, {Paper: "7", At: day}} {
		if _, err := g.EnrolAs("Beth", pictures(2, 3), Wish{Consent: &bad}, nil); !errors.Is(err, ErrConsent) {
			t.Errorf("%+v does: %v", bad, err)
		}
	}
	var told Change
	note := func(c Change) error { told = c; return nil }
	beth, err := g.EnrolAs("Beth", pictures(2, 3), Wish{Consent: &c}, note)
	if err != nil || told.Consent.Summary() != "5c1eeb94aa00bb11 de" {
		t.Fatal(err, told.Consent)
	}
	if n := g.Unconsented(); n != 1 {
		t.Errorf("%d have not agreed", n)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, modelA)
	if got, ok := g.Consent(beth.ID); !ok || got != c {
		t.Errorf("it is %v, %t", got, ok)
	}
	if _, err := g.EnrolAgain(beth.ID, pictures(2, 3), nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, ok := g.Consent(beth.ID); !ok {
		t.Error("a renewal has lost it")
	}
	if err := g.KeepConsent(old.ID, c, func() error { return nil }); err != nil || g.Unconsented() != 0 {
		t.Errorf("afterwards: %v", err)
	}
	files := func() (n int) {
		all, err := filepath.Glob(filepath.Join(dir, "*"+consentExt))
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if err := g.Remove(old.ID); err != nil || files() != 1 {
		t.Errorf("%d are left, %v", files(), err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, beth.ID+consentExt)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1]++
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, modelA)
	if _, ok := g.Consent(beth.ID); ok || g.Unconsented() != 1 {
		t.Error("one that was changed counts")
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
}

// day is when somebody agreed.
var day = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
