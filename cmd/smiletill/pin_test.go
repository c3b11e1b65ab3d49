//go:build !notflite

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"smiletill/device/screen"
)

const rightPIN = "902751"

// typePIN posts to the customer's page as its script does.
func (s *shop) typePIN(asked, digits string) int {
	s.t.Helper()
	resp, err := http.Post("http://"+s.term.addr+"/pin", "application/json",
		strings.NewReader(fmt.Sprintf(`{"asked":%q,"pin":%q}`, asked, digits)))
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// stdin gives a command text to read, as a pipe does.
func (s *shop) stdin(text string) {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = w.WriteString(text)
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	was := os.Stdin
	os.Stdin = r
	s.t.Cleanup(func() { os.Stdin = was; _ = r.Close() })
}

func (s *shop) wantEnd(id, state, reason string) paymentReply {
	s.t.Helper()
	p := s.end(id)
	if p.State != state || p.Reason != reason {
		s.t.Fatalf("payment %s: %s %s, want %s %s", id, p.State, p.Reason, state, reason)
	}
	return p
}

func TestPIN(t *testing.T) {
	s := newShop(t)
	s.flags = append(s.flags, "--pin-amount-max", "5.00")
	s.enrol()
	s.open()
	s.pay("small", "5.00")
	customer := s.wantEnd("small", "approved", "").Customer
	s.pay("none", "5.01")
	s.wantEnd("none", "declined", "pin_not_set")

	for _, c := range []struct{ id, digits, says string }{
		{customer, "1234", "guess"}, {customer, "12a4", "4 to 12 digits"}, {"nobody", rightPIN, "customers list"},
	} {
		s.stdin(c.digits + "\n")
		if code, _, errs := s.cli("customers", "pin", c.id); code == 0 || !strings.Contains(errs, c.says) {
			t.Errorf("PIN %s for %s: %d %s", c.digits, c.id, code, errs)
		}
	}
	s.stdin(rightPIN + "\n")
	if code, out, errs := s.cli("customers", "pin", customer); code != 0 ||
		!strings.Contains(out, "set the PIN") {
		t.Fatalf("customers pin: %d %s %s", code, out, errs)
	}
	if _, out, errs := s.cli("customers", "list"); !strings.Contains(out, "yes  can pay") {
		t.Errorf("customers list does not say who has a PIN:\n%s%s", out, errs)
	}

	s.pay("screen", "6.00")
	s.eventually("the keypad", func() bool { return s.sees(screen.EnterPIN) })
	if code := s.typePIN("none", rightPIN); code != http.StatusConflict {
		t.Errorf("a PIN for another payment: %d", code)
	}
	if code := s.typePIN("screen", "902752"); code != http.StatusUnprocessableEntity {
		t.Errorf("a wrong PIN: %d", code)
	}
	if code := s.typePIN("screen", rightPIN); code != http.StatusNoContent {
		t.Errorf("the right PIN: %d", code)
	}
	s.wantEnd("screen", "approved", "")
	s.cliTakesPIN()
	s.wrongTooOften()
	s.noPINInFiles()

	if code, _, errs := s.cli("customers", "remove", customer); code != 0 {
		t.Fatal(errs)
	}
	p, err := s.term.opened()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.pins.Ready(t.Context(), customer); err == nil || !strings.Contains(err.Error(), "no PIN") {
		t.Errorf("the PIN of a customer who was removed: %v", err)
	}
}

// cliTakesPIN types a PIN, wrong and right, at a real pseudo-terminal.
func (s *shop) cliTakesPIN() {
	t := s.t
	t.Helper()
	master, slave := openPTY(t)
	var said bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		q := paymentRequest{ID: "cli", Amount: "7.00", Currency: "EUR"}
		ended <- pay(t.Context(), s.client, q, slave, &said)
	}()
	s.eventually("the keypad", func() bool { return s.sees(screen.EnterPIN) })
	s.eventually("no echo", func() bool {
		state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
		return err == nil && state.Lflag&unix.ECHO == 0
	})
	for _, line := range []string{"111222\n", rightPIN + "\n"} {
		if _, err := master.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil {
		t.Fatalf("pay: %v\n%s", err, &said)
	}
	for _, want := range []string{"the PIN is needed", "wrong PIN, try again", "approved, paid by"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("pay does not say %q:\n%s", want, &said)
		}
	}
	state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil || state.Lflag&unix.ECHO == 0 {
		t.Errorf("the terminal is left without echo: %v", err)
	}
	if n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCINQ); err != nil || n > len("\r\n\r\n") {
		t.Errorf("the terminal showed %d bytes of what was typed, %v", n, err)
	}
}

func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// wrongTooOften locks the PIN; the next payment is declined without asking, also after a restart.
func (s *shop) wrongTooOften() {
	t := s.t
	t.Helper()
	s.pay("guess", "8.00")
	s.eventually("the keypad", func() bool { return s.sees(screen.EnterPIN) })
	for i, want := range []int{422, 422, 204} {
		if code := s.typePIN("guess", "90000"+strconv.Itoa(i)); code != want {
			t.Errorf("wrong PIN %d: %d, want %d", i, code, want)
		}
	}
	if p := s.end("guess"); p.State != "declined" || p.Reason != "wrong_pin" && p.Reason != "pin_locked" {
		t.Errorf("after three wrong PINs: %+v", p)
	}
	s.pay("locked", "8.00")
	s.wantEnd("locked", "declined", "pin_locked")
	s.pay("again", "2.00")
	s.wantEnd("again", "approved", "")
}

func (s *shop) noPINInFiles() {
	s.t.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(rightPIN)) {
			s.t.Errorf("%s holds the PIN", path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}
