package vision

import (
	"errors"
	"fmt"
	"image"
	"math"
	"time"
)

// Network is one loaded model. The memory of Input and Output belongs to it and stays where it is until it
// is closed; Run leaves the inputs as they are.
type Network interface {
	Input(i int) []float32
	Output(i int) []float32
	Run() error
}

// Networks are the models that a Pipeline runs: BlazeFace short range, the 468-point face mesh, and
// SFace (or any network that takes one or two RGB faces of 112x112 pixels as (v-127.5)/128). Liveness
// may be nil; it takes a face with what is around it, 128x128 pixels of RGB as (v-127.5)/128, and its first
// output is a logit of each class, bona fide first. Before may be nil; it is another embedder, of customers
// who have not come over to the first yet.
type Networks struct{ Detector, Mesh, Embedder, Liveness, Before Network }

// Depth says how far to look; each depth includes those before it. What begins with With is added to one of
// them.
type Depth int

// The depths of a Look.
const (
	Detect    Depth = iota // faces: number, place and size
	Landmarks              // and light, sharpness, pose, mouth and eyes of the one face
	Embed                  // and its embedding

	// WithPassive asks for Look.Passive too, of a frame that can be used: Landmarks | WithPassive.
	WithPassive Depth = 1 << 8
	// WithSkin asks for Look.Skin too, of a frame that can be used: Landmarks | WithSkin.
	WithSkin Depth = 1 << 9
	// WithBefore asks for Look.Before too, of a frame that can be used: Embed | WithBefore.
	WithBefore Depth = 1 << 10
	// WithBehind asks for Look.Behind too, of a frame that can be used: Landmarks | WithBehind.
	WithBehind Depth = 1 << 11
)

// Look is what one frame shows.
type Look struct {
	Faces   int             // faces that could be the customer's
	Outside int             // faces outside the image's region (a method Region), which are nobody's
	Reason  Reason          // why the frame cannot be used; "" when it can
	Depth   Depth           // what was computed, without what was added; less than asked for with a Reason
	Box     image.Rectangle // the largest face, in the image's coordinates; empty when there is none
	Score   float32         // how sure the detector is of it, 0..1

	// When Landmarks were asked for and the face is well placed; 0 otherwise.
	Sharpness  float32 // detail over contrast, 0 and up
	Brightness float32 // mean luma of the face, 0..1

	// From Landmarks on; 0 before.
	Pose     Pose    // degrees
	Smile    float32 // how much the face smiles; about 0.8 to 1.2 at rest, 1.1 to 2 smiling
	Lips     float32 // how far they are apart, in eye spans; up to 0.1 at rest, 0.2 smiling, 0.4 yawning
	Eyes     Eyes    // where they are; of two faces too, when a visit asked
	EyesOpen float32 // opening over width of the eyes; about 0.1 closed, 0.3 open

	Passive Passive // only WithPassive, with Reason "" and a liveness network

	Skin [Patches]Patch // only WithSkin, with Reason ""

	Behind Behind // only WithBehind, with Reason ""

	Glance bool // nothing but the mesh was run, where the face had been: see Pipeline.LookFor

	rival  sight // the other of two faces, when a visit asked
	poster sight // the face that a visit has found to be a poster: it is none of Faces

	Embedding Embedding // only at Embed with Reason ""; overwritten by the next Look
	Before    Embedding // only WithBefore, by Networks.Before, as Embedding is

	Took Took
}

// Eyes are where a face is, to less than a pixel: the middle between the outer corners of the eyes, and the
// distance of these corners in space, all in pixels.
type Eyes struct{ X, Y, Span float32 }

// Took is how long each stage of a Look took; 0 for those it did not come to. It is for benchmarks and the
// technician: nothing is decided by it.
type Took struct {
	DetectCrop, Detect time.Duration // the frame to the detector's input; the detector and its faces
	MeshCrop, Mesh     time.Duration // the face to the mesh's input, with light and sharpness; the mesh
	Align, Embed       time.Duration // the face to the embedder's input; the embedder, for all its views

	PassiveCrop, Passive time.Duration // the face to the liveness network's input; that network
	Skin                 time.Duration // the light on the face
}

// Sum is the whole Look, but for what is too short to count.
func (t *Took) Sum() time.Duration {
	return t.DetectCrop + t.Detect + t.MeshCrop + t.Mesh + t.Align + t.Embed + t.PassiveCrop + t.Passive +
		t.Skin
}

