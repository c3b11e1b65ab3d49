package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/register"
	"smiletill/vision/gallery"
)

// install makes a set the installed one: the name of a folder in the data folder, or models.Small; "" is the
// default one of this program. A link leads to it, which can be replaced in one step; a folder can't.
func install(cfg config.Config, to string) error {
	link := cfg.InstalledModels()
	_, err := os.Readlink(link)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	return tidy(cfg, to)
}

// giveAway makes a copied folder of root's the data folder's owner's: what a technician swaps with sudo, the
// terminal's own user has to read.
func giveAway(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, path := range append([]string{dir}, files...) { // the folder first: a file goes to its folder's owner
		var f *os.File
		if f, err = os.Open(path); err == nil {
			err = errors.Join(register.GiveAway(f), f.Close())
		}
		if err != nil {
			return err
		}
	}
	return err
}

// inForce tells whether the link leads to that set.
func inForce(cfg config.Config, name string) bool {
	to, err := os.Readlink(cfg.InstalledModels())
	return err == nil && to == name
}

// tidy removes models that were in force before, unless customers are known by them who have yet to come
// over. A running terminal has them in memory.
func tidy(cfg config.Config, now string) error {
	left, err := gallery.ModelsIn(cfg.GalleryDir())
	if err != nil {
		return fmt.Errorf("install models: the new ones are in force, the old ones stay: %w", err)
	}
	all, err := filepath.Glob(filepath.Join(cfg.Paths.DataDir, config.KeptModels+"*"))
	for _, dir := range all {
		name := filepath.Base(dir)
		if name == now || strings.Trim(name, "0123456789") != config.KeptModels {
			continue // in force, or not made by a swap
		}
		if old, err := models.Open(dir); err == nil && left[old.Model(models.Embed).SHA256] > 0 {
			continue
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
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
