package gallery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const dim = 192 // MobileFaceNet's

// Two networks, with the cosines of MobileFaceNet; constants, but for Repeat.
var (
	modelA = Model{SHA256: strings.Repeat("a1", 32), Agree: 0.531, Same: 0.599}
	modelB = Model{SHA256: strings.Repeat("b2", 32), Agree: 0.531, Same: 0.599}
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func mustOpen(t testing.TB, dir string, model Model) *Gallery {
	t.Helper()
	g, err := Open(dir, model, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func mustEnrol(t testing.TB, g *Gallery, name string, person uint64, n int) Customer {
	t.Helper()
	c, err := g.Enrol(name, pictures(person, n), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// picture returns a normalised embedding of a person: cosine about 0.9 with their others, about 0 with
// those of other people.
func picture(person, shot uint64) []float32 {
	face := rand.New(rand.NewPCG(person, 0))
	light := rand.New(rand.NewPCG(person, shot+1))
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(face.NormFloat64() + 0.33*light.NormFloat64())
	}
	return normalise(v)
}

func normalise(v []float32) []float32 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(sum))
	}
	return v
}

func pictures(person uint64, n int) [][]float32 {
	var ps [][]float32
	for i := range n {
		ps = append(ps, picture(person, uint64(i)))
	}
	return ps
}

func wantHint(t *testing.T, err, want error) {
	t.Helper()
	var h interface{ Hint() string }
	if !errors.Is(err, want) || !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("got %v, want %v with a hint", err, want)
	}
}

func TestEnrolRefuses(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", modelA)
	first := mustEnrol(t, g, "Ada", 1, 3)
	with := func(change func([][]float32)) [][]float32 {
		ps := pictures(2, 4)
		change(ps)
		return ps
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, tc := range []struct {
		name      string
		customer  string
		templates [][]float32
		want      error
	}{
		{"no name", " ", pictures(2, 3), ErrName},
		{"name of two lines", "Bo\nb", pictures(2, 3), ErrName},
		{"name not UTF-8", "Bo\xff", pictures(2, 3), ErrName},
		{"long name", strings.Repeat("é", nameMax+1), pictures(2, 3), ErrName},
		{"name that turns the direction", "Bo\u202eb", pictures(2, 3), ErrName},
		{"name that was lost", "Bo\ufffdb", pictures(2, 3), ErrName},
		{"name of joiners", "\u200d\u200c", pictures(2, 3), ErrName},
		{"no templates", "Bob", nil, ErrTemplates},
		{"two templates", "Bob", pictures(2, 2), ErrTemplates},
		{"six templates", "Bob", pictures(2, 6), ErrTemplates},
		{"empty template", "Bob", [][]float32{{}, {}, {}}, ErrTemplates},
		{"nil template", "Bob", [][]float32{nil, nil, nil}, ErrTemplates},
		{"short template", "Bob", with(func(p [][]float32) { p[2] = normalise(p[2][:100]) }), ErrTemplates},
		{"NaN", "Bob", with(func(p [][]float32) { p[1][7] = nan }), ErrTemplates},
		{"infinite", "Bob", with(func(p [][]float32) { p[1][7] = inf }), ErrTemplates},
		{"zero", "Bob", with(func(p [][]float32) { clear(p[0]) }), ErrTemplates},
		{"not normalised", "Bob", with(func(p [][]float32) {
			for i := range p[3] {
				p[3][i] *= 1.01
			}
		}), ErrTemplates},
		{"other dimension than the gallery", "Bob", func() [][]float32 {
			ps := pictures(2, 3)
			for i := range ps {
				ps[i] = normalise(ps[i][:128])
			}
			return ps
		}(), ErrTemplates},
		{"one picture twice", "Bob", with(func(p [][]float32) { p[2] = p[0] }), ErrTemplates},
		{"two people", "Bob", with(func(p [][]float32) { p[3] = picture(3, 0) }), ErrDisagree},
		{"same name", "Ada", pictures(2, 3), ErrAlreadyEnrolled},
		{"same name, written otherwise", " aDA ", pictures(2, 3), ErrAlreadyEnrolled},
		{"same face", "Bob", [][]float32{picture(1, 7), picture(1, 8), picture(1, 9)}, ErrAlreadyEnrolled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := g.Enrol(tc.customer, tc.templates, nil)
			if !errors.Is(err, tc.want) || c != (Customer{}) {
				t.Fatalf("got %+v, %v; want %v", c, err, tc.want)
			}
			if tc.want == ErrAlreadyEnrolled {
				wantHint(t, err, tc.want)
				if !strings.Contains(err.Error(), first.ID) {
					t.Errorf("%v doesn't say who it is", err)
				}
			}
		})
	}
	_, err := g.Enrol("Bob", pictures(1, 4), nil)
	if !strings.Contains(fmt.Sprint(err), `"Ada"`) {
		t.Errorf("%v doesn't name Ada", err)
	}
	if list := g.List(); len(list) != 1 || list[0].ID != first.ID {
		t.Errorf("a refused enrolment left %v", list)
	}
	if files, _ := os.ReadDir(g.dir); len(files) != 3 { // lock, key, Ada
		t.Errorf("a refused enrolment left %v", files)
	}
}

func TestEnrolMatchRemoveReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "gallery [1]")
	g := mustOpen(t, dir, modelA)
	if id, best, second := g.Match(picture(1, 9)); id != "" || best != -1 || second != -1 {
		t.Errorf("empty gallery matches %q %v %v", id, best, second)
	}
	ada := mustEnrol(t, g, "Ada", 1, 3)
	if id, best, second := g.Match(picture(1, 9)); id != ada.ID || best < 0.8 || second != -1 {
		t.Errorf("one customer: got %q %v %v", id, best, second)
	}
	zoe := mustEnrol(t, g, " Zoë ", 2, 5)
	bob := mustEnrol(t, g, "Bob", 3, 4)
	if zoe.Name != "Zoë" || zoe.Templates != 5 || zoe.ID == bob.ID || !validID(zoe.ID) {
		t.Errorf("got %+v", zoe)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, modelA)
	if list := g.List(); !slices.Equal(list, []Customer{ada, bob, zoe}) {
		t.Errorf("reopened: %#v", list)
	}
	if d := g.Damaged(); len(d) != 0 {
		t.Errorf("damaged: %v", d)
	}
	for i, c := range []Customer{ada, zoe, bob} {
		if id, best, second := g.Match(picture(uint64(i+1), 9)); id != c.ID || best < 0.8 || second > 0.4 {
			t.Errorf("%s: got %q %v %v", c.Name, id, best, second)
		}
	}
	wantHint(t, g.Remove("c_"+strings.Repeat("a", 26)), ErrUnknownCustomer)
	wantHint(t, g.Remove("../gallery"), ErrUnknownCustomer)
	wantHint(t, g.Remove(""), ErrUnknownCustomer)
	if err := g.Remove(ada.ID); err != nil {
		t.Fatal(err)
	}
	if id, best, _ := g.Match(picture(1, 9)); id == ada.ID || best > 0.5 {
		t.Errorf("a removed customer matches %q %v", id, best)
	}
	mustEnrol(t, g, "Ada", 1, 3) // and may come back
	if err := g.Remove(ada.ID); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("removed twice: %v", err)
	}
}

func TestMatchAgreesWithTheDefinition(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", modelA)
	people := map[string][][]float32{}
	for p := range uint64(20) {
		ps := pictures(p, 3+int(p%3))
		c, err := g.Enrol(fmt.Sprint("customer ", p), ps, nil)
		if err != nil {
			t.Fatal(err)
		}
		people[c.ID] = ps
	}
	for shot := range uint64(200) {
		probe := picture(shot%30, shot) // some are strangers
		for i := range probe {
			probe[i] *= float32(shot%7) + 0.5 // its length doesn't matter
		}
		wantID, want, wantSecond := "", -1.0, -1.0
		for id, ps := range people {
			mean := make([]float32, dim)
			for _, p := range ps {
				for i, v := range p {
					mean[i] += v
				}
			}
			best := cosine(mean, probe)
			if best > want {
				wantID, want, wantSecond = id, best, want
			} else {
				wantSecond = max(wantSecond, best)
			}
		}
		id, best, second := g.Match(probe)
		if id != wantID || math.Abs(float64(best)-want) > 1e-5 || math.Abs(float64(second)-wantSecond) > 1e-5 {
			t.Fatalf("got %q %v %v, want %q %v %v", id, best, second, wantID, want, wantSecond)
		}
	}
}

