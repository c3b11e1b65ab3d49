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

// install makes a set the installed one: the name of a folder in the data folder, or models.Small; "" is the
// default one of this program.
func install(cfg config.Config, to string) error {
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
	if to == "" {
		err = os.Remove(link)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		fresh := filepath.Join(cfg.Paths.DataDir, to+".link")
		if err = os.Symlink(to, fresh); err == nil {
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
	return tidy(cfg, before, to)
}

// inForce tells whether the link leads to that set.
func inForce(cfg config.Config, name string) bool {
	to, err := os.Readlink(cfg.InstalledModels())
	return err == nil && to == name
}

// tidy removes the models that were in force before. A running terminal has them in memory.
func tidy(cfg config.Config, before, now string) error {
	if !strings.HasPrefix(before, installedPrefix) || before != filepath.Base(before) ||
		before == now {
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
