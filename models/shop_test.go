package models_test

import (
	"os"
	"strings"
	"testing"

	"smiletill/models"
)

// The manifest that README.md shows to shops is one, once it has a real hash and the other two models.
func TestReadmeShowsAManifest(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "    {") || (len(lines) > 0 && strings.HasPrefix(line, "    ")) {
			lines = append(lines, line)
		} else if len(lines) > 0 {
			break
		}
	}
	shown := strings.Replace(strings.Join(lines, ""), "64 hex digits, by sha256sum", strings.Repeat("0a", 32), 1)
	_, err = models.Parse([]byte(shown))
	if err == nil || !strings.Contains(err.Error(), `no model for task "detect"`) {
		t.Errorf("%v\n%s", err, shown)
	}
}
