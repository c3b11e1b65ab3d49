package visits

import (
	"math"
	"slices"
)

// pucker says where rounding the lips ("oo") takes a landmark, as pull does: the corners go in, the lips
// thicken.
var pucker = [...]pull{
	{61, 291, -.100, -.004},
	{39, 269, -.052, .014},
	{37, 267, -.022, .018},
	{0, 0, 0, .020},
	{91, 321, -.062, -.016},
	{84, 314, -.026, -.020},
	{17, 17, 0, -.022},
	{186, 410, -.078, 0},
	{212, 432, -.050, -.004},
	{202, 422, -.026, -.006},
	{187, 411, -.034, -.004},
	{206, 426, -.026, 0},
}

// spread says where drawing the lips wide without a smile ("ee") takes a landmark: out, not up.
var spread = [...]pull{
	{61, 291, .055, .004},
	{39, 269, .030, -.002},
	{37, 267, .012, -.002},
	{91, 321, .034, .002},
	{84, 314, .014, .002},
	{186, 410, .044, .004},
	{212, 432, .030, .002},
	{202, 422, .014, 0},
	{187, 411, .022, .004},
	{206, 426, .016, .002},
}

// spoken is what the lips' shape adds to a landmark of a smile, besides the smile.
func spoken(pose Pose, landmark int) (out, up float64) {
	add := func(by float64, shape []pull) {
		for _, s := range shape {
			if by != 0 && s.right == landmark {
				out, up = out+by*s.out, up+by*s.up
			}
		}
	}
	add(pose.Round, pucker[:])
	add(pose.Spread, spread[:])
	return out, up
}

// jaw is a mouth whose lower half goes down with the chin. All lengths are pixels of the portrait, in the
// frame of its eyes.
type jaw struct {
	mouth *opening
	drop  float64 // of the chin
	slide float64 // of the chin, to the right of the picture
	part  float64 // how much of the drop is between the lips, 0..1; chewing is behind shut lips
	teeth float64 // how much of the upper teeth is seen, 0..1
	chin  float64 // its v with the jaw shut
	neck  float64 // where the skin below it ends to give way
	half  float64 // half the width of the jaw
	high  float64 // above it nothing moves
	unit  float64 // between the outer corners of the eyes
}

// newJaw is nil for a jaw that is shut.
func (p *portrait) newJaw(pose Pose) *jaw {
	if pose.Jaw == 0 && pose.Slide == 0 {
		return nil
	}
	chin := p.local(p.mark(152)).y
	high := p.mouth.upper[0].y
	for _, q := range slices.Concat(p.mouth.upper, p.mouth.lower) {
		high = min(high, q.y)
	}
	return &jaw{high: high - p.mouth.above, mouth: &p.mouth, drop: pose.Jaw * p.eyeDist,
		slide: pose.Slide * p.eyeDist, part: pose.Part, teeth: pose.Teeth, chin: chin, neck: chin + 0.9*p.eyeDist,
		half: p.ears / 2, unit: p.eyeDist}
}

// lips is where they meet at u, and how far u is between their corners: 0 at them and outside, 1 halfway.
func (j *jaw) lips(u float64) (v, inside float64) {
	o := j.mouth
	x0, x1 := o.upper[0].x, o.upper[len(o.upper)-1].x
	at := min(max(u, x0+1e-3), x1-1e-3)
	a, b := along(o.upper, at), along(o.lower, at)
	t := 2*(at-x0)/(x1-x0) - 1
	if u <= x0 || u >= x1 {
		t = 1
	}
	return a + o.meet*(b-a), math.Sqrt(1 - t*t)
}

// source says which place of the face with the jaw shut is seen at (u, v), and what between the lips is seen
// instead.
func (j *jaw) source(u, v float64) (point, paint) {
	if v <= j.high || v >= j.neck {
		return point{u, v}, paint{}
	}
	lips, inside := j.lips(u)
	wide := smooth(1.25 - math.Abs(u)/j.half) // the angles of the jaw stay where they are
	gap := j.drop * j.part * inside
	up := 0.12 * gap // the upper lip
	above, chin := j.mouth.above, j.chin+j.drop*wide
	top, bottom := lips-up, lips+gap
	switch {
	case v <= lips-above || chin >= j.neck:
		return point{u, v}, paint{}
	case v <= top:
		return point{u, lips - above + (v-lips+above)*above/(above-up)}, paint{}
	case v < bottom:
		return point{u, lips}, j.between(v, lips, top, bottom, inside)
	case v < chin:
		f := (v - bottom) / max(chin-bottom, 1e-6)
		return point{u - j.slide*wide*f, lips + f*(j.chin-lips)}, paint{}
	}
	f := (v - chin) / (j.neck - chin)
	return point{u - j.slide*wide*(1-f), j.chin + f*(j.neck-j.chin)}, paint{}
}

// paint covers what the portrait shows.
type paint struct {
	colour [3]float64 // 0..255
	cover  float64    // 0 nothing .. 1 all
}

// between is what is seen between the lips: the upper teeth, which hang where the skull holds them, and the
// dark.
func (j *jaw) between(v, lips, top, bottom, inside float64) paint {
	edge := 0.012 * j.unit
	lit := j.teeth * (1 - smooth((v-lips-0.075*j.unit*inside)/edge))
	p := paint{cover: smooth(0.3 + min(v-top, bottom-v)/edge)}
	dark, teeth := [3]float64{46, 20, 20}, [3]float64{196, 186, 168}
	for k := range dark {
		p.colour[k] = dark[k] + lit*(teeth[k]-dark[k])
	}
	return p
}
