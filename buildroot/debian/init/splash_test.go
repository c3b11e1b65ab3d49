//go:build linux

package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestSplash draws on files that are like framebuffers: what lies between lines stays as it is, and each
// form of pixel shows the same picture.
func TestSplash(t *testing.T) {
	x888 := func(w, h, line int) canvas {
		return canvas{w, h, line, 4, field{16, 8}, field{8, 8}, field{0, 8}}
	}
	for name, c := range map[string]canvas{
		"32 bits":                 x888(800, 480, 3200),
		"32 bits, red at the end": {1920, 1080, 1920*4 + 256, 4, field{0, 8}, field{8, 8}, field{16, 8}},
		"16 bits, long lines":     {480, 320, 1024, 2, field{11, 5}, field{5, 6}, field{0, 5}},
		"15 bits":                 {480, 800, 960, 2, field{10, 5}, field{5, 5}, field{0, 5}},
		"24 bits":                 {320, 480, 961, 3, field{16, 8}, field{8, 8}, field{0, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fb0")
			empty := bytes.Repeat([]byte{0xa5}, c.line*c.height)
			if err := os.WriteFile(path, empty, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := c.draw(f); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || len(got) != c.line*c.height {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
			looksLike(t, c, got)
		})
	}
	for _, c := range []canvas{{}, x888(800, 480, 3199), x888(0, 480, 3200), x888(20000, 20000, 80000),
		{800, 480, 800, 1, field{0, 8}, field{0, 8}, field{0, 8}},
		{8, 8, 32, 4, field{28, 8}, field{8, 8}, field{0, 8}}} {
		if err := c.draw(failing{}); err == nil {
			t.Errorf("%+v is drawn on", c)
		}
	}
}

type failing struct{}

func (failing) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// looksLike reads the pixels back: the ground at the edges, ink where ring and dots are, and nothing between
// lines.
func looksLike(t *testing.T, c canvas, data []byte) {
	t.Helper()
	at := func(x, y int) (p rgb) {
		v := uint32(0)
		for i := range c.depth {
			v |= uint32(data[y*c.line+x*c.depth+i]) << (8 * i)
		}
		for i, f := range []field{c.red, c.green, c.blue} {
			most := uint32(1)<<f.bits - 1
			p[i] = float64(v>>f.offset&most) / float64(most) * 255
		}
		return p
	}
	like := func(p, want rgb) bool {
		return math.Abs(p[0]-want[0]) < 6 && math.Abs(p[1]-want[1]) < 6 && math.Abs(p[2]-want[2]) < 6
	}
	unit := 0.34 * float64(min(c.width, c.height)) / 240
	from := func(dx, dy float64) rgb {
		return at(int(float64(c.width)/2+dx*unit), int(float64(c.height)/2+dy*unit))
	}
	for _, place := range [][2]float64{{0, 0}, {-44, 0}, {44, 0}, {106, 0}, {-106, 0}, {0, 106}, {75, 75},
		{0, -106}} {
		if p := from(place[0], place[1]); !like(p, ink) {
			t.Errorf("no ink at %v: %v", place, p)
		}
	}
	for _, p := range []rgb{at(0, 0), at(c.width-1, c.height-1), from(0, 60), from(22, 0), from(119, 0)} {
		if !like(p, ground) {
			t.Errorf("no ground: %v", p)
		}
	}
	inked := 0
	for y := range c.height {
		for x := range c.width {
			if p := at(x, y); like(p, ink) {
				inked++
			}
		}
		for _, b := range data[y*c.line+c.width*c.depth : (y+1)*c.line] {
			if b != 0xa5 {
				t.Fatalf("line %d was drawn beyond its end", y)
			}
		}
	}
	want := unit * unit * (2*math.Pi*106*9 + 3*math.Pi*13*13)
	if float64(inked) < 0.75*want || float64(inked) > 1.1*want {
		t.Errorf("%d pixels of ink, want about %.0f", inked, want)
	}
}
