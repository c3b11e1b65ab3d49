package accuracy

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// The picture, in units of SVG. It is written by hand: gonum.org/v1/plot draws the same but brings 6 MB of
// fonts and eight modules into the terminal's program.
const (
	plotWide, plotHigh       = 760, 520
	plotLeft, plotTop        = 70, 40
	plotRight, plotBottom    = plotWide - 30, plotHigh - 60
	legendLine               = 20
	lowestFAR                = -6 // the lowest power of ten that is drawn: below, a handful of pairs decide
	colourBlind, dashPattern = "#0072b2 #d55e00 #009e73 #cc79a7 #e69f00 #56b4e9", "none 8,4 2,3 10,3,2,3 5,2 1,2"
)

// Plot writes the ROC of all sets over the first scope as an SVG picture: true accepts over false accepts on
// a log axis, with a line at each rate of the table and each set's cosine there.
func (r Report) Plot(w io.Writer) error {
	s := r.Scopes[0]
	d := fit(s.Verification)
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="13" fill="#222">`, plotWide, plotHigh, plotWide, plotHigh)
	d.add(`<rect width="100%%" height="100%%" fill="white"/>`)
	d.words((plotLeft+plotRight)/2, 24, "middle", fmt.Sprintf(
		"Two photos: the same person? %s people, %s photos", thousands(s.People), thousands(s.Photos)))
	d.axes()
	d.thresholds(s.Verification)
	d.curves(s.Verification)
	d.add(`</svg>`)
	_, err := io.WriteString(w, d.String())
	return err
}

// drawing maps rates to places: the axis of false accepts begins at ten to the left, that of true accepts
// at floor.
type drawing struct {
	strings.Builder
	left, floor float64
}

// fit chooses the axes for what the curves show.
func fit(sets []Verification) *drawing {
	d := &drawing{left: -1, floor: 1}
	for _, v := range sets {
		d.left = min(d.left, math.Floor(math.Log10(v.ROC[0].X)+1e-9))
	}
	d.left = max(d.left, lowestFAR)
	for _, v := range sets {
		for _, p := range v.ROC {
			if d.shows(p) {
				d.floor = min(d.floor, p.Y)
			}
		}
	}
	d.floor = min(math.Floor(d.floor*20)/20, 0.95) // to 5 %
	return d
}

func (d *drawing) shows(p XY) bool { return p.X >= 0.999*math.Pow(10, d.left) }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) words(x, y float64, anchor, s string) {
	d.add(`<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, escaped(s))
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

func (d *drawing) x(far float64) float64 {
	return plotRight - (plotRight-plotLeft)*math.Log10(far)/d.left
}

func (d *drawing) y(tar float64) float64 {
	return plotBottom - (plotBottom-plotTop)*(tar-d.floor)/(1-d.floor)
}

func (d *drawing) axes() {
	for e := d.left; e <= 0; e++ {
		x := d.x(math.Pow(10, e))
		d.add(`<path d="M%.1f %dV%d" stroke="#ddd"/>`, x, plotTop, plotBottom)
		name := rate(math.Pow(10, e))
		if e == 0 {
			name = "all"
		}
		d.words(x, plotBottom+18, "middle", name)
	}
	for i := range 6 {
		tar := d.floor + (1-d.floor)*float64(i)/5
		y := d.y(tar)
		d.add(`<path d="M%d %.1fH%d" stroke="#ddd"/>`, plotLeft, y, plotRight)
		d.words(plotLeft-8, y+4, "end", fmt.Sprintf("%.0f %%", 100*tar))
	}
	d.words((plotLeft+plotRight)/2, plotBottom+44, "middle",
		"pairs of two people that are accepted (false accepts)")
	d.add(`<text transform="translate(18,%d) rotate(-90)" text-anchor="middle">%s</text>`,
		(plotTop+plotBottom)/2, "pairs of one person that are accepted (true accepts)")
}

// thresholds marks the rates of the table, and names the cosines there.
func (d *drawing) thresholds(sets []Verification) {
	for k, p := range sets[0].Points {
		if p.Missing != "" {
			continue
		}
		var cosines []string
		for _, v := range sets {
			cosines = append(cosines, fmt.Sprintf("%.3f", v.Points[k].Cosine.Value))
		}
		x := d.x(p.FAR)
		d.add(`<path d="M%.1f %dV%d" stroke="#888" stroke-dasharray="4,3"/>`, x, plotTop, plotBottom)
		d.add(`<text transform="translate(%.1f,%d) rotate(-90)" font-size="11">cosine %s</text>`, x-4,
			plotBottom-8, strings.Join(cosines, " / "))
	}
}

// curves draws each set with its name, the colours in an order that the colour-blind can tell apart.
func (d *drawing) curves(sets []Verification) {
	colours, dashes := strings.Fields(colourBlind), strings.Fields(dashPattern)
	for i, v := range sets {
		var path strings.Builder
		step := 'M'
		for _, p := range v.ROC {
			if !d.shows(p) {
				continue
			}
			fmt.Fprintf(&path, "%c%.1f %.1f", step, d.x(p.X), d.y(p.Y))
			step = 'L'
		}
		style := fmt.Sprintf(`fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"`,
			colours[i%len(colours)], dashes[i%len(dashes)])
		d.add(`<path d="%s" %s/>`, path.String(), style)
		y := float64(plotBottom - legendLine*(len(sets)-i) - 4)
		d.add(`<path d="M%d %.1fh34" %s/>`, plotRight-200, y, style)
		d.words(plotRight-158, y+4, "start", v.Set)
	}
}
