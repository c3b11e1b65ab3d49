package visits

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
)

// Key is a pose at a moment; between two keys a visitor eases from one to the next.
type Key struct {
	At float64 // seconds from the start of the clip
	Pose
}

// Visitor is one person's part in a scenario.
type Visitor struct {
	Portrait string // "hopper", "collins", or who sits for the studio
	Keys     []Key
	Blinks   []float64 // seconds: the middle of each blink
}

// Scenario is a clip before it is filmed; the same one gives the same bytes.
type Scenario struct {
	Name     string
	Seconds  float64
	FPS      int // pictures a second; 0 is FPS, that of the clips
	Seed     uint64
	Light    Light
	Visitors []Visitor
	LoopFrom float64 // seconds; from LoopFrom to LoopTo the clip can be repeated without a jump
	LoopTo   float64
}

// FPS is the frame rate of every clip; a scenario can be filmed at others, with other pictures between.
const FPS = 10

const jpegQuality = 72

// Frames is the number of pictures of the clip; a photo has one.
func (s Scenario) Frames() int { return max(1, s.frameAt(s.Seconds)) }

func (s Scenario) frameAt(seconds float64) int { return int(math.Round(seconds * s.rate())) }

func (s Scenario) rate() float64 {
	if s.FPS == 0 {
		return FPS
	}
	return float64(s.FPS)
}

// Pose is what visitor v does in frame i.
func (s Scenario) Pose(v, i int) Pose {
	t := float64(i) / s.rate()
	p := s.Visitors[v].pose(t)
	period := s.LoopTo - s.LoopFrom
	if period <= 0 {
		period = 4
	}
	r := rng(s.Seed*977 + uint64(v)*7919)
	sway := func(amp float64) float64 { // nobody stands like a photograph
		w := 2 * math.Pi / period
		return amp * (0.7*math.Sin(w*t+r.between(0, 6.28)) + 0.5*math.Sin(2*w*t+r.between(0, 6.28)))
	}
	p.Yaw += sway(1.3)
	p.Pitch += sway(0.9)
	p.Roll += sway(0.7)
	p.X += sway(1.8) * p.Face / 200
	p.Y += sway(1.2) * p.Face / 200
	p.Blink = max(p.Blink, s.Visitors[v].blink(t))
	return p
}

func (v Visitor) pose(t float64) Pose {
	k := v.Keys
	if t <= k[0].At {
		return k[0].Pose
	}
	for i := 1; i < len(k); i++ {
		if t < k[i].At {
			f := smooth((t - k[i-1].At) / (k[i].At - k[i-1].At))
			a, b := k[i-1].Pose, k[i].Pose
			mix := func(x, y float64) float64 { return x + f*(y-x) }
			return Pose{
				X: mix(a.X, b.X), Y: mix(a.Y, b.Y), Face: mix(a.Face, b.Face),
				Yaw: mix(a.Yaw, b.Yaw), Pitch: mix(a.Pitch, b.Pitch), Roll: mix(a.Roll, b.Roll),
				Smile: mix(a.Smile, b.Smile),
				Blink: mix(a.Blink, b.Blink), Jaw: mix(a.Jaw, b.Jaw),
				Part: mix(a.Part, b.Part), Teeth: mix(a.Teeth, b.Teeth),
				Slide: mix(a.Slide, b.Slide), Round: mix(a.Round, b.Round), Spread: mix(a.Spread, b.Spread),
			}
		}
	}
	return k[len(k)-1].Pose
}

// blink: lids take 0.1 s to close, stay shut for 0.14 s, and open again.
func (v Visitor) blink(t float64) float64 {
	var shut float64
	for _, b := range v.Blinks {
		shut = math.Max(shut, 1-smooth((math.Abs(t-b)-0.07)/0.1))
	}
	return shut
}

// Studio films scenarios from the two portraits.
type Studio struct{ cast map[string]*portrait }

// names of the portraits.
func names() []string { return []string{"hopper", "collins"} }

// NewStudio reads the portraits from dir, where get-portraits.sh puts them. A file that isn't the very one
// that the landmarks were measured on is refused with ErrOtherPortrait.
func NewStudio(dir string) (*Studio, error) {
	s := &Studio{cast: map[string]*portrait{}}
	for _, name := range names() {
		sheet, err := readSheet(name)
		if err != nil {
			return nil, err
		}
		picture, err := sheet.readPicture(dir)
		if err != nil {
			return nil, err
		}
		s.cast[name] = newPortrait(sheet, picture)
	}
	return s, nil
}

// NewStudioOf films from other copies of the two portraits, by name, for who does without the packages:
// smaller ones that were enlarged again, say. They have to be as large as the originals, in whose pixels the
// landmarks are. Beyond that they are not enlarged, so the films are done sooner, and are not those of this
// package to the byte.
func NewStudioOf(copies map[string]image.Image) (*Studio, error) {
	s := &Studio{cast: map[string]*portrait{}}
	for _, name := range names() {
		sheet, err := readSheet(name)
		if err != nil {
			return nil, err
		}
		if copies[name] == nil {
			return nil, fmt.Errorf("portrait %s: no copy of it", name)
		}
		sheet.Enlarge = 1
		s.cast[name] = newPortrait(sheet, fromImage(copies[name]))
	}
	return s, nil
}

func (st *Studio) frame(s Scenario, shop *layer, i int) *image.RGBA {
	scene := newLayer(shop.w, shop.h)
	copy(scene.pix, shop.pix)
	for v, who := range s.Visitors {
		scene.place(st.cast[who.Portrait], s.Pose(v, i))
	}
	t := float64(i) / s.rate()
	period := s.LoopTo - s.LoopFrom
	if period <= 0 {
		period = 4
	}
	gain := s.Light.Gain * (1 + s.Light.Drift*math.Sin(2*math.Pi*t/period))
	return scene.expose(s.Light, gain, s.Seed<<20+uint64(i))
}

// Film is the whole clip as MJPEG: its pictures as JPEGs, one after the other.
func (st *Studio) Film(s Scenario) ([]byte, error) {
	var out bytes.Buffer
	err := st.Shoot(s, func(m *image.RGBA) error {
		return jpeg.Encode(&out, m, &jpeg.Options{Quality: jpegQuality})
	})
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Shoot calls see with each picture of the clip, before it becomes a JPEG, and ends with its first error.
func (st *Studio) Shoot(s Scenario, see func(*image.RGBA) error) error {
	for _, v := range s.Visitors {
		if st.cast[v.Portrait] == nil {
			return fmt.Errorf("film %s: no portrait %q", s.Name, v.Portrait)
		}
	}
	shop := newShop()
	for i := range s.Frames() {
		if err := see(st.frame(s, shop, i)); err != nil {
			return fmt.Errorf("film %s: %w", s.Name, err)
		}
	}
	return nil
}
