package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"smiletill/device/camera"
)

const replayPrefix = "replay:"

func isReplay(c CameraConfig) bool { return strings.HasPrefix(c.Source, replayPrefix) }

// openCamera opens the configured source.
func openCamera(c CameraConfig) (camera.Source, error) {
	if path, ok := strings.CutPrefix(c.Source, replayPrefix); ok {
		clip, err := camera.Load(os.DirFS(filepath.Dir(path)), filepath.Base(path))
		if err != nil {
			return nil, withHint(fmt.Errorf("camera.source %s: %w", c.Source, err),
				"name a motion-JPEG file, a JPEG, or a folder of JPEGs")
		}
		play := camera.Playback{Loop: c.Loop}
		if c.Realtime {
			play.FPS = float64(c.FPS)
		}
		return clip.Play(play), nil
	}
	o := camera.V4L2Options{Width: c.Width, Height: c.Height, FPS: float64(c.FPS)}
	if c.Format != "auto" {
		o.Format = camera.Format(c.Format)
	}
	return camera.Open(c.Source, o)
}
