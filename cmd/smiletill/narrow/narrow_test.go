package narrow_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/narrow"
	"smiletill/vision"
	"smiletill/vision/gallery"
)

func open(t *testing.T, digits string) *gallery.Gallery {
	t.Helper()
	model := gallery.Model{SHA256: strings.Repeat("a1", 32), Agree: 0.5, Same: 0.6}
	g, err := gallery.Open(t.TempDir()+"/g", model, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	var face [][]float32
	for i := range 3 {
		v := make([]float32, 64)
		v[0], v[1+i] = 0.96, 0.28
		face = append(face, v)
	}
	if _, err := g.Numbered(digits).Enrol("Ada", face, nil); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestWhoIsAsked: only of a face that is nobody's, where the gallery is too large or a number was wrong, and
// where it is of use.
func TestWhoIsAsked(t *testing.T) {
	g, without := open(t, "4711"), open(t, "")
	unknown := vision.Finding{Stage: vision.Unknown}
	for _, c := range []struct {
		name  string
		found vision.Finding
		large bool
		given string
		g     *gallery.Gallery
		want  bool
	}{
		{"nobody's, in a large gallery", unknown, true, "", g, true},
		{"nobody's, in a small one", unknown, false, "", g, false},
		{"nobody's, by a number", unknown, false, "0815", g, true},
		{"nobody has a number", unknown, true, "", without, false},
		{"a regular", vision.Finding{Stage: vision.Recognised}, true, "", g, false},
		{"not yet known", vision.Finding{Stage: vision.Searching}, true, "", g, false},
		{"a poster", vision.Finding{Stage: vision.Unknown, Still: true}, true, "", g, false},
	} {
		var n narrow.Numbers
		q := n.For("p1")
		if c.given != "" {
			err := n.Offer("p1", c.given)
			if err != nil || q.Answered() || q.After(unknown, true, g) || !q.Answered() {
				t.Fatal("the register's digits are not used in place of the question", err)
			}
		}
		if got := q.After(c.found, c.large, c.g); got != c.want || q.Asking() != c.want {
			t.Errorf("%s: asked %v, asking %v", c.name, got, q.Asking())
		}
		if q.After(c.found, c.large, c.g) {
			t.Errorf("%s: asked twice at once", c.name)
		}
	}
}

// TestAnswers: what a register repeats begins nothing anew, what the customer types does; another payment's
// digits are not taken, and what is no number is refused without being named.
func TestAnswers(t *testing.T) {
	g := open(t, "4711")
	var n narrow.Numbers
	q := n.For("p1")
	if now, _ := q.Customers(g); now.Len() != 1 || q.Answered() {
		t.Error("nothing was given, and somebody is left out")
	}
	if err := n.Offer("p1", "0815"); err != nil || q.Answered() {
		t.Error("nobody was asked, and the register's digits are used", err)
	}
	unknown := vision.Finding{Stage: vision.Unknown}
	if q.After(unknown, true, g) || !q.Answered() {
		t.Error("they are not used in place of the question")
	}
	for _, c := range []struct {
		give     func(payment, digits string) error
		payment  string
		digits   string
		answered bool
		left     int
	}{
		{n.Offer, "p1", "0815", false, 0}, {n.Offer, "p1", "4711", true, 1}, {n.Offer, "p1", "4711", false, 1},
		{n.Type, "p1", "4711", true, 1}, {n.Offer, "p1", "4711", false, 1},
		{n.Type, "p2", "0815", false, 1}, {n.Offer, "p1", "0815", true, 0},
		{n.Type, "p1", "0815", true, 0},
	} {
		if err := c.give(c.payment, c.digits); err != nil {
			t.Fatal(err)
		}
		q.After(unknown, true, g)
		answered := q.Answered()
		if now, _ := q.Customers(g); answered != c.answered || now.Len() != c.left || q.Answered() {
			t.Errorf("%s for %s: answered %v, %d left; want %v, %d", c.digits, c.payment, answered, now.Len(),
				c.answered, c.left)
		}
	}
	for _, bad := range []string{"", "47", "47a1", "1234567890123"} {
		err := errors.Join(n.Offer("p1", bad), n.Type("p1", bad))
		if !errors.Is(err, gallery.ErrDigits) || bad != "" && strings.Contains(err.Error(), bad) || q.Answered() {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A register sends the customer's digits with the payment: nothing begins anew before they are needed.
func ExampleNumbers() {
	var n narrow.Numbers
	question := n.For("order-1017")
	fmt.Println(n.Offer("order-1017", "4711"), question.Answered(), question.Asking())
	// Output: <nil> false false
}
