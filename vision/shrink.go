package vision

import (
	"encoding/binary"
	"image"
)

// shrinker is what an upright crop needs besides the frame: where its columns take their samples, and lines
// of the frame blended into one.
type shrinker struct {
	luma, chroma [maxColumn + 2]column
	lines        [3][]byte // of luma, Cb and Cr; packed frames need the first alone
}

const maxColumn = detectSide*2*maxTaps - 2

// column is one sample of a line that an output pixel is made of.
type column struct{ at, weight uint32 }

// blend is the lines of a plane that one output line is made of; the weights make 256.
type blend struct {
	lines  [2 * maxTaps][]byte
	weight [2 * maxTaps]uint64
	n      int
}

// shrink is crop for the upright picture that the detector takes: the area of dst under a, where a.xj and
// a.yi are 0. Lines are blended first, eight bytes at a time, then columns.
//
//go:norace
func (f *frame) shrink(dst []float32, area image.Rectangle, a affine, taps int, t *tone) {
	a = a.snapped()
	s, share := &f.shrinker, uint32(one/taps)
	s.columns(f, area, a, taps)
	for i, p := range [...]*plane{&f.y, &f.cb, &f.cr} {
		if n := blended(p.w * p.step); len(s.lines[i]) < n {
			s.lines[i] = make([]byte, n)
		}
	}
	luma, cbs, crs := s.lines[0], s.lines[1], s.lines[2]
	if f.packed {
		cbs, crs = luma, luma[2:] // see place: Cr is two bytes of the frame behind Cb, and of its group
	}
	for j := area.Min.Y; j < area.Max.Y; j++ {
		s.rows(f, a, j, taps)
		row := dst[(j*detectSide+area.Min.X)*3 : (j*detectSide+area.Max.X)*3]
		for i := area.Min.X; len(row) >= 3; i++ {
			var sy, sb, sr uint32
			for k := 2 * taps * i; k < 2*taps*(i+1); k += 2 { // one sample: two neighbours
				l, m := s.luma[k&maxColumn], s.luma[k&maxColumn+1]
				sy += uint32(binary.LittleEndian.Uint16(luma[l.at:]))*l.weight +
					uint32(binary.LittleEndian.Uint16(luma[m.at:]))*m.weight
				l, m = s.chroma[k&maxColumn], s.chroma[k&maxColumn+1]
				sb += uint32(binary.LittleEndian.Uint16(cbs[l.at:]))*l.weight +
					uint32(binary.LittleEndian.Uint16(cbs[m.at:]))*m.weight
				sr += uint32(binary.LittleEndian.Uint16(crs[l.at:]))*l.weight +
					uint32(binary.LittleEndian.Uint16(crs[m.at:]))*m.weight
			}
			t.put(row, int32(sy>>8*share>>16), int32(sb>>8*share>>16), int32(sr>>8*share>>16))
			row = row[3:]
		}
	}
}

// columns works out the samples of each output column.
//
//go:norace
func (s *shrinker) columns(f *frame, area image.Rectangle, a affine, taps int) {
	step := int(a.xi*one) / taps
	for i := area.Min.X; i < area.Max.X; i++ {
		x := int((a.x0+a.xi*float64(i))*one) - step*(taps-1)/2
		for u := range taps {
			k := (i*taps + u) * 2
			f.y.pair(s.luma[k:k+2], x+step*u, 0)
			first := 0
			if f.packed {
				first = 1 // luma's bytes count from the first Y
			}
			f.cb.pair(s.chroma[k:k+2], (x+step*u+f.cx)>>f.sx-half, first)
		}
	}
}

// pair is the two samples around x of a line that begins first bytes before the plane.
//
//go:norace
func (p *plane) pair(c []column, x, first int) {
	x = min(max(x, 0), (p.w-1)<<16)
	at, weight := x>>16, uint32(x>>8&255)
	c[0] = column{place(first + at*p.step), 256 - weight}
	c[1] = column{place(first + min(at+1, p.w-1)*p.step), weight}
}

// rows blends the lines of output line j.
func (s *shrinker) rows(f *frame, a affine, j, taps int) {
	step := int(a.yj*one) / taps
	y := int((a.y0+a.yj*float64(j))*one) - step*(taps-1)/2
	var b blend
	b.choose(&f.y, y, step, taps)
	b.run(s.lines[0])
	if f.packed {
		return
	}
	y, step = (y+f.cy)>>f.sy-half, step>>f.sy
	b.choose(&f.cb, y, step, taps)
	b.run(s.lines[1])
	b.choose(&f.cr, y, step, taps)
	b.run(s.lines[2])
}

// choose takes the lines around y, y+step and so on, taps times.
//
//go:norace
func (b *blend) choose(p *plane, y, step, taps int) {
	given, exact := uint64(0), uint64(0) // the sum of weights, rounded and in 256 parts of taps
	b.n = 0
	for range taps {
		at := min(max(y, 0), (p.h-1)<<16)
		below := uint64(at >> 8 & 255)
		for n, share := range [...]uint64{256 - below, below} {
			exact += share
			line := min(at>>16+n, p.h-1) * p.stride
			b.lines[b.n] = p.pix[line : line+p.w*p.step]
			b.weight[b.n] = (exact+uint64(taps)/2)/uint64(taps) - given
			given += b.weight[b.n]
			b.n++
		}
		y += step
	}
}

// A blended line holds 16 bits a sample, in groups of eight: 0, 2, 4, 6, then 1, 3, 5, 7, as they come out of
// words in which every other byte is masked.

// blended is the bytes that n samples take.
func blended(n int) int { return (n + 7) / 8 * 16 }

// place is where sample i is.
func place(i int) uint32 { return uint32(i>>3<<4 | i&1<<3 | i&6) }

// run writes the weighted sum of the lines, 0..255*256.
//
//go:norace
func (b *blend) run(out []byte) {
	const evens = 0x00ff00ff00ff00ff
	size := len(b.lines[0])
	words := size &^ 7
	for i := 0; i < b.n; i += 2 { // the line above a sample and the one below
		upper, lower := b.lines[i][:words], b.lines[i+1][:words]
		p, q := b.weight[i], b.weight[i+1]
		for k := 0; k < words; k += 8 {
			v, w := binary.LittleEndian.Uint64(upper[k:]), binary.LittleEndian.Uint64(lower[k:])
			even, odd := v&evens*p+w&evens*q, v>>8&evens*p+w>>8&evens*q
			to := out[2*k : 2*k+16 : 2*k+16]
			if i > 0 {
				even += binary.LittleEndian.Uint64(to)
				odd += binary.LittleEndian.Uint64(to[8:])
			}
			binary.LittleEndian.PutUint64(to, even)
			binary.LittleEndian.PutUint64(to[8:], odd)
		}
	}
	for k := words; k < size; k++ {
		var sum uint64
		for i := range b.n {
			sum += uint64(b.lines[i][k]) * b.weight[i]
		}
		binary.LittleEndian.PutUint16(out[place(k):], uint16(sum))
	}
}
