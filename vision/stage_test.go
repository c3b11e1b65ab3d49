package vision

import (
	"image"
	"image/color"
	"math"
	"math/rand"
	"testing"
)

// buffer is a network that computes nothing.
type buffer struct{ in, out, out2 []float32 }

func (b *buffer) Input(int) []float32 { return b.in }
func (b *buffer) Output(i int) []float32 {
	if i == 1 {
		return b.out2
	}
	return b.out
}
func (b *buffer) Run() error { return nil }

func blank() *detector {
	return newDetector(&buffer{make([]float32, detectSide*detectSide*3), make([]float32, anchors*boxValues),
		make([]float32, anchors)})
}

func TestSimilarity(t *testing.T) {
	var same [5]point
	if _, ok := similarity(&same, &alignTo); ok {
		t.Error("five points in one place have a similarity")
	}
	bad := alignTo
	bad[2].x = math.NaN()
	if _, ok := similarity(&bad, &alignTo); ok {
		t.Error("NaN has a similarity")
	}
	for _, c := range []struct{ scale, turn, x, y float64 }{
		{1, 0, 0, 0}, {2, 0, 10, -20}, {0.5, 1, 300, 200}, {3, -3, 1, 1},
	} {
		sin, cos := math.Sincos(c.turn)
		want := affine{c.x, c.scale * cos, -c.scale * sin, c.y, c.scale * sin, c.scale * cos}
		var from [5]point
		for i, p := range alignTo {
			from[i].x, from[i].y = want.apply(p.x, p.y)
		}
		a, ok := similarity(&from, &alignTo)
		for i, p := range alignTo {
			if x, y := a.apply(p.x, p.y); !ok || math.Hypot(x-from[i].x, y-from[i].y) > 1e-9 {
				t.Errorf("%+v: point %d at %v,%v, want %+v", c, i, x, y, from[i])
			}
		}
	}
}

// Detections of one face become one, weighted by score; another face stays apart.
func TestMerge(t *testing.T) {
	d := blank()
	d.hits[0] = face{score: 0.9, x0: 100, y0: 100, x1: 200, y1: 200}
	d.hits[1] = face{score: 0.8, x0: 400, y0: 100, x1: 500, y1: 200}
	d.hits[2] = face{score: 0.6, x0: 110, y0: 100, x1: 210, y1: 200}
	d.hits[0].keys[2], d.hits[2].keys[2] = [2]float32{150, 150}, [2]float32{155, 150}
	got := d.merge(3)
	if len(got) != 2 {
		t.Fatalf("%d faces, want 2", len(got))
	}
	f := got[0]
	if f.score != 0.9 || math.Abs(float64(f.x0-104)) > 1e-3 || math.Abs(float64(f.keys[2][0]-152)) > 1e-3 {
		t.Errorf("merged %+v, want x0 104 and nose 152", f)
	}
}

func TestDecode(t *testing.T) {
	d := blank()
	if d.anchor[0] != [2]float32{0.5 / 16, 0.5 / 16} || d.anchor[511] != [2]float32{15.5 / 16, 15.5 / 16} ||
		d.anchor[512] != [2]float32{0.5 / 8, 0.5 / 8} || d.anchor[895] != [2]float32{7.5 / 8, 7.5 / 8} {
		t.Error("anchors are not where BlazeFace has them")
	}
	logits, boxes := d.net.Output(1), d.net.Output(0)
	for i := range logits {
		logits[i] = -5
	}
	logits[512], logits[0], logits[1] = 2, 3, float32(math.NaN())
	copy(boxes[512*boxValues:], []float32{12.8, 0, 25.6, 25.6})
	n := d.decode(0.5, 640, 0, 80)
	if n != 2 || d.hits[0].score < d.hits[1].score {
		t.Fatalf("%d hits, want 2 sorted: %+v", n, d.hits[:2])
	}
	if f := d.hits[1]; math.Abs(float64(f.x0-40)) > 1e-3 || math.Abs(float64(f.y1-(104-80))) > 1e-3 {
		t.Errorf("box %+v, want from x 40 to y 24", f)
	}
	for i := range logits { // more hits than there is room for
		logits[i] = float32(i) / 100
	}
	if n := d.decode(0.5, 640, 0, 80); n != maxHits || d.hits[0].score < d.hits[maxHits-1].score ||
		math.Abs(float64(d.hits[0].score)-1/(1+math.Exp(-8.95))) > 1e-6 {
		t.Errorf("%d hits, best %v", n, d.hits[0].score)
	}
}

