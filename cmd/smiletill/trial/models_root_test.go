//go:build !notflite

package trial_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/models"
)

// TestSwapWithSudo: a technician swaps models with sudo, in the folder of the terminal's user, who has to
// read what lies there then.
func TestSwapWithSudo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may give files to others")
	}
	t.Parallel()
	l := newTill(t)
	const user = 1 // daemon
	data := filepath.Join(l.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, user, user); err != nil {
		t.Fatal(err)
	}
	l.says(0, "for small machines are in force", "models", "swap", "--embedded", "small")
	own := terminaltest.CopyModels(t)
	terminaltest.Remake(t, own, models.Embed, another)
	l.says(0, "installed", "models", "swap", own)
	files := 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type() == fs.ModeSymlink { // of a link nobody asks whose it is
			return err
		}
		info, err := d.Info()
		if err == nil && info.Sys().(*syscall.Stat_t).Uid != user {
			t.Errorf("%s is root's", path)
		}
		files++
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}
