package vision

import "math"

// Grain is the fine structure of an aligned face in one picture: what is left when light, contrast and what
// saving changes are taken away. Two pictures of a face have different ones, copies of one picture the same.
// It tells pictures apart, not people.
type Grain [grainSide * grainSide]float32

const (
	grainSide  = alignSide / 2
	grainShift = 2 // pixels by which landmarks of copies may differ, of the side
	grainEdge  = 8 // pixels at the edges that are left out: background, and what a shift needs
)

// OnePicture is the SameAs from which on two faces are of one picture: of pairs of different photos of a
// person none came near it, of pairs of copies 1 in 300 stayed below (vision/README.md).
const OnePicture = 0.93

// Grain gives that of the last Look, which came as far as Embed.
func (p *Pipeline) Grain() *Grain {
	in := p.embedder.net.Input(0)
	var light Grain
	for y := range grainSide {
		for x := range grainSide {
			var sum float32
			for k := range 4 {
				i := ((2*y+k/2)*alignSide + 2*x + k%2) * 3
				sum += 0.3*in[i] + 0.59*in[i+1] + 0.11*in[i+2]
			}
			light[y*grainSide+x] = sum / 4
		}
	}
	fine, coarse := light.blurred(3), light.blurred(11)
	var power Grain
	for i := range fine {
		fine[i] -= coarse[i]
		power[i] = fine[i] * fine[i]
	}
	power = power.blurred(15)
	for i := range fine {
		fine[i] /= float32(math.Sqrt(float64(power[i]))) + 0.01
	}
	return &fine
}

// blurred is the mean over a square of an odd side; beyond the edges it is as at the edges.
func (g *Grain) blurred(side int) Grain {
	var rows, out Grain
	for y := range grainSide {
		for x := range grainSide {
			var sum float32
			for k := -side / 2; k <= side/2; k++ {
				sum += g[y*grainSide+min(max(x+k, 0), grainSide-1)]
			}
			rows[y*grainSide+x] = sum / float32(side)
		}
	}
	for y := range grainSide {
		for x := range grainSide {
			var sum float32
			for k := -side / 2; k <= side/2; k++ {
				sum += rows[min(max(y+k, 0), grainSide-1)*grainSide+x]
			}
			out[y*grainSide+x] = sum / float32(side)
		}
	}
	return out
}

// SameAs is the correlation with another, -1 to 1: the best over small shifts, mirrored or not.
func (g *Grain) SameAs(other *Grain) float32 {
	best := -1.0
	for _, mirrored := range []bool{false, true} {
		for dy := -grainShift; dy <= grainShift; dy++ {
			for dx := -grainShift; dx <= grainShift; dx++ {
				best = max(best, g.correlation(other, dx, dy, mirrored))
			}
		}
	}
	return float32(best)
}

func (g *Grain) correlation(other *Grain, dx, dy int, mirrored bool) float64 {
	var n, a, b, aa, bb, ab float64
	for y := grainEdge; y < grainSide-grainEdge; y++ {
		for x := grainEdge; x < grainSide-grainEdge; x++ {
			u := x + dx
			if mirrored {
				u = grainSide - 1 - u
			}
			p, q := float64(g[y*grainSide+x]), float64(other[(y+dy)*grainSide+u])
			n, a, b, aa, bb, ab = n+1, a+p, b+q, aa+p*p, bb+q*q, ab+p*q
		}
	}
	va, vb := aa-a*a/n, bb-b*b/n
	if !(va > 1e-9 && vb > 1e-9) { // nothing is in them
		return -1
	}
	return (ab - a*b/n) / math.Sqrt(va*vb)
}
