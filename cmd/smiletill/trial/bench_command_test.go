//go:build !notflite

package trial_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/trial"
	"smiletill/models"
)

func TestBenchRefuses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"bench", "--each", "-1s"}, 2, "0s to 1m"},
		{[]string{"bench", "--customers", "1001"}, 2, "1 to 1000"},
		{[]string{"bench", "--each", "soon"}, 2, "bench --help"},
		{[]string{"bench", "--compare", t.TempDir()}, 1, "manifest.json"},
		{[]string{"bench", "--paths-models-dir", t.TempDir()}, 1, "manifest.json"},
		{[]string{"bench", "--sets", "--compare", t.TempDir()}, 2, "--sets and --compare"},
		{[]string{"bench", "x"}, 2, "unknown command"},
	} {
		if code, out, errs := s.Cli(c.args...); code != c.code || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%v: code %d, %q, %q; want %d and %q", c.args, code, out, errs, c.code, c.want)
		}
	}
}

// The built-in sets are measured as payments use them, and one of them is advised.
func TestBenchOfSets(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	code, data, errs := newShop(t).Cli("bench", "--each", "0s", "--sets", "--json")
	if code != 0 || strings.Count(errs, "measuring") != 2 {
		t.Fatalf("code %d: %s", code, errs)
	}
	var r trial.BenchReport
	if err := json.Unmarshal([]byte(data), &r); err != nil {
		t.Fatal(err)
	}
	for _, run := range r.Runs {
		if v := run.Visits; len(v) != 1 || v[0].Frames < 30 || v[0].Mean <= 0 || v[0].Processor <= 0 ||
			!(v[0].Glances > 0.2) {
			t.Errorf("%s: visits %+v", run.Models, v)
		}
	}
	var table bytes.Buffer
	if err := r.Print(&table); err != nil {
		t.Fatal(err)
	}
	out := table.String()
	for _, text := range []string{"with XNNPACK, 1 thread", "default p50", "small p50", "\nTake the ",
		"a visit, liveness off: mean", " set (`smiletill"} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is missing in\n%s", text, out)
		}
	}
}

// The command measures both sets under every setting: every stage takes time, and they add up to the whole.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` plays it without the race detector")
	}
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	manifest, err := json.Marshal(set.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{models.ManifestName: manifest}
	for _, task := range models.Tasks() {
		files[set.Model(task).File] = set.Bytes(task)
		if card := set.Model(task).Card; card != "" {
			files[card] = set.Card(task)
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(other, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newShop(t)
	code, out, errs := s.Cli("bench", "--each", "0s", "--json", "--compare", other)
	if code != 0 {
		t.Fatalf("code %d: %s", code, errs)
	}
	var r trial.BenchReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	want := 8
	if runtime.NumCPU() < 2 {
		want = 4
	}
	if len(r.Runs) != want || strings.Count(errs, "measuring") != want || r.Machine.Cores < 1 ||
		r.Machine.Kernel == "" {
		t.Errorf("%d runs, machine %+v, progress %q", len(r.Runs), r.Machine, errs)
	}
	for _, run := range r.Runs {
		if run.Frames < trial.BenchWarmUp || run.Resident < 1<<20 || len(run.Stages) != trial.Stages ||
			(run.Folder != "") != (run.Models == "compared") {
			t.Fatalf("run %+v", run)
		}
		parts := 0.0
		for i, st := range run.Stages {
			if st.Name != trial.StageName(i) || st.P50 <= 0 || st.P95 < st.P50 {
				t.Errorf("%s, %s: stage %+v", run.Models, trial.SettingName(run.XNNPACK, run.Threads), st)
			}
			if i >= trial.StageDetectCrop && i <= trial.StageEmbed {
				parts += st.P50
			}
		}
		if whole := run.Stages[trial.StageWholeMJPG].P95; parts > 2*whole {
			t.Errorf("stages take %v ms, the whole %v", parts, whole)
		}
	}
	var table bytes.Buffer
	if err := r.Print(&table); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"machine", "with XNNPACK, 1 thread", "without XNNPACK", "in use p50",
		"compared p50", "frame to decision, YUYV", "allocations a frame"} {
		if !strings.Contains(table.String(), text) {
			t.Errorf("%q is missing in\n%s", text, table.String())
		}
	}
}
