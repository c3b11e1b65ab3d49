package accuracy

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// ramp is n scores from low up, a step apart.
func ramp(n int, low, step float32) (s []float32) {
	for i := range n {
		s = append(s, low+float32(i)*step)
	}
	return s
}

func TestMeasureLiveness(t *testing.T) {
	near := func(name, what string, got, want float64) {
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %s is %v, want %v", name, what, got, want)
		}
	}
	for name, c := range map[string]struct {
		bonafide, attack []float32
		auc, eer         float64
		apcer            [3]float64 // at BPCER of up to 1, 5 and 10 %
		bpcer            [3]float64
		fixedA, fixedB   float64 // at 0.5
	}{
		"apart": {ramp(100, 0.6, 0.001), ramp(100, 0.1, 0.001), 1, 0, [3]float64{},
			[3]float64{0.01, 0.05, 0.1}, 0, 0},
		"the other way round": {ramp(100, 0.1, 0.001), ramp(100, 0.6, 0.001), 0, 1, [3]float64{1, 1, 1},
			[3]float64{0.01, 0.05, 0.1}, 1, 1},
		"all the same": {ramp(20, 0.5, 0), ramp(20, 0.5, 0), 0.5, 0.5, [3]float64{1, 1, 1}, [3]float64{}, 1, 0},
		// Two of ten attacks score like a face, and one face of ten like an attack.
		"some": {append(ramp(9, 0.8, 0.01), 0.2), append(ramp(8, 0.1, 0.01), 0.9, 0.95), 0.72 + 0.08, 0.2,
			[3]float64{0.2, 0.2, 0.2}, [3]float64{0, 0, 0.1}, 0.2, 0.1},
	} {
		given := Presentations{Name: "x", Bonafide: c.bonafide, Attack: c.attack, Threshold: 0.5}
		r, err := MeasureLiveness(given, 1)
		if err != nil {
			t.Fatal(name, err)
		}
		near(name, "AUC", r.AUC.Value, c.auc)
		if math.Abs(r.EER.Value-c.eer) > 0.051 {
			t.Errorf("%s: EER %v, want %v", name, r.EER.Value, c.eer)
		}
		near(name, "APCER at 0.5", r.Fixed.APCER.Value, c.fixedA)
		near(name, "BPCER at 0.5", r.Fixed.BPCER.Value, c.fixedB)
		for i, p := range r.Points {
			near(name, "APCER", p.APCER.Value, c.apcer[i])
			near(name, "BPCER", p.BPCER.Value, c.bpcer[i])
			if p.BPCER.Value > p.Limit {
				t.Errorf("%s: BPCER %v is above %v", name, p.BPCER.Value, p.Limit)
			}
		}
		for what, i := range map[string]Interval{"AUC": r.AUC, "EER": r.EER, "APCER": r.Fixed.APCER} {
			if !(i.Low <= i.Value && i.Value <= i.High) {
				t.Errorf("%s: %s %+v", name, what, i)
			}
		}
		if again, _ := MeasureLiveness(given, 1); again.String() != r.String() {
			t.Errorf("%s: the same seed gives another report", name)
		}
	}
	var p Presentations
	for i := range 5 {
		p.Add(i%2 == 0, i != 2, 0.5)
	}
	if _, err := MeasureLiveness(p, 1); err != nil || p.NoAttack != 1 || p.NoBonafide != 0 {
		t.Errorf("%+v: %v", p, err)
	}
	p.Attack = p.Attack[:1]
	_, err := MeasureLiveness(p, 1)
	if !errors.Is(err, ErrTooFew) || !strings.Contains(err.Error(), "1 attacks") {
		t.Errorf("one attack: %v", err)
	}
}

// The exact bounds are those of published tables (Clopper and Pearson 1934; R's binom.test).
func TestExactBounds(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{0, 10, 0, 0.30850}, {10, 10, 0.69150, 1}, {1, 10, 0.00253, 0.44502}, {5, 10, 0.18709, 0.81291},
		{0, 300, 0, 0.01222}, {2, 124, 0.00196, 0.05703},
	} {
		i := exact(c.k, c.n)
		if math.Abs(i.Low-c.low) > 2e-5 || math.Abs(i.High-c.high) > 2e-5 {
			t.Errorf("%d of %d: %+v, want %v to %v", c.k, c.n, i, c.low, c.high)
		}
	}
}
