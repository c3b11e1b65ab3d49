package visits

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// portraitsEnv names the folder that get-portraits.sh filled; the clips can only be filmed again where it is
// set.
const portraitsEnv = "SMILETILL_PORTRAITS"

// filmedWith is where the committed bytes come from: another release of image/jpeg or a compiler that fuses
// multiplications gives pictures that look the same and hash differently.
const filmedWith = "go1.26 amd64"

func TestClipsAreTheFilmedOnes(t *testing.T) {
	dir := os.Getenv(portraitsEnv)
	if dir == "" {
		t.Skipf("%s is not set: get-portraits.sh DIR, then set it to DIR, to film again", portraitsEnv)
	}
	if here := runtime.Version() + " " + runtime.GOARCH; !sameRelease(here) {
		t.Skipf("the clips were filmed with %s; this is %s", filmedWith, here)
	}
	st, err := NewStudio(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Scenarios() {
		sameFile(t, st, s, s.Name+".mjpeg")
	}
	for _, s := range Photos() {
		sameFile(t, st, s, s.Name+".jpg")
	}
}

func sameRelease(here string) bool {
	v, arch, _ := strings.Cut(here, " ")
	wantV, wantArch, _ := strings.Cut(filmedWith, " ")
	return arch == wantArch && (v == wantV || strings.HasPrefix(v, wantV+"."))
}

func sameFile(t *testing.T, st *Studio, s Scenario, file string) {
	t.Helper()
	want, err := fs.ReadFile(Files(), file)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := st.Film(s)
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s: filmed again it differs: run gen, commit clips and README", file)
	}
}

func TestEveryFileIsListedWithItsHash(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	total, files := 0, 0
	err = fs.WalkDir(Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(Files(), path)
		if err != nil {
			return err
		}
		total += len(b)
		files++
		row := fmt.Sprintf("| %s | %d | %d | %x |", path, len(Split(b)), len(b), sha256.Sum256(b))
		if !strings.Contains(string(readme), row) {
			t.Errorf("README.md lacks the row %s", row)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(Scenarios()) + len(Photos()); files != want {
		t.Errorf("%d files are embedded, %d are described", files, want)
	}
	if total > SizeLimit {
		t.Errorf("all clips take %d bytes, more than %d", total, SizeLimit)
	}
	for _, name := range names() {
		s, err := readSheet(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), s.SHA256) {
			t.Errorf("README.md lacks the hash of %s", s.File)
		}
		script, err := os.ReadFile("get-portraits.sh")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(script), s.SHA256) {
			t.Errorf("get-portraits.sh checks another file than %s", s.File)
		}
	}
}

func TestEveryFrameDecodes(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	for _, s := range Scenarios() {
		c, err := Open(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Frames) != s.Frames() {
			t.Errorf("%s has %d frames, its scenario %d", s.Name, len(c.Frames), s.Frames())
		}
		for i, f := range c.Frames {
			wholeFrame(t, fmt.Sprintf("%s frame %d", s.Name, i), f)
		}
	}
	for _, s := range Photos() {
		b, err := Photo(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		wholeFrame(t, s.Name, b)
	}
}

func wholeFrame(t *testing.T, what string, b []byte) {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if img.Bounds() != image.Rect(0, 0, frameWidth, frameHeight) {
		t.Errorf("%s: bounds %v", what, img.Bounds())
	}
}

// TestMarks: what Open says about a clip is what its scenario does.
func TestMarks(t *testing.T) {
	tests := []struct {
		name                   string
		near, smiles, from, to int
	}{
		{"idle", -1, -1, 0, 5},
		{"customer_neutral", 6, -1, 12, 32},
		{"two_people", 0, -1, 0, 14},
		{"customer_smile", 13, 30, -1, -1},
		{"stranger_smile", 6, 26, -1, -1},
	}
	for _, tt := range tests {
		c, err := Open(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if c.Near != tt.near || c.Smiles != tt.smiles || c.LoopFrom != tt.from || c.LoopTo != tt.to {
			t.Errorf("%s: near %d smiles %d loop %d..%d, want %+v",
				c.Name, c.Near, c.Smiles, c.LoopFrom, c.LoopTo, tt)
		}
	}
}

func TestLoopsCloseWithoutAJump(t *testing.T) {
	for _, s := range Scenarios() {
		if s.LoopTo == 0 {
			continue
		}
		for v := range s.Visitors {
			a, b := s.Pose(v, s.frameAt(s.LoopFrom)), s.Pose(v, s.frameAt(s.LoopTo))
			d := math.Abs(a.X-b.X) + math.Abs(a.Y-b.Y) + math.Abs(a.Face-b.Face) + math.Abs(a.Yaw-b.Yaw) +
				math.Abs(a.Pitch-b.Pitch) + math.Abs(a.Roll-b.Roll) + math.Abs(a.Smile-b.Smile) +
				math.Abs(a.Blink-b.Blink)
			if d > 1e-6 {
				t.Errorf("%s visitor %d: from %+v back to %+v", s.Name, v, b, a)
			}
		}
	}
}

func TestUnknownNames(t *testing.T) {
	if _, err := Open("enrol_1"); !errors.Is(err, ErrNoClip) {
		t.Errorf("Open of a photo: %v", err)
	}
	for _, name := range []string{"", "idle", "../README", "enrol_6"} {
		if _, err := Photo(name); !errors.Is(err, ErrNoClip) {
			t.Errorf("Photo(%q): %v", name, err)
		}
	}
}

func TestOtherPortraitIsRefused(t *testing.T) {
	s, err := readSheet("hopper")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := NewStudio(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no portrait: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, s.File), []byte("not her"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewStudio(dir); !errors.Is(err, ErrOtherPortrait) {
		t.Errorf("other portrait: %v", err)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte{}, []byte{0xff, 0xd8, 0xff, 0xd9})
	f.Add([]byte{0xff, 0xd8, 1, 0xff, 0xd9}, []byte{0xff, 0xd8, 2, 0xff})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		in := append(bytes.Clone(a), b...)
		out := Split(in)
		if !bytes.Equal(bytes.Join(out, nil), in) {
			t.Fatal("bytes were lost or added")
		}
		for i, p := range out {
			if len(p) == 0 || i > 0 && !bytes.HasPrefix(p, []byte{0xff, 0xd8}) {
				t.Fatalf("piece %d is % x", i, p)
			}
		}
	})
}
