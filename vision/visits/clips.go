package visits

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:generate go run ./gen -portraits ${SMILETILL_PORTRAITS} -out clips -readme README.md

//go:embed clips/*.mjpeg clips/*.jpg
var films embed.FS

// ErrNoClip says that there is no clip or photo of that name.
var ErrNoClip = errors.New("no such clip")

// Clip is one visit as the terminal's camera saw it.
type Clip struct {
	Name   string
	Frames [][]byte // JPEGs, 640x480; belong to the caller

	// What is known to be in it, as frame numbers; -1 when it isn't.
	Near     int // the first at which somebody stands at the terminal
	Smiles   int // the first at which the smile of the first visitor is at half its strength
	LoopFrom int // the first of the part that can be repeated without a jump
	LoopTo   int // the first after that part
}

// nearFace is the width of a face before the ears, in pixels, from which a visitor counts as being at the
// terminal.
const nearFace = 150

// Names lists the clips.
func Names() []string {
	var out []string
	for _, s := range Scenarios() {
		out = append(out, s.Name)
	}
	return out
}

// Open reads a clip that was filmed before: "customer_smile", say. Unknown names give ErrNoClip.
func Open(name string) (Clip, error) {
	for _, s := range Scenarios() {
		if s.Name != name {
			continue
		}
		b, err := films.ReadFile("clips/" + name + ".mjpeg")
		if err != nil {
			return Clip{}, fmt.Errorf("open clip: %w", err)
		}
		return s.clip(Split(b)), nil
	}
	return Clip{}, fmt.Errorf("open clip %q: %w", name, ErrNoClip)
}

// Photo reads a single picture as a JPEG: "enrol_1" to "enrol_5" are the customer; "bad_no_face",
// "bad_two_faces", "bad_too_small" and "bad_blurred" can't be enrolled from. Unknown names give ErrNoClip.
func Photo(name string) ([]byte, error) {
	b, err := films.ReadFile("clips/" + name + ".jpg")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open photo %q: %w", name, ErrNoClip)
	}
	return b, err
}

// Files holds the clips (<name>.mjpeg) and the photos (<name>.jpg) as they are on disk.
func Files() fs.FS {
	sub, err := fs.Sub(films, "clips")
	if err != nil {
		panic(err) // "clips" is a valid path
	}
	return sub
}

func (s Scenario) clip(frames [][]byte) Clip {
	c := Clip{Name: s.Name, Frames: frames, Near: -1, Smiles: -1, LoopFrom: -1, LoopTo: -1}
	for i := range frames {
		for v := range s.Visitors {
			p := s.Pose(v, i)
			if c.Near < 0 && p.Face >= nearFace {
				c.Near = i
			}
			if c.Smiles < 0 && v == 0 && p.Smile >= 0.5 {
				c.Smiles = i
			}
		}
	}
	if s.LoopTo > 0 {
		c.LoopFrom, c.LoopTo = s.frameAt(s.LoopFrom), s.frameAt(s.LoopTo)
	}
	return c
}

// Split cuts MJPEG (JPEGs one after the other, as ffmpeg -f mjpeg writes them) into its pictures. Inside a
// JPEG's data the end marker is never followed by a start marker, because 0xff is stuffed there; a thumbnail
// in a header would be, and these clips have none.
func Split(mjpeg []byte) [][]byte {
	var out [][]byte
	for len(mjpeg) > 0 {
		n := bytes.Index(mjpeg, []byte{0xff, 0xd9, 0xff, 0xd8})
		if n < 0 {
			return append(out, mjpeg)
		}
		out = append(out, mjpeg[:n+2:n+2])
		mjpeg = mjpeg[n+2:]
	}
	return out
}

// SizeLimit is what all clips and photos together may take, in bytes: they live in the repository.
const SizeLimit = 3_500_000
