package vision

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLivenessMutants: mistakes that somebody could make in what tells a face from its picture, and a smile
// from a yawn, and in when a face is compared, each one change of the source. The tests of the light, of the
// visit, or of the glances, must notice each.
func TestLivenessMutants(t *testing.T) {
	if os.Getenv("SIM_MUTATIONS") == "" {
		t.Skip("SIM_MUTATIONS is not set: `make mutations` builds the program with mistakes in it")
	}
	const light = "Light|PassiveWants"
	for _, m := range []struct{ name, file, from, to, tests string }{
		{"any code accepted", "light.go", `code[0][k], f.code[1][k] = float64(c[0]-c[1]), float64(c[2]-c[1])`,
			`code[0][k], f.code[1][k] = f.tint[0][0][k], f.tint[1][0][k]; _ = c`, light},
		{"an answer at any time accepted", "light.go", `lightLag  = 40 * time.Millisecond`,
			`lightLag  = 1200 * time.Millisecond`, light},
		{"light off", "liveness.go", `if s.dark || s.lights > lightsMax`,
			`if s.dark { return VerdictLive, LightFrames, true }; if s.lights > lightsMax`, light},
		{"a light that nobody saw", "liveness.go", `return VerdictUndecided, 0, true
	}
	if s.lit == nil`, `return VerdictLive, LightFrames, true
	}
	if s.lit == nil`, light},
		{"flat normals accepted", "liveness.go", `lean >= t.LightLeanMin && lean <= t.LightLeanMax`,
			`lean < 100`, light},
		{"the forehead need not answer", "liveness.go", `float32(a.match[forehead3]) >= t.LightForehead &&`,
			``, light},
		{"demand ignored", "liveness.go", `func (v *Visit) Ask(d Demand) { v.live.demand = d }`,
			`func (v *Visit) Ask(d Demand) {}`, light},
		{"the verdict of other frames", "visit.go", `	v.live.forget()
`, ``, light},
		{"who hides is judged by the rest", "light.go", `case hidden*lightHidden > all.n+hidden || !s.holds(l):`,
			`case hidden < 0 || !s.holds(l):`, light},
		{"a late answer accepted", "liveness.go", `	case a.late:
`, ``, light},
		{"jump check gone", "rise.go", `<= riseBlind:
		return VerdictFailed`, `<= riseBlind:
		return VerdictLive`, light},
		{"an artefact's pictures accepted", "liveness.go", `s.alive*passiveOften < s.judged`, `s.judged < 0`,
			"PassiveWants"},
		{"a photo may take its background along", "liveness.go", `case v == VerdictLive && s.behind.follows()`,
			`case false`, "WhatIsBehind"},
		{"by the light too", "liveness.go", `if v == VerdictLive && s.behind.follows() {`, `if false {`,
			"LightBeforeAPhoto"},
		{"who hides the jump before a wall is a person", "rise.go", `&& !r.hidden`, ``, "SlowCamera"},
		{"slow pictures speak for a person", "liveness.go", `s.rise.blind() && s.behind.stands()`, `s.rise.blind()`,
			"SlowCamera"},
		{"hair that moves on one side is a photo", "behind.go", `s.along >= behindLeast*s.power`, `s.cells > 0`,
			"WhatIsBehind"},
		{"too few frames accepted", "light.go", `LightFrames = 9`, `LightFrames = 5`, light},
		{"a mouth that yawns needs no more than one that is shut", "consent.go",
			`max(c.own.wanted(t), t.LeastRise(l.Lips))`, `c.own.wanted(t)`, "TestVisit"},
		{"a mouth wide open is a smile", "consent.go", `l.Lips < t.LipsMax &&`, ``, "TestVisit"},
		{"a glance is as good as a look", "visit.go", "if l.Glance {", "if l.Glance {\n\t\tv.checked = at",
			"GlanceMisses"},
		{"glances for seconds", "glance.go", "glanceFor = slot", "glanceFor = 20 * slot", "GlanceMisses"},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			source, err := filepath.Abs(m.file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), m.from); n != 1 {
				t.Fatalf("%s has %d places to change, want 1:\n%s", m.file, n, m.from)
			}
			dir := t.TempDir()
			changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
			plan, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
			if err != nil {
				t.Fatal(err)
			}
			for file, content := range map[string]string{
				changed: strings.Replace(string(text), m.from, m.to, 1), overlay: string(plan),
			} {
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command("go", "test", "-vet=off", "-overlay", overlay, "-run", m.tests, ".").
				CombinedOutput()
			if err == nil || strings.Contains(string(out), "build failed") {
				t.Errorf("nobody noticed it: %v\n%s", err, out)
			}
		})
	}
}