// Colours survive the way through luma and chroma, in the order red, green, blue.
func TestCropKeepsColours(t *testing.T) {
	for _, c := range []color.RGBA{
		{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {200, 120, 80, 255}, {7, 7, 7, 255},
	} {
		img := image.NewRGBA(image.Rect(3, 5, 23, 25))
		for i := range img.Pix {
			img.Pix[i] = [4]uint8{c.R, c.G, c.B, 255}[i%4]
		}
		var f frame
		if err := f.set(img); err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, 4*4*3)
		f.crop(dst, 4, affine{x0: -3, xi: 7, y0: 2, yj: 3}, 3, newTone(1, 0))
		for i, v := range dst {
			if want := float32([3]uint8{c.R, c.G, c.B}[i%3]); v < want-2 || v > want+2 {
				t.Fatalf("%v: value %d is %v", c, i, v)
			}
		}
	}
}

// A crop at scale 1 is the picture; a shift by half a pixel is the mean of two.
func TestCropPlacesPixels(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 3)
	}
	var f frame
	if err := f.set(img); err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 4*4*3)
	for _, c := range []struct{ x, y, want float64 }{
		{0, 0, 0}, {1, 2, 51}, {1.5, 2, 52.5}, {1, 2.5, 63}, {-9, -9, 0}, {99, 99, 189},
	} {
		f.crop(dst, 1, affine{x0: c.x, xi: 1, y0: c.y, yj: 1}, 1, newTone(1, 0))
		if math.Abs(float64(dst[0])-c.want) > 1 {
			t.Errorf("pixel %v,%v is %v, want %v", c.x, c.y, dst[0], c.want)
		}
	}
}

// Sharpness falls with blur and does not care for light.
func TestLight(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	crop := make([]float32, meshSide*meshSide*3)
	for i := range crop {
		crop[i] = r.Float32()
	}
	b, s := light(crop)
	if math.Abs(float64(b)-0.5) > 0.01 {
		t.Errorf("brightness %v, want 0.5", b)
	}
	for i := range crop {
		crop[i] /= 4
	}
	if b4, s4 := light(crop); math.Abs(float64(b4*4-b)) > 1e-3 || math.Abs(float64(s4/s)-1) > 1e-3 {
		t.Errorf("in a quarter of the light: brightness %v, sharpness %v; before %v, %v", b4, s4, b, s)
	}
	for y := range meshSide { // a soft ramp
		for x := range meshSide * 3 {
			crop[y*meshSide*3+x] = float32(y) / meshSide
		}
	}
	if _, soft := light(crop); soft > s/1000 {
		t.Errorf("a ramp has sharpness %v, noise %v", soft, s)
	}
	clear(crop)
	if _, flat := light(crop); flat != 0 {
		t.Errorf("black has sharpness %v", flat)
	}
}

func TestMirror(t *testing.T) {
	a := make([]float32, alignSide*alignSide*3)
	for i := range a {
		a[i] = float32(i)
	}
	mirror(a)
	if a[0] != (alignSide-1)*3 || a[2] != (alignSide-1)*3+2 {
		t.Errorf("first pixel %v", a[:3])
	}
	mirror(a)
	for i := range a {
		if a[i] != float32(i) {
			t.Fatalf("mirrored twice, value %d is %v", i, a[i])
		}
	}
}

// A network for one face at a time gives the same vector as one for two.
func TestEmbedderBatches(t *testing.T) {
	const n = alignSide * alignSide * 3
	for _, size := range []int{0, n - 3, 3 * n} {
		if _, err := newEmbedder(&buffer{in: make([]float32, size), out: make([]float32, 6)}, Plain); err == nil {
			t.Errorf("%d input values: no error", size)
		}
	}
	for _, batch := range []int{1, 2} {
		out := []float32{3, 4, 0}
		e, err := newEmbedder(&buffer{in: make([]float32, batch*n), out: append(out, out...)[:3*batch]}, Plain)
		if err != nil {
			t.Fatal(err)
		}
		ok, err := e.embed()
		if err != nil || !ok || len(e.vector) != 3 || math.Abs(float64(e.vector[1])-0.8) > 1e-6 {
			t.Errorf("batch %d: %v %v %v", batch, []float32(e.vector), ok, err)
		}
	}
	e, err := newEmbedder(&buffer{in: make([]float32, n), out: make([]float32, 3)}, Plain)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := e.embed(); ok || err != nil {
		t.Errorf("zeros give an embedding: %v %v", ok, err)
	}
}

// halves answers with the mean of the left and of the right half of each face.
type halves struct {
	buffer
	runs int
}

func (h *halves) Run() error {
	h.runs++
	for i := range len(h.in) / (alignSide * alignSide * 3) {
		var sum [2]float32
		for p := range alignSide * alignSide {
			sum[p%alignSide*2/alignSide] += h.in[(i*alignSide*alignSide+p)*3]
		}
		l := float32(math.Hypot(float64(sum[0]), float64(sum[1])))
		h.out[2*i], h.out[2*i+1] = sum[0]/l, sum[1]/l
	}
	return nil
}

