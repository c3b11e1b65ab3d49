package camera

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Two seconds without a picture that can be decoded are a fault at every rate, told once with a count; single
// damaged pictures are none, however many there are in all.
func TestDamage(t *testing.T) {
	torn := fmt.Errorf("decode frame: %w", ErrPicture)
	for _, fps := range []int{1, 5, 10, 15, 30, 60} {
		t.Run(fmt.Sprint(fps), func(t *testing.T) {
			var d Damage
			begun := time.Now()
			gap := time.Second / time.Duration(fps)
			at := func(n int) *Frame { return &Frame{At: begun.Add(time.Duration(n) * gap)} }
			n := 0
			for range 40 * fps { // every other one is damaged
				for _, err := range []error{torn, nil} {
					if fault, mended := d.Note(at(n), err); fault != nil || mended {
						t.Fatalf("picture %d: %v, %t", n, fault, mended)
					}
					n++
				}
			}
			var told []error
			first := n
			for ; n < first+30*fps; n++ {
				fault, mended := d.Note(at(n), torn)
				if mended {
					t.Error("mended by a damaged picture")
				}
				if fault == nil {
					continue
				}
				if took := at(n).At.Sub(at(first).At); took < 2*time.Second || took > 2*time.Second+gap {
					t.Errorf("told after %v", took)
				}
				told = append(told, fault)
			}
			var h interface{ Hint() string }
			if len(told) != 1 || !errors.Is(told[0], ErrUnreadable) || !errors.As(told[0], &h) ||
				!strings.Contains(told[0].Error(), " in a row") {
				t.Fatalf("told %v", told)
			}
			if _, mended := d.Note(at(n), nil); !mended {
				t.Error("not mended by a picture")
			}
			if fault, mended := d.Note(at(n+1), torn); fault != nil || mended {
				t.Errorf("the next damaged one: %v, %t", fault, mended)
			}
		})
	}
}
