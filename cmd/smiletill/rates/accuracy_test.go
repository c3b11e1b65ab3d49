//go:build !notflite

package rates_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/cli"
	"smiletill/vision/accuracy"
	"smiletill/vision/visits"
)

// turned is a photo turned by degrees around its middle, larger by zoom, in other light.
func turned(src image.Image, degrees, zoom, light float64) image.Image {
	b := src.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	mx, my := float64(b.Dx())/2, float64(b.Dy())/2
	dim := func(v uint32) uint8 { return uint8(min(float64(v>>8)*light, 255)) }
	for y := range b.Dy() {
		for x := range b.Dx() {
			u, v := (float64(x)-mx)/zoom, (float64(y)-my)/zoom
			q := image.Pt(int(mx+u*cos+v*sin), int(my-u*sin+v*cos))
			if r, g, bl, _ := src.At(b.Min.X+q.X, b.Min.Y+q.Y).RGBA(); q.In(out.Rect) {
				out.Set(x, y, color.RGBA{dim(r), dim(g), dim(bl), 255})
			}
		}
	}
	return out
}

// persons makes a folder of two people with four photos each, out of the repository's portraits, a third
// with one photo, and a file that is no picture.
func persons(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range map[string]string{"Grace_Hopper": "hopper.jpg", "Eileen_Collins": "collins.jpg"} {
		f, err := os.Open(filepath.Join("..", "..", "..", "vision", "testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for i, change := range [][3]float64{{0, 1, 1}, {6, 0.9, 0.8}, {-5, 1.05, 1.1}, {10, 0.95, 0.6}} {
			put(t, filepath.Join(dir, name, "moment"+string(rune('0'+i))+".jpg"),
				turned(img, change[0], change[1], change[2]))
		}
	}
	put(t, filepath.Join(dir, "Grey_Wall", "empty.png"), image.NewGray(image.Rect(0, 0, 200, 200)))
	file(t, filepath.Join(dir, "Grace_Hopper", "torn.jpg"), []byte("\xff\xd8\xff no picture"))
	file(t, filepath.Join(dir, "Grace_Hopper", "notes.txt"), []byte("no photo"))
	return dir
}

func put(t *testing.T, path string, img image.Image) {
	t.Helper()
	var b bytes.Buffer
	encode := func() error { return jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}) }
	if filepath.Ext(path) == ".png" {
		encode = func() error { return png.Encode(&b, img) }
	}
	if err := encode(); err != nil {
		t.Fatal(err)
	}
	file(t, path, b.Bytes())
}