// lap returns the time since *from and sets it to now.
func lap(from *time.Time) time.Duration {
	now := time.Now()
	d := now.Sub(*from)
	*from = now
	return d
}

// Pipeline looks at frames. It serves one goroutine at a time and does not own its networks.
type Pipeline struct {
	t        Thresholds
	frame    frame
	detector *detector
	mesh     mesh
	embedder *embedder
	before   *embedder // nil: there is no such network
	passive  passive
	skin     *skin
	behind   [behindSide * behindSide]float32
	held     held
	err      error // what is wrong with the networks; every Look returns it
}

// New returns a Pipeline over networks that are loaded. If one of them has other shapes than those of
// models/manifest.json, every Look returns an error that says so.
func New(n Networks, t Thresholds) *Pipeline {
	p := &Pipeline{t: t, skin: newSkin()}
	if p.err = fits("detector", n.Detector, detectSide*detectSide*3, anchors*boxValues, anchors); p.err != nil {
		return p
	}
	if p.err = fits("mesh", n.Mesh, meshSide*meshSide*3, landmarks*3, 1); p.err != nil {
		return p
	}
	if n.Embedder == nil {
		p.err = errors.New("vision: no embedder network")
		return p
	}
	p.detector = newDetector(n.Detector)
	p.mesh.net, p.mesh.tone = n.Mesh, newTone(meshMul, 0)
	if p.passive, p.err = newPassive(n.Liveness); p.err != nil {
		return p
	}
	if p.embedder, p.err = newEmbedder(n.Embedder, t.Views); p.err == nil && n.Before != nil {
		p.before, p.err = newEmbedder(n.Before, t.Views)
	}
	return p
}

// Thresholds are those that the pipeline judges by.
func (p *Pipeline) Thresholds() Thresholds { return p.t }

func fits(name string, n Network, input int, outputs ...int) error {
	if n == nil {
		return fmt.Errorf("vision: no %s network", name)
	}
	if got := len(n.Input(0)); got != input {
		return fmt.Errorf("vision: %s network takes %d values, want %d", name, got, input)
	}
	for i, want := range outputs {
		if got := len(n.Output(i)); got != want {
			return fmt.Errorf("vision: output %d of the %s network has %d values, want %d", i, name, got, want)
		}
	}
	return nil
}

// Look examines one frame as far as depth asks and the frame allows. A frame that cannot be used is no
// error: its Look has a Reason. Errors are those of the networks, or of an image that has no pixels.
func (p *Pipeline) Look(img image.Image, depth Depth) (Look, error) {
	return p.look(img, depth, ask{})
}

func (p *Pipeline) look(img image.Image, depth Depth, a ask) (Look, error) {
	p.held = held{}
	if p.err != nil {
		return Look{}, p.err
	}
	if err := p.frame.set(img); err != nil {
		return Look{}, err
	}
	var l Look
	s, err := p.find(&l, a.place)
	if err == nil && a.eyes {
		err = p.beside(s, &l)
	}
	if err == nil && l.Reason == "" {
		err = p.further(s.main, &l, depth)
	}
	if err != nil {
		return Look{}, err
	}
	if l.Depth >= Landmarks && l.Reason == "" {
		w, h := p.frame.size()
		p.held = held{face: *s.main, eyes: l.Eyes, w: w, h: h}
	}
	return l, nil
}

// further examines a well-placed face as far as depth asks.
func (p *Pipeline) further(main *face, l *Look, depth Depth) error {
	plain := depth &^ (WithPassive | WithSkin | WithBefore | WithBehind)
	if plain >= Landmarks {
		if err := p.measure(main, l); err != nil || l.Reason != "" {
			return err
		}
	}
	if plain >= Embed {
		vector, err := p.embed(p.embedder, l)
		if err != nil || l.Reason != "" {
			return err
		}
		l.Depth, l.Embedding = Embed, vector
		if depth&WithBefore != 0 && p.before != nil {
			if l.Before, err = p.embed(p.before, l); err != nil {
				return err
			}
		}
	}
	if depth&WithSkin != 0 && plain >= Landmarks {
		clock := time.Now()
		p.skin.measure(&p.frame, &p.mesh, &l.Skin)
		l.Took.Skin = lap(&clock)
	}
	if depth&WithBehind != 0 && plain >= Landmarks {
		p.coarse(l)
	}
	if depth&WithPassive != 0 {
		return p.judge(main, l)
	}
	return nil
}

