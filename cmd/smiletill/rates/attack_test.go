//go:build !notflite

package rates_test

import (
	"image"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A bent photo in the camera's place pays where a smile is all that is asked for, and not where the face has
// to answer the screen; the report says so. Without photos of one's own it takes the program's two portraits.
func TestAttackCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("renders some hundred pictures")
	}
	t.Parallel()
	for _, c := range []struct {
		demand, species string
		want            []string
	}{
		{"none", "injected-warp,living", []string{
			`(?m)^2 people of \d+ photos; demand none; choosing seeds from 3; `,
			`(?m)^living +1 +\d+\.\d +\d +\d +0 +0 +\d +BPCER `,
			`(?m)^injected-warp +1 +\d+\.\d +1 +1 +0 +0 +1 +APCER 100\.0 \(2\.5 - 100\.0\)$`,
			`(?m)^the worst species: injected-warp, APCER 100\.0 %$`,
			`(?m)^all +1 of them +BPCER .* of 1 smiles `,
		}},
		{"light", "injected-warp,injected-late,injected-tint,replay-code,swap-cut,warp-adaptive", []string{
			`(?m)^injected-warp +1 +\d+\.\d +1 +1 +\d +\d +0 +APCER 0\.0 \(0\.0 - 97\.5\)$`,
			`(?m)^injected-late +1 +\d+\.\d +1 +1 +\d +\d +0 +APCER 0\.0 `,
			`(?m)^warp-adaptive +1 +\d+\.\d +1 +1 +\d +\d +0 +APCER 0\.0 `,
			`(?m)^no attack was approved$`,
		}},
	} {
		dir := t.TempDir()
		code, out, errs := smiletill(t, "attack", "--visits", "1", "--species", c.species,
			"--demand", c.demand, "--from", "3", "--out", dir)
		if code != 0 {
			t.Fatalf("%d: %s", code, errs)
		}
		for _, want := range c.want {
			if !regexp.MustCompile(want).MatchString(out) {
				t.Errorf("%s: nothing like %q in\n%s", c.demand, want, out)
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, "attack.txt"))
		if err != nil || string(text) != out {
			t.Errorf("the report in the folder: %q, %v", text, err)
		}
		picture, err := os.ReadFile(filepath.Join(dir, "attack.svg"))
		if err != nil || !regexp.MustCompile(`>injected-warp<(?s:.*)>\d/1<`).Match(picture) {
			t.Errorf("its picture: %.300q, %v", picture, err)
		}
	}
}

func TestAttackRefuses(t *testing.T) {
	t.Parallel()
	blank := t.TempDir()
	for _, n := range []string{"A/1.jpg", "A/2.jpg", "A/3.jpg", "B/1.jpg"} {
		put(t, filepath.Join(blank, n), image.NewGray(image.Rect(0, 0, 99, 99)))
	}
	for _, c := range []struct {
		name       string
		args       []string
		code       int
		want, hint string
	}{
		{"no such species", []string{"--species", "mask"}, 2, `"mask"`, "replay-bezel"},
		{"no such demand", []string{"--demand", "pin"}, 2, `"pin"`, "passive"},
		{"no such seeds", []string{"--seeds", "7"}, 2, `"7"`, "judging"},
		{"no visits", []string{"--visits", "0"}, 2, "out of range", "1 to 100000"},
		{"no folder", []string{"--photos", blank + "/none"}, 1, "no such file", "DIR/Name/photo.jpg"},
		{"no faces", []string{"--photos", blank}, 1, "needed are two", "--least"},
	} {
		code, out, errs := smiletill(t, append([]string{"attack"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) || !strings.Contains(errs, c.hint) || out != "" {
			t.Errorf("%s: %d, %q, %q", c.name, code, out, errs)
		}
	}
}
