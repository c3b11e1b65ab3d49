package terminaltest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"smiletill/models"
)

// CopyModels writes the embedded set into a folder, as a shop's own.
func CopyModels(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, pattern := range []string{"*.tflite", "*.md", models.ManifestName} {
		files, err := filepath.Glob(filepath.Join(Root(t), "models", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// Remake changes one model of a folder and its file, and makes the hash fit again.
func Remake(t *testing.T, dir string, task models.Task, change func(m *models.Model, data []byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, models.ManifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := models.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range manifest.Models {
		m := &manifest.Models[i]
		if m.Task != task {
			continue
		}
		file := filepath.Join(dir, m.File)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data = change(m, data)
		sum := sha256.Sum256(data)
		m.SHA256, m.Bytes = hex.EncodeToString(sum[:]), int64(len(data))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if text, err = json.Marshal(manifest); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// DetectorRELUs are the runs of the plug-in's kernel in one run of the detector.
const DetectorRELUs = 17

// CompiledDetector writes a folder of models in which the detector has a compiled form: the detector as it
// was published, in float, whose 17 RELUs the plug-in takes.
func CompiledDetector(t *testing.T) (dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Root(t), ".build", "models", "face_detection_short_range.tflite"))
	if err != nil {
		t.Fatalf("%v (run make deps)", err)
	}
	dir = CopyModels(t)
	sum := sha256.Sum256(data)
	Remake(t, dir, models.Detect, func(m *models.Model, plain []byte) []byte {
		m.EdgeTPU = &models.Variant{File: "detect_edgetpu.tflite", SHA256: hex.EncodeToString(sum[:]),
			Bytes: int64(len(data))}
		return plain
	})
	if err := os.WriteFile(filepath.Join(dir, "detect_edgetpu.tflite"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
