//go:build !notflite

package networks

import (
	"fmt"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"smiletill/models"
	"smiletill/vision"
)

// TestOneMoment: two templates are of one moment from their network's own cosine on, and never when they are
// not of one network.
func TestOneMoment(t *testing.T) {
	for _, dir := range []string{"", models.Small} {
		set, err := models.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		l := &Looker{moment: momentOf(set)}
		at := func(cosine float64) []float32 {
			return []float32{float32(cosine), float32(math.Sqrt(1 - cosine*cosine))}
		}
		one := float64(momentOf(set))
		if !l.OneMoment(at(1), at(one+0.005)) || l.OneMoment(at(1), at(one-0.005)) || l.OneMoment(at(1), nil) {
			t.Errorf("%s: not from %v on", dir, one)
		}
	}
}

// TestOwnCosines measures how alike a customer's photos are, and what it costs that two are one: FACES is a
// folder with a folder a person.
func TestOwnCosines(t *testing.T) {
	faces := os.Getenv("FACES")
	if faces == "" {
		t.Skip("FACES is not set: it measures photos that are not in this repository")
	}
	for _, dir := range []string{"", models.Small} {
		set, err := models.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		people := embedAll(t, set, faces)
		var own []float64
		for _, p := range people {
			for i := range p {
				for k := range i {
					own = append(own, cosineOf(p[i], p[k]))
				}
			}
		}
		slices.Sort(own)
		at := func(share float64) float64 { return own[int(share*float64(len(own)-1))] }
		three, twice, most, least := ofThree(people, missedBelow[dir])
		fmt.Printf("%q: %d people, %d pairs; cosines 5 %% %.3f, 50 %% %.3f, 99 %% %.3f, 99.9 %% %.3f; below %v "+
			"are of three photos %.2f %%, of two of which one counts twice %.2f %%, of the most alike three %.2f %%, "+
			"of the least alike %.2f %%\n", dir, len(people), len(own), at(0.05), at(0.5), at(0.99), at(0.999),
			missedBelow[dir], three, twice, most, least)
	}
}

// missedBelow are the cosines that a gallery of some hundred customers asks for.
var missedBelow = map[string]float64{"": 0.53, models.Small: 0.66}

// embedAll gives the embeddings of up to six photos of each person who has four.
func embedAll(t *testing.T, set models.Set, faces string) (people [][][]float32) {
	t.Helper()
	n, closers, err := Open(set, OnPayments())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { CloseAll(closers, &err) }()
	th, err := ThresholdsOf(set)
	if err != nil {
		t.Fatal(err)
	}
	th.Views, th.FaceMinPx = vision.Both, 60 // these photos are small
	pipeline := vision.New(n, th)
	dirs, _ := filepath.Glob(filepath.Join(faces, "*"))
	for _, d := range dirs {
		files, _ := filepath.Glob(filepath.Join(d, "*.jpg"))
		var own [][]float32
		for _, name := range files[:min(len(files), 6)] {
			if len(files) < 4 {
				break
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
			if l, err := pipeline.Look(img, vision.Embed); err == nil && l.Reason == "" {
				own = append(own, slices.Clone([]float32(l.Embedding)))
			}
		}
		if len(own) >= 4 {
			people = append(people, own)
		}
	}
	return people
}

func cosineOf(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	return ab / math.Sqrt(aa*bb)
}

// ofThree gives the percentage of photos below a cosine with the mean of three others of their person, of two
// of which the first counts twice, and of the most and the least alike three. People have five photos.
func ofThree(people [][][]float32, below float64) (three, twice, most, least float64) {
	var n, probes float64
	missed := func(probe []float32, of ...[]float32) float64 {
		mean := make([]float32, len(probe))
		for _, e := range of {
			for i, v := range e {
				mean[i] += v
			}
		}
		if cosineOf(probe, mean) < below {
			return 1
		}
		return 0
	}
	for _, p := range people {
		if len(p) < 5 {
			continue
		}
		for q := range p {
			rest := slices.Delete(slices.Clone(p), q, q+1)
			high, low := -4.0, 4.0
			var alike, unlike [3][]float32
			for i := range rest {
				for k := range i {
					for m := range k {
						a, b, c := rest[m], rest[k], rest[i]
						n++
						three, twice = three+missed(p[q], a, b, c), twice+missed(p[q], a, a, b)
						mean := cosineOf(a, b) + cosineOf(a, c) + cosineOf(b, c)
						if mean > high {
							high, alike = mean, [3][]float32{a, b, c}
						}
						if mean < low {
							low, unlike = mean, [3][]float32{a, b, c}
						}
					}
				}
			}
			probes++
			most, least = most+missed(p[q], alike[:]...), least+missed(p[q], unlike[:]...)
		}
	}
	return 100 * three / n, 100 * twice / n, 100 * most / probes, 100 * least / probes
}
