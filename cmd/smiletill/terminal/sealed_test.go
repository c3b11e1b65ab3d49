//go:build !notflite

package terminal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/witness"
	"smiletill/device/screen"
	"smiletill/device/tpm"
	"smiletill/device/tpm/tpmtest"
	"smiletill/payment"
)

// withTPM is a shop on a machine that has a TPM.
func withTPM(t *testing.T) (*shop, *tpmtest.Machine) {
	m, s := tpmtest.New(t), newShop(t)
	s.on(m.Path)
	return s, m
}

// on moves the shop's disk to another machine, by its TPM.
func (s *shop) on(path string) {
	for i, f := range s.Flags {
		if f == "--security-tpm" {
			s.Flags[i+1] = path
		}
	}
}

// sealed tells whether the keys are.
func (s *shop) sealed() bool {
	s.T.Helper()
	all := true
	for _, name := range []string{"terminal.key", "gallery/gallery.key"} {
		text, err := os.ReadFile(filepath.Join(s.Dir, "data", name))
		if err != nil {
			s.T.Fatal(err)
		}
		all = all && tpm.Sealed(text)
	}
	return all
}

// image copies all of the disk that a terminal knows; put puts it back.
func (s *shop) image(to string) (put func()) {
	s.T.Helper()
	data := filepath.Join(s.Dir, "data")
	all := []string{data, witness.Beside(data)}
	for _, dir := range all {
		if err := os.CopyFS(filepath.Join(to, filepath.Base(dir)), os.DirFS(dir)); err != nil {
			s.T.Fatal(err)
		}
	}
	return func() {
		s.T.Helper()
		for _, dir := range all {
			if err := os.RemoveAll(dir); err != nil {
				s.T.Fatal(err)
			}
			if err := os.CopyFS(dir, os.DirFS(filepath.Join(to, filepath.Base(dir)))); err != nil {
				s.T.Fatal(err)
			}
			private(s.T, dir)
		}
	}
}

// outOfOrder waits until the screen says so, with these words.
func (s *shop) outOfOrder(what, do string) {
	s.T.Helper()
	s.Eventually("out of order: "+what, func() bool {
		v := s.View()
		return v.State == screen.OutOfOrder && strings.Contains(v.Detail.What, what) &&
			strings.Contains(v.Detail.Do, do)
	})
}

// TestWholeDiskPutBackInATerminal: with a TPM a terminal whose whole disk was put back, with what lies beside
// the data folder, takes no payment, until the newest is back or somebody goes on with a reason.
func TestWholeDiskPutBackInATerminal(t *testing.T) {
	t.Parallel()
	s, _ := withTPM(t)
	s.EnrolCustomer()
	end := s.Open()
	s.Pay("first", "1.00")
	s.WantEnd("first", "approved", "")
	end()
	if !s.sealed() {
		t.Fatal("the keys are not sealed")
	}
	older := s.image(filepath.Join(s.Dir, "older"))

	end = s.Open()
	s.Pay("second", "1.00")
	s.WantEnd("second", "approved", "")
	end()
	newest := s.image(filepath.Join(s.Dir, "newest"))

	older()
	end = s.Open()
	s.outOfOrder("TPM had counted", "reconcile")
	_, err := s.Begin(t.Context(), control.PaymentRequest{ID: "second", Amount: "1.00", Currency: "EUR"})
	if err == nil || !strings.Contains(payment.HintOf(err), "reconcile") {
		t.Errorf("a payment: %v; hint %q", err, payment.HintOf(err))
	}
	end()
	newest()
	end = s.Open()
	s.Pay("third", "1.00")
	s.WantEnd("third", "approved", "")
	end()
	older()
	end = s.Open()
	s.outOfOrder("TPM had counted", "reconcile")
	s.goOn("the disk broke on Monday")
	s.Pay("fourth", "1.00")
	s.WantEnd("fourth", "approved", "")
	end()
	if _, out, _ := s.Cli("journal", "audit"); !strings.Contains(out, "broke on Monday; machine") {
		t.Errorf("the facts say nothing of it:\n%s", out)
	}
	s.Open()
	s.Pay("fifth", "1.00")
	s.WantEnd("fifth", "approved", "")
}

