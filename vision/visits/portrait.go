package visits

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the customer's portrait is a JPEG
	_ "image/png"  // the stranger's is a PNG
	"math"
	"os"
	"path/filepath"
)

//go:embed portraits/*.json
var portraits embed.FS

// ErrOtherPortrait says that a portrait file isn't the one that the landmarks were measured on.
var ErrOtherPortrait = errors.New("not the portrait that the landmarks belong to")

// meshPoints is the number of landmarks of the face mesh.
const meshPoints = 468

// sheet is what is known about a portrait, in its own pixels: portraits/<name>.json.
type sheet struct {
	File      string                 `json:"file"`
	SHA256    string                 `json:"sha256"`
	Enlarge   int                    `json:"enlarge"` // by Lanczos, before anything else
	Sharpen   float32                `json:"sharpen"`
	Degrain   int                    `json:"degrain"` // blur of the darkest parts, pixels
	Smiles    float64                `json:"smiles"`  // how much the portrait itself smiles, 0..1
	Gain      float64                `json:"gain"`    // strength of the smile's warp
	Floor     float64                `json:"floor"`   // the row below which the body is made up
	Cloth     [3]float32             `json:"cloth"`   // what the body is made of there
	Outline   [][2]float64           `json:"outline"`
	UpperLip  [][2]float64           `json:"upper_lip"` // where the model misses the edge of the teeth
	LowerLip  [][2]float64           `json:"lower_lip"`
	EyeSkin   float64                `json:"eye_skin"` // of the lid above the eye that gives way in a blink
	Landmarks [meshPoints][3]float64 `json:"landmarks"`
}

// portrait is a person cut out of a picture, ready to be warped.
type portrait struct {
	sheet
	pixels  pyramid
	photo   *layer  // instead of pixels: a picture that is not cut out
	eyes    point   // between the outer corners of the eyes
	tilt    float64 // of the line through them, radians
	sin     float64 // of tilt
	cos     float64
	cells   float64 // of the raster of a warp, in the face's width
	eyeDist float64 // between the outer corners of the eyes
	ears    float64 // between the mesh's points before the ears, 234 and 454
	right   opening // the subject's right eye, on the left of the picture
	other   opening
	mouth   opening
}

const (
	sideMargin   = 60  // portrait pixels of canvas beside the picture: sleeves that it cuts off
	bottomMargin = 700 // and below it: the body of one who stands far off
)

// readSheet reads what is known about a portrait.
func readSheet(name string) (sheet, error) {
	var s sheet
	b, err := portraits.ReadFile("portraits/" + name + ".json")
	if err != nil {
		return s, fmt.Errorf("portrait %s: %w", name, err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("portrait %s: %w", name, err)
	}
	return s, nil
}

// readPicture reads dir/<file of the sheet> and checks that it is the very file that was measured.
func (s sheet) readPicture(dir string) (*layer, error) {
	path := filepath.Join(dir, s.File)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read portrait: %w (get-portraits.sh fetches it)", err)
	}
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != s.SHA256 {
		return nil, fmt.Errorf("read portrait: %w: %s has sha256 %x, wanted %s",
			ErrOtherPortrait, path, sum, s.SHA256)
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read portrait %s: %w", path, err)
	}
	return fromImage(img), nil
}

// newPortrait cuts the person of the sheet out of its picture.
func newPortrait(s sheet, picture *layer) *portrait {
	p := &portrait{sheet: s}
	p.measure()
	p.cutOut(picture)
	return p
}

