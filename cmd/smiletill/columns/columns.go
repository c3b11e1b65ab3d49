package columns

import (
	"bytes"
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// gap is what stands between two columns at least.
const gap = 2

// Writer sets what is written to it in columns: each cell but a line's last ends with a tab. A column is as
// wide as the widest of its cells in lines that follow each other. Flush gives the result to Out.
type Writer struct {
	Out   io.Writer
	Right bool // cells stand at the right of their column
	Min   int  // the least width of a column, with its gap

	text bytes.Buffer
}

// New gives a Writer for cells that begin at the left.
func New(out io.Writer) *Writer { return &Writer{Out: out} }

// Write keeps text for Flush. It never fails.
func (w *Writer) Write(text []byte) (int, error) { return w.text.Write(text) }

// line is one of the table, with the widths of its cells but the last.
type line struct {
	cells  []string
	widths []int
}

// Flush writes what was kept. Errors are Out's.
func (w *Writer) Flush() error {
	var lines []line
	for text := range strings.Lines(w.text.String()) {
		lines = append(lines, line{cells: strings.Split(text, "\t")})
	}
	w.text.Reset()
	w.measure(lines, 0)
	var b strings.Builder
	for _, l := range lines {
		for i, cell := range l.cells {
			switch {
			case i == len(l.widths):
				b.WriteString(cell)
			case w.Right:
				b.WriteString(strings.Repeat(" ", l.widths[i]-width(cell)) + cell)
			default:
				b.WriteString(Pad(cell, l.widths[i]))
			}
		}
	}
	_, err := io.WriteString(w.Out, b.String())
	return err
}

// measure gives the lines their widths from a column on.
func (w *Writer) measure(lines []line, column int) {
	for i := 0; i < len(lines); {
		end, widest := i, w.Min
		for end < len(lines) && column < len(lines[end].cells)-1 {
			widest = max(widest, width(lines[end].cells[column])+gap)
			end++
		}
		if end == i {
			i++
			continue
		}
		for k := i; k < end; k++ {
			lines[k].widths = append(lines[k].widths, widest)
		}
		w.measure(lines[i:end], column+1)
		i = end
	}
}

// width is how many columns a text takes.
func width(text string) int { return uniseg.StringWidth(text) }

// Pad fills a text up with spaces to a width; a longer one stays as it is.
func Pad(text string, most int) string {
	return text + strings.Repeat(" ", max(most-width(text), 0))
}
