package terminal

import (
	"log/slog"

	"smiletill/cmd/smiletill/config"
	"smiletill/models"
	"smiletill/vision/gallery"
)

// openModels reads and verifies the models in force.
func openModels(cfg config.Config) (models.Set, error) {
	dir, err := cfg.ModelsDir()
	if err != nil {
		return models.Set{}, err
	}
	return models.Open(dir)
}

// openGallery opens the templates for the embedding model of a set.
// openGallery opens the gallery; locked, none of it is read.
func openGallery(cfg config.Config, set models.Set, locked bool, log *slog.Logger) (*gallery.Gallery, error) {
	open := gallery.Open
	if locked {
		open = gallery.OpenLocked
	}
	embed := set.Model(models.Embed)
	return open(cfg.GalleryDir(), gallery.Model{SHA256: embed.SHA256, Agree: embed.Thresholds.Verify,
		Same: embed.Thresholds.Match}, log.With("room", "gallery"))
}
