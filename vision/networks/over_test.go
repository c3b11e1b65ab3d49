//go:build !notflite

package networks_test

import (
	"bufio"
	"fmt"
	"image"
	"image/jpeg"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// shown is a photo as both networks see it: by the one in force and the one before, in one view as a visit's
// frame is, and in both as a template.
type shown struct{ frame, template [2][]float32 }

// TestBothModels measures how customers are known while they come over from the small set to the default one:
// FACES is a folder with a folder a person, ERRATA may name a file of two names a line who may be one. Each
// search is a visit of frames of one photo; nothing is asked of the templates but to be a person's.
func TestBothModels(t *testing.T) {
	faces := os.Getenv("FACES")
	if faces == "" {
		t.Skip("FACES is not set: it measures photos that are not in this repository")
	}
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	old, err := models.Open(models.Small)
	if err != nil {
		t.Fatal(err)
	}
	people := embedByBoth(t, set, old, faces)
	apart := readApart(t)
	for _, c := range []struct{ customers, draws int }{{50, 100}, {300, 20}} {
		for _, over := range []int{0, c.customers / 2, c.customers} {
			comeOver(t, [2]models.Set{set, old}, people, apart, c.customers, over, c.draws)
		}
	}
}

// embedByBoth embeds up to six photos of each person who has two.
func embedByBoth(t *testing.T, set, old models.Set, faces string) map[string][]shown {
	t.Helper()
	n, closers, err := networks.Open(set, networks.OnPayments())
	if err != nil {
		t.Fatal(err)
	}
	defer networks.CloseAll(closers, &err)
	before, more, err := networks.Open(old, networks.OnPayments())
	if err != nil {
		t.Fatal(err)
	}
	defer networks.CloseAll(more, &err)
	n.Before = before.Embedder
	inf := float32(math.Inf(1))
	open := vision.Thresholds{FaceScore: 0.5, MeshScore: 0.5, RivalMin: inf, FaceMax: inf, CentreMax: 0.2,
		BrightnessMax: inf, YawMax: inf, PitchMax: inf, RollMax: inf, Views: vision.Plain}
	plain := vision.New(n, open)
	open.Views = vision.Both
	both := vision.New(n, open)
	people := map[string][]shown{}
	files, _ := filepath.Glob(filepath.Join(faces, "*", "*.jpg"))
	for _, name := range files {
		who := filepath.Base(filepath.Dir(name))
		if all, _ := filepath.Glob(filepath.Join(faces, who, "*.jpg")); len(all) < 2 || len(people[who]) == 6 {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(f)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		var s shown
		bad := false
		for p, into := range map[*vision.Pipeline]*[2][]float32{plain: &s.frame, both: &s.template} {
			l, err := p.Look(img, vision.Embed|vision.WithBefore)
			if err != nil {
				t.Fatal(err)
			}
			bad = bad || l.Reason != ""
			*into = [2][]float32{slices.Clone([]float32(l.Embedding)), slices.Clone([]float32(l.Before))}
		}
		if !bad {
			people[who] = append(people[who], s)
		}
	}
	return people
}

func readApart(t *testing.T) map[[2]string]bool {
	t.Helper()
	apart := map[[2]string]bool{}
	path := os.Getenv("ERRATA")
	if path == "" {
		return apart
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if names := strings.Split(lines.Text(), "\t"); len(names) > 1 {
			apart[[2]string{names[0], names[1]}], apart[[2]string{names[1], names[0]}] = true, true
		}
	}
	return apart
}

// comeOver draws galleries of customers with three templates, of whom so many are of the set in force
// already, and prints what became of the customers' other photos and of a photo of each stranger.
func comeOver(t *testing.T, sets [2]models.Set, people map[string][]shown, apart map[[2]string]bool,
	customers, over, draws int,
) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(customers)))
	var names []string
	for name := range people {
		names = append(names, name)
	}
	slices.Sort(names)
	tried, missed := [2]map[string]float64{{}, {}}, [2]map[string]float64{{}, {}} // by who came over
	var other, strangers, alarms int
	for range draws {
		var in []string
		r.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
		may := func(name string) bool {
			return !slices.ContainsFunc(in, func(c string) bool { return apart[[2]string{c, name}] || c == name })
		}
		for _, name := range names {
			if len(in) < customers && len(people[name]) > gallery.TemplatesMin && may(name) {
				in = append(in, name)
			}
		}
		if len(in) < customers {
			t.Fatalf("%d people have four photos or more, and %d are wanted", len(in), customers)
		}
		g, ids := enrolBoth(t, sets, people, in, over)
		for i, name := range in {
			at := 0
			if i >= over {
				at = 1
			}
			for _, s := range people[name][gallery.TemplatesMin:] {
				tried[at][name]++
				switch visit(t, g, sets, s) {
				case ids[name]:
				case "":
					missed[at][name]++
				default:
					missed[at][name]++
					other++
				}
			}
		}
		for _, name := range names {
			if may(name) {
				strangers++
				if visit(t, g, sets, people[name][0]) != "" {
					alarms++
				}
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Printf("%d customers, %d over: missed of those who are %s, of the others %s; taken for another %d; "+
		"strangers found somebody %d of %d\n", customers, over, shareOf(missed[0], tried[0]),
		shareOf(missed[1], tried[1]), other, alarms, strangers)
}

// enrolBoth enrols the first of the people with the set in force, the others with the one before.
func enrolBoth(t *testing.T, sets [2]models.Set, people map[string][]shown, in []string, over int) (
	*gallery.Gallery, map[string]string,
) {
	t.Helper()
	var m [2]gallery.Model
	for i, set := range sets {
		tail, _, err := networks.TailOf(set, 1000)
		if err != nil {
			t.Fatal(err)
		}
		// Cosines of its own take whatever is on these photos.
		m[i] = gallery.Model{SHA256: set.Model(models.Embed).SHA256, Agree: 0.001, Same: 0.9999,
			Cosine: tail.Cosine}
	}
	dir, ids := t.TempDir()+"/g", map[string]string{}
	enrol := func(g *gallery.Gallery, at int, who []string) {
		for _, name := range who {
			var own [][]float32
			for _, s := range people[name][:gallery.TemplatesMin] {
				own = append(own, s.template[at])
			}
			c, err := g.Enrol(name, own, nil)
			if err != nil {
				t.Fatal(name, err)
			}
			ids[name] = c.ID
		}
	}
	g, err := gallery.Open(dir, m[1], slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	enrol(g, 1, in[over:])
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	m[0].Before = &m[1]
	if g, err = gallery.Open(dir, m[0], slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	enrol(g, 0, in[:over])
	return g, ids
}

// visit shows a photo as frames ten times a second until the visit knows whose it is; "": nobody's.
func visit(t *testing.T, g *gallery.Gallery, sets [2]models.Set, s shown) string {
	t.Helper()
	var th [2]vision.Thresholds
	for i, set := range sets {
		var err error
		if th[i], err = networks.ThresholdsOf(set); err != nil {
			t.Fatal(err)
		}
	}
	now, before := g.All()
	v := vision.NewVisit(now, th[0])
	v.Before(before, th[1])
	at := time.Unix(1, 0)
	for range 40 {
		f := v.Observe(vision.Look{Faces: 1, Box: image.Rect(0, 0, 100, 100), Smile: 1, Embedding: s.frame[0],
			Before: s.frame[1]}, at)
		if f.Stage != vision.Searching {
			return f.Customer
		}
		at = at.Add(100 * time.Millisecond)
	}
	return ""
}

// shareOf writes a share of photos in percent, with the bounds of a bootstrap over people.
func shareOf(some, all map[string]float64) string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	if len(names) == 0 {
		return "-"
	}
	slices.Sort(names)
	share := func(next func(i int) string) float64 {
		var a, b float64
		for i := range names {
			name := next(i)
			a, b = a+some[name], b+all[name]
		}
		return 100 * a / b
	}
	r, shares := rand.New(rand.NewPCG(2, 2)), []float64(nil)
	for range 1000 {
		shares = append(shares, share(func(int) string { return names[r.IntN(len(names))] }))
	}
	slices.Sort(shares)
	value := share(func(i int) string { return names[i] })
	return fmt.Sprintf("%.2f %% (%.2f to %.2f)", value, shares[25], shares[974])
}
