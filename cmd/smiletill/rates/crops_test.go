//go:build !notflite

package rates

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// People with two photos are left out: they are for measuring. What is written are the networks' inputs.
func TestCropsOfPeopleWithOnePhoto(t *testing.T) {
	faces, out := t.TempDir(), filepath.Join(t.TempDir(), "crops")
	photo := func(who, name, from string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join("..", "..", "..", "vision", "testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(faces, who), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(faces, who, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	photo("Grace", "1.jpg", "hopper.jpg")
	photo("Eileen", "1.jpg", "collins.jpg")
	photo("Eileen", "2.jpg", "collins.jpg")
	if n, err := WriteCrops("", faces, out); n != 1 || err != nil {
		t.Fatalf("%d crops, %v; want one", n, err)
	}
	for task, side := range map[string]int{"detect": 128, "mesh": 192, "embed": 112} {
		path := filepath.Join(out, task+".u8")
		b, err := os.ReadFile(path)
		if err != nil || len(b) != side*side*3 {
			t.Fatalf("%s: %d bytes, %v; want one picture of %d pixels a side", task, len(b), err, side)
		}
		if bytes.Count(b, b[:1]) > len(b)/2 {
			t.Errorf("%s: more than half of the picture is of one value", task)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v: faces are the owner's only", task, info.Mode(), err)
		}
	}
	if err := os.WriteFile(filepath.Join(faces, "Grace", "1.jpg"), []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteCrops("", faces, out); err == nil {
		t.Error("a damaged photo was taken in silence")
	}
}