func file(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func smiletill(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), "test", args, cli.Streams{Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

func TestAccuracyRefuses(t *testing.T) {
	t.Parallel()
	loose := t.TempDir()
	put(t, filepath.Join(loose, "a.jpg"), image.NewGray(image.Rect(0, 0, 9, 9)))
	one := t.TempDir()
	for _, n := range []string{"a.jpg", "b.jpg"} {
		put(t, filepath.Join(one, "Somebody", n), image.NewGray(image.Rect(0, 0, 9, 9)))
	}
	blank := t.TempDir()
	for _, n := range []string{"A/1.jpg", "A/2.jpg", "B/1.jpg", "B/2.jpg"} {
		put(t, filepath.Join(blank, n), image.NewGray(image.Rect(0, 0, 99, 99)))
	}
	unreadable := filepath.Join(t.TempDir(), "f")
	file(t, unreadable, nil)
	alone := filepath.Join(t.TempDir(), "errata")
	file(t, alone, []byte("A\tB\nA B\n"))
	for _, c := range []struct {
		name       string
		args       []string
		code       int
		want, hint string
	}{
		{"no folder named", nil, 2, "takes FACES, and nothing was given", "accuracy --help"},
		{"no such folder", []string{loose + "/none"}, 1, "no such file", "FACES/Name/photo.jpg"},
		{"a file", []string{unreadable}, 1, "not a directory", "FACES/Name/photo.jpg"},
		{"photos without folders", []string{loose}, 1, "or more: 0", "for their person: 1"},
		{"one person", []string{one}, 1, "or more: 1", "two or more of each person"},
		{"no faces", []string{blank}, 1, "too few photos", "--list-misses"},
		{"no such list", []string{blank, "--exclude", unreadable + "x"}, 1, "no such file",
			"one name a line"},
		{"no such errata", []string{blank, "--errata", unreadable + "x"}, 1, "no such file", "a tab between them"},
		{"errata of one name", []string{blank, "--errata", alone}, 1, "line 2 holds no two names", "a tab between"},
		{"compare with itself", []string{blank, "--compare", "in use=x"}, 2, "--compare", "NAME=DIR"},
		{"compare with nothing", []string{blank, "--compare", "a="}, 2, "--compare", "NAME=DIR"},
		{"no such models", []string{blank, "--compare", "other=" + loose}, 1, "manifest.json",
			"a folder of models"},
		{"views", []string{blank, "--views", "plain,side"}, 2, `--views "side"`, "plain,both"},
		{"views twice", []string{blank, "--views", "both,both"}, 2, `--views "both"`, "plain,both"},
		{"tables of two views", []string{blank, "--tail", "--on", "x", "--views", "plain,both"}, 2, "one view",
			"--views"},
		{"tables of two sets", []string{blank, "--tail", "--on", "x", "--compare", "y"}, 2, "one set", "--compare"},
		{"tables of nothing named", []string{blank, "--tail"}, 2, "has no name", "--on"},
		{"tables of too few", []string{blank, "--tail", "--on", "x"}, 1, "too few photos", "some hundred people"},
		{"centre", []string{blank, "--centre", "0.9"}, 2, "out of range", "0 to 0.5"},
		{"workers", []string{blank, "--workers", "0"}, 2, "out of range", "1 or more"},
	} {
		code, out, errs := smiletill(t, append([]string{"accuracy"}, c.args...)...)
		said := strings.Contains(errs, c.want) && strings.Contains(errs, c.hint)
		if code != c.code || !said || out != "" {
			t.Errorf("%s: %d, %q, %q", c.name, code, out, errs)
		}
	}
}

func TestAccuracyCommand(t *testing.T) {
	t.Parallel()
	faces, to := persons(t), filepath.Join(t.TempDir(), "report")
	same := filepath.Join("..", "..", "..", "models")
	code, out, errs := smiletill(t, "accuracy", faces, "--out", to, "--compare", "again="+same, "--seed", "7",
		"--singles")
	if code != 0 {
		t.Fatalf("%d: %s", code, errs)
	}
	for _, want := range []string{"10 photos, 1 of them unreadable",
		"| in use | 9 | 8 (88.89 %) | 8 (88.89 %) |",
		"8 photos of 2 people, all pairs: 12 of one person, 16 of two people", "Seed 7", "| again |",
		"as many as false refusals: 0.00 %"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !strings.Contains(errs, "could not be read: 1 of 10 photos; --list-misses names them") {
		t.Errorf("stderr %q", errs)
	}
	var r accuracy.Report
	all := out + errs
	for _, name := range []string{"accuracy.md", "accuracy.json", "roc.svg"} {
		data, err := os.ReadFile(filepath.Join(to, name))
		if err != nil {
			t.Fatal(err)
		}
		all += string(data)
		if name == "accuracy.json" {
			if err := json.Unmarshal(data, &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, private := range []string{"Hopper", "Collins", "Wall", "moment", "torn", faces} {
		if strings.Contains(all, private) {
			t.Errorf("the output names %q:\n%s", private, all)
		}
	}
	v := r.Scopes[0].Verification
	if len(v) != 2 || v[0].EqualError != 0 || !(v[0].EqualErrorCosine > 0) ||
		v[0].EqualErrorCosine != v[1].EqualErrorCosine {
		t.Errorf("%+v", v)
	}
	_, _, errs = smiletill(t, "accuracy", faces, "--singles", "--list-misses")
	for _, want := range []string{"Grace_Hopper/torn.jpg: not a picture", "Grey_Wall/empty.png: no_face"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in %q", want, errs)
		}
	}
	without := filepath.Join(t.TempDir(), "without")
	file(t, without, []byte("Eileen_Collins\n\n"))
	code, _, errs = smiletill(t, "accuracy", faces, "--exclude", without)
	if code != 1 || !strings.Contains(errs, "or more: 1") {
		t.Errorf("with one of two people left out: %d, %q", code, errs)
	}
}

// TestAccuracyOfPeople leaves out pairs of names that are one person, and reports by what people.csv says.
func TestAccuracyOfPeople(t *testing.T) {
	t.Parallel()
	faces := persons(t)
	for _, name := range []string{"Grace_Hopper", "Eileen_Collins"} {
		for from, to := range map[string]string{"moment0.jpg": "neutral.jpg", "moment1.jpg": "smiling.jpg"} {
			if err := os.Rename(filepath.Join(faces, name, from), filepath.Join(faces, name, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	file(t, filepath.Join(faces, "people.csv"), []byte("who,face_age,gender\nGrace_Hopper,78,female\n"+
		"Eileen_Collins,NA,female\nNobody_Here,30,male\n"))
	code, out, errs := smiletill(t, "accuracy", faces)
	for _, want := range []string{"| gender: female | 2 | 16 |", "| age: 45 and over | 1 | 0 |",
		"What it can't", "2 people, one side at rest", "With the cosine that the terminal asks for"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d: no %q in\n%s%s", code, want, out, errs)
		}
	}
	if strings.Contains(out, "male | 0") || strings.Contains(out, "Nobody") {
		t.Errorf("a group of nobody, or a name:\n%s", out)
	}
	list := filepath.Join(t.TempDir(), "errata")
	file(t, list, []byte("Grace_Hopper\tEileen_Collins\t0.91\n\nGrace_Hopper\tNobody_Here\n"))
	code, out, errs = smiletill(t, "accuracy", faces, "--errata", list)
	if code != 0 || !strings.Contains(out, "12 of one person, 0 of two people") ||
		!strings.Contains(out, "as two: 1; ") || !strings.Contains(out, "is not among these photos: 1.") {
		t.Errorf("%d: %s%s", code, out, errs)
	}
	file(t, filepath.Join(faces, "people.csv"), []byte("who,gender\na,b,c\n"))
	if code, _, errs := smiletill(t, "accuracy", faces); code != 1 || !strings.Contains(errs, "people.csv") {
		t.Errorf("a table with a line too long: %d %s", code, errs)
	}
}

// TestSmileCommand measures the smiles of two people, filmed at rest and smiling, and refuses what is no such
// folder.
func TestSmileCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	dir := t.TempDir()
	if code, _, errs := smiletill(t, "accuracy", "--smile", dir); code != 1 ||
		!strings.Contains(errs, "people with both photos: 0") || !strings.Contains(errs, "DIR/Name/neutral.jpg") {
		t.Errorf("an empty folder: %d %s", code, errs)
	}
	for name, frames := range map[string][2]int{"customer_smile": {24, 40}, "stranger_smile": {19, 34}} {
		clip, err := visits.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		file(t, filepath.Join(dir, name, "neutral.jpg"), clip.Frames[frames[0]])
		file(t, filepath.Join(dir, name, "smiling.jpg"), clip.Frames[frames[1]])
	}
	code, out, errs := smiletill(t, "accuracy", "--smile", dir)
	if code != 0 || !strings.Contains(out, "2 people, 24 frames at rest, 24 that smile") {
		t.Fatalf("%d %s %s", code, out, errs)
	}
	if !regexp.MustCompile(`smiling photos accepted, as they are +100\.0 %`).MatchString(out) {
		t.Errorf("both smiles are wide:\n%s", out)
	}
	if _, again, _ := smiletill(t, "accuracy", "--smile", "--workers", "1", dir); again != out {
		t.Errorf("the same seed gives another report:\n%s", again)
	}
}