// measure derives the frame of the face from its landmarks.
func (p *portrait) measure() {
	a, b := p.mark(33), p.mark(263)
	p.eyes = point{(a.x + b.x) / 2, (a.y + b.y) / 2}
	p.tilt = math.Atan2(b.y-a.y, b.x-a.x)
	p.sin, p.cos = math.Sincos(p.tilt)
	p.cells = 36
	p.eyeDist = math.Hypot(b.x-a.x, b.y-a.y)
	l, r := p.mark(234), p.mark(454)
	p.ears = math.Hypot(r.x-l.x, r.y-l.y)
	p.right = opening{
		upper: p.curve(33, 246, 161, 160, 159, 158, 157, 173, 133),
		lower: p.curve(33, 7, 163, 144, 145, 153, 154, 155, 133),
		above: p.EyeSkin, below: 0.05 * p.eyeDist, meet: 0.95, line: 0.018 * p.eyeDist, dark: 0.5,
	}
	p.other = opening{
		upper: p.curve(362, 398, 384, 385, 386, 387, 388, 466, 263),
		lower: p.curve(362, 382, 381, 380, 374, 373, 390, 249, 263),
		above: p.EyeSkin, below: 0.05 * p.eyeDist, meet: 0.95, line: 0.018 * p.eyeDist, dark: 0.5,
	}
	p.mouth = opening{
		upper: p.curve(78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
		lower: p.curve(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
		above: 0.22 * p.eyeDist, below: 0.22 * p.eyeDist, meet: 0.55, line: 0.012 * p.eyeDist, dark: 0.25,
	}
	if len(p.UpperLip) > 1 {
		p.mouth.upper, p.mouth.lower = p.level(p.UpperLip), p.level(p.LowerLip)
	}
}

func (p *portrait) mark(i int) point { return point{p.Landmarks[i][0], p.Landmarks[i][1]} }

// local turns a place of the portrait into the frame whose origin is between the eyes and whose u runs along
// them.
func (p *portrait) local(q point) point {
	s, c := p.sin, p.cos
	x, y := q.x-p.eyes.x, q.y-p.eyes.y
	return point{x*c + y*s, -x*s + y*c}
}

// global is the way back.
func (p *portrait) global(q point) point {
	s, c := p.sin, p.cos
	return point{p.eyes.x + q.x*c - q.y*s, p.eyes.y + q.x*s + q.y*c}
}

func (p *portrait) curve(idx ...int) []point {
	out := make([]point, len(idx))
	for i, k := range idx {
		out[i] = p.local(p.mark(k))
	}
	return out
}

func (p *portrait) level(c [][2]float64) []point {
	out := make([]point, len(c))
	for i, q := range c {
		out[i] = p.local(point{q[0], q[1]})
	}
	return out
}

// cutOut builds the canvas: the portrait, a plain body below it, and the outline as a soft mask.
func (p *portrait) cutOut(img *layer) {
	k := p.Enlarge
	img = img.enlarge(k)
	if p.Sharpen > 0 {
		img.sharpen(k, p.Sharpen)
	}
	if p.Degrain > 0 {
		img.degrain(p.Degrain)
	}
	c := newLayer(img.w+2*sideMargin*k, img.h+bottomMargin*k)
	mask := p.mask(c.w, c.h)
	for y := range c.h {
		sy := min(y, int(p.Floor)*k, img.h-1)
		plain := float32(smooth(float64(y-sy) / float64(14*k)))
		dim := float32(1 - 0.45*smooth(float64(y-sy)/float64(300*k)))
		for x := range c.w {
			sx := min(max(x-sideMargin*k, 0), img.w-1)
			q, s := c.pix[(y*c.w+x)*4:], img.pix[(sy*img.w+sx)*4:]
			a := mask.pix[(y*c.w+x)*4] / 255
			for i := range 3 {
				q[i] = (s[i] + plain*(p.Cloth[i]-s[i])) * a * dim
			}
			q[3] = 255 * a
		}
	}
	p.pixels = newPyramid(c, 4)
}

// mask draws the outline as a polygon, softened by about two portrait pixels.
func (p *portrait) mask(w, h int) *layer {
	m := newLayer(w, h)
	k := float64(p.Enlarge)
	for y := range h {
		fy := (float64(y) + 0.5) / k
		for i := range p.Outline { // toggle everything right of each edge that crosses this row
			a, b := p.Outline[i], p.Outline[(i+1)%len(p.Outline)]
			if (a[1] <= fy) == (b[1] <= fy) {
				continue
			}
			x := int(math.Round((a[0] + (fy-a[1])/(b[1]-a[1])*(b[0]-a[0]) + sideMargin) * k))
			for x = max(x, 0); x < w; x++ {
				q := m.pix[(y*w+x)*4:]
				q[0] = 255 - q[0]
			}
		}
	}
	return m.blurred(p.Enlarge)
}
