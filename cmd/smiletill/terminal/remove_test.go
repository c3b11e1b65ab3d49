//go:build !notflite

package terminal_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/cli"
	"smiletill/device/screen"
	"smiletill/vision/gallery"
)

// TestRemoveAsksFirst removes a customer from a script, from a terminal with a slip, and with the id typed
// once more.
func TestRemoveAsksFirst(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	_, out, _ := s.Cli("customers", "list")
	id := strings.Fields(strings.Split(out, "\n")[1])[0]
	s.Stdin(id + "\n")
	if code, _, errs := s.Cli("customers", "remove", id); code != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("from a script: %d %s", code, errs)
	}
	typed := func(line string) (int, string) {
		master, slave := openPTY(t)
		if _, err := master.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		code := cli.Run(t.Context(), "test", append([]string{"customers", "remove", id}, s.Flags[:6]...),
			cli.Streams{In: slave, Out: &said, Err: &said})
		return code, said.String()
	}
	if code, said := typed("y"); code != 1 || !strings.Contains(said, "nothing was removed") ||
		!strings.Contains(said, "Grace Hopper") {
		t.Errorf("a slip: %d %s", code, said)
	}
	if _, out, _ := s.Cli("customers", "list"); !strings.Contains(out, id) {
		t.Fatalf("removed without a word:\n%s", out)
	}
	if code, said := typed(id); code != 0 || !strings.Contains(said, "removed "+id) {
		t.Errorf("typed once more: %d %s", code, said)
	}
}

// withPIN enrols the customer, with a PIN, and gives the id.
func (s *shop) withPIN() string {
	s.T.Helper()
	s.EnrolCustomer()
	id := strings.TrimSuffix(filepath.Base(s.faces()[0]), ".face")
	s.Stdin("902751\n")
	if code, _, errs := s.Cli("customers", "pin", id); code != 0 {
		s.T.Fatal(errs)
	}
	return id
}

func (s *shop) faces() []string {
	files, err := filepath.Glob(filepath.Join(s.Dir, "data", "gallery", "*.face"))
	if err != nil {
		s.T.Fatal(err)
	}
	return files
}

// damagePINs puts nonsense in place of the PINs.
func (s *shop) damagePINs() {
	err := os.WriteFile(filepath.Join(s.Dir, "data", "pins.db"), bytes.Repeat([]byte("no"), 4096), 0o600)
	if err != nil {
		s.T.Fatal(err)
	}
}

// TestRemovalWaitsForNothing removes a customer who has a PIN while what the face does not need is broken.
func TestRemovalWaitsForNothing(t *testing.T) {
	t.Parallel()
	noModels := []string{"--paths-models-dir", filepath.Join(t.TempDir(), "none")}
	for _, c := range []struct {
		name    string
		running bool
		more    []string // of the command
		spoil   func(s *shop)
		says    []string // when something is left to be done
	}{
		{name: "no models, no terminal", more: noModels, spoil: func(*shop) {}},
		{name: "no PINs, no terminal", spoil: (*shop).damagePINs,
			says: []string{"the face is removed, its PIN could not be", "with a PIN have", "at its next start"}},
		{name: "no PINs, out of order", running: true, spoil: (*shop).damagePINs,
			says: []string{"the face is removed, its PIN could not be", "with a PIN have", "at its next start"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			id := s.withPIN()
			c.spoil(s)
			if c.running {
				s.Open()
				s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
			}
			code, out, errs := s.Cli(append([]string{"customers", "remove", id, "--yes"}, c.more...)...)
			if (code == 0) != (c.says == nil) {
				t.Errorf("%d %s %s", code, out, errs)
			}
			for _, words := range c.says {
				if !strings.Contains(errs, words) {
					t.Errorf("no word of %q:\n%s", words, errs)
				}
			}
			if left := s.faces(); len(left) > 0 {
				t.Errorf("the face stays: %v", left)
			}
		})
	}
}

// TestRemovalOnAFullDisk removes the face of a customer who has a PIN from a disk on which nothing can be
// written, by the running terminal; the PIN goes when there is room.
func TestRemovalOnAFullDisk(t *testing.T) {
	s := newShop(t)
	data := filepath.Join(s.Dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	mount := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", data)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("this user may not mount a small disk to fill: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", data).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	id := s.withPIN()
	end := s.Open()
	defer end() // before the disk goes
	s.Opened()
	filler := filepath.Join(data, "filler")
	fill(t, filler)
	code, _, errs := s.Cli("customers", "remove", id, "--yes")
	if code == 0 || !strings.Contains(errs, "the face is removed, its PIN could not be") ||
		!strings.Contains(errs, "free some space") {
		t.Errorf("%d %s", code, errs)
	}
	if left := s.faces(); len(left) > 0 {
		t.Errorf("the face stays: %v", left)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.Eventually("the PIN is gone", func() bool {
		with, err := s.Term.PINs().Customers(t.Context())
		return err == nil && len(with) == 0
	})
}

// TestCustomersUnderAlarm: while the alarm stands nobody is told that nobody is enrolled, and a removal is
// done.
func TestCustomersUnderAlarm(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.withPIN()
	s.Open()
	s.Opened()
	s.Term.CaseChanged(true)
	for _, args := range [][]string{{"customers", "list"}, {"customers", "pin", id}} {
		s.Stdin("480215\n")
		if code, out, errs := s.Cli(args...); code == 0 || !strings.Contains(errs, "locked by the alarm") ||
			!strings.Contains(errs, "tamper reset") {
			t.Errorf("%v: %d %s %s", args, code, out, errs)
		}
	}
	_, out, _ := s.Cli("status")
	if !strings.Contains(out, "locked by the alarm") || strings.Contains(out, "enrolled customers: 0") {
		t.Error(out)
	}
	if _, err := s.Customers(t.Context()); err == nil {
		t.Error("an answer of a gallery that is locked")
	}
	if code, _, errs := s.Cli("customers", "remove", id, "--yes"); code != 0 || len(s.faces()) > 0 {
		t.Errorf("%d %s, left: %v", code, errs, s.faces())
	}
	if with, err := s.Term.PINs().Customers(t.Context()); err != nil || len(with) > 0 {
		t.Error(with, err)
	}
	if _, err := s.Term.Gallery().Records(); !errors.Is(err, gallery.ErrLocked) {
		t.Error(err)
	}
}

// TestPINsOfNobody: a PIN whose customer is gone goes at the next start, another does not.
func TestPINsOfNobody(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	id := s.withPIN()
	face := s.faces()[0]
	if err := os.Rename(face, face+".away"); err != nil {
		t.Fatal(err)
	}
	end := s.Open()
	s.Opened()
	if with, err := s.Term.PINs().Customers(t.Context()); err != nil || len(with) > 0 {
		t.Error(with, err)
	}
	end()
	if err := os.Rename(face+".away", face); err != nil {
		t.Fatal(err)
	}
	s.Stdin("902751\n")
	if code, _, errs := s.Cli("customers", "pin", id); code != 0 {
		t.Fatal(errs)
	}
	s.Open()
	s.goOn("the face was found again")
	if with, err := s.Term.PINs().Customers(t.Context()); err != nil || !with[id] {
		t.Error(with, err)
	}
}
