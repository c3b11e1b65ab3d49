package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// installedPrefix begins the names of the folders in the data folder that hold a shop's own models. The link
// "models" leads to the one in force: a link can be replaced in one step, a folder can't.
const installedPrefix = "models-"

// install makes copied, a folder in the data folder, the installed models; "" makes the embedded ones so.
func install(cfg config.Config, copied string) error {
	link := cfg.InstalledModels()
	before, err := os.Readlink(link)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		before = ""
	case err != nil:
		return payment.WithHintf(
			fmt.Errorf("install models: %s was not made by `smiletill models swap`: %w", link, err),
			"move it away, then swap")
	}
	if copied == "" {
		err = os.Remove(link)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		fresh := copied + ".link"
		if err = os.Symlink(filepath.Base(copied), fresh); err == nil {
			if err = os.Rename(fresh, link); err != nil {
				err = errors.Join(err, os.Remove(fresh))
			}
		}
	}
	if err == nil {
		err = syncDir(cfg.Paths.DataDir)
	}
	if err != nil {
		return payment.WithHintf(fmt.Errorf("install models: %w", err),
			"see that the disk has room and can be written")
	}
	return tidy(cfg, before, copied)
}

// inForce tells whether copied is what the link leads to.
func inForce(cfg config.Config, copied string) bool {
	to, err := os.Readlink(cfg.InstalledModels())
	return err == nil && to == filepath.Base(copied)
}

// tidy removes the models that were in force before. A running terminal has them in memory.
func tidy(cfg config.Config, before, now string) error {
	if !strings.HasPrefix(before, installedPrefix) || before != filepath.Base(before) ||
		before == filepath.Base(now) {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(cfg.Paths.DataDir, before)); err != nil {
		return fmt.Errorf("install models: the new ones are in force; remove the old ones: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
