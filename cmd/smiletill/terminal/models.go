package terminal

import (
	"log/slog"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/models"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// openModels reads and verifies the models in force.
func openModels(cfg config.Config) (models.Set, error) {
	dir, err := cfg.ModelsDir()
	if err != nil {
		return models.Set{}, err
	}
	return models.Open(dir)
}

// Photos makes the photos of an enrolment ready, in the process that asks for it, with the models in force.
func Photos(cfg config.Config, files []enrolment.File) ([]control.Photo, error) {
	return enrolment.Photos(files, func() (*networks.Looker, error) {
		set, err := openModels(cfg)
		if err != nil {
			return nil, err
		}
		return networks.OpenLooker(set)
	})
}

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
