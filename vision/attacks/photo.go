package attacks

import (
	"errors"
	"fmt"
	"image"
	"math"
)

// MarkCount is the number of places that a Photo has: those of the MediaPipe face mesh.
const MarkCount = 468

// Photo is a picture of a person with the places of the face mesh in it, as any program that bends faces
// finds them: pixels of the picture, the centre of the first at 0, 0. Depth is not among them: the relief of
// the heads is this package's own.
type Photo struct {
	Image image.Image
	Marks [][2]float64 // MarkCount of them
}

// Person is somebody whose photos an attacker has, and of whom a head is made. It is only read, and may serve
// several goroutines.
type Person struct{ faces []*face }

// ErrPhoto says that a photo has no face that could be used: marks that are missing, not finite, or too
// close.
var ErrPhoto = errors.New("photo of no use")

// NewPerson makes the photos of one person ready. The first is the one that is shown; two photos in turn need
// a second. Photos are sought with the outer corners of the eyes 24 pixels apart or more, else ErrPhoto.
func NewPerson(photos ...Photo) (*Person, error) {
	p := &Person{}
	for i, photo := range photos {
		f, err := newFace(photo)
		if err != nil {
			return nil, fmt.Errorf("attacks: photo %d: %w", i+1, err)
		}
		p.faces = append(p.faces, f)
	}
	if len(p.faces) == 0 {
		return nil, fmt.Errorf("attacks: no photo: %w", ErrPhoto)
	}
	return p, nil
}

const (
	faceUnit   = 110.0 // pixels of a face's texture between the outer corners of the eyes
	eyeSpanMin = 24    // pixels of a photo
	photoMax   = 1 << 13
	// What is kept of a photo, in distances of the eyes' corners.
	leftOf, above, below = 2.6, 2.2, 4.2
)

// face is a photo with its eyes level at a known size, and what bends it.
type face struct {
	pixels         *texture
	marks          [MarkCount]spot
	x0, y0, x1, y1 float64 // what there is of the photo
	lattice        lattice
	fields         fields
	outline        [72]float64 // radius of the face's oval by angle around its centre
	centre         spot
	skin           float64 // mean luma of the cheeks, linear
}

func newFace(p Photo) (*face, error) {
	b := p.Image.Bounds()
	if len(p.Marks) != MarkCount || b.Empty() || b.Dx() > photoMax || b.Dy() > photoMax {
		return nil, fmt.Errorf("%d marks on %v: %w", len(p.Marks), b.Size(), ErrPhoto)
	}
	a, c := p.Marks[33], p.Marks[263]
	span := math.Hypot(c[0]-a[0], c[1]-a[1])
	if !(span >= eyeSpanMin) {
		return nil, fmt.Errorf("%.0f pixels between the eyes' corners, want %d: %w", span, eyeSpanMin, ErrPhoto)
	}
	mid := spot{(a[0]+c[0])/2 - float64(b.Min.X), (a[1]+c[1])/2 - float64(b.Min.Y)}
	sin, cos := (c[1]-a[1])/span, (c[0]-a[0])/span
	level := func(x, y float64) spot {
		x, y = x-mid.x, y-mid.y
		return spot{(x*cos + y*sin) / span, (-x*sin + y*cos) / span}
	}
	f := &face{}
	for i, m := range p.Marks {
		f.marks[i] = level(m[0]-float64(b.Min.X), m[1]-float64(b.Min.Y))
		if !(math.Abs(f.marks[i].x) < 4 && math.Abs(f.marks[i].y) < 4) {
			return nil, fmt.Errorf("mark %d is far from the eyes: %w", i, ErrPhoto)
		}
	}
	w, h := float64(b.Dx()-1), float64(b.Dy()-1)
	lt, rt, lb, rb := level(0, 0), level(w, 0), level(0, h), level(w, h)
	f.x0, f.x1 = max(lt.x, lb.x, -leftOf), min(rt.x, rb.x, leftOf)
	f.y0, f.y1 = max(lt.y, rt.y, -above), min(lb.y, rb.y, below)
	if f.x1-f.x0 < 1 || f.y1-f.y0 < 1.3 || f.x0 > -0.4 || f.x1 < 0.4 || f.y0 > -0.2 || f.y1 < 0.9 {
		return nil, fmt.Errorf("the face is cut off: %w", ErrPhoto)
	}
	f.cut(linearised(p.Image), mid, span, sin, cos)
	f.measure()
	f.lattice = newLattice()
	f.fields = newFields(f)
	return f, nil
}

// cut samples the photo into the texture.
//
//go:norace
func (f *face) cut(r *raw, mid spot, span, sin, cos float64) {
	shrink := 1.0
	for span/shrink > 1.6*faceUnit && r.w > 2 && r.h > 2 {
		r, shrink = r.half(), shrink*2
	}
	t := newTexture(int((f.x1-f.x0)*faceUnit)+1, int((f.y1-f.y0)*faceUnit)+1)
	t.unit, t.x0, t.y0 = faceUnit, -f.x0*faceUnit, -f.y0*faceUnit
	var px [4]float32
	for j := range t.h {
		for i := range t.w {
			u, v := (float64(i)-t.x0)/faceUnit*span, (float64(j)-t.y0)/faceUnit*span
			x, y := mid.x+u*cos-v*sin, mid.y+u*sin+v*cos
			r.cubic((x+0.5)/shrink-0.5, (y+0.5)/shrink-0.5, &px)
			copy(t.pix[4*(j*t.w+i):], px[:])
		}
	}
	f.pixels = t
}

// oval runs around the face.
var oval = [...]int{
	10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
	152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
}

// measure finds the outline of the face and the brightness of its skin.
func (f *face) measure() {
	for _, i := range oval {
		f.centre.x += f.marks[i].x / float64(len(oval))
		f.centre.y += f.marks[i].y / float64(len(oval))
	}
	n := len(f.outline)
	for k := range f.outline {
		angle := (float64(k)/float64(n) - 0.5) * 2 * math.Pi
		var sum, weight float64
		for _, i := range oval {
			x, y := f.marks[i].x-f.centre.x, f.marks[i].y-f.centre.y
			d := math.Remainder(math.Atan2(y, x)-angle, 2*math.Pi)
			w := math.Exp(-d * d / 0.02)
			sum, weight = sum+w*math.Hypot(x, y), weight+w
		}
		f.outline[k] = sum / max(weight, 1e-12)
	}
	var sum, n2 float64
	var px [4]float32
	for _, i := range [...]int{50, 280, 205, 425, 151, 9} {
		for dx := -3; dx <= 3; dx++ {
			for dy := -3; dy <= 3; dy++ {
				t := f.pixels
				x, y := f.marks[i].x*t.unit+t.x0+float64(dx), f.marks[i].y*t.unit+t.y0+float64(dy)
				t.sample(float32(x), float32(y), &px)
				sum, n2 = sum+float64(luma(px[:])), n2+1
			}
		}
	}
	f.skin = max(sum/n2, 0.005)
}

// around gives the distance from the face's centre as a share of its oval's, and the angle.
func (f *face) around(p spot) (share, angle float64) {
	x, y := p.x-f.centre.x, p.y-f.centre.y
	angle = math.Atan2(y, x)
	n := len(f.outline)
	k := (angle/(2*math.Pi) + 0.5) * float64(n)
	i := int(k)
	a, b := f.outline[(i+n)%n], f.outline[(i+1)%n]
	return math.Hypot(x, y) / max(mix(a, b, k-float64(i)), 1e-6), angle
}
