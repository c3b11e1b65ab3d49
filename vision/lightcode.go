package vision

import (
	"errors"
	"fmt"
	"io"
	"math"
)

// CodeLength is how many colours a light code has.
const CodeLength = 6

const (
	// codeShift is how much a code may look like itself one colour later, as a correlation: an answer that
	// comes late must not fit.
	codeShift = 0.35
	// codeEven is how much of its change each of the two directions of colour has, at least: what answers one
	// alone, a tinted glass, must not be enough.
	codeEven = 0.2
	// codeTries bounds the draws: of the screen's eight hues 131,328 of 134,456 orders are taken.
	codeTries = 1000
)

// ErrPalette says that no light code can be made of the colours.
var ErrPalette = errors.New("no light code can be made of these colours")

// DrawCode draws a light code from a source of random bytes (crypto/rand): the numbers of CodeLength colours
// of the palette, no two alike in a row. A palette has 3 to 64 colours, else ErrPalette; page is what the
// screen shows before and after.
func DrawCode(palette []Colour, page Colour, random io.Reader) ([]int, error) {
	if len(palette) < 3 || len(palette) > 64 {
		return nil, fmt.Errorf("draw a light code of %d colours: %w", len(palette), ErrPalette)
	}
	code := make([]int, CodeLength)
	for range codeTries {
		for i := range code {
			for {
				n, err := pick(len(palette), random)
				if err != nil {
					return nil, fmt.Errorf("draw a light code: %w", err)
				}
				if code[i] = n; i == 0 || n != code[i-1] {
					break
				}
			}
		}
		if tells(code, palette, page) {
			return code, nil
		}
	}
	return nil, fmt.Errorf("draw a light code: %w", ErrPalette)
}

// pick gives a number below n, each with the same chance.
func pick(n int, random io.Reader) (int, error) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return 0, err
		}
		if int(b[0]) < 256/n*n {
			return int(b[0]) % n, nil
		}
	}
}

// tells reports whether a code changes in both directions of colour, and is unlike itself a colour later.
func tells(code []int, palette []Colour, page Colour) bool {
	var now, later [2 * (CodeLength + 2)]float64
	var even [2]float64
	row := func(out []float64, shift int) {
		var mean [2]float64
		for k := range CodeLength + 2 {
			c := page
			if i := k - 1 - shift; i >= 0 && i < CodeLength {
				c = palette[code[i]]
			}
			out[2*k], out[2*k+1] = float64(c[0]-c[1]), float64(c[2]-c[1])
			mean[0], mean[1] = mean[0]+out[2*k]/(CodeLength+2), mean[1]+out[2*k+1]/(CodeLength+2)
		}
		for k := range out {
			out[k] -= mean[k%2]
		}
	}
	row(now[:], 0)
	row(later[:], 1)
	for k, v := range now {
		even[k%2] += v * v
	}
	power := math.Sqrt(dot(now[:], now[:]) * dot(later[:], later[:]))
	whole := even[0] + even[1]
	return whole > 0 && min(even[0], even[1]) >= codeEven*whole && dot(now[:], later[:]) <= codeShift*power
}
