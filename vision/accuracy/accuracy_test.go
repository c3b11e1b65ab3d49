package accuracy

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// crowd makes photos of people: each a vector around that of the person, the closer the smaller noise is.
func crowd(seed uint64, people, photos, dim int, noise float64) ([]int, [][]float32) {
	r := rand.New(rand.NewPCG(seed, 0))
	var person []int
	var vectors [][]float32
	for p := range people {
		centre := make([]float64, dim)
		for i := range centre {
			centre[i] = r.NormFloat64()
		}
		for range photos {
			v := make([]float32, dim)
			var l float64
			for i := range v {
				x := centre[i] + noise*r.NormFloat64()
				v[i] = float32(x)
				l += x * x
			}
			for i := range v {
				v[i] /= float32(math.Sqrt(l))
			}
			person, vectors = append(person, p), append(vectors, v)
		}
	}
	return person, vectors
}

func measured(t *testing.T, in Input, o Options) Report {
	t.Helper()
	r, err := Measure(t.Context(), in, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMeasureRefuses(t *testing.T) {
	person, vectors := crowd(1, 3, 2, 8, 0.1)
	long := slices.Clone(vectors)
	long[2] = []float32{1, 1, 1, 1, 1, 1, 1, 1}
	nan := slices.Clone(vectors)
	nan[2] = []float32{float32(math.NaN()), 0, 0, 0, 0, 0, 0, 0}
	short := slices.Clone(vectors)
	short[5] = []float32{1}
	set := func(v [][]float32) []Set { return []Set{{Name: "a", Vectors: v}} }
	for _, c := range []struct {
		name, want string
		in         Input
		few        bool
	}{
		{"no set", "no set", Input{Person: person}, false},
		{"fewer vectors", "5 vectors for 6", Input{Person: person, Sets: set(vectors[:5])}, false},
		{"length", "square 8", Input{Person: person, Sets: set(long)}, false},
		{"not a number", "NaN", Input{Person: person, Sets: set(nan)}, false},
		{"dimension", "1 values", Input{Person: person, Sets: set(short)}, false},
		{"nobody", "two photos", Input{Sets: set(nil)}, true},
		{"no faces", "two photos", Input{Person: person, Sets: set(make([][]float32, 6))}, true},
		{"one person", "two photos", Input{Person: person[:2], Sets: set(vectors[:2])}, true},
		{"one photo each", "two photos", Input{Person: []int{1, 2, 3, 4, 5, 6}, Sets: set(vectors)}, true},
		{"sets share too little", "two photos", Input{Person: person, Sets: []Set{{Name: "a", Vectors: vectors},
			{Name: "b", Vectors: [][]float32{vectors[0], vectors[1], nil, nil, nil, nil}}}}, true},
	} {
		_, err := Measure(t.Context(), c.in, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrTooFew) != c.few {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err := Measure(ctx, Input{Person: person, Sets: set(vectors)}, Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Few photos leave cells empty, each with what it would need.
func TestTooFewIsSaid(t *testing.T) {
	person, vectors := crowd(1, 4, 3, 8, 0.1)
	sets := []Set{{Name: "a", Found: 12, Vectors: vectors}}
	r := measured(t, Input{Photos: 13, Unreadable: 1, Person: person, Sets: sets}, Options{Seed: 1})
	s := r.Scopes[0]
	for i, want := range []string{"3,000", "30,000", "300,000"} {
		p := s.Verification[0].Points[i]
		if !strings.Contains(p.Missing, "needs at least "+want+" pairs of two people; there are 54") {
			t.Errorf("FAR %g: %q", p.FAR, p.Missing)
		}
	}
	if !strings.Contains(s.Folds.Missing, "ten folds") {
		t.Errorf("folds: %q", s.Folds.Missing)
	}
	for _, c := range s.Identification {
		if c.Results != nil || !strings.Contains(c.Missing, "there are") {
			t.Errorf("%d customers: %+v", c.Customers, c)
		}
	}
	var text strings.Builder
	if err := r.Markdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"13 photos, 1 of them unreadable", "12 (100.00 %)",
		"needs at least 300,000 pairs", "needs 1,000 people with 4 photos"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

// All pairs, thresholds and rates are those that a list of everything gives.
func TestPairsByBruteForce(t *testing.T) {
	person, vectors := crowd(3, 150, 4, 16, 0.9)
	f := choose(Input{Person: person, Sets: []Set{{Vectors: vectors}}}, false)
	var same, other []float64
	for i, a := range vectors {
		for j, b := range vectors[:i] {
			s := float64(dot(a, b))
			if person[i] == person[j] {
				same = append(same, s)
			} else {
				other = append(other, s)
			}
		}
	}
	slices.Sort(other)
	slices.Reverse(other)
	for _, workers := range []int{1, 3} {
		s, err := f.compare(t.Context(), vectors, Options{Workers: workers}.filled(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if len(s.genuine) != len(same) || s.impostors != len(other) || len(s.tail) < tailMin {
			t.Fatalf("%d and %d pairs, %d kept; want %d and %d", len(s.genuine), s.impostors, len(s.tail), len(same),
				len(other))
		}
		for _, far := range []float64{1e-5, 1e-4, 1e-3, 1e-2, 0.1} {
			cut := s.threshold(far)
			above := 0
			for _, o := range other {
				if float32(o) >= cut {
					above++
				}
			}
			if want := int(far * float64(len(other))); above != want {
				t.Errorf("FAR %g at %v: %d of two people reach it, want %d", far, cut, above, want)
			}
			n := 0
			for _, g := range same {
				if float32(g) >= cut {
					n++
				}
			}
			if got := s.accepted(cut); got != float64(n)/float64(len(same)) {
				t.Errorf("FAR %g: %v of one person, want %d of %d", far, got, n, len(same))
			}
		}
		for _, p := range s.roc() { // a bin beyond the tail: within its width
			k := min(int(p.X*float64(len(other))+1e-9), len(other)-1)
			var low, high float64
			for _, g := range same {
				if g >= other[k]+2*binWidth {
					low++
				}
				if g >= other[k]-2*binWidth {
					high++
				}
			}
			if got := math.Round(p.Y * float64(len(same))); p.X < 1 && (got < low || got > high) {
				t.Errorf("curve at %g: %v, want %v to %v", p.X, got, low, high)
			}
		}
	}
}

func TestDot(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 40 {
		a, b, want := make([]float32, n), make([]float32, n), 0.0
		for i := range a {
			a[i], b[i] = r.Float32(), r.Float32()
			want += float64(a[i]) * float64(b[i])
		}
		if got := float64(dot(a, b)); math.Abs(got-want) > 1e-4 {
			t.Errorf("%d values: %v, want %v", n, got, want)
		}
	}
}

// normals returns scores at the n quantiles of a normal distribution.
func normals(n int, mean, deviation float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		q := (float64(i) + 0.5) / float64(n)
		out[n-1-i] = float32(mean + deviation*math.Sqrt2*math.Erfinv(2*q-1))
	}
	return out
}

func of(genuine, impostors []float32) *scores {
	s := &scores{impostors: len(impostors)}
	for i, g := range genuine {
		s.genuine = append(s.genuine, pair{g, int32(i), int32(i)})
	}
	for i, g := range impostors {
		s.bin[binOf(g)]++
		s.tail = append(s.tail, pair{g, int32(2 * i % len(genuine)), int32((2*i + 1) % len(genuine))})
	}
	fall(s.genuine)
	fall(s.tail)
	return s
}

func TestEqualError(t *testing.T) {
	for _, c := range []struct {
		name         string
		s            *scores
		rate, cosine float64
	}{
		{"apart", of([]float32{0.9, 0.8}, []float32{0.1, 0.2, 0.3}), 0, math.NaN()},
		{"wrong way round", of([]float32{0.1, 0.2}, []float32{0.8, 0.9}), 1, math.NaN()},
		{"one of four", of([]float32{0.9, 0.8, 0.7, 0.3}, []float32{0.6, 0.2, 0.1, 0}), 0.25, math.NaN()},
		// Two normal distributions, four deviations apart: each has Phi(-2) beyond the middle.
		{"normal", of(normals(20_000, 0.6, 0.1), normals(20_000, 0.2, 0.1)), 0.02275, 0.4},
	} {
		rate, cosine := c.s.equalError()
		if math.Abs(rate-c.rate) > 2e-4 || math.Abs(cosine-c.cosine) > 1e-3 {
			t.Errorf("%s: %v at %v, want %v at %v", c.name, rate, cosine, c.rate, c.cosine)
		}
	}
}

// Of many samples of a world that is known, about 95 % have bounds around its true value, although the
// pairs of a person go together. Bounds that took pairs for independent would be half as wide.
func TestBootstrapCovers(t *testing.T) {
	const people, photos, worlds = 120, 5, 200
	r := rand.New(rand.NewPCG(5, 5))
	covered, width := 0, 0.0
	for w := range worlds {
		s := &scores{}
		for p := range people {
			easy := r.Float64() < 0.8 // whose pairs nearly all pass; the others' nearly all fail
			for range photos * (photos - 1) / 2 {
				score := float32(0.1)
				if easy == (r.Float64() < 0.95) {
					score = 0.9
				}
				s.genuine = append(s.genuine, pair{score, int32(p), int32(p)})
			}
		}
		for i := range 4000 {
			a := r.IntN(people)
			s.tail = append(s.tail, pair{0.5 - float32(i)*1e-5, int32(a), int32((a + 1) % people)})
		}
		s.impostors = people * photos * (people - 1) * photos / 2
		fall(s.genuine)
		points := []Point{{FAR: 1e-3}}
		points[0].Accepted.Value = s.accepted(s.threshold(1e-3))
		counts := slices.Repeat([]int{photos}, people)
		s.bootstrap(points, counts, Options{Seed: uint64(w), Rounds: 300})
		const truth = 0.8*0.95 + 0.2*0.05
		b := points[0].Accepted
		if b.Low <= truth && truth <= b.High {
			covered++
		}
		width += (b.High - b.Low) / worlds
		if b.Low > b.Value || b.High < b.Value {
			t.Fatalf("%+v does not hold its own value", b)
		}
	}
	if covered < worlds*90/100 || covered > worlds*99/100 {
		t.Errorf("%d of %d bounds hold the truth, want about 95 %%", covered, worlds)
	}
	// The variance of a person's share is 0.8*0.2*0.9^2 and a little of the pairs' own.
	if want := 2 * 1.96 * math.Sqrt((0.16*0.81+0.0475/10)/people); math.Abs(width/want-1) > 0.1 {
		t.Errorf("bounds are %.4f wide, want %.4f", width, want)
	}
}

func TestBestCut(t *testing.T) {
	for _, c := range []struct {
		same, other []float32
		right       int
	}{
		{[]float32{0.9, 0.8}, []float32{0.1, 0.2}, 4},
		{[]float32{0.9, 0.3}, []float32{0.4, 0.2}, 3},
		{[]float32{0.1, 0.2}, []float32{0.8, 0.9}, 2},
		{[]float32{0.5, 0.5}, []float32{0.5, 0.5}, 2},
		{[]float32{0.5, 0.6, 0.7}, []float32{0.55, 0.1, 0.2}, 5},
	} {
		cut, right := bestCut(c.same, c.other), 0
		for _, s := range c.same {
			if s >= cut {
				right++
			}
		}
		for _, s := range c.other {
			if s < cut {
				right++
			}
		}
		if right != c.right {
			t.Errorf("%v against %v: %d right at %v, want %d", c.same, c.other, right, cut, c.right)
		}
	}
}

// Folds keep people apart and ask as many pairs of each kind; what is easy is answered right, what says
// nothing by chance.
func TestFolds(t *testing.T) {
	person, good := crowd(7, 200, 4, 64, 0.1)
	_, blind := crowd(8, 800, 1, 64, 0)
	sets := []Set{{Name: "good", Vectors: good}, {Name: "blind", Vectors: blind}}
	f := choose(Input{Person: person, Sets: sets}, false)
	asked, least := f.ask(rand.New(rand.NewPCG(1, 1)))
	fold := map[int]int{}
	for k, questions := range asked {
		same := 0
		seen := map[question]bool{}
		for _, q := range questions {
			for _, p := range []int{f.person[q.a], f.person[q.b]} {
				if at, ok := fold[p]; ok && at != k {
					t.Fatalf("person %d is in two folds", p)
				}
				fold[p] = k
			}
			if seen[q] || q.same != (f.person[q.a] == f.person[q.b]) {
				t.Fatalf("question %+v comes twice or is wrong", q)
			}
			seen[q] = true
			if q.same {
				same++
			}
		}
		if 2*same != len(questions) || same < least || least != 20*6 {
			t.Fatalf("fold %d: %d of %d pairs of one person, least %d", k, same, len(questions), least)
		}
	}
	r := f.folds(Options{Seed: 1}.filled())
	if r.Pairs != 2*10*20*6 || r.Results[0].Accuracy != 1 || math.Abs(r.Results[1].Accuracy-0.5) > 0.02 {
		t.Errorf("%+v", r)
	}
}

// The error is that of a draw's ten folds, however often they are drawn.
func TestFoldError(t *testing.T) {
	one := [foldCount]float64{0.9, 1, 0.9, 1, 0.9, 1, 0.9, 1, 0.9, 1}
	for _, draws := range []int{1, 20} {
		mean, spread := meanAndError(slices.Repeat([][foldCount]float64{one}, draws))
		want := 0.05 * math.Sqrt(10.0/9) / math.Sqrt(10)
		if math.Abs(mean-0.95) > 1e-12 || math.Abs(spread-want) > 1e-12 {
			t.Errorf("%d draws: %v with %v, want 0.95 with %v", draws, mean, spread, want)
		}
	}
}

// A gallery of two with one template each, in the plane, by hand.
func TestSearch(t *testing.T) {
	at := func(degrees float64) []float32 {
		y, x := math.Sincos(degrees * math.Pi / 180)
		return []float32{float32(x), float32(y)}
	}
	set := [][]float32{at(0), at(90), at(10), at(60), at(80), at(30), at(-60)}
	s := seats{each: 1, templates: []int{0, 1}, customers: [][]int{{2, 3}, {4}}, strangers: []int{5, 6}}
	got := s.search(set, byMean)
	cos := func(degrees float64) float64 { return math.Cos(degrees * math.Pi / 180) }
	for i, want := range []float64{cos(10), -1, cos(10)} { // the second is nearer to the other customer
		if math.Abs(float64(got.right[i])-want) > 1e-6 {
			t.Errorf("customers' photo %d: %v, want %v", i, got.right[i], want)
		}
	}
	for i, want := range []float64{cos(30), cos(60)} {
		if math.Abs(float64(got.strangers[i])-want) > 1e-6 {
			t.Errorf("strangers' photo %d: %v, want %v", i, got.strangers[i], want)
		}
	}
	two := seats{each: 2, templates: []int{0, 3, 1, 4}, customers: [][]int{{2}, {}}, strangers: []int{5}}
	for by, want := range map[rule][2]float64{ // the means are at 30 and 85 degrees
		byMean: {cos(20), 1}, byBest: {cos(10), cos(30)}, byBoth: {cos(10), 1},
	} {
		got := two.search(set, by)
		if math.Abs(float64(got.right[0])-want[0]) > 1e-6 || math.Abs(float64(got.strangers[0])-want[1]) > 1e-6 {
			t.Errorf("two templates, by %s: %+v, want %v", ruleNames[by], got, want)
		}
	}
}

func TestMiss(t *testing.T) {
	draws := []searches{
		{right: []float32{0.9, 0.5, -1, 0.7}, strangers: []float32{0.1, 0.2, 0.6, 0.3, 0.4}},
		{right: []float32{0.9, 0.9, 0.9, 0.9}, strangers: []float32{0.1, 0.2, 0.8, 0.3, 0.4}},
	}
	for _, c := range []struct {
		fpir   float64
		cut    float32
		missed float64
	}{
		{0, 0.8, 3.0 / 8}, {0.1, 0.6, 2.0 / 8}, {0.2, 0.4, 1.0 / 8}, {0.9, 0.1, 1.0 / 8},
	} {
		got := miss(draws, c.fpir, "a")
		if float32(got.Cosine) != math.Nextafter32(c.cut, 2) || got.Missed.Value != c.missed {
			t.Errorf("false alarms %v: %+v, want %v missed above %v", c.fpir, got, c.missed, c.cut)
		}
	}
}

func TestSeats(t *testing.T) {
	person, vectors := crowd(9, 40, 4, 4, 1)
	f := choose(Input{Person: person, Sets: []Set{{Vectors: vectors}}}, false)
	of := f.photos()
	fit := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	s := f.seat(of, fit, 6, 3, rand.New(rand.NewPCG(1, 2)))
	if len(s.templates) != 18 || len(s.customers) != 6 || len(s.strangers) != 34*4 {
		t.Fatalf("%d templates, %d customers, %d strangers", len(s.templates), len(s.customers), len(s.strangers))
	}
	used := map[int]bool{}
	for c, photos := range s.customers {
		who := f.person[photos[0]]
		for _, p := range append(slices.Clone(photos), s.templates[3*c:3*c+3]...) {
			if f.person[p] != who || used[p] {
				t.Fatalf("customer %d: photo %d is of another person or used twice", c, p)
			}
			used[p] = true
		}
	}
	for _, p := range s.strangers {
		if used[p] {
			t.Fatalf("photo %d is a customer's and a stranger's", p)
		}
	}
}

// world is large enough for most figures: 400 people with 4 photos, 100 with one.
func world(noise ...float64) Input {
	in := Input{}
	for i, n := range noise {
		person, vectors := crowd(11, 400, 4, 32, n)
		_, single := crowd(12, 100, 1, 32, n)
		for k := range single {
			person = append(person, 1000+k)
		}
		in.Person, in.Photos = person, len(person)
		in.Sets = append(in.Sets, Set{Name: fmt.Sprintf("set <%d>", i), Found: len(person),
			Vectors: append(vectors, single...)})
	}
	return in
}

func TestSetsSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector, which makes it twenty times as slow")
	}
	o := Options{Seed: 3, Rounds: 100, Draws: 4, Workers: 2, Singles: true}
	r := measured(t, world(0.75, 0.7, 0.7), o)
	if len(r.Scopes) != 2 || r.Scopes[0].People != 400 || r.Scopes[1].People != 500 ||
		r.Scopes[0].Genuine != 2400 || r.Scopes[1].Genuine != 2400 || r.Scopes[1].Photos != 1700 {
		t.Fatalf("scopes %+v", r.Scopes)
	}
	for _, s := range r.Scopes {
		for k := range 2 {
			worse, same := s.Verification[0].Points[k], s.Verification[2].Points[k]
			if worse.Minus == nil || !(worse.Minus.High < 0) || s.Verification[1].Points[k].Minus != nil {
				t.Errorf("FAR %g: the worse set differs by %+v", worse.FAR, worse.Minus)
			}
			if same.Minus == nil || *same.Minus != (Interval{}) {
				t.Errorf("FAR %g: an equal set differs by %+v", same.FAR, same.Minus)
			}
		}
	}
	f := r.Scopes[0].Folds
	if m := f.Results[0].Minus; m == nil || !(m.Value < 0) || r.Scopes[1].Folds.Results != nil {
		t.Errorf("folds %+v", f)
	}
	for _, c := range r.Scopes[0].Identification {
		if c.Customers == 1000 {
			continue
		}
		for _, x := range c.Results {
			if c.Customers == 300 && c.FPIR == 1e-3 {
				t.Errorf("400 strangers' photos are too few for 1 in 1,000: %+v", x)
			}
			if !(x.Missed.Low <= x.Missed.Value && x.Missed.Value <= x.Missed.High) {
				t.Errorf("%+v", x)
			}
		}
		if c.Results != nil && !(c.Results[0].Minus.Value > 0) {
			t.Errorf("%d customers: the worse set misses %+v more", c.Customers, c.Results[0].Minus)
		}
	}
	checkWritten(t, r)
	o.Workers = 1
	again := measured(t, world(0.75, 0.7, 0.7), o)
	a, errA := json.Marshal(r)
	b, errB := json.Marshal(again)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("the same seed gives another report (%v, %v)", errA, errB)
	}
}

// checkWritten looks at the form of the table and of the picture.
func checkWritten(t *testing.T, r Report) {
	t.Helper()
	var text, curve strings.Builder
	if err := errors.Join(r.Markdown(&text), r.Plot(&curve)); err != nil {
		t.Fatal(err)
	}
	columns := 0
	for line := range strings.Lines(text.String()) {
		switch n := strings.Count(line, "|"); {
		case n == 0:
			columns = 0
		case columns == 0:
			columns = n
		case n != columns:
			t.Errorf("a row of %d in a table of %d: %s", n, columns, line)
		}
	}
	for _, want := range []string{"difference", "set <1>", "points", "| 1 in 1,000 | set <0> |"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	d := xml.NewDecoder(strings.NewReader(curve.String()))
	paths := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, curve.String())
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "path" {
			paths++
		}
	}
	svg := curve.String()
	if paths < 3*2+5 || strings.Contains(svg, "NaN") || !strings.Contains(svg, "set &lt;1&gt;") {
		t.Errorf("a picture with %d lines:\n%s", paths, curve.String())
	}
}

func TestSetsPrintWithoutVectors(t *testing.T) {
	s := Set{Name: "a", Vectors: [][]float32{{0.125}}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, s); strings.Contains(got, "125") || !strings.Contains(got, "redacted") {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if got := fmt.Sprint(Input{Sets: []Set{s}}); strings.Contains(got, "125") {
		t.Errorf("input: %s", got)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	if needed(1e-3) != 3000 || needed(1e-5) != 300_000 {
		t.Errorf("rule of three: %d, %d", needed(1e-3), needed(1e-5))
	}
}

func BenchmarkDot(b *testing.B) {
	x, y := make([]float32, 192), make([]float32, 192)
	for b.Loop() {
		dot(x, y)
	}
}
