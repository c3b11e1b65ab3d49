package gallery

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func mustNumber(t *testing.T, g *Gallery, name, digits string, person uint64) Customer {
	t.Helper()
	c, err := g.Numbered(digits).Enrol(name, pictures(person, 3), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNarrow: digits narrow a search down to the customers who have them, also when the gallery was opened
// anew and when they were enrolled again, and each asks for the cosine that so few customers want. Digits
// that nobody has, or that are none, know nobody; the digits of another don't make one their customer.
func TestNarrow(t *testing.T) {
	dir := t.TempDir() + "/g"
	model := twoModels()
	model.Before = nil
	g := mustOpen(t, dir, model)
	if g.Numbers() {
		t.Error("nobody has digits yet")
	}
	ada := mustNumber(t, g, "Ada", "4711", 1)
	bob := mustNumber(t, g, "Bob", "4711", 2)
	eve := mustNumber(t, g, "Eve", "0815", 3)
	fay := mustEnrol(t, g, "Fay", 4, 3)
	if _, err := g.EnrolAgain(ada.ID, shots(picture, 1, 31), nil, nil); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		for _, c := range []struct {
			digits string
			person uint64
			want   string
			of     int
		}{
			{"4711", 1, ada.ID, 2}, {"4711", 2, bob.ID, 2}, {"0815", 3, eve.ID, 1},
			{"0815", 1, "", 1}, {"4711", 4, "", 2}, {"1234", 1, "", 0}, {"", 4, "", 0}, {"47", 1, "", 0},
			{"4711 ", 1, "", 0}, {"nobody", 1, "", 0},
		} {
			now, _ := g.Narrow(c.digits)
			id, best, second := now.Match(picture(c.person, 9))
			if known := best-second >= 0.05 && best > 0.5; known != (c.want != "") || known && id != c.want {
				t.Errorf("%s: person %d with %q is %q (%v, other %v), want %q", when, c.person, c.digits, id, best,
					second, c.want)
			}
			cosine, ok := now.Cosine()
			if want := 0.4 + float32(c.of)/1000; !ok || cosine < want-1e-6 || cosine > want+1e-6 || now.Len() != c.of {
				t.Errorf("%s: %q asks for %v %v of %d, want %v of %d", when, c.digits, cosine, ok, now.Len(), want, c.of)
			}
		}
		if id, _, _ := g.Match(picture(4, 9)); id != fay.ID || !g.Numbers() {
			t.Errorf("%s: without digits Fay is %q", when, id)
		}
	}
	check("enrolled")
	g.Close()
	g = mustOpen(t, dir, model)
	check("opened anew")

	// Other digits, then none.
	for _, digits := range []string{"999", ""} {
		if _, err := g.Numbered(digits).EnrolAgain(eve.ID, pictures(3, 3), nil, nil); err != nil {
			t.Fatal(err)
		}
		old, _ := g.Narrow("0815")
		if now, _ := g.Narrow("999"); old.Len() != 0 || now.Len() != len(digits)/3 {
			t.Errorf("with %q: %d have the old digits, %d the new", digits, old.Len(), now.Len())
		}
	}
	narrowed, _ := g.Narrow("4711")
	if err := g.Remove(ada.ID); err != nil || narrowed.Len() != 1 {
		t.Errorf("Ada is removed, and %d are left: %v", narrowed.Len(), err)
	}
	g.Lock()
	if id, _, _ := narrowed.Match(picture(2, 9)); id != "" {
		t.Errorf("a locked gallery knows %s by digits", id)
	}
	if now, before := g.Narrow("4711"); now.Len()+before.Len() != 0 {
		t.Error("and somebody has them")
	}
}

// TestTwinsHaveDigits: who types the digits of a customer with a face alike is not that customer, nor is one
// of twins, as long as the other is as like as a customer has to be.
func TestTwinsHaveDigits(t *testing.T) {
	g := mustOpen(t, t.TempDir()+"/g", Model{SHA256: modelA.SHA256, Agree: 0.3, Same: 0.9999})
	mix := func(share float32, shot uint64) []float32 {
		a, b := picture(1, shot), picture(2, shot)
		v := make([]float32, dim)
		for i := range v {
			v[i] = a[i] + share*b[i]
		}
		return normalise(v)
	}
	for name, share := range map[string]float32{"Ann": 0, "Beth": 0.5} {
		digits := map[string]string{"Ann": "111", "Beth": "222"}[name]
		if _, err := g.Numbered(digits).Enrol(name, [][]float32{mix(share, 1), mix(share, 2), mix(share, 3)},
			nil); err != nil {
			t.Fatal(err)
		}
	}
	g.now.Same = 0.7 // what a customer has to reach
	for digits, ann := range map[string]bool{"111": true, "222": false} {
		now, _ := g.Narrow(digits)
		if id, best, second := now.Match(mix(0, 9)); id == "" || (best-second >= 0.05) != ann {
			t.Errorf("Ann with %s: %v, other %v", digits, best, second)
		}
	}
}

// TestCarriedOverWithDigits: they come along to the model in force, and narrow the customers of both.
func TestCarriedOverWithDigits(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	var ids []string
	for i := range uint64(3) {
		ids = append(ids, mustNumber(t, g, fmt.Sprint("Customer ", i), fmt.Sprintf("%03d", i/2), i).ID)
	}
	g.Close()
	if of, err := ModelsIn(dir); err != nil || of[modelA.SHA256] != 3 {
		t.Errorf("with digits %v are counted, %v, want 3 of the model", of, err)
	}
	g = mustOpen(t, dir, twoModels())
	if _, err := g.CarryOver(ids[0], shots(sface, 0, 20), shots(picture, 0, 20), nil); err != nil {
		t.Fatal(err)
	}
	now, before := g.Narrow("000")
	a, _, _ := now.Match(sface(0, 9))
	b, _, _ := before.Match(picture(1, 9))
	c, _, _ := before.Match(picture(2, 9))
	asks, _ := now.Cosine()
	if a != ids[0] || b != ids[1] || c == ids[2] || asks < 0.4019 || asks > 0.4021 {
		t.Errorf("the two with these digits are %q and %q, the third %q; %v is asked for", a, b, c, asks)
	}
	// Enrolled again, one of the model before keeps them too.
	if _, err := g.EnrolAgainAs(ids[1], shots(sface, 1, 20), nil, Wish{OtherFace: true},
		nil); err != nil || now.Len() != 2 {
		t.Errorf("%d with these digits, %v", now.Len(), err)
	}
}

// TestDigitsAreKeptAsAHash: they are nowhere in clear, the same ones of two customers don't look alike on the
// disk, and what is no number is refused, unnamed.
func TestDigitsAreKeptAsAHash(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	mustNumber(t, g, "Ada", "847291038475", 1)
	mustNumber(t, g, "Bob", "847291038475", 2)
	for _, digits := range []string{"12", "1234567890123", "12a4", "١٢٣٤", "-123", " 123"} {
		_, err := g.Numbered(digits).Enrol("Eve", pictures(3, 3), nil)
		if wantHint(t, err, ErrDigits); strings.Contains(err.Error(), digits) {
			t.Errorf("%v names them", err)
		}
	}
	m := g.sealer.mark("847291038475")
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || bytes.Contains(data, []byte("847291038475")) || bytes.Contains(data, m[:]) {
			t.Errorf("%s holds them, %v", f, err)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s"} {
		if text := fmt.Sprintf(verb, m); text != redacted {
			t.Errorf("a mark prints as %s", text)
		}
		if text := fmt.Sprintf(verb, g.Stale()); strings.Contains(text, "847291") {
			t.Error(text)
		}
	}
}

// TestRecordsWithAndWithoutDigits: a cut record of either format is damaged, and so is one that is taken for
// the other format.
func TestRecordsWithAndWithoutDigits(t *testing.T) {
	dir := t.TempDir() + "/g"
	g := mustOpen(t, dir, modelA)
	for i, digits := range []string{"4711", ""} {
		c := mustNumber(t, g, fmt.Sprint("Customer ", i), digits, uint64(i))
		data, err := os.ReadFile(filepath.Join(dir, c.ID+recordExt))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := g.sealer.open(c.ID, data); err != nil || (r.digits != mark{}) != (digits != "") {
			t.Fatalf("%q: %v, %v", digits, r.digits, err)
		}
		for n := range len(data) {
			if _, err := g.sealer.open(c.ID, data[:n]); !errors.Is(err, ErrDamaged) {
				t.Fatalf("%q, cut to %d bytes: %v", digits, n, err)
			}
		}
		// The header is part of what is sealed, whether its checksum is made to fit or not.
		data[len(recordMagic)-1] ^= recordMagic[len(recordMagic)-1] ^ markedMagic[len(markedMagic)-1]
		for _, fits := range []bool{false, true} {
			if end := headerLen - 4; fits {
				binary.LittleEndian.PutUint32(data[end:], crc32.ChecksumIEEE(data[:end]))
			}
			if _, err := g.sealer.open(c.ID, data); !errors.Is(err, ErrDamaged) {
				t.Errorf("%q, taken for the other format: %v", digits, err)
			}
		}
	}
}
