//go:build !notflite

package terminal_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/register"
)

// TestAnyStoreThatCantBeWritten fills the disk and writes in one store after the other: each alone puts the
// terminal out of order, for everybody who tells how it does, until there is room again.
func TestAnyStoreThatCantBeWritten(t *testing.T) {
	var sup supervisor
	sup.listen(t)
	s := newShop(t)
	s.Flags = append(s.Flags, "--register-listen", "127.0.0.1:0", "--register-plain")
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
	s.EnrolCustomer()
	s.setClerk("4826")
	end := s.Open()
	defer end() // before the disk goes
	s.Eventually("in order", func() bool { return s.Sees(screen.Idle) })
	clerk := s.unlocked("4826")
	customers, err := s.Customers(t.Context())
	if err != nil || len(customers) != 1 {
		t.Fatal(customers, err)
	}
	id := customers[0].ID
	for _, c := range []struct {
		store string
		write func() error
	}{
		{"what is about to be changed", func() error { return s.SetPIN(t.Context(), id, "902751") }},
		{"the PINs", func() error { // which count wrong ones
			code, answer, _ := s.counterPost("unlock", "", `{"pin":"9999"}`)
			if strings.Contains(answer, "wrong") {
				return nil
			}
			return fmt.Errorf("%d %s", code, answer)
		}},
		{"the registers' records", func() error {
			reply := s.diagnosed(t)
			return fmt.Errorf("%+v", reply.Payment)
		}},
		{"the counter's payments", func() error {
			code, answer, _ := s.counterPost("pay", clerk, `{"id":"counter-full","amount":"1.00"}`)
			if code == http.StatusOK {
				return nil
			}
			return fmt.Errorf("%d %s", code, answer)
		}},
		{"what is about to be changed", func() error { // faces are, but not without that
			again := append([]string{"enrol", "--again", id}, s.Photos("enrol_1", "enrol_2", "enrol_3")...)
			code, _, errs := s.Cli(again...)
			if code == 0 {
				return nil
			}
			return fmt.Errorf("%s", errs)
		}},
	} {
		t.Run(c.store, func(t *testing.T) {
			filler := filepath.Join(data, "filler")
			fill(t, filler)
			if err := c.write(); err == nil {
				t.Fatal("it could be written: the disk is not full")
			}
			s.everybodyTells(&sup, c.store)
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			s.Eventually("in order again", func() bool { return s.Sees(screen.Idle) && s.tells() == "" })
			s.Eventually("systemd", func() bool { return sup.last("STATUS=") == "STATUS=ready for payments" })
		})
	}
	s.Pay("two", "1.00")
	if p := s.End("two"); p.State != string(payment.StateApproved) {
		t.Errorf("with space again: %+v", p)
	}
}