// TestMeanOfNothing: templates that cancel out, which only a record that was written otherwise can hold,
// are nobody's, and hide nobody.
func TestMeanOfNothing(t *testing.T) {
	there, back := picture(1, 0), picture(1, 0)
	for i := range back {
		back[i] = -back[i]
	}
	var g Gallery
	g.rows.Store(newRows([]record{{customer: Customer{ID: "nothing"}, templates: []template{there, back}},
		{customer: Customer{ID: "ada"}, templates: []template{picture(2, 0)}}}))
	if id, best, second := g.Match(picture(2, 1)); id != "ada" || best < 0.8 || second != 0 {
		t.Errorf("%q %v %v", id, best, second)
	}
	if _, best, _ := g.Match(there); !(best < 0.5) {
		t.Errorf("%v", best)
	}
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

func TestMatchRefusesWhatIsNoEmbedding(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", modelA)
	mustEnrol(t, g, "Ada", 1, 3)
	for name, change := range map[string]func([]float32) []float32{
		"nil":      func([]float32) []float32 { return nil },
		"short":    func(v []float32) []float32 { return v[:191] },
		"long":     func(v []float32) []float32 { return append(v, 0) },
		"zero":     func(v []float32) []float32 { clear(v); return v },
		"NaN":      func(v []float32) []float32 { v[5] = float32(math.NaN()); return v },
		"infinite": func(v []float32) []float32 { v[191] = float32(math.Inf(-1)); return v },
		"huge":     func(v []float32) []float32 { v[0] = math.MaxFloat32; return v },
	} {
		if id, best, second := g.Match(change(picture(1, 9))); id != "" || best != -1 || second != -1 {
			t.Errorf("%s: got %q %v %v", name, id, best, second)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", modelA)
	mustEnrol(t, g, "Ada", 1, 3)
	probe := picture(1, 9)
	if n := testing.AllocsPerRun(100, func() { g.Match(probe) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestMatchDuringEnrolAndRemove(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", modelA)
	ada := mustEnrol(t, g, "Ada", 1, 3)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if id, _, _ := g.Match(picture(1, 9)); id != ada.ID {
					t.Errorf("Ada is %q", id)
					return
				}
				g.List()
			}
		})
	}
	for i := range uint64(15) {
		c := mustEnrol(t, g, fmt.Sprint(i), 2+i, 3)
		if err := g.Remove(c.ID); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}

func TestOneOwner(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	_, err := Open(dir, modelA, quiet())
	wantHint(t, err, ErrInUse)
	if err := errors.Join(g.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Enrol("Ada", pictures(1, 3), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if err := g.Remove("c_x"); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	mustOpen(t, dir, modelA)
}

func TestFullGallery(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", modelA)
	g.records = make([]record, customersMax)
	for i := range g.records {
		g.records[i].templates = []template{picture(99, 0)}
	}
	_, err := g.Enrol("Ada", pictures(1, 3), nil)
	wantHint(t, err, ErrFull)
}

func TestSecretsPrintRedacted(t *testing.T) {
	var log bytes.Buffer
	dir := t.TempDir() + "/g"
	g, err := Open(dir, modelA, slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if !strings.Contains(log.String(), "software protection") {
		t.Errorf("a new key is not announced: %s", log.String())
	}
	c := mustEnrol(t, g, "Ada Lovelace", 1, 3)
	key := masterKey{1, 2, 3}
	face := template(picture(1, 0))
	d := Damage{File: "f", ID: c.ID, Name: c.Name, Err: ErrDamaged}
	for name, secret := range map[string]any{
		"key": key, "key pointer": &key, "template": face, "templates": []template{face}, "gallery": g,
		"record": struct{ T template }{face},
	} {
		text, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		var line bytes.Buffer
		timeless := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey { // its digits look like a template's
				return slog.Attr{}
			}
			return a
		}}
		slog.New(slog.NewJSONHandler(&line, timeless)).Info("", "secret", secret)
		slog.New(slog.NewTextHandler(&line, timeless)).Info("", "secret", secret)
		all := fmt.Sprintf("%v %+v %#v %s %x %d %g ", secret, secret, secret, secret, secret, secret, secret) +
			string(text) + line.String()
		if n := strings.Count(all, redacted); n != 10 {
			t.Errorf("%s is redacted %d times of 10: %s", name, n, all)
		}
		if s, ok := secret.(interface{ String() string }); ok {
			if s.String() != redacted || secret.(fmt.GoStringer).GoString() != redacted {
				t.Errorf("%s: String or GoString tells", name)
			}
		}
		number := strings.TrimPrefix(fmt.Sprintf("%.4g", face[0]), "-")
		if strings.Contains(all, number) || strings.Contains(all, "0x1,") || strings.Contains(all, "010203") {
			t.Errorf("%s shows through: %s", name, all)
		}
	}
	for _, v := range []any{c, &c, d, &d} {
		var line bytes.Buffer
		slog.New(slog.NewTextHandler(&line, nil)).Info("", "customer", v)
		if all := fmt.Sprintf("%v %+v %#v %s ", v, v, v, v) + line.String(); strings.Contains(all, "Ada") {
			t.Errorf("the name shows through: %s", all)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, customers := range []int{100, customersMax} {
		b.Run(fmt.Sprint(customers), func(b *testing.B) {
			var records []record
			for i := range customers {
				r := record{customer: Customer{ID: fmt.Sprint(i)}}
				for _, p := range pictures(uint64(i), TemplatesMax) {
					r.templates = append(r.templates, p)
				}
				records = append(records, r)
			}
			var g Gallery
			g.rows.Store(newRows(records))
			probe := picture(uint64(customers/2), 9)
			b.ReportAllocs()
			for b.Loop() {
				if id, _, _ := g.Match(probe); id != records[customers/2].customer.ID {
					b.Fatal(id)
				}
			}
		})
	}
}
