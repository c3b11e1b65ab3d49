package attacks

import "math"

// vec is a place or a direction in metres: x to the right of the picture, y down, z away from the camera,
// which is at 0, 0, 0.
type vec struct{ x, y, z float64 }

func (a vec) plus(b vec) vec          { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) minus(b vec) vec         { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) times(f float64) vec     { return vec{a.x * f, a.y * f, a.z * f} }
func (a vec) dot(b vec) float64       { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) length() float64         { return math.Sqrt(a.dot(a)) }
func (a vec) unit() vec               { return a.times(1 / max(a.length(), 1e-9)) }
func (a vec) cross(b vec) vec         { return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x} }
func mix(a, b, share float64) float64 { return a + share*(b-a) }

// smooth eases 0..1 with flat ends; what is outside is clamped.
func smooth(t float64) float64 {
	t = math.Min(math.Max(t, 0), 1)
	return t * t * (3 - 2*t)
}

// bump is 1 at 0 and falls off as a bell of width 1.
func bump(x, y float64) float64 { return math.Exp(-(x*x + y*y)) }

// pose is where a thing is: turned about its own axes (radians), then moved.
type pose struct {
	at               vec
	yaw, pitch, roll float64
}

// placed is a pose ready to be applied.
type placed struct {
	rows [3]vec
	at   vec
}

func (p pose) place() placed {
	sy, cy := math.Sincos(p.yaw)
	sp, cp := math.Sincos(p.pitch)
	sr, cr := math.Sincos(p.roll)
	// Roll in the picture after pitch after yaw.
	yaw := [3]vec{{cy, 0, sy}, {0, 1, 0}, {-sy, 0, cy}}
	pitch := [3]vec{{1, 0, 0}, {0, cp, -sp}, {0, sp, cp}}
	roll := [3]vec{{cr, -sr, 0}, {sr, cr, 0}, {0, 0, 1}}
	return placed{product(roll, product(pitch, yaw)), p.at}
}

func product(a, b [3]vec) (out [3]vec) {
	for i, r := range a {
		out[i] = b[0].times(r.x).plus(b[1].times(r.y)).plus(b[2].times(r.z))
	}
	return out
}

func (p *placed) apply(v vec) vec {
	return vec{p.rows[0].dot(v) + p.at.x, p.rows[1].dot(v) + p.at.y, p.rows[2].dot(v) + p.at.z}
}
