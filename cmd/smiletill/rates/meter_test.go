package rates

import (
	"bytes"
	"testing"
)

// On a pipe progress comes as lines, not too many; the last step's rate and time left are there.
func TestMeter(t *testing.T) {
	var b bytes.Buffer
	m := newMeter(&b)
	for i := range 50 {
		m.step("looking", i, 50)
	}
	if b.Len() != 0 {
		t.Errorf("at once: %q", b.String())
	}
	m.shown, m.start = m.shown.Add(-m.every), m.start.Add(-m.every)
	m.step("looking", 20, 60)
	m.end()
	if got := b.String(); got != "looking: 20 of 60, 2.0 a second, 20s left\n" {
		t.Errorf("%q", got)
	}
}