// find looks for the largest face and judges its place. A face in the place of a poster does not count.
func (p *Pipeline) find(l *Look, poster image.Rectangle) (s scene, err error) {
	clock := time.Now()
	p.detector.crop(&p.frame)
	l.Took.DetectCrop = lap(&clock)
	faces, err := p.detector.run(&p.frame, p.t.FaceScore)
	if err != nil {
		return scene{}, fmt.Errorf("vision: detect faces: %w", err)
	}
	l.Took.Detect = lap(&clock)
	w, h := p.frame.size()
	found := len(faces)
	faces = p.frame.within(faces, w, h)
	l.Outside = found - len(faces)
	if l.Outside > 0 && found == maxFaces {
		l.Faces++ // there may be more, and inside
	}
	if faces, s.poster = p.frame.apart(faces, poster); s.poster != nil {
		l.poster.box = p.frame.bounds(s.poster)
	}
	for i := range faces {
		if s.main == nil || faces[i].area() > s.main.area() {
			s.main = &faces[i]
		}
	}
	if s.main == nil || s.main.area() < 1 || !s.main.finite() {
		l.Reason = NoFace
		return s, nil
	}
	for i := range faces {
		switch d := &faces[i]; {
		case d == s.main:
			l.Faces++
		case d.width() >= p.t.RivalMin*s.main.width():
			l.Faces++
			s.rival = d
		}
	}
	l.Score = s.main.score
	l.Box = p.frame.bounds(s.main)
	l.Reason = p.t.placed(s.main, l.Faces-1, w, h)
	return s, nil
}

// within keeps the faces that lie in the frame's region, in their order.
func (f *frame) within(faces []face, w, h int) []face {
	kept := 0
	for i := range faces {
		if f.region.holds(&faces[i], w, h) {
			if kept != i {
				faces[kept] = faces[i]
			}
			kept++
		}
	}
	return faces[:kept]
}

func (d *face) finite() bool {
	s := float64(d.x0 + d.y0 + d.x1 + d.y1)
	for _, k := range d.keys {
		s += float64(k[0] + k[1])
	}
	return !math.IsNaN(s) && math.Abs(s) < 1e6
}

func (d *face) bounds() image.Rectangle {
	return image.Rect(int(d.x0), int(d.y0), int(math.Ceil(float64(d.x1))), int(math.Ceil(float64(d.y1))))
}

// measure judges light and sharpness, and if they will do, places the landmarks and judges the pose.
func (p *Pipeline) measure(main *face, l *Look) error {
	clock := time.Now()
	a := p.mesh.crop(&p.frame, main)
	l.Brightness, l.Sharpness = light(p.mesh.net.Input(0))
	l.Took.MeshCrop += lap(&clock)
	if l.Reason = p.t.lit(l.Brightness, l.Sharpness); l.Reason != "" {
		return nil // in the dark the mesh can't say much, not even that this is no face
	}
	sure, err := p.mesh.run(a)
	if err != nil {
		return fmt.Errorf("vision: place landmarks: %w", err)
	}
	l.Took.Mesh += lap(&clock)
	l.Depth = Landmarks
	if !(sure >= p.t.MeshScore) {
		l.Faces, l.Reason, l.Box = 0, NoFace, image.Rectangle{}
		return nil
	}
	l.Pose, l.Eyes, l.EyesOpen = p.mesh.pose(), p.mesh.eyes(), p.mesh.eyesOpen()
	l.Smile, l.Lips = p.mesh.smile(), p.mesh.lips()
	l.Reason = p.t.facing(l.Pose)
	return nil
}

// embed aligns the face by its landmarks and computes its embedding.
func (p *Pipeline) embed(e *embedder, l *Look) (Embedding, error) {
	clock := time.Now()
	ok := e.align(&p.frame, &p.mesh)
	l.Took.Align += lap(&clock)
	if ok {
		var err error
		if ok, err = e.embed(); err != nil {
			return nil, fmt.Errorf("vision: embed face: %w", err)
		}
		l.Took.Embed += lap(&clock)
	}
	if !ok { // a mesh or a vector that has collapsed: nothing that can be recognised
		l.Reason = NoFace
		return nil, nil
	}
	return e.vector, nil
}
