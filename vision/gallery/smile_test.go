package gallery

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func smileOf(g *Gallery, id string) string {
	rest, rise, ok := g.Smile(id)
	return fmt.Sprint(rest, rise, ok)
}

const none, kept = "0 0 false", "1.05 0.4 true"

// An own smile lies beside the record, which stays as it was for versions that know nothing of it; it goes
// with its record, and what is wrong with it costs nobody the payment.
func TestKeepSmile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "g")
	g := mustOpen(t, dir, modelA)
	ada, bea := mustEnrol(t, g, "Ada", 1, 3), mustEnrol(t, g, "Bea", 2, 3)
	record, err := os.ReadFile(filepath.Join(dir, ada.ID+recordExt))
	if err != nil {
		t.Fatal(err)
	}
	if got := smileOf(g, ada.ID); got != none {
		t.Errorf("before: %s", got)
	}
	if err := g.KeepSmile(ada.ID, Smile{1.05, 0.4}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []Smile{{}, {1, -1}, {1, 0}, {1e30, 1}} {
		if err := g.KeepSmile(ada.ID, bad); !errors.Is(err, ErrSmile) {
			t.Errorf("%g %g: %v", bad.Rest, bad.Rise, err)
		}
	}
	if err := g.KeepSmile("c_nobody", Smile{1, 1}); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("of nobody: %v", err)
	}
	reopen := func() {
		t.Helper()
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		g = mustOpen(t, dir, modelA)
		if n := len(g.List()); n != 2 || len(g.Damaged()) != 0 {
			t.Fatalf("%d customers, damaged %v", n, g.Damaged())
		}
	}
	reopen()
	after, err := os.ReadFile(filepath.Join(dir, ada.ID+recordExt))
	if err != nil || !bytes.Equal(after, record) {
		t.Errorf("the record was written again: %v", err)
	}
	if a, b := smileOf(g, ada.ID), smileOf(g, bea.ID); a != kept || b != none {
		t.Errorf("opened again: %s and %s", a, b)
	}
	file := filepath.Join(dir, ada.ID+smileExt)
	sealed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// Every byte of it counts, and so does whose it is.
	for i := range sealed {
		flipped := bytes.Clone(sealed)
		flipped[i] ^= 0x10
		if _, err := g.sealer.openSmile(ada.ID, g.sums[ada.ID], flipped); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
	}
	for _, cut := range [][]byte{nil, sealed[:9], sealed[:len(sealed)-1], append(bytes.Clone(sealed), 0)} {
		if err := os.WriteFile(file, cut, 0o600); err != nil {
			t.Fatal(err)
		}
		if reopen(); smileOf(g, ada.ID) != none {
			t.Errorf("%d bytes of it: %s", len(cut), smileOf(g, ada.ID))
		}
	}
	other := filepath.Join(dir, bea.ID+smileExt)
	if err := errors.Join(os.Remove(file), os.WriteFile(other, sealed, 0o600)); err != nil {
		t.Fatal(err)
	}
	if reopen(); smileOf(g, bea.ID) != none {
		t.Errorf("Ada's is taken for Bea's: %s", smileOf(g, bea.ID))
	}
}

// Templates that replace others void the smile, a removal takes it along, and so does the next start after a
// version that did not know of it has removed the record.
func TestSmileGoes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "g")
	g := mustOpen(t, dir, modelA)
	ada, bea := mustEnrol(t, g, "Ada", 1, 3), mustEnrol(t, g, "Bea", 2, 3)
	for _, c := range []Customer{ada, bea} {
		if err := g.KeepSmile(c.ID, Smile{1.05, 0.4}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.EnrolAgain(ada.ID, pictures(1, 4), nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := smileOf(g, ada.ID); got != none {
		t.Errorf("enrolled again: %s", got)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, modelA)
	if a, b := smileOf(g, ada.ID), smileOf(g, bea.ID); a != none || b != kept {
		t.Errorf("enrolled again and opened: %s and %s", a, b)
	}
	if err := g.Remove(bea.ID); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Close(), os.Remove(filepath.Join(dir, ada.ID+recordExt))); err != nil {
		t.Fatal(err)
	}
	g = mustOpen(t, dir, modelA)
	if left, err := filepath.Glob(filepath.Join(dir, "*"+smileExt)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	cid := mustEnrol(t, g, "Cid", 3, 3)
	if err := g.KeepSmile(cid.ID, Smile{1.05, 0.4}); err != nil {
		t.Fatal(err)
	}
	if g.Lock(); smileOf(g, cid.ID) != none {
		t.Error("a locked gallery tells how somebody smiles")
	}
	if err := g.KeepSmile(cid.ID, Smile{1, 1}); !errors.Is(err, ErrLocked) {
		t.Errorf("a locked gallery keeps a smile: %v", err)
	}
	s := Smile{1.05, 0.4}
	text := fmt.Sprintf("%v %+v %#v %s %v", s, s, s, s, s.LogValue())
	if text != strings.TrimSpace(strings.Repeat(redacted+" ", 5)) {
		t.Errorf("a smile prints as %s", text)
	}
}
