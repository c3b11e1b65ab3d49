package device_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/device"
)

const sample = 10 * time.Millisecond // all steps are multiples of it

// wave is what a lamp does in the first 12 s: 1 or 0 every 10 ms.
func wave(steps []device.Step) string {
	var b strings.Builder
	for b.Len() < 1200 {
		for _, s := range steps {
			n := int(s.For / sample)
			if s.For == 0 {
				n = 1200
			}
			b.WriteString(strings.Repeat(map[bool]string{true: "1", false: "0"}[s.On], n))
		}
	}
	return b.String()[:1200]
}

func TestNoPatternForUnknownSignal(t *testing.T) {
	for _, s := range []device.Signal{"", "IDLE", "paid"} {
		if _, ok := device.PatternOf(s); ok {
			t.Errorf("PatternOf(%q) has a pattern", s)
		}
	}
}

// Colour is never the only sign: with the lamps' names taken away, signals still differ.
func TestRhythmsDifferWithoutColour(t *testing.T) {
	seen := map[string]device.Signal{}
	for _, s := range device.Signals() {
		p, ok := device.PatternOf(s)
		if !ok {
			t.Fatalf("%s has no pattern", s)
		}
		var waves []string
		for _, steps := range p.Lamps {
			waves = append(waves, wave(steps))
		}
		slices.Sort(waves)
		key := strings.Join(waves, "\n")
		if other, dup := seen[key]; dup {
			t.Errorf("%s and %s have the same rhythm", s, other)
		}
		if !strings.Contains(key, "1") {
			t.Errorf("%s lights no lamp", s)
		}
		seen[key] = s
	}
}

// WCAG 2.2, 2.3.1: no more than three flashes in any second, of one lamp or of all together.
func TestNoMoreThanThreeFlashesASecond(t *testing.T) {
	for _, s := range device.Signals() {
		p, _ := device.PatternOf(s)
		starts := make([]int, 1200)
		for _, steps := range p.Lamps {
			w := wave(steps)
			for i := 1; i < len(w); i++ {
				if w[i-1] == '0' && w[i] == '1' {
					starts[i] = 1 // lamps that go on together are one flash
				}
			}
		}
		for i := range len(starts) - 100 {
			n := 0
			for _, k := range starts[i : i+100] {
				n += k
			}
			if n > 3 {
				t.Fatalf("%s: %d flashes in the second after %v", s, n, time.Duration(i)*sample)
			}
		}
	}
}

func TestTunesCanBePlayedWithoutPWM(t *testing.T) {
	for _, s := range device.Signals() {
		p, _ := device.PatternOf(s)
		var whole time.Duration
		for _, n := range p.Tune {
			if n.For <= 0 || n.Hz < 0 || n.Hz > 2000 {
				t.Errorf("%s: note of %d Hz for %v", s, n.Hz, n.For)
			}
			whole += n.For
		}
		if whole > time.Second {
			t.Errorf("%s: a tune of %v keeps the queue waiting", s, whole)
		}
	}
}
