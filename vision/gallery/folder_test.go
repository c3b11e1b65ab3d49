package gallery

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A folder in the place of the key is told with what to do.
func TestFolderInPlaceOfKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gallery")
	if err := os.MkdirAll(filepath.Join(dir, keyName), 0o700); err != nil {
		t.Fatal(err)
	}
	var h interface{ Hint() string }
	if _, err := Open(dir, modelA, quiet()); !errors.As(err, &h) {
		t.Errorf("%v", err)
	}
}
