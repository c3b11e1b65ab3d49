//go:build !notflite

package terminal_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/people"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/vision/visits"
)

// audits is what `smiletill journal audit` lists, the oldest first: what was done and how.
func audits(s *terminaltest.Shop) (all []string) {
	s.T.Helper()
	code, out, errs := s.Cli("journal", "audit", "--limit", "99")
	if code != 0 {
		s.T.Fatalf("journal audit: %d %s", code, errs)
	}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n")[1:] {
		all = append([]string{line}, all...)
	}
	return all
}

// wantAudits waits until the journal's last changes are these.
func wantAudits(s *terminaltest.Shop, want ...string) {
	s.T.Helper()
	s.Eventually(strings.Join(want, ", "), func() bool {
		all := audits(s)
		if len(all) < len(want) {
			return false
		}
		for i, w := range want {
			if !strings.Contains(all[len(all)-len(want)+i], w) {
				return false
			}
		}
		return true
	})
}

// Who may pay, and which register is let in, is a fact that reaches the cloud whichever way it was changed;
// and a customer's account can't be given to another face.
func TestTrail(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	b, c := terminaltest.NewCloud(t, config.Default(), s.Dir, rand.New(rand.NewPCG(1, 2)))
	s.Flags = append(s.Flags, "--mqtt-broker", b.URL(), "--register-listen", "127.0.0.1:0")
	s.EnrolCustomer()
	s.Stdin("802751\n")
	if code, _, errs := s.Cli("counter", "pin"); code != 0 {
		t.Fatal(errs)
	}
	s.Open()
	s.Opened()
	wantAudits(s.Shop, "customer enrolled", "clerk pin set", "terminal configured")
	for _, a := range audits(s.Shop)[:2] {
		if !strings.Contains(a, "not by the running terminal") {
			t.Errorf("done while nothing ran: %s", a)
		}
	}
	grace, err := s.Customers(t.Context())
	if err != nil || len(grace) != 1 {
		t.Fatal(grace, err)
	}
	id := grace[0].ID
	code, _, errs := s.Cli(append([]string{"enrol", "--again", id}, strangers(t, s.Dir)...)...)
	if code == 0 || !strings.Contains(errs, "not the face that is enrolled") ||
		!strings.Contains(errs, "remove "+id) {
		t.Fatalf("another woman takes the account: %d %s", code, errs)
	}
	if n := len(audits(s.Shop)); n != 3 {
		t.Errorf("a refused renewal is told as one: %v", audits(s.Shop))
	}
	own := s.Photos("enrol_3", "enrol_4", "enrol_5")
	if code, _, errs := s.Cli(append([]string{"enrol", "--again", id}, own...)...); code != 0 {
		t.Fatal(errs)
	}
	s.Stdin("902751\n")
	if code, _, errs := s.Cli("customers", "pin", id); code != 0 {
		t.Fatal(errs)
	}
	told := len(audits(s.Shop))
	for _, wrong := range []string{"Grace Hopper", "no-such-customer"} { // a name would be told to the cloud
		if code, _, errs := s.Cli("customers", "pin", wrong, "--remove"); code == 0 || len(audits(s.Shop)) != told {
			t.Errorf("%s has a PIN taken away: %d %s%v", wrong, code, errs, audits(s.Shop))
		}
	}
	for _, c := range []struct{ do, found string }{
		{"pair", "register paired"}, {"unpair", "register unpaired"},
	} {
		if code, _, errs := s.Cli("register", c.do, "counter-1"); code != 0 {
			t.Fatal(errs)
		}
		wantAudits(s.Shop, c.found)
	}
	if code, _, errs := s.Cli("customers", "remove", "--yes", id); code != 0 {
		t.Fatal(errs)
	}
	wantAudits(s.Shop, "terminal configured", "customer renewed", "customer pin set",
		"register paired", "register unpaired", "customer removed")
	s.Eventually("the cloud has all of them", func() bool {
		all, err := c.Audits(t.Context(), 99)
		return err == nil && len(all) == 8
	})
	all, err := c.Audits(t.Context(), 99)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if strings.Contains(string(e.Payload), "Hopper") || strings.Contains(string(e.Payload), "902751") {
			t.Errorf("it tells a name or a PIN: %s", e.Payload)
		}
	}
	if n, err := c.Count(t.Context()); err != nil || n != 0 {
		t.Errorf("%d payments are counted, %v", n, err)
	}
}

// strangers are photos of a woman who is no customer.
func strangers(t *testing.T, dir string) (files []string) {
	t.Helper()
	film, err := visits.Open("stranger_smile")
	if err != nil {
		t.Fatal(err)
	}
	// At rest, at rest with a face made broader, and smiling: frames of one moment are one photo.
	for i, at := range []int{0, 12, 21} {
		frame := film.Frames[film.Near+at]
		if i == 1 {
			frame = broader(t, frame)
		}
		path := filepath.Join(dir, fmt.Sprintf("stranger_%d.jpg", i))
		if err := os.WriteFile(path, frame, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	return files
}

// broader stretches a picture to the sides.
func broader(t *testing.T, frame []byte) []byte {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(frame))
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bounds()
	wide := image.NewRGBA(b)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			wide.Set(x, y, m.At(b.Dx()/2+(x-b.Dx()/2)*12/13, y))
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, wide, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A customer who wants to be forgotten does not wait for the journal; it is told when it is whole again.
func TestRemovalWithoutAJournal(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	end := s.Open()
	s.Opened()
	wantAudits(s.Shop, "customer enrolled", "terminal configured")
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	end()
	path := filepath.Join(s.Dir, "data", "journal.db")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, len(sound)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Open()
	s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
	if err := s.Remove(t.Context(), all[0].ID); err != nil {
		t.Fatalf("a removal waits for the journal: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(s.Dir, "data", "gallery", "*.face"))
	if err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Opened()
	wantAudits(s.Shop, "customer enrolled", "terminal configured", "customer removed")
	if last := audits(s.Shop); !strings.Contains(last[len(last)-1], "owner "+people.Here().Name+" (socket)") {
		t.Errorf("nobody removed the customer: %q", last)
	}
}
