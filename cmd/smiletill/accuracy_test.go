//go:build !notflite

package main

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
	"strings"
	"testing"

	"smiletill/vision/accuracy"
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
		f, err := os.Open(filepath.Join("..", "..", "vision", "testdata", file))
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

func cli(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestAccuracyRefuses(t *testing.T) {
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
	for _, c := range []struct {
		name       string
		args       []string
		code       int
		want, hint string
	}{
		{"no folder named", nil, exitUsage, "accepts 1 arg", "smiletill --help"},
		{"no such folder", []string{loose + "/none"}, exitFailed, "no such file", "FACES/Name/photo.jpg"},
		{"a file", []string{unreadable}, exitFailed, "not a directory", "FACES/Name/photo.jpg"},
		{"photos without folders", []string{loose}, exitFailed, "or more: 0", "for their person: 1"},
		{"one person", []string{one}, exitFailed, "or more: 1", "two or more of each person"},
		{"no faces", []string{blank}, exitFailed, "too few photos", "--list-misses"},
		{"no such list", []string{blank, "--exclude", unreadable + "x"}, exitFailed, "no such file",
			"one name a line"},
		{"compare with itself", []string{blank, "--compare", "in use=x"}, exitUsage, "--compare", "NAME=DIR"},
		{"compare with nothing", []string{blank, "--compare", "a="}, exitUsage, "--compare", "NAME=DIR"},
		{"no such models", []string{blank, "--compare", "other=" + loose}, exitFailed, "manifest.json",
			"a folder of models"},
		{"views", []string{blank, "--views", "plain,side"}, exitUsage, `--views "side"`, "plain,both"},
		{"views twice", []string{blank, "--views", "both,both"}, exitUsage, `--views "both"`, "plain,both"},
		{"centre", []string{blank, "--centre", "0.9"}, exitUsage, "out of range", "0 to 0.5"},
		{"workers", []string{blank, "--workers", "0"}, exitUsage, "out of range", "1 or more"},
	} {
		code, out, errs := cli(t, append([]string{"accuracy"}, c.args...)...)
		said := strings.Contains(errs, c.want) && strings.Contains(errs, c.hint)
		if code != c.code || !said || out != "" {
			t.Errorf("%s: %d, %q, %q", c.name, code, out, errs)
		}
	}
}

func TestAccuracyCommand(t *testing.T) {
	faces, to := persons(t), filepath.Join(t.TempDir(), "report")
	same := filepath.Join("..", "..", "models")
	code, out, errs := cli(t, "accuracy", faces, "--out", to, "--compare", "again="+same, "--seed", "7",
		"--singles")
	if code != exitOK {
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
	_, _, errs = cli(t, "accuracy", faces, "--singles", "--list-misses")
	for _, want := range []string{"Grace_Hopper/torn.jpg: not a picture", "Grey_Wall/empty.png: no_face"} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in %q", want, errs)
		}
	}
	without := filepath.Join(t.TempDir(), "without")
	file(t, without, []byte("Eileen_Collins\n\n"))
	code, _, errs = cli(t, "accuracy", faces, "--exclude", without)
	if code != exitFailed || !strings.Contains(errs, "or more: 1") {
		t.Errorf("with one of two people left out: %d, %q", code, errs)
	}
}

// On a pipe progress comes as lines, not too many; the last step's rate and time left are there.
func TestMeter(t *testing.T) {
	var b bytes.Buffer
	m := newMeter(&b)
	for i := range 50 {
		m.step("looking", i, 50)
	}
	if b.Len() != 0 {
		t.Errorf("at once: %q", b.String())
	}
	m.shown, m.start = m.shown.Add(-m.every), m.start.Add(-m.every)
	m.step("looking", 20, 60)
	m.end()
	if got := b.String(); got != "looking: 20 of 60, 2.0 a second, 20s left\n" {
		t.Errorf("%q", got)
	}
}
