package front

import (
	"strings"
	"testing"
	"time"

	"smiletill/device/screen"
	"smiletill/vision"
)

// The technician is told of what never moves, and of a second face that a payment waited for, once each,
// until somebody pays; not of two people who sort themselves out.
func TestPicture(t *testing.T) {
	alone := vision.Finding{Stage: vision.Searching}
	poster := vision.Finding{Stage: vision.Unknown, Still: true}
	two := vision.Finding{Stage: vision.Searching, Reason: vision.SeveralFaces}
	customer := vision.Finding{Stage: vision.Recognised, Customer: "anna"}
	left := vision.Finding{Stage: vision.Searching, Poster: vision.Left}
	pays := vision.Finding{Stage: vision.Consented, Customer: "anna", Poster: vision.Left}
	other := vision.Finding{Stage: vision.Recognised, Customer: "anna", Poster: vision.Right}
	type part struct {
		payment string
		found   vision.Finding
		seconds float64
	}
	for _, c := range []struct {
		name  string
		parts []part
		told  int
		row   string
	}{
		{"nobody", []part{{"a", alone, 30}}, 0, ""},
		{"a poster", []part{{"a", alone, 2}, {"a", poster, 20}}, 1, stillWords},
		{"a poster, then a customer", []part{{"a", poster, 5}, {"a", customer, 2}}, 1, ""},
		{"two who sort themselves out", []part{{"a", two, 8}, {"a", customer, 2}, {"b", two, 8}}, 0, ""},
		{"two for one payment, two for the next", []part{{"a", two, 8}, {"b", two, 8}}, 0, ""},
		{"two people", []part{{"a", two, 30}, {"b", two, 30}}, 1, crowdedWords},
		{"who flickers", []part{{"a", two, 6}, {"a", alone, 1}, {"a", two, 6}}, 1, crowdedWords},
		{"and then somebody pays", []part{{"a", two, 30}, {"b", customer, 1}}, 1, ""},
		{"a poster left of the customer, who pays", []part{{"a", two, 2}, {"a", left, 1}, {"a", pays, 1}}, 1,
			besideWords(vision.Left)},
		{"in each payment", []part{{"a", left, 1}, {"a", pays, 1}, {"b", two, 2}, {"b", left, 1}, {"b", pays, 1}},
			1, besideWords(vision.Left)},
		{"until it is gone", []part{{"a", left, 1}, {"a", pays, 1}, {"b", alone, 1}, {"b", customer, 1}}, 1, ""},
		{"until it hangs on the other side", []part{{"a", left, 1}, {"b", other, 1}}, 2, besideWords(vision.Right)},
		{"a poster alone, a customer beside it", []part{{"a", poster, 5}, {"a", left, 1}, {"a", pays, 1}}, 2,
			besideWords(vision.Left)},
		{"a poster alone, then beside", []part{{"a", poster, 3}, {"a", two, 12}}, 2,
			stillWords + "; " + crowdedWords},
	} {
		for _, fps := range []int{10, 60} {
			var p Picture
			at, told := time.Now(), 0
			for _, part := range c.parts {
				for range int(part.seconds * float64(fps)) {
					at = at.Add(time.Second / time.Duration(fps))
					news, hint := p.Found(part.payment, part.found, at)
					if news == "" {
						continue
					}
					if told++; !strings.Contains(hint, "camera.region") {
						t.Errorf("%s: hint %q", c.name, hint)
					}
				}
			}
			row, bad := p.Row()
			if told != c.told || row.Value != c.row || bad != (c.row != "") || row.Level != screen.LevelWarning {
				t.Errorf("%s, %d fps: told %d times, row %+v; want %d, %q", c.name, fps, told, row, c.told, c.row)
			}
		}
	}
	var p Picture
	at := time.Now()
	p.Found("a", two, at)
	if news, _ := p.Found("a", two, at.Add(time.Minute)); news != "" {
		t.Errorf("a minute without pictures: %q", news)
	}
}

// A rate at which nobody can pay is told once, with what to look at, until a payment was looked at faster.
func TestPictureOfTooFewFrames(t *testing.T) {
	for _, c := range []struct {
		fps  float64
		slow bool
	}{{1, true}, {2, true}, {2.5, true}, {3, false}, {10, false}, {60, false}} {
		var p Picture
		at, told := time.Now(), 0
		look := func(id string, fps float64) {
			for range int(12 * fps) {
				at = at.Add(time.Duration(float64(time.Second) / fps))
				if news, hint := p.Found(id, vision.Finding{Stage: vision.Searching}, at); news == slowWords {
					told++
					if !strings.Contains(hint, "camera test") {
						t.Errorf("hint %q", hint)
					}
				}
			}
		}
		look("a", c.fps)
		row, bad := p.Row()
		if bad != c.slow || told != map[bool]int{true: 1}[c.slow] || c.slow && row.Value != slowWords {
			t.Errorf("%v fps: told %d times, row %+v", c.fps, told, row)
		}
		look("b", 30)
		if row, bad := p.Row(); bad {
			t.Errorf("%v fps, then 30: row %+v", c.fps, row)
		}
	}
}
