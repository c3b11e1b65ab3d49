package networks

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // photos come as JPEG
	_ "image/png"  // or PNG
	"io"
	"os"

	"smiletill/vision"
)

const (
	photoMaxBytes = 16 << 20
	photoMaxSide  = 8192 // pixels
)

// Photo is a picture of somebody, as JPEG or PNG.
type Photo struct {
	Name string
	Data []byte
}

// ReadPhoto reads a file of up to 16 MB.
func ReadPhoto(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, withHint(fmt.Errorf("read photo: %w", err), "name JPEG or PNG files that this user can read")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, photoMaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read photo %s: %w", path, err)
	}
	if len(data) > photoMaxBytes {
		return nil, withHint(
			fmt.Errorf("read photo %s: larger than %d MB", path, photoMaxBytes>>20),
			"take a smaller picture",
		)
	}
	return data, nil
}

// Templates makes a template of each photo; each must show one face that the pipeline would take at the
// counter. The error names the first that does not.
func (l *Looker) Templates(photos []Photo) ([][]float32, error) {
	var templates [][]float32
	for i, p := range photos {
		where := fmt.Sprintf("photo %d (%s)", i+1, p.Name)
		img, err := DecodePhoto(p.Data)
		if err != nil {
			return nil, withHint(
				fmt.Errorf("%s: %w", where, err),
				"give a JPEG or PNG picture up to %d pixels a side",
				photoMaxSide,
			)
		}
		template, bad, err := l.Template(img)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if bad != "" {
			return nil, withHint(fmt.Errorf("%s can't be used: %s", where, Advice(bad)),
				"nobody was enrolled; take that photo again and repeat the command")
		}
		templates = append(templates, template)
	}
	return templates, nil
}

// DecodePhoto reads a picture of up to 8192 pixels a side.
func DecodePhoto(data []byte) (image.Image, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("not a picture that can be read: %w", err)
	}
	if c.Width > photoMaxSide || c.Height > photoMaxSide {
		return nil, fmt.Errorf("%dx%d pixels are too many", c.Width, c.Height)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("not a picture that can be read: %w", err)
	}
	return img, nil
}

// Advice says in a technician's words why a picture can't be used.
func Advice(r vision.Reason) string {
	switch r {
	case vision.NoFace:
		return "no face is in it"
	case vision.SeveralFaces:
		return "more than one face is in it: one person alone, please"
	case vision.TooFar:
		return "the face is too small: come closer, or take a larger picture"
	case vision.TooClose:
		return "the face is too large: step back"
	case vision.TooDark:
		return "the face is too dark: more light from the front"
	case vision.TooBright:
		return "the face is too bright: less light on it"
	case vision.Blurred:
		return "the face is blurred: hold still, clean the lens"
	case vision.TurnedAway:
		return "the face is turned away: look straight into the camera"
	case vision.OffCentre:
		return "the face is at the edge: step into the middle"
	}
	return "the face can't be used"
}