// TestLeftoversOfAPowerCut: a start clears the data folder of what the program left half done, and of nothing
// else.
func TestLeftoversOfAPowerCut(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	data := filepath.Join(s.Dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{".new-probe-1": false, ".counter-2": false, ".new-3": false, ".migrated-4": false,
		".key-5": false, ".counter-notes": true, "new-6": true} // by whether it stays
	then := time.Now().Add(-time.Hour)
	for name := range left {
		path := filepath.Join(data, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	s.Open()
	s.Opened()
	for name, stays := range left {
		if _, err := os.Stat(filepath.Join(data, name)); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 512)
	for err == nil {
		_, err = f.Write(block)
	}
	_ = f.Close() // it is full, as it should be
}

// last is the last notification with a beginning.
func (s *supervisor) last(begin string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.words) - 1; i >= 0; i-- {
		if strings.HasPrefix(s.words[i], begin) {
			return s.words[i]
		}
	}
	return ""
}

// everybodyTells waits until screen, registers, technician and systemd say that the terminal is out of order,
// because of words, with advice.
func (s *shop) everybodyTells(sup *supervisor, words string) {
	s.T.Helper()
	s.Eventually("out of order on the screen, with advice", func() bool {
		v := s.View()
		return v.State == screen.OutOfOrder && strings.Contains(v.Detail.What, words) && v.Detail.Do != ""
	})
	s.Eventually("systemd's status", func() bool {
		return strings.HasPrefix(sup.last("STATUS="), "STATUS=out of order: ") &&
			strings.Contains(sup.last("STATUS="), words)
	})
	s.Eventually("the technician's page", func() bool { return strings.Contains(s.tells(), words) })
	s.Eventually("healthz", func() bool { return s.health() == http.StatusServiceUnavailable })
	reply, err := s.nexo().Send(s.T.Context(), register.Request{
		Header:    register.Header{MessageCategory: register.CategoryDiagnosis, ServiceID: "9"},
		Diagnosis: &register.DiagnosisRequest{}})
	if err != nil {
		s.T.Fatal(err)
	}
	d := reply.Diagnosis
	if d == nil || d.Status.Global != "Maintenance" || !strings.Contains(register.Message(d.Response), words) {
		s.T.Errorf("Diagnosis: %+v", d)
	}
	_, err = s.Begin(s.T.Context(), control.PaymentRequest{ID: "refused", Amount: "1.00", Currency: "EUR"})
	if err == nil || payment.HintOf(err) == "" {
		s.T.Errorf("a payment: %v; hint %q", err, payment.HintOf(err))
	}
}

// tells is what the technician's page says of the disk, "" while nothing is wrong.
func (s *shop) tells() string {
	for _, row := range s.Term.StatusRows(s.T.Context()) {
		if row.Level == screen.LevelFault && (row.Name == "storage" || row.Name == "terminal") && row.Do != "" {
			return row.Value + "; " + row.Do
		}
	}
	return ""
}

// nexo is a register on this machine.
func (s *shop) nexo() *register.Client {
	s.Eventually("the register's address", func() bool { return s.Term.Addresses().Register != "" })
	return &register.Client{URL: "https://" + s.Term.Addresses().Register + "/nexo", SaleID: "POS 1",
		POIID: s.poiID(), HTTP: &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
}

// asReadOnlyDisk says that this is the child with mounts of its own: what it plays, the image and where to
// mount it.
const asReadOnlyDisk = "TEST_READ_ONLY_DISK"

// TestDiskTurnsReadOnly has the kernel find an error on an ext4 file system while a customer pays, and make
// it read-only; then the terminal is started so; and then the file system is mended.
func TestDiskTurnsReadOnly(t *testing.T) {
	if play := os.Getenv(asReadOnlyDisk); play != "" {
		part, image, _ := strings.Cut(play, " ")
		onImage(t, part, image)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may mount an image")
	}
	image := filepath.Join(t.TempDir(), "disk")
	err := os.WriteFile(image, nil, 0o600)
	err = errors.Join(err, os.Truncate(image, 24<<20), os.Mkdir(image+".mounted", 0o700))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Skipf("no ext4 can be made here: %v %s", err, out)
	}
	for _, part := range []string{"break", "mended"} {
		var out bytes.Buffer
		child := exec.Command(os.Args[0], "-test.run=^TestDiskTurnsReadOnly$", "-test.v")
		child.Env = append(os.Environ(), asReadOnlyDisk+"="+part+" "+image)
		child.Stdout, child.Stderr = &out, &out
		child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
		if err := child.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", part, err, out.String())
		}
		if strings.Contains(out.String(), "--- SKIP") {
			t.Skip(out.String())
		}
		if out, err := exec.Command("e2fsck", "-f", "-p", image).CombinedOutput(); err != nil {
			t.Logf("e2fsck: %v %s", err, out) // 1: errors were mended
		}
	}
}

func onImage(t *testing.T, part, image string) {
	var sup supervisor
	sup.listen(t)
	s := newShop(t)
	disk := image + ".mounted"
	out, err := exec.Command("mount", "-o", "loop,errors=remount-ro", image, disk).CombinedOutput()
	if err != nil {
		t.Skipf("no image can be mounted here: %v %s", err, out)
	}
	trigger := triggerOf(t, disk)
	s.Flags[1] = filepath.Join(disk, "data")
	s.Flags = append(s.Flags, "--register-listen", "127.0.0.1:0", "--register-plain")
	if part == "mended" {
		s.Open()
		s.Pay("two", "1.00")
		s.WantEnd("two", "approved", "")
		if code, out, errs := s.Cli("journal", "verify"); code != 0 {
			t.Errorf("%d %s %s", code, out, errs)
		}
		if p, err := s.Wait(t.Context(), "one", time.Minute); err == nil && p.State == "approved" {
			t.Errorf("it was approved after all: %+v", p)
		}
		return
	}
	s.EnrolCustomer()
	end := s.Open()
	s.Pay("one", "1.00")
	if err := os.WriteFile(trigger, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	p, err := s.Wait(t.Context(), "one", time.Minute)
	if err == nil && p.State == string(payment.StateApproved) {
		t.Fatalf("approved on a disk that is read-only: %+v", p)
	}
	s.everybodyTells(&sup, "read-only file system")
	if tells := s.tells(); !strings.Contains(tells, "dmesg") {
		t.Errorf("the technician's page: %s", tells)
	}
	for _, row := range s.Term.StatusRows(t.Context()) {
		if row.Name == "journal" && row.Level != screen.LevelFault {
			t.Errorf("after a failed commit: %+v", row)
		}
	}
	end()
	s.Open() // so
	s.everybodyTells(&sup, "read-only file system")
	if v := s.View(); !strings.Contains(v.Detail.Do, "read-only") {
		t.Errorf("the screen advises %q", v.Detail.Do)
	}
}

// triggerOf is the file by which the kernel's ext4 is told that it has found an error, of the file system
// that is mounted on a folder, and of no other.
func triggerOf(t *testing.T, folder string) string {
	t.Helper()
	var at unix.Stat_t
	if err := unix.Stat(folder, &at); err != nil {
		t.Fatal(err)
	}
	device, err := os.Readlink(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(at.Dev), unix.Minor(at.Dev)))
	if err != nil || !strings.HasPrefix(filepath.Base(device), "loop") {
		t.Skipf("no loop device is mounted here: %q, %v", device, err)
	}
	trigger := filepath.Join("/sys/fs/ext4", filepath.Base(device), "trigger_fs_error")
	if _, err := os.Stat(trigger); err != nil {
		t.Skipf("this kernel's ext4 can't be told of an error: %v", err)
	}
	return trigger
}
