package accuracy

import (
	"context"
	"fmt"
	"strconv"
)

// InUse is how a terminal does in a gallery of a size, with the cosine that it asks for there.
type InUse struct {
	Customers int      `json:"customers"`
	Templates int      `json:"templates"` // of each customer
	Missing   string   `json:"missing,omitempty"`
	Cosine    float64  `json:"cosine,omitzero"`
	Alarms    Interval `json:"false_alarms,omitzero"` // strangers' photos that find somebody
	Missed    Interval `json:"missed,omitzero"`       // customers' photos that find nobody, or another customer
}

// inUseSizes are the galleries whose figures at the terminal's own cosine are told.
var inUseSizes = [...]int{50, 100, 300, 1000}

// inUse searches in galleries of the set in use, with the terminal's own cosine.
func (f *faces) inUse(ctx context.Context, o Options) (out []InUse, err error) {
	if f.asked == nil {
		return nil, nil
	}
	of := f.photos()
	for _, each := range templateCounts {
		for _, size := range inUseSizes {
			cell := InUse{Customers: size, Templates: each}
			var fit []int
			for p, photos := range of {
				if len(photos) > each {
					fit = append(fit, p)
				}
			}
			var draws []seats
			if draws, _, cell.Missing = f.seatAll(of, fit, size, each, o); cell.Missing == "" {
				step := fmt.Sprintf("galleries of %d with %d at the terminal's cosine", size, each)
				found, err := search(ctx, f.sets[0], draws, byMean, o, step)
				if err != nil {
					return nil, err
				}
				cell.fill(found, f.asked(size, each))
			}
			out = append(out, cell)
		}
	}
	return out, nil
}

func (c *InUse) fill(found []searches, cut float32) {
	var alarms, missed []float64
	for _, s := range found {
		alarms = append(alarms, 1-shareBelow(s.strangers, cut))
		missed = append(missed, shareBelow(s.right, cut))
	}
	c.Cosine = float64(cut)
	c.Alarms, c.Missed = Interval{Value: mean(alarms)}, Interval{Value: mean(missed)}
	c.Alarms.bound(alarms)
	c.Missed.bound(missed)
}

func shareBelow(scores []float32, cut float32) float64 {
	n := 0
	for _, s := range scores {
		if s < cut {
			n++
		}
	}
	return float64(n) / float64(max(len(scores), 1))
}

func mean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x
	}
	return sum / float64(max(len(v), 1))
}

func (s *Scope) inUseMarkdown(t *text) {
	if len(s.InUse) == 0 {
		return
	}
	t.section("### With the cosine that the terminal asks for")
	t.line("The models in use, one photo a search, no margin. False alarms are strangers' photos that find")
	t.line("somebody. Bounds are of the draws.")
	t.line("")
	t.table("customers", "templates each", "cosine", "false alarms, % (95 %)", "missed, % (95 %)")
	for _, c := range s.InUse {
		size, each := thousands(c.Customers), strconv.Itoa(c.Templates)
		if c.Missing != "" {
			t.table(size, each, "-", "-", c.Missing)
			continue
		}
		t.table(size, each, fmt.Sprintf("%.3f", c.Cosine), c.Alarms.thousandths(), c.Missed.percent())
	}
}

// thousandths writes a small share in percent.
func (v Interval) thousandths() string {
	return fmt.Sprintf("%.3f (%.3f to %.3f)", 100*v.Value, 100*v.Low, 100*v.High)
}
