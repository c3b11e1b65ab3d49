//go:build !notflite

package rates_test

import (
	"path/filepath"
	"strings"
	"testing"

	"smiletill/vision/visits"
)

// TestLivenessCommand counts what was answered of photos of both kinds, whoever computes them, and refuses
// what is no such folder. How well the network does is not to be seen on these photos: all are rendered.
func TestLivenessCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	dir := t.TempDir()
	refused := func(what, says string) {
		t.Helper()
		code, _, errs := smiletill(t, "accuracy", "--liveness", dir)
		if code != 1 || !strings.Contains(errs, says) || !strings.Contains(errs, "DIR/spoof/photo.jpg") {
			t.Errorf("%s: %d %s", what, code, errs)
		}
	}
	refused("an empty folder", "live is there")
	add := func(kind string, photos ...string) {
		for _, p := range photos {
			data, err := visits.Photo(p)
			if err != nil {
				t.Fatal(err)
			}
			file(t, filepath.Join(dir, kind, p+".jpg"), data)
		}
	}
	add("live", "enrol_1", "enrol_2", "enrol_3")
	refused("no pictures of faces", "spoof is there")
	add("spoof", "enrol_4", "enrol_5", "bad_no_face")
	file(t, filepath.Join(dir, "live", "damaged.jpg"), []byte("no picture"))
	code, out, errs := smiletill(t, "accuracy", "--liveness", dir)
	if code != 0 || !strings.Contains(out, "3 bona fide presentations and 2 attack presentations were "+
		"answered; no face was found in 0 and 1") || !strings.Contains(errs, "could not be read: 1 of 7 photos") {
		t.Fatalf("%d %s %s", code, out, errs)
	}
	for _, want := range []string{"AUC ", "EER ", "APCER", "BPCER", "the manifest's", "ISO/IEC 30107-3",
		"no certified test"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, dir) || strings.Contains(out, "enrol") {
		t.Errorf("the report names photos:\n%s", out)
	}
	if _, again, _ := smiletill(t, "accuracy", "--liveness", "--workers", "1", dir); again != out {
		t.Errorf("the same photos give another report:\n%s", again)
	}
	if code, _, errs := smiletill(t, "accuracy", "--liveness", "--smile", dir); code == 0 ||
		!strings.Contains(errs, "smile") {
		t.Errorf("two measurements at once: %d %s", code, errs)
	}
}
