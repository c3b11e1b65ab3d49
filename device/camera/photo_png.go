package camera

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
)

// pngPicture is a PNG that is read line by line: image/png would hold it whole, 192 MB of one of 48
// megapixels.
type pngPicture struct {
	w, h, depth int // pixels; bits a sample
	colours     pngColours
	interlaced  bool
	palette     []byte // red, green, blue
	data        []io.Reader
}

// pngColours is how a pixel is stored (PNG, 11.2.1).
type pngColours byte

const (
	pngGrey      pngColours = 0
	pngRGB       pngColours = 2
	pngPalette   pngColours = 3
	pngGreyAlpha pngColours = 4
	pngRGBA      pngColours = 6
)

// samples is how many a pixel has, 0 of what is no PNG.
func (c pngColours) samples() int {
	switch c {
	case pngGrey, pngPalette:
		return 1
	case pngGreyAlpha:
		return 2
	case pngRGB:
		return 3
	case pngRGBA:
		return 4
	}
	return 0
}

// eachPNGChunk calls use with the chunks that are whole, in their order.
func eachPNGChunk(data []byte, use func(name string, chunk []byte)) {
	for at := 8; at+12 <= len(data); {
		size := int64(binary.BigEndian.Uint32(data[at:]))
		end := int64(at) + 12 + size
		if end > int64(len(data)) {
			return
		}
		use(string(data[at+4:at+8]), data[at+8:end-4])
		at = int(end)
	}
}

var errPNG = errors.New("no PNG that can be read")

// readPNG reads what stands before and around the pixels.
func readPNG(data []byte) (*pngPicture, error) {
	var p pngPicture
	var head []byte
	eachPNGChunk(data, func(name string, chunk []byte) {
		switch name {
		case "IHDR":
			head = chunk
		case "PLTE":
			p.palette = chunk
		case "IDAT":
			p.data = append(p.data, bytes.NewReader(chunk))
		}
	})
	if len(head) != 13 {
		return nil, fmt.Errorf("%w: %w", errPNG, io.ErrUnexpectedEOF)
	}
	w, h := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	p.depth, p.colours, p.interlaced = int(head[8]), pngColours(head[9]), head[12] == 1
	const sideMax = 1 << 20 // pixels: their number is bounded elsewhere
	switch {
	case w < 1 || h < 1:
		return nil, fmt.Errorf("%w: %dx%d pixels", errPNG, w, h)
	case w > sideMax || h > sideMax:
		return nil, &errTooMany{w: int(w), h: int(h)}
	case p.colours.samples() == 0 || head[10] != 0 || head[11] != 0 || head[12] > 1:
		return nil, errPNG
	case p.depth != 8 && p.depth != 16 &&
		(p.colours.samples() > 1 || p.depth != 1 && p.depth != 2 && p.depth != 4):
		return nil, errPNG
	case p.colours == pngPalette && (p.depth == 16 || len(p.palette) < 3):
		return nil, errPNG
	case len(p.data) == 0:
		return nil, fmt.Errorf("%w: %w", errPNG, io.ErrUnexpectedEOF)
	}
	p.w, p.h = int(w), int(h)
	return &p, nil
}

// decode gives the picture, averaged down until neither side has more than side pixels. What is transparent
// keeps its colour.
func (p *pngPicture) decode(side int) (image.Image, error) {
	z, err := zlib.NewReader(io.MultiReader(p.data...))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	bits := p.depth * p.colours.samples()
	size, step := (p.w*bits+7)/8, max(1, bits/8)
	line, above := make([]byte, 1+size), make([]byte, 1+size)
	f := newFolder(p.w, p.h, folds(p.w, p.h, side))
	pixels := make([]byte, 4*p.w)
	for range p.h {
		if _, err := io.ReadFull(z, line); err != nil {
			return nil, err
		}
		if err := unfilter(line[0], line[1:], above[1:], step); err != nil {
			return nil, err
		}
		p.pixels(pixels, line[1:])
		f.line(pixels)
		line, above = above, line
	}
	return f.out, nil
}

// pixels writes a line as RGBA.
func (p *pngPicture) pixels(to, line []byte) {
	wide := max(1, p.depth/8) // bytes a sample; of 16 bits the upper 8 count
	step := wide * p.colours.samples()
	switch {
	case p.colours == pngRGB || p.colours == pngRGBA:
		for at := 0; len(to) >= 4; at += step {
			to[0], to[1], to[2] = line[at], line[at+wide], line[at+2*wide]
			to = to[4:]
		}
	case p.colours != pngPalette && p.depth >= 8:
		for at := 0; len(to) >= 4; at += step {
			to[0], to[1], to[2] = line[at], line[at], line[at]
			to = to[4:]
		}
	default:
		for x := range p.w {
			v := p.sample(line, x)
			if p.colours == pngPalette {
				i := min(3*int(v), len(p.palette)-3)
				copy(to[4*x:], p.palette[i:i+3])
				continue
			}
			to[4*x], to[4*x+1], to[4*x+2] = v, v, v
		}
	}
}

// sample is the one sample of pixel x: as 8 bits of a grey one, as it is of a palette's.
func (p *pngPicture) sample(line []byte, x int) byte {
	if p.depth == 8 {
		return line[x]
	}
	bit := x * p.depth
	top := byte(1)<<p.depth - 1
	v := line[bit/8] >> (8 - p.depth - bit%8) & top
	if p.colours == pngPalette {
		return v
	}
	return byte(int(v) * 255 / int(top))
}

// unfilter undoes the filter of a line (PNG, 9.2); step is the bytes to the pixel on the left.
func unfilter(filter byte, line, above []byte, step int) error {
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(line); i++ {
			line[i] += line[i-step]
		}
	case 2:
		for i := range line {
			line[i] += above[i]
		}
	case 3:
		for i := range line {
			left := 0
			if i >= step {
				left = int(line[i-step])
			}
			line[i] += byte((left + int(above[i])) / 2)
		}
	case 4:
		for i := range line {
			var left, corner int
			if i >= step {
				left, corner = int(line[i-step]), int(above[i-step])
			}
			line[i] += nearest(left, int(above[i]), corner)
		}
	default:
		return fmt.Errorf("%w: filter %d", errPNG, filter)
	}
	return nil
}

// nearest is the Paeth predictor: whichever of the three is nearest to left + above - corner.
func nearest(left, above, corner int) byte {
	a, b, c := above-corner, left-corner, left+above-2*corner
	a, b, c = max(a, -a), max(b, -b), max(c, -c)
	switch {
	case a <= b && a <= c:
		return byte(left)
	case b <= c:
		return byte(above)
	}
	return byte(corner)
}
