package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/edgetpu"
	"smiletill/vision/gallery"
	"smiletill/vision/tflite"
)

// installedModels is where `smiletill models swap` puts a shop's own models.
func installedModels(cfg Config) string { return filepath.Join(cfg.Paths.DataDir, "models") }

// modelsDir is the folder of the models in force; "" stands for the embedded ones.
func modelsDir(cfg Config) (string, error) {
	if cfg.Paths.ModelsDir != "" {
		return cfg.Paths.ModelsDir, nil
	}
	dir := installedModels(cfg)
	switch _, err := os.Lstat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look for installed models: %w", err)
	}
	return dir, nil // even if it is empty or broken: a shop that installed models must not get others unnoticed
}

// openModels reads and verifies the models in force.
func openModels(cfg Config) (models.Set, error) {
	dir, err := modelsDir(cfg)
	if err != nil {
		return models.Set{}, err
	}
	return models.Open(dir)
}

// thresholdsOf are the pipeline's thresholds with those that belong to the models of a set.
func thresholdsOf(set models.Set) (vision.Thresholds, error) {
	t, e := vision.DefaultThresholds(), set.Model(models.Embed).Thresholds
	t.FaceScore = set.Model(models.Detect).Thresholds.Score
	t.MeshScore = set.Model(models.Mesh).Thresholds.Score
	t.Match, t.Verify, t.SameFace, t.Margin = e.Match, e.Verify, e.SameFace, e.Margin
	if err := t.Check(); err != nil {
		return t, withHint(fmt.Errorf("%s: thresholds: %w", set.Model(models.Embed).File, err),
			"measure the model's thresholds and write them into its manifest")
	}
	return t, nil
}

// want is what the runtime must find in a model.
func want(m models.Model) (w tflite.Want) {
	convert := func(from []models.Tensor) (to []tflite.Tensor) {
		for _, t := range from {
			to = append(to, tflite.Tensor{Shape: t.Shape, Type: t.Type, Scale: float32(t.Scale),
				ZeroPoint: t.ZeroPoint})
		}
		return to
	}
	return tflite.Want{Inputs: convert(m.Inputs), Outputs: convert(m.Outputs)}
}

// onPayments is how the networks run for payments: one thread each, since on a Pi the other cores decode
// frames and serve the screen.
func onPayments() tflite.Options { return tflite.Options{Threads: 1, XNNPACK: true} }

// openNetworks loads the three models on the CPU.
func openNetworks(set models.Set, o tflite.Options) (n vision.Networks, closers []func() error, err error) {
	return openNetworksOn(set, o, edgetpu.New(edgetpu.Options{}))
}

// openNetworksOn also gives them to an accelerator, which is closed with them: those that are compiled for it
// go there when it works.
func openNetworksOn(
	set models.Set, o tflite.Options, a *edgetpu.Accelerator,
) (n vision.Networks, closers []func() error, err error) {
	closers = append(closers, a.Close)
	open := func(task models.Task) *edgetpu.Network {
		if err != nil {
			return nil
		}
		mod := set.Model(task)
		var ip *tflite.Interpreter
		o.Want = want(mod)
		ip, err = tflite.Open(set.Bytes(task), o)
		if err != nil {
			err = fmt.Errorf("open the %s model %s: %w", task, filepath.Join(origin(set, task), mod.File), err)
			return nil
		}
		closers = append(closers, ip.Close)
		return a.Place(string(task), ip, set.EdgeTPU(task))
	}
	d, m, e := open(models.Detect), open(models.Mesh), open(models.Embed)
	if err != nil {
		for _, c := range closers {
			err = errors.Join(err, c())
		}
		return vision.Networks{}, nil, err
	}
	p := set.Model(models.Embed).Preprocess
	return vision.Networks{Detector: d, Mesh: m,
		Embedder: vision.Preprocessed(e, p.Colour == "BGR", p.Subtract, p.Divide)}, closers, nil
}

// origin is the folder that a model comes from, "" if it is embedded.
func origin(set models.Set, task models.Task) string {
	if set.Embedded(task) {
		return ""
	}
	return set.Dir
}

func galleryDir(cfg Config) string { return filepath.Join(cfg.Paths.DataDir, "gallery") }

// openGallery opens the templates for the embedding model of a set.
// openGallery opens the gallery; locked, none of it is read.
func openGallery(cfg Config, set models.Set, locked bool, log *slog.Logger) (*gallery.Gallery, error) {
	open := gallery.Open
	if locked {
		open = gallery.OpenLocked
	}
	embed := set.Model(models.Embed)
	return open(galleryDir(cfg), gallery.Model{SHA256: embed.SHA256, Agree: embed.Thresholds.Verify,
		Same: embed.Thresholds.Match}, log.With("room", "gallery"))
}
