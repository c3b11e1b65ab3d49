package camera

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ReplayPrefix begins the source of a recording: "replay:FILE|DIR".
const ReplayPrefix = "replay:"

// Settings say where pictures come from: "auto", "card:NAME", "bus:PLACE", "/dev/..." or "replay:FILE|DIR".
// Format is "auto" or one of Formats. Width and Height are in pixels as the camera gives them, FPS in frames
// a second. Rotate is by how many degrees they are to be turned clockwise, Region where customers' faces are
// looked for (see Decoder). Loop and Realtime concern replays only. TestSource takes a loopback that is
// named; whoever takes payments refuses a recording without it.
type Settings struct {
	Source, Format     string
	Width, Height, FPS int
	Rotate             int
	Region             struct{ Left, Top, Right, Bottom float64 }
	Loop, Realtime     bool
	TestSource         bool
}

// Replay tells whether the source is a recording.
func (s Settings) Replay() bool { return strings.HasPrefix(s.Source, ReplayPrefix) }

// Words name the source, and where in its picture customers are.
func (s Settings) Words() string {
	if r := Region(s.Region); !r.Whole() {
		return s.Source + ", customers' faces in " + r.String()
	}
	return s.Source
}

// Open opens the source.
func (s Settings) Open() (Source, error) {
	if path, ok := strings.CutPrefix(s.Source, ReplayPrefix); ok {
		clip, err := Load(os.DirFS(filepath.Dir(path)), filepath.Base(path))
		if err != nil {
			return nil, hinted{fmt.Errorf("camera.source %s: %w", s.Source, err),
				"name a motion-JPEG file, a JPEG, or a folder of JPEGs"}
		}
		play := Playback{Loop: s.Loop}
		if s.Realtime {
			play.FPS = float64(s.FPS)
		} else {
			play.Clock = float64(s.FPS)
		}
		return clip.Play(play), nil
	}
	o := V4L2Options{Width: s.Width, Height: s.Height, FPS: float64(s.FPS), Loopback: s.TestSource}
	if s.Format != "auto" {
		o.Format = Format(s.Format)
	}
	return Open(s.Source, o)
}
