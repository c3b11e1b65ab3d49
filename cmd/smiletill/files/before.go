package files

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"

	"smiletill/cmd/smiletill/config"
	"smiletill/models"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// SetBefore finds the models by which customers are known who have not come over to those of a set yet: of
// the embeddings that records are left of, the one with the most whose network is on this device, built in or
// kept by `smiletill models swap`, and can be opened. The zero Set, when nobody is left, or no such network
// is here; then they must be enrolled again, and the gallery's Stale says so.
func SetBefore(cfg config.Config, set models.Set, log *slog.Logger) (models.Set, error) {
	of, err := gallery.ModelsIn(cfg.GalleryDir())
	if err != nil {
		return models.Set{}, err
	}
	delete(of, set.Model(models.Embed).SHA256)
	most := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	for _, sha256 := range most {
		if before, ok := setOf(cfg, sha256, log); ok {
			return before, nil
		}
	}
	return models.Set{}, nil
}

// Before is the embedding, by its SHA-256, that a terminal with the models of a set would still know
// customers by; "" if there is none.
func (f Files) Before(set models.Set) (string, error) {
	before, err := SetBefore(f.cfg, set, f.log)
	return before.Model(models.Embed).SHA256, err
}

// setOf opens the set whose embedding has that SHA-256, if there is one that can be used. One that can't is
// told and left out: those who have come over are to pay all the same.
func setOf(cfg config.Config, sha256 string, log *slog.Logger) (models.Set, bool) {
	dirs, _ := filepath.Glob(filepath.Join(cfg.Paths.DataDir, config.KeptModels+"*")) // the pattern is good
	if dir, ok := models.BuiltIn(sha256); ok {
		dirs = append([]string{dir}, dirs...)
	}
	for _, dir := range dirs {
		set, err := models.Open(dir)
		if err == nil && set.Model(models.Embed).SHA256 != sha256 {
			continue
		}
		if err == nil {
			err = networks.TryBefore(set)
		}
		if err == nil {
			return set, true
		}
		log.Warn("models that customers may be known by can't be used", "err", err,
			"hint", fmt.Sprintf("who was enrolled with them (`smiletill customers list`) is not recognised until the "+
				"files in %s are as they were and the terminal is started again, or until `smiletill enrol --again ID`",
				cmp.Or(dir, "the program")))
	}
	return models.Set{}, false
}
