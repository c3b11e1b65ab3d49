package accuracy

import (
	"fmt"
	"io"
)

// Share is a count of a number of tries, under a name.
type Share struct {
	Name string
	K, N int
}

const barLine = 24

// PlotShares writes shares as an SVG picture: a point for each, in percent, and its exact 95 % bounds.
func PlotShares(w io.Writer, title string, all []Share) error {
	d := &drawing{}
	const left, right, top = 190, plotWide - 60, 60
	bottom := top + barLine*len(all)
	x := func(share float64) float64 { return left + (right-left)*share }
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="13" fill="#222">`, plotWide, bottom+50, plotWide, bottom+50)
	d.add(`<rect width="100%%" height="100%%" fill="white"/>`)
	d.words(plotWide/2, 24, "middle", title)
	for _, tenths := range []int{0, 2, 4, 6, 8, 10} {
		at := x(float64(tenths) / 10)
		d.add(`<path d="M%.1f %dV%d" stroke="#ddd"/>`, at, top-10, bottom)
		d.words(at, float64(bottom+18), "middle", fmt.Sprintf("%d %%", 10*tenths))
	}
	d.words((left+right)/2, float64(bottom+40), "middle", "of the visits, with 95 % bounds")
	for i, s := range all {
		y := float64(top + barLine*i + barLine/2)
		low, high := Bounds(s.K, s.N)
		d.words(left-12, y+4, "end", s.Name)
		d.add(`<path d="M%.1f %.1fH%.1f" stroke="#0072b2" stroke-width="3"/>`, x(low), y, x(high))
		d.add(`<circle cx="%.1f" cy="%.1f" r="5" fill="#d55e00"/>`, x(float64(s.K)/float64(max(s.N, 1))), y)
		d.words(plotWide-8, y+4, "end", fmt.Sprintf("%d/%d", s.K, s.N))
	}
	d.add(`</svg>`)
	_, err := io.WriteString(w, d.String())
	return err
}