// TestTerminalWithoutItsTPM: the disk in another machine, or its TPM switched off, puts the terminal out of
// order in words that say what to do; commands say the same, none makes another key; and with the TPM it goes
// on by itself.
func TestTerminalWithoutItsTPM(t *testing.T) {
	t.Parallel()
	s, m := withTPM(t)
	other := tpmtest.New(t)
	s.on("off") // as it was before
	s.EnrolCustomer()
	end := s.Open()
	s.Opened()
	end()
	if s.sealed() {
		t.Fatal("the keys are sealed to nothing")
	}
	_, public, _ := s.Cli("key")
	s.on(m.Path)
	end = s.Open()
	s.Pay("first", "1.00")
	s.WantEnd("first", "approved", "")
	s.Stdin("902751\n")
	s.does("customers", "pin", s.End("first").Customer)
	row := false
	for _, r := range s.Term.StatusRows(t.Context()) {
		row = row || r.Name == "protection" && strings.Contains(r.Value, "sealed to this machine's TPM")
	}
	if !row {
		t.Errorf("the status says nothing of it: %+v", s.Term.StatusRows(t.Context()))
	}
	end()
	if !s.sealed() {
		t.Fatal("a start has not sealed the keys")
	}
	if code, out, errs := s.Cli("key"); code != 0 || out != public {
		t.Errorf("the terminal's key is another: %s%s", out, errs)
	}

	s.on(other.Path)
	end = s.Open()
	s.outOfOrder("another machine's TPM", "put the disk back")
	end()
	for _, args := range [][]string{{"key"}, {"customers", "list"}, {"customers", "pin", "c_none"}} {
		s.Stdin("902751\n")
		code, _, errs := s.Cli(args...)
		if code == 0 || !strings.Contains(errs, "another machine's TPM") || !strings.Contains(errs, "hint:") {
			t.Errorf("%q: %d %s", args, code, errs)
		}
	}
	s.on("off")
	if code, _, errs := s.Cli("key"); code == 0 || !strings.Contains(errs, "key unseal") {
		t.Errorf("with security.tpm off: %d %s", code, errs)
	}
	s.on(m.Path)
	m.Stop(t)
	end = s.Open()
	s.outOfOrder("there is no TPM", "firmware")
	m.Start(t)
	s.Opened()
	s.Pay("second", "1.00")
	s.WantEnd("second", "approved", "")
	end()
	m.Clear(t)
	end = s.Open()
	s.outOfOrder("was cleared", "smiletill restore")
	end()

	// As systemd/README.md says it, where there is no backup.
	for _, name := range []string{"terminal.key", "pins.db", "gallery"} {
		if err := os.Rename(filepath.Join(s.Dir, "data", name), filepath.Join(s.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	end = s.Open()
	s.outOfOrder("older data", "reconcile")
	s.goOn("new mainboard")
	end()
	if code, out, _ := s.Cli("key"); code != 0 || out == public || !s.sealed() {
		t.Errorf("there is no new key: %s", out)
	}
	s.EnrolCustomer()
	s.Open()
	s.Pay("third", "1.00")
	s.WantEnd("third", "approved", "")
}

// TestUnsealAndReplaceTheBoard: unsealed, a disk goes on in another machine, and is sealed to that.
func TestUnsealAndReplaceTheBoard(t *testing.T) {
	t.Parallel()
	s, _ := withTPM(t)
	other := tpmtest.New(t)
	s.EnrolCustomer()
	end := s.Open()
	s.Pay("first", "1.00")
	s.WantEnd("first", "approved", "")
	if code, _, errs := s.Cli("key", "unseal"); code == 0 || !strings.Contains(errs, "systemctl stop") {
		t.Errorf("while it runs: %d %s", code, errs)
	}
	end()
	if out := s.does("key", "unseal"); s.sealed() || !strings.Contains(out, "3 secrets") {
		t.Errorf("unsealed: %s", out)
	}
	s.on(other.Path)
	end = s.Open()
	s.Pay("second", "1.00")
	s.WantEnd("second", "approved", "")
	end()
	if !s.sealed() {
		t.Error("the other machine has not sealed the keys")
	}
	s.Open()
	s.Pay("third", "1.00")
	s.WantEnd("third", "approved", "")
}
