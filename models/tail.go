package models

import (
	"fmt"
	"strings"
)

// Tail is, for customers with so many templates each (of several the mean is compared), how often one
// comparison is wrong over the cosine. `smiletill accuracy --tail` makes it.
type Tail struct {
	Templates int       `json:"templates"` // of a customer; a table holds for more too, up to the next one's
	On        string    `json:"on"`        // the data
	Rows      []TailRow `json:"rows"`      // by rising cosine
}

// TailRow is one cosine. Shares are above 0 and below 1, but for Missed, 0 to 1.
type TailRow struct {
	Cosine       float64 `json:"cosine"`
	FalseAccepts float64 `json:"false_accepts"` // of comparisons of a photo with another person
	Low          float64 `json:"low"`           // 95 % bounds of FalseAccepts
	High         float64 `json:"high"`
	Missed       float64 `json:"missed"` // of customers' photos, compared with their own templates
}

// What a table has to span: a gallery of 10 with one false alarm in 100 is at the one end, one of 1,000
// with one in 1,000 at the other.
const (
	tailRowsMin, tailRowsMax = 5, 200
	tailFrom, tailTo         = 1e-3, 1e-6
)

// checkTail says what is wrong with a model's tables. None at all is well: then one threshold holds for
// galleries of all sizes.
func checkTail(task Task, tables []Tail) error {
	if len(tables) > 0 && task != Embed {
		return fmt.Errorf("tail: the task %s has none", task)
	}
	for i, t := range tables {
		switch {
		case i == 0 && t.Templates != 1:
			return fmt.Errorf("tail[0]: the first table is of %d templates, want 1", t.Templates)
		case i > 0 && t.Templates <= tables[i-1].Templates || t.Templates > 5:
			return fmt.Errorf("tail[%d]: a table of %d templates, want them rising, up to 5", i,
				t.Templates)
		case strings.TrimSpace(t.On) == "":
			return fmt.Errorf("tail[%d]: on is empty: name the data", i)
		}
		if err := t.check(); err != nil {
			return fmt.Errorf("tail[%d] (%d templates): %w", i, t.Templates, err)
		}
	}
	return nil
}

func (t Tail) check() error {
	if n := len(t.Rows); n < tailRowsMin || n > tailRowsMax {
		return fmt.Errorf("it has %d rows, want %d to %d", n, tailRowsMin, tailRowsMax)
	}
	for i, r := range t.Rows {
		if !within(r.Cosine, 1e-3, 0.999) || !within(r.Missed, 0, 1) || !(r.Low > 0 && r.High < 1) ||
			!within(r.FalseAccepts, r.Low, r.High) {
			return fmt.Errorf("rows[%d]: out of range: want a cosine and shares between 0 and 1, low <= "+
				"false_accepts <= high", i)
		}
		if i == 0 {
			continue
		}
		before := t.Rows[i-1]
		if !(r.Cosine > before.Cosine && r.FalseAccepts < before.FalseAccepts && r.Missed >= before.Missed) {
			return fmt.Errorf("rows[%d]: it is not monotonic: as the cosine rises from %v to %v false_accepts has to "+
				"fall and missed must not; they go from %v to %v and from %v to %v", i, before.Cosine, r.Cosine,
				before.FalseAccepts, r.FalseAccepts, before.Missed, r.Missed)
		}
	}
	first, last := t.Rows[0].FalseAccepts, t.Rows[len(t.Rows)-1].FalseAccepts
	if first < tailFrom || last > tailTo {
		return fmt.Errorf("it is too short: false_accepts go from %v to %v, want from %v or more to %v or "+
			"less", first, last, tailFrom, tailTo)
	}
	return nil
}
