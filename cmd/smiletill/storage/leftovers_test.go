package storage_test

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"smiletill/cmd/smiletill/storage"
)

// TestClear: what a power cut left is removed, and nothing else.
func TestClear(t *testing.T) {
	t.Parallel()
	ours := []string{".new-probe-123", ".counter-4079", ".new-1", ".migrated-22", ".key-900"}
	young := []string{".migrated-7", ".key-8"} // somebody may be about to rename them
	others := []string{".counter-backup", ".counter-", ".new-notes.txt", ".new-probe-1.bak", "new-1",
		"counter.json", ".keys-1", "a.new-1", ".key-1\n"}
	dir := t.TempDir()
	write := func(name string, age time.Duration) {
		t.Helper()
		path, then := filepath.Join(dir, name), time.Now().Add(-age)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Concat(ours, others) {
		write(name, 2*time.Minute)
	}
	for _, name := range young {
		write(name, 0)
	}
	for _, name := range []string{".counter-5", ".new-5"} { // as they are while the terminal is killed at once
		write(name, 0)
	}
	if err := os.Mkdir(filepath.Join(dir, ".new-2"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("counter.json", filepath.Join(dir, ".counter-3")); err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(young, others, []string{".new-2", ".counter-3"})
	slices.Sort(want)

	held, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	if err := storage.Clear(dir); err != nil || !slices.Equal(names(t, dir), before) {
		t.Errorf("while a command holds the folder: %v, %q", err, names(t, dir))
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := storage.Clear(dir); err != nil || !slices.Equal(names(t, dir), want) {
		t.Errorf("%v; left are %q, want %q", err, names(t, dir), want)
	}
	if err := storage.Clear(filepath.Join(dir, "gone")); err != nil {
		t.Error(err)
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
