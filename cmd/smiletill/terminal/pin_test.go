//go:build !notflite

package terminal_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/cli"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
)

// typePIN posts to the customer's page as its script does.
func (s *shop) typePIN(asked, digits string) int {
	s.T.Helper()
	resp, err := http.Post("http://"+s.Term.Addresses().Screen+"/pin", "application/json",
		strings.NewReader(fmt.Sprintf(`{"asked":%q,"pin":%q}`, asked, digits)))
	if err != nil {
		s.T.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestPIN(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--pin-amount-max", "5.00")
	s.EnrolCustomer()
	s.Open()
	s.Pay("small", "5.00")
	customer := s.WantEnd("small", "approved", "").Customer
	s.Pay("none", "5.01")
	s.WantEnd("none", "declined", "pin_not_set")
	code, out, _ := s.Cli("pay", "5.01", "--id", "none")
	if code != 3 || !strings.Contains(out, "customers pin ID`") {
		t.Errorf("pay tells of who has no PIN: %d %s", code, out)
	}

	for _, c := range []struct{ id, digits, says string }{
		{customer, "1234", "guess"}, {customer, "12a4", "4 to 12 digits"},
		{"nobody", terminaltest.RightPIN, "customers list"},
	} {
		s.Stdin(c.digits + "\n")
		if code, _, errs := s.Cli("customers", "pin", c.id); code == 0 || !strings.Contains(errs, c.says) {
			t.Errorf("PIN %s for %s: %d %s", c.digits, c.id, code, errs)
		}
	}
	s.Stdin(terminaltest.RightPIN + "\n")
	if code, out, errs := s.Cli("customers", "pin", customer); code != 0 ||
		!strings.Contains(out, "set the PIN") {
		t.Fatalf("customers pin: %d %s %s", code, out, errs)
	}
	if _, out, errs := s.Cli("customers", "list"); !strings.Contains(out, "yes  can pay") {
		t.Errorf("customers list does not say who has a PIN:\n%s%s", out, errs)
	}

	s.Pay("screen", "6.00")
	s.Eventually("the keypad", func() bool { return s.Sees(screen.EnterPIN) })
	if code := s.typePIN("none", terminaltest.RightPIN); code != http.StatusConflict {
		t.Errorf("a PIN for another payment: %d", code)
	}
	if code := s.typePIN("screen", "902752"); code != http.StatusUnprocessableEntity {
		t.Errorf("a wrong PIN: %d", code)
	}
	if code := s.typePIN("screen", terminaltest.RightPIN); code != http.StatusNoContent {
		t.Errorf("the right PIN: %d", code)
	}
	s.WantEnd("screen", "approved", "")
	s.cliTakesPIN()
	s.wrongTooOften()
	s.noPINInFiles()

	if code, _, errs := s.Cli("customers", "remove", "--yes", customer); code != 0 {
		t.Fatal(errs)
	}
	if err := s.Term.PINs().Ready(t.Context(), customer); err == nil ||
		!strings.Contains(err.Error(), "no PIN") {
		t.Errorf("the PIN of a customer who was removed: %v", err)
	}
}

// TestShippedLimits: a customer's photo that a program bends to a smile pays as a face does. On a terminal on
// which nobody has set a limit it ends before 150 EUR, and the technician's page says so; where somebody has
// taken the limits away it says that too.
func TestShippedLimits(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = slices.DeleteFunc(s.Flags, func(f string) bool {
		return f == "0" || strings.HasPrefix(f, "--pin-")
	})
	s.EnrolCustomer()
	end := s.Open()
	for i, amount := range []string{"49.00", "50.00", "50.00"} {
		id := fmt.Sprintf("under-%d", i)
		s.Pay(id, amount)
		s.WantEnd(id, "approved", "")
	}
	s.Pay("over", "50.00")
	s.WantEnd("over", "declined", "pin_not_set")
	s.limits(screen.LevelWarning, "a face alone pays at most 50.00 EUR, 5 payments and 150.00 EUR since",
		"declined beyond that: 1")
	end()
	s.Flags = append(s.Flags, "--pin-count-max", "0", "--pin-sum-max", "0")
	s.Open()
	s.Pay("without", "50.00")
	s.WantEnd("without", "approved", "")
	s.limits(screen.LevelWarning, "at most 50.00 EUR, again and again", "photo")
}

// limits wants the technician's page to say what a face alone pays.
func (s *shop) limits(level screen.Level, says ...string) {
	s.T.Helper()
	rows := s.Term.StatusRows(s.T.Context())
	i := slices.IndexFunc(rows, func(r screen.StatusRow) bool { return r.Name == "limits" })
	if i < 0 {
		s.T.Fatalf("no row of limits in %+v", rows)
	}
	for _, text := range says {
		if rows[i].Level != level || !strings.Contains(rows[i].Value, text) || rows[i].Do == "" {
			s.T.Errorf("%+v, want %q", rows[i], text)
		}
	}
}

// cliTakesPIN types a PIN, wrong and right, at a real pseudo-terminal.
func (s *shop) cliTakesPIN() {
	t := s.T
	t.Helper()
	master, slave := openPTY(t)
	var said bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		args := append([]string{"pay", "7.00", "EUR", "--id", "cli"}, s.Flags[:6]...)
		ended <- cli.Run(t.Context(), "test", args, cli.Streams{In: slave, Out: &said, Err: &said})
	}()
	s.Eventually("the keypad", func() bool { return s.Sees(screen.EnterPIN) })
	s.Eventually("no echo", func() bool {
		state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
		return err == nil && state.Lflag&unix.ECHO == 0
	})
	for _, line := range []string{"111222\n", terminaltest.RightPIN + "\n"} {
		if _, err := master.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	if code := <-ended; code != 0 {
		t.Fatalf("pay: %d\n%s", code, &said)
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
	t := s.T
	t.Helper()
	s.Pay("guess", "8.00")
	s.Eventually("the keypad", func() bool { return s.Sees(screen.EnterPIN) })
	for i, want := range []int{422, 422, 204} {
		if code := s.typePIN("guess", "90000"+strconv.Itoa(i)); code != want {
			t.Errorf("wrong PIN %d: %d, want %d", i, code, want)
		}
	}
	if p := s.End("guess"); p.State != "declined" || p.Reason != "wrong_pin" && p.Reason != "pin_locked" {
		t.Errorf("after three wrong PINs: %+v", p)
	}
	s.Pay("locked", "8.00")
	s.WantEnd("locked", "declined", "pin_locked")
	s.Pay("again", "2.00")
	s.WantEnd("again", "approved", "")
}

func (s *shop) noPINInFiles() {
	s.T.Helper()
	err := filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(terminaltest.RightPIN)) {
			s.T.Errorf("%s holds the PIN", path)
		}
		return err
	})
	if err != nil {
		s.T.Error(err)
	}
}
