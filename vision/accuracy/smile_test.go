package accuracy

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestMeasureSmiles(t *testing.T) {
	people := []Smiler{
		{Rest: []float32{0, 0.1, 0.2, 0}, Smile: []float32{0.5, 0.5}},
		{Rest: []float32{0, 0, 0, 0}, Smile: []float32{0.1, 0.3}},
	}
	r, err := MeasureSmiles(people, 0.15, 1)
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, got Interval, want float64) {
		t.Helper()
		if math.Abs(got.Value-want) > 1e-9 || got.Low > got.Value || got.High < got.Value {
			t.Errorf("%s is %+v, want %v within its bounds", what, got, want)
		}
	}
	near("rest", r.False, 1.0/8)
	near("smiling frames", r.Frames, 3.0/4)
	near("smiling photos", r.Faces, 1.0/2)
	if again, err := MeasureSmiles(people, 0.15, 1); err != nil || again.String() != r.String() {
		t.Error("the same seed gives another report", err)
	}
	for i, p := range r.Curve[1:] {
		if before := r.Curve[i]; p.False > before.False || p.Frames > before.Frames || p.Faces > before.Faces {
			t.Errorf("a higher threshold lets more pass: %+v after %+v", p, before)
		}
	}
	text := r.String()
	if !strings.Contains(text, "12.5 %") || !strings.Contains(text, "2 people, 8 frames at rest, 4") {
		t.Errorf("report:\n%s", text)
	}
	if _, err := MeasureSmiles(people[:1], 0.15, 1); !errors.Is(err, ErrTooFew) {
		t.Errorf("of one person: %v", err)
	}
}
