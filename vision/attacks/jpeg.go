package attacks

import (
	"image"
	"math"
)

// jpegLoss does to a picture what JPEG's quantisation does (ITU-T T.81), without writing a JPEG: the discrete
// cosine transform of Arai, Agui and Nakajima (1988), tables of annex K scaled as the IJG's library does.
type jpegLoss struct{ luma, chroma lossTable }

// lossTable is how each coefficient is divided, and multiplied again.
type lossTable struct{ down, up [64]float32 }

var lumaTable = [64]int{
	16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
	14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
	18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
	49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
}

var chromaTable = [64]int{
	17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
	24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
}

func newJPEGLoss(quality int) *jpegLoss {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	// What the transform leaves to the division: 1, and cos(k pi/16) sqrt 2.
	var aan [8]float64
	aan[0] = 1
	for k := 1; k < 8; k++ {
		aan[k] = math.Cos(float64(k)*math.Pi/16) * math.Sqrt2
	}
	table := func(base *[64]int) (t lossTable) {
		for i, v := range base {
			q := float64(min(max((v*scale+50)/100, 1), 255))
			f := aan[i/8] * aan[i%8]
			t.down[i], t.up[i] = float32(1/(q*f*8)), float32(q*f/8)
		}
		return t
	}
	return &jpegLoss{table(&lumaTable), table(&chromaTable)}
}

func (l *jpegLoss) lose(m *image.YCbCr) {
	l.luma.plane(m.Y, m.YStride, Width, Height)
	l.chroma.plane(m.Cb, m.CStride, Width/2, Height/2)
	l.chroma.plane(m.Cr, m.CStride, Width/2, Height/2)
}

//go:norace
func (t *lossTable) plane(pix []uint8, stride, w, h int) {
	var b [64]float32
	for y := 0; y < h; y += 8 {
		for x := 0; x < w; x += 8 {
			for j := range 8 {
				row := pix[(y+j)*stride+x : (y+j)*stride+x+8]
				for i, v := range row {
					b[8*j+i] = float32(v) - 128
				}
			}
			t.block(&b)
			for j := range 8 {
				row := pix[(y+j)*stride+x : (y+j)*stride+x+8]
				for i := range row {
					row[i] = uint8(min(max(int(b[8*j+i]+128.5), 0), 255))
				}
			}
		}
	}
}

//go:norace
func (t *lossTable) block(b *[64]float32) {
	for i := range 8 {
		forward(b, 8*i, 1)
	}
	for i := range 8 {
		forward(b, i, 8)
	}
	rest := false
	for i := range b {
		v := b[i] * t.down[i]
		k := int32(v + 0x1p14 + 0.5) // rounds down what is positive: that of the shifted
		k -= 1 << 14
		rest = rest || k != 0 && i > 0
		b[i] = float32(k) * t.up[i]
	}
	if !rest {
		for i := range b {
			b[i] = b[0]
		}
		return
	}
	for i := range 8 {
		inverse(b, i, 8)
	}
	for i := range 8 {
		inverse(b, 8*i, 1)
	}
}

// forward transforms eight values from o on, n apart.
//
//go:norace
func forward(b *[64]float32, o, n int) {
	t0, t7 := b[o]+b[o+7*n], b[o]-b[o+7*n]
	t1, t6 := b[o+n]+b[o+6*n], b[o+n]-b[o+6*n]
	t2, t5 := b[o+2*n]+b[o+5*n], b[o+2*n]-b[o+5*n]
	t3, t4 := b[o+3*n]+b[o+4*n], b[o+3*n]-b[o+4*n]
	p, s, q, r := t0+t3, t0-t3, t1+t2, t1-t2
	b[o], b[o+4*n] = p+q, p-q
	z := (r + s) * 0.707106781
	b[o+2*n], b[o+6*n] = s+z, s-z
	p, q, r = t4+t5, t5+t6, t6+t7
	z5 := (p - r) * 0.382683433
	z2, z4, z3 := 0.541196100*p+z5, 1.306562965*r+z5, q*0.707106781
	z11, z13 := t7+z3, t7-z3
	b[o+5*n], b[o+3*n] = z13+z2, z13-z2
	b[o+n], b[o+7*n] = z11+z4, z11-z4
}

// inverse is the way back.
//
//go:norace
func inverse(b *[64]float32, o, n int) {
	p, q := b[o]+b[o+4*n], b[o]-b[o+4*n]
	r := b[o+2*n] + b[o+6*n]
	s := (b[o+2*n]-b[o+6*n])*1.414213562 - r
	t0, t3, t1, t2 := p+r, p-r, q+s, q-s
	z13, z10 := b[o+5*n]+b[o+3*n], b[o+5*n]-b[o+3*n]
	z11, z12 := b[o+n]+b[o+7*n], b[o+n]-b[o+7*n]
	t7 := z11 + z13
	x11 := (z11 - z13) * 1.414213562
	z5 := (z10 + z12) * 1.847759065
	x10, x12 := z5-z12*1.082392200, z5-z10*2.613125930
	t6 := x12 - t7
	t5 := x11 - t6
	t4 := x10 - t5
	b[o], b[o+7*n] = t0+t7, t0-t7
	b[o+n], b[o+6*n] = t1+t6, t1-t6
	b[o+2*n], b[o+5*n] = t2+t5, t2-t5
	b[o+3*n], b[o+4*n] = t3+t4, t3-t4
}
