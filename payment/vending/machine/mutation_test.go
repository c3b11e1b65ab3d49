package machine_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutations are mistakes that somebody could make in the reader. Each is one change of the source, which the
// days must notice.
func mutations() []struct{ name, file, from, to string } {
	return []struct{ name, file, from, to string }{
		{"report before success", "next.go",
			`t.send("C,VEND," + t.amount)
		t.within(t.set.Timeout)`, `t.send("C,VEND," + t.amount)
		t.approve()`},
		{"no void", "next.go", `	t.do(Void{t.vend, r})
	if tell {`, `	if tell {`},
		{"void twice", "next.go", `	t.do(Void{t.vend, r})
	if tell {`, `	t.do(Void{t.vend, r})
	t.do(Void{t.vend, r})
	if tell {`},
		{"nobody told", "next.go", `	if tell {
		t.flag(r`, `	if tell && r == "" {
		t.flag(r`},
		{"the yes before the commit", "next.go", `		t.do(Commit{vend})
`, `		t.do(Commit{vend})
		t.send("C,VEND," + t.amount)
`},
		{"the yes after the machine gave up", "next.go", `case t.doomed != "" || t.phase != chosen:`,
			`case false:`},
		{"a restart forgets", "reader.go", `	if open {
		r.stage`, `	if open && set.Timeout == 0 {
		r.stage`},
		{"a lost port forgets", "next.go", `	if t.stage == vending { // what became of it is heard`,
			`	if t.stage == vending {
		t.finished(false)
	}
	if t.stage == vending { // what became of it is heard`},
		{"going on is success", "heard.go", `	if t.stage == vending {
		t.takeBack(r, true)
		return
	}
	if r ==`, `	if t.stage == vending {
		t.approve()
		return
	}
	if r ==`},
		{"a jam is success", "heard.go", `		t.takeBack(reason, !known)
	case known:`, `		t.approve()
	case known:`},
		{"a late success pays", "heard.go", `	t.do(Flag{t.vend, Unasked,`, `	t.do(Approve{t.vend})
	t.do(Flag{t.vend, Unasked,`},
		{"half a line is success", "line.go", `case word == "VEND" && rest == "SUCCESS":`,
			`case word == "VEND" || word == "ERR" && rest == "VEND 3":`},
	}
}

// TestMutations builds the days with each mistake, and wants them to fail. It takes a minute:
// SIM_MUTATIONS=1.
func TestMutations(t *testing.T) {
	if os.Getenv("SIM_MUTATIONS") == "" {
		t.Skip("SIM_MUTATIONS is not set: `make sim` builds the reader with mistakes in it")
	}
	room, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutations() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			source := filepath.Join(room, m.file)
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), m.from); n != 1 {
				t.Fatalf("%s has %d places to change, want 1:\n%s", m.file, n, m.from)
			}
			dir := t.TempDir()
			changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
			mutant := strings.Replace(string(text), m.from, m.to, 1)
			plan, err := json.Marshal(map[string]map[string]string{"Replace": {source: changed}})
			if err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{changed: []byte(mutant), overlay: plan} {
				if err := os.WriteFile(name, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			binary := filepath.Join(dir, "days.test")
			build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, ".")
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			run := exec.Command(binary, "-test.run=^TestDays$")
			run.Env = append(os.Environ(), "SIM_SEED=", "SIM_SEEDS=200", "SIM_MUTATIONS=")
			out, err := run.CombinedOutput()
			found := regexp.MustCompile(`SIM_SEED=\d+: .*`).FindString(string(out))
			if err == nil || found == "" {
				t.Fatalf("200 days did not notice it\n%s", out[max(0, len(out)-2000):])
			}
			t.Logf("%.200s", found)
		})
	}
}