// Which views are embedded, in how many runs of the network.
func TestEmbedderViews(t *testing.T) {
	const n = alignSide * alignSide * 3
	left, right := []float32{1, 0}, []float32{0, 1}
	both := []float32{math.Sqrt2 / 2, math.Sqrt2 / 2}
	for _, c := range []struct {
		batch int
		views Views
		want  [3][]float32 // of three faces that are bright on the left
		runs  int
	}{
		{1, Plain, [3][]float32{left, left, left}, 3},
		{1, Alternate, [3][]float32{left, right, left}, 3},
		{1, Both, [3][]float32{both, both, both}, 6},
		{2, Plain, [3][]float32{both, both, both}, 3},
		{2, Alternate, [3][]float32{both, both, both}, 3},
		{2, Both, [3][]float32{both, both, both}, 3},
	} {
		net := &halves{buffer: buffer{in: make([]float32, c.batch*n), out: make([]float32, 2*c.batch)}}
		e, err := newEmbedder(net, c.views)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range c.want {
			for p := range alignSide * alignSide * 3 {
				net.in[p] = 0
				if p/3%alignSide < alignSide/2 {
					net.in[p] = 1
				}
			}
			ok, err := e.embed()
			if err != nil || !ok || cosine(e.vector, want) < 0.9999 {
				t.Errorf("%+v: face %d is %v, want %v (%v, %v)", c, i, []float32(e.vector), want, ok, err)
			}
		}
		if net.runs != c.runs {
			t.Errorf("%+v: %d runs", c, net.runs)
		}
	}
}

func BenchmarkCrop(b *testing.B) {
	img := image.NewYCbCr(image.Rect(0, 0, 640, 480), image.YCbCrSubsampleRatio422)
	var f frame
	if err := f.set(img); err != nil {
		b.Fatal(err)
	}
	d, m := blank(), &mesh{net: &buffer{in: make([]float32, meshSide*meshSide*3)}, tone: newTone(meshMul, 0)}
	e, err := newEmbedder(&buffer{in: make([]float32, alignSide*alignSide*3), out: make([]float32, 4)}, Plain)
	if err != nil {
		b.Fatal(err)
	}
	who := face{x0: 220, y0: 140, x1: 420, y1: 340}
	who.keys[0], who.keys[1] = [2]float32{270, 200}, [2]float32{370, 210}
	for i, p := range alignTo {
		m.points[[...]int{eyeRight, eyeLeft, noseTip, mouthRight, mouthLeft}[i]] = point{p.x * 2, p.y * 2, 0}
	}
	m.points[innerRight], m.points[innerLeft] = m.points[eyeRight], m.points[eyeLeft]
	for name, run := range map[string]func(){
		"detect": func() { d.crop(&f) },
		"mesh":   func() { m.crop(&f, &who) },
		"light":  func() { light(m.net.Input(0)) },
		"align":  func() { e.align(&f, m) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

// The liveness network sees the face and what is around it, and never anything beyond the frame.
func TestPassiveStaysInTheFrame(t *testing.T) {
	var p passive
	for name, c := range map[string]struct {
		box        face
		x, y, w, h float64 // of what is seen, in pixels of a frame of 640x480
	}{
		"in the middle":       {face{x0: 270, y0: 190, x1: 370, y1: 290}, 185, 105, 270, 270},
		"at the left edge":    {face{x0: 0, y0: 190, x1: 100, y1: 290}, 0, 105, 270, 270},
		"in the lower corner": {face{x0: 540, y0: 380, x1: 640, y1: 480}, 370, 210, 270, 270},
		"partly outside":      {face{x0: -50, y0: -50, x1: 50, y1: 50}, 0, 0, 270, 270},
		"close":               {face{x0: 220, y0: 140, x1: 420, y1: 340}, 80, 0, 480, 480},
		"filling the frame":   {face{x0: 0, y0: -40, x1: 560, y1: 520}, 40, 0, 480, 480},
		"not square":          {face{x0: 270, y0: 200, x1: 370, y1: 280}, 185, 132, 270, 216},
	} {
		a := p.around(&c.box, 640, 480)
		x0, y0 := a.apply(-0.5, -0.5)
		x1, y1 := a.apply(passiveSide-0.5, passiveSide-0.5)
		want, got := [4]float64{c.x, c.y, c.w, c.h}, [4]float64{x0 + 0.5, y0 + 0.5, x1 - x0, y1 - y0}
		for i := range want {
			if math.Abs(want[i]-got[i]) > 1e-3 {
				t.Errorf("%s: %v, want %v", name, got, want)
				break
			}
		}
	}
}
