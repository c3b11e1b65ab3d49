package visits

import "math"

// Pose is what a person does at one moment.
type Pose struct {
	X, Y  float64 // between the eyes, pixels of the frame
	Face  float64 // width of the face before the ears, pixels of the frame
	Yaw   float64 // degrees, positive to the right of the picture
	Pitch float64 // degrees, positive down
	Roll  float64 // degrees, positive clockwise in the picture
	Smile float64 // 0 neutral .. 1 smiling
	Blink float64 // 0 open .. 1 shut

	Jaw    float64 // how far the chin is down, in distances between the outer corners of the eyes; a yawn 0.45
	Part   float64 // how much of that is between the lips: 0 shut .. 1
	Teeth  float64 // how much of the upper teeth is seen there, 0 .. 1
	Slide  float64 // of the chin to the right of the picture, in the same distances
	Round  float64 // 0 .. 1 of a mouth that says "oo"
	Spread float64 // 0 .. 1 of one that says "ee"
}

// pull says where a smile takes a landmark and its mirror: away from the middle of the face and up, in
// distances between the outer corners of the eyes. The zygomatic muscle pulls the mouth's corners out and up;
// lips stretch and thin; cheeks rise and push the lower lids. The numbers were tuned by eye and by the mesh
// model's reading of the result.
type pull struct {
	right, left int
	out, up     float64
}

var smile = [...]pull{
	{61, 291, .085, .058}, // corners of the mouth
	{39, 269, .048, .020}, // upper lip
	{37, 267, .020, .004},
	{0, 0, 0, -.004},
	{91, 321, .056, .028}, // lower lip
	{84, 314, .024, -.002},
	{17, 17, 0, -.006},
	{186, 410, .070, .050}, // above the corners
	{212, 432, .045, .025}, // below them
	{202, 422, .020, .008},
	{187, 411, .045, .042}, // cheeks
	{205, 425, .028, .042},
	{50, 280, .014, .026},
	{117, 346, .004, .010}, // below the eyes
	{145, 374, 0, .008},
	{206, 426, .040, .034}, // beside the nose
	{203, 423, .018, .016},
	{98, 327, .010, .004}, // nostrils
}

// still are landmarks that a smile leaves alone and a turn of the head takes along.
var still = [...]int{
	1, 4, 5, 6, 168, 195, 2, 48, 278, 9, 151,
	33, 133, 159, 362, 263, 386, 70, 105, 107, 336, 334, 300, 199, 200,
}

// oval runs around the face; beyond it nothing smiles, and the head's outline hides its turns.
var oval = [...]int{
	10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
	152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
}

// warp is the portrait's displacement for one pose.
type warp struct {
	p       *portrait
	grid    *grid
	closing []closing
	jaw     *jaw // nil: as in the portrait
}

// bend builds the warp: each control landmark is moved by the smile, turned with the head in three dimensions
// (the mesh gives depth), and the spline carries what lies between.
func (p *portrait) bend(pose Pose) *warp {
	var from, to []point
	amount := (pose.Smile - p.Smiles) * p.Gain
	turn := p.turner(pose.Yaw*math.Pi/180, pose.Pitch*math.Pi/180)
	put := func(i int, out, up float64) {
		a := p.mark(i)
		b := p.local(a)
		b.x += out * p.eyeDist
		b.y -= up * p.eyeDist
		from, to = append(from, a), append(to, p.global(turn(b, p.Landmarks[i][2])))
	}
	for _, s := range smile {
		out, up := amount*s.out, amount*s.up
		o, u := spoken(pose, s.right)
		out, up = out+o, up+u
		put(s.right, -out, up)
		if s.left != s.right {
			put(s.left, out, up)
		}
	}
	for _, i := range still {
		put(i, 0, 0)
	}
	for _, i := range oval {
		put(i, 0, 0)
	}
	c := p.mark(5)
	for _, r := range []float64{1.5, 2.3} { // two rings around the head stay where they are
		for i := 0; i < len(oval); i += 2 {
			a := p.mark(oval[i])
			q := point{c.x + r*(a.x-c.x), c.y + r*(a.y-c.y)}
			from, to = append(from, q), append(to, q)
		}
	}
	s := newBend(from, to, p.ears)
	r := 1.2 * p.ears
	g := newGrid(s, c.x-r, c.y-r, c.x+r, c.y+r, p.ears/p.cells)
	w := &warp{p: p, grid: g, jaw: p.newJaw(pose)}
	if pose.Blink > 0 {
		w.closing = append(w.closing, closing{&p.right, pose.Blink}, closing{&p.other, pose.Blink})
	}
	if shut := p.Smiles - pose.Smile; shut > 0 {
		w.closing = append(w.closing, closing{&p.mouth, shut})
	}
	return w
}

// turner rotates about an axis between the ears, which is where a neck turns a head; depth grows away from
// the camera.
func (p *portrait) turner(yaw, pitch float64) func(q point, z float64) point {
	sy, cy := math.Sincos(yaw)
	sp, cp := math.Sincos(pitch)
	axis := (p.Landmarks[234][2] + p.Landmarks[454][2]) / 2
	mid := p.local(p.mark(5))
	return func(q point, z float64) point {
		x, y, d := q.x-mid.x, q.y-mid.y, axis-z
		x, d = x*cy+d*sy, d*cy-x*sy
		y = y*cp + d*sp
		return point{mid.x + x, mid.y + y}
	}
}

// source says which place of the portrait is seen at q of the warped one, how much of its light is left, and
// what covers it.
func (w *warp) source(q point) (point, float64, paint) {
	q = w.grid.move(q)
	l := w.p.local(q)
	var over paint
	if w.jaw != nil {
		l, over = w.jaw.source(l.x, l.y)
		q = w.p.global(l)
	}
	v, light := l.y, 1.0
	for _, o := range w.closing {
		var k float64
		v, k = o.source(l.x, v, o.by)
		light *= k
	}
	if v == l.y {
		return q, light, over
	}
	return w.p.global(point{l.x, v}), light, over
}

// closing is an opening and how far it is shut.
type closing struct {
	*opening
	by float64
}
