//go:build !notflite

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision/visits"
)

// shop is a terminal of this process: the real parts, with a camera that the test can pull out.
type shop struct {
	t     *testing.T
	flags []string
	dir   string
	*client
	term *terminal

	mu       sync.Mutex
	pulled   bool
	clip     *camera.Clip
	plugged  camera.Source
	plugAt   func()    // called before the camera is opened
	visitors *director // nil: the same customer again and again
	attended string    // the payment for which visitors came last

	views []screen.View

	reconciled int64 // the latest fact at the last reconciliation
}

// newShop makes the folders and the flags of a terminal that does not run yet.
func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, dir: t.TempDir(), plugAt: func() {}}
	socket := filepath.Join(shortDir(t), "s")
	s.client = newClient(socket)
	s.flags = []string{"--paths-data-dir", filepath.Join(s.dir, "data"), "--paths-control-socket", socket,
		"--screen-listen", "127.0.0.1:0", "--register-listen", "",
		"--mqtt-broker", "", "--payment-timeout", "100s", "--log-level", "error"}
	film, err := camera.Load(visits.Files(), "customer_smile.mjpeg")
	if err != nil {
		t.Fatal(err)
	}
	s.clip = film
	return s
}

// cli runs a command line in this process.
func (s *shop) cli(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	code = execute(ctx, append(args, s.flags[:4]...), &out, &errs)
	return code, out.String(), errs.String()
}

func (s *shop) photos(names ...string) []string {
	var files []string
	for _, n := range names {
		data, err := visits.Photo(n)
		if err != nil {
			s.t.Fatal(err)
		}
		path := filepath.Join(s.dir, n+".jpg")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			s.t.Fatal(err)
		}
		files = append(files, path)
	}
	return files
}

func (s *shop) enrol() {
	s.t.Helper()
	args := append([]string{"enrol", "Grace Hopper"}, s.photos("enrol_1", "enrol_2", "enrol_3")...)
	if code, _, errs := s.cli(args...); code != 0 {
		s.t.Fatalf("enrol: %d: %s", code, errs)
	}
}

// open starts the terminal and waits until its control socket answers.
func (s *shop) open() {
	s.t.Helper()
	s.openUntil()
}

// openUntil is open; the terminal is switched off by end, or with the test.
func (s *shop) openUntil() (end func()) {
	s.t.Helper()
	root := runCommand(&app{})
	if err := root.ParseFlags(s.flags); err != nil {
		s.t.Fatal(err)
	}
	cfg, err := LoadConfig("", root.Flags(), os.Environ())
	if err != nil {
		s.t.Fatal(err)
	}
	if s.term, err = newTerminal(cfg, newLogger(cfg.Log, os.Stderr)); err != nil {
		s.t.Fatal(err)
	}
	s.term.openCamera = s.plug
	if s.visitors != nil {
		s.term.openCamera = func() (camera.Source, error) {
			return &pullable{shop: s, Source: kept{s.visitors.live}}, nil
		}
	}
	s.term.onView = func(v screen.View, _ string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.views = append(s.views, v)
	}
	if err := s.term.listen(); err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.term.run(ctx) }()
	end = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("run: %v", err)
		}
	})
	s.t.Cleanup(end)
	s.eventually("the control socket", func() bool { return s.running(s.t.Context()) })
	return end
}

func (s *shop) eventually(what string, ok func() bool) {
	s.t.Helper()
	const patience = time.Minute // of a machine that has other things to do
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if ok() {
			return
		}
	}
	s.t.Fatalf("%s: not within %v", what, patience)
}

// pay begins a payment, retrying while the terminal is still opening.
func (s *shop) pay(id, amount string) paymentReply {
	s.t.Helper()
	var p paymentReply
	s.eventually("payment "+id, func() bool {
		var err error
		p, err = s.begin(s.t.Context(), paymentRequest{ID: id, Amount: amount, Currency: "EUR"})
		return err == nil
	})
	return p
}

func (s *shop) end(id string) paymentReply {
	s.t.Helper()
	p, err := s.wait(s.t.Context(), id, 2*time.Minute)
	if err != nil {
		s.t.Fatalf("payment %s: %v", id, err)
	}
	return p
}

func (s *shop) sees(state screen.State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.views) > 0 && s.views[len(s.views)-1].State == state
}

func TestPaymentByFaceAndSameIDTwice(t *testing.T) {
	s := newShop(t)
	s.enrol()
	s.open()
	s.pay("one", "4.20")
	if p := s.end("one"); p.State != "approved" || p.Customer == "" {
		t.Fatalf("payment: %+v", p)
	}
	again := s.pay("one", "4.20")
	if again.State != "approved" {
		t.Errorf("the same id again: %+v", again)
	}
	_, err := s.begin(t.Context(), paymentRequest{ID: "one", Amount: "4.30", Currency: "EUR"})
	if err == nil || hintOf(err) == "" {
		t.Errorf("the same id with another amount: %v", err)
	}
	code, out, errs := s.cli("journal", "verify")
	if code != 0 || !strings.Contains(out, "1 approved") {
		t.Errorf("journal verify: %d %s %s", code, out, errs)
	}
	if _, out, _ := s.cli("journal", "list"); strings.Count(out, "approved") != 1 ||
		!strings.Contains(out, "4.20 EUR") {
		t.Errorf("journal list:\n%s", out)
	}
	s.nothingPersonalLeaked()
}

// nothingPersonalLeaked looks for the customer's name in every file of the terminal.
func (s *shop) nothingPersonalLeaked() {
	err := filepath.WalkDir(filepath.Join(s.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("Hopper")) {
			s.t.Errorf("%s holds the customer's name in clear text", path)
		}
		if info, _ := d.Info(); info.Mode().Perm()&0o077 != 0 {
			s.t.Errorf("%s has mode %v: others can read it", path, info.Mode())
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

func TestCameraPulledInTheMiddleOfAPayment(t *testing.T) {
	s := newShop(t)
	s.enrol()
	s.open()
	s.pay("one", "1.00")
	start := time.Now()
	s.pull(true)
	p := s.end("one")
	if p.State != string(payment.StateCancelled) || p.Reason != string(payment.ReasonDeviceFailed) {
		t.Fatalf("payment: %+v", p)
	}
	t.Logf("cancelled %v after the camera was pulled", time.Since(start).Round(time.Millisecond))
	s.eventually("out of order on the screen", func() bool { return s.sees(screen.OutOfOrder) })
	if _, err := s.begin(t.Context(), paymentRequest{ID: "two", Amount: "1.00", Currency: "EUR"}); err == nil {
		t.Error("a payment began without a camera")
	}
	if code := s.health(); code != http.StatusServiceUnavailable {
		t.Errorf("healthz answers %d", code)
	}
	s.pull(false)
	s.pay("three", "1.00")
	if p := s.end("three"); p.State != string(payment.StateApproved) {
		t.Errorf("after the camera is back: %+v", p)
	}
}

func (s *shop) health() int {
	resp, err := http.Get("http://" + s.term.addr + "/healthz")
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestBadAmounts(t *testing.T) {
	s := newShop(t)
	s.enrol()
	s.open()
	s.pay("good", "0.01")
	if _, err := s.cancel(t.Context(), "good", "register"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ amount, currency, says string }{
		{"0", "EUR", ""}, {"-1", "EUR", ""}, {"1.001", "EUR", ""}, {"1,50", "EUR", "point"}, {"", "EUR", ""},
		{"1e2", "EUR", ""}, {"1", "EURO", ""}, {"1", "XXQ", ""}, {"99999999999999999999", "EUR", ""},
		{"50.01", "EUR", "limit"}, {"1", "USD", "EUR"}, {"NaN", "EUR", ""},
	} {
		t.Run(c.amount+" "+c.currency, func(t *testing.T) {
			_, err := s.begin(t.Context(), paymentRequest{ID: "bad", Amount: c.amount, Currency: c.currency})
			if err == nil {
				t.Fatal("it was taken")
			}
			if hintOf(err) == "" || !strings.Contains(err.Error()+hintOf(err), c.says) {
				t.Errorf("error %q, hint %q: want a hint, and %q", err, hintOf(err), c.says)
			}
			if code, _, errs := s.cli("pay", "--id", "bad", "--", c.amount, c.currency); code == 0 || errs == "" {
				t.Errorf("pay exits with %d, says %q", code, errs)
			}
		})
	}
	if _, out, _ := s.cli("journal", "list"); strings.Contains(out, "bad") {
		t.Errorf("a bad payment reached the journal:\n%s", out)
	}
}

func TestBadPhotosAndTheSamePersonTwice(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running=%v", running), func(t *testing.T) {
			s := newShop(t)
			if running {
				s.open()
				s.eventually("parts", func() bool { _, err := s.term.opened(); return err == nil })
			}
			good := s.photos("enrol_1", "enrol_2", "enrol_3", "enrol_4")
			text := filepath.Join(s.dir, "text.jpg")
			if err := os.WriteFile(text, []byte("not a picture"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				name, bad, says string
			}{
				{"no face", s.photos("bad_no_face")[0], "no face"},
				{"two faces", s.photos("bad_two_faces")[0], "more than one face"},
				{"too small", s.photos("bad_too_small")[0], "too small"},
				{"blurred", s.photos("bad_blurred")[0], "blurred"},
				{"not a picture", text, "not a picture"},
				{"missing", filepath.Join(s.dir, "missing.jpg"), "no such file"},
			} {
				code, _, errs := s.cli("enrol", "Grace Hopper", good[0], good[1], c.bad)
				if code == 0 || !strings.Contains(errs, c.says) || !strings.Contains(errs, "hint:") {
					t.Errorf("%s: exit code %d, says %q, want %q and a hint", c.name, code, errs, c.says)
				}
			}
			if code, _, errs := s.cli("enrol", "Grace Hopper", good[0]); code != exitUsage ||
				!strings.Contains(errs, "3 to 5") {
				t.Errorf("one photo: %d %q", code, errs)
			}
			if _, out, _ := s.cli("customers", "list"); !strings.Contains(out, "nobody is enrolled") {
				t.Errorf("after only bad photos:\n%s", out)
			}
			s.enrol()
			code, _, errs := s.cli("enrol", "Another Name", good[1], good[2], good[3])
			if code == 0 || !strings.Contains(errs, "already enrolled") {
				t.Errorf("the same person under another name: %d %q", code, errs)
			}
			s.removeAll()
		})
	}
}

func (s *shop) removeAll() {
	_, out, _ := s.cli("customers", "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		s.t.Fatalf("customers:\n%s", out)
	}
	id := strings.Fields(lines[1])[0]
	if code, _, errs := s.cli("customers", "remove", id); code != 0 {
		s.t.Errorf("remove: %s", errs)
	}
	if code, _, errs := s.cli("customers", "remove", id); code == 0 ||
		!strings.Contains(errs, "no such customer") {
		s.t.Errorf("remove again: %d %s", code, errs)
	}
}

func TestDamagedFilesKeepTheTerminalOutOfOrder(t *testing.T) {
	s := newShop(t)
	s.enrol()
	s.open()
	s.pay("one", "1.00")
	s.end("one")
	for _, c := range []struct {
		name, glob, says string
	}{
		{"journal", "journal.db", "journal"},
		{"key", "gallery/gallery.key", "key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newShop(t)
			if err := os.CopyFS(filepath.Join(d.dir, "data"), os.DirFS(filepath.Join(s.dir, "data"))); err != nil {
				t.Fatal(err)
			}
			private(t, filepath.Join(d.dir, "data"))
			path := filepath.Join(d.dir, "data", c.glob)
			damaged := bytes.Repeat([]byte("damage"), 100)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			d.open()
			d.eventually("out of order", func() bool { return d.sees(screen.OutOfOrder) })
			_, err := d.begin(t.Context(), paymentRequest{ID: "two", Amount: "1.00", Currency: "EUR"})
			if err == nil || !strings.Contains(err.Error(), c.says) || hintOf(err) == "" {
				t.Errorf("a payment: %v; hint %q", err, hintOf(err))
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, damaged) {
				t.Error("the damaged file was changed")
			}
		})
	}
}

// private gives a copied folder back the modes that copying lost.
func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingModelIsNamedAndMended(t *testing.T) {
	s := newShop(t)
	models := copyModels(t)
	mesh := filepath.Join(models, "facemesh_int8.tflite")
	good, err := os.ReadFile(mesh)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(good)
	bad[len(bad)/2] ^= 1
	if err := os.WriteFile(mesh, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	s.enrol()
	s.flags = append(s.flags, "--paths-models-dir", models)
	s.open()
	s.eventually("out of order", func() bool { return s.sees(screen.OutOfOrder) })
	_, err = s.begin(t.Context(), paymentRequest{ID: "one", Amount: "1.00", Currency: "EUR"})
	if err == nil || !strings.Contains(err.Error(), "facemesh_int8.tflite") {
		t.Errorf("a payment with an altered model: %v", err)
	}
	s.mu.Lock()
	do := s.views[len(s.views)-1].Detail.Do
	s.mu.Unlock()
	if !strings.Contains(do, "--embedded") {
		t.Errorf("the screen tells staff %q", do)
	}
	if err := os.WriteFile(mesh, good, 0o600); err != nil {
		t.Fatal(err)
	}
	s.pay("two", "1.00") // the terminal goes on by itself
	if p := s.end("two"); p.State != string(payment.StateApproved) {
		t.Errorf("after the model is back: %+v", p)
	}
}

func TestDamagedConfiguration(t *testing.T) {
	s := newShop(t)
	path := filepath.Join(s.dir, "bad.toml")
	text := "[terminal]\nname = \"Shop\"\ncurrencie = \"EUR\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := s.cli("run", "--config", path)
	if code != exitUsage || !strings.Contains(errs, path+":3") || !strings.Contains(errs, "currency") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestEnrolByCameraThenPay(t *testing.T) {
	s := newShop(t)
	s.open()
	s.eventually("parts", func() bool { _, err := s.term.opened(); return err == nil })
	code, out, errs := s.cli("enrol", "Grace Hopper")
	if code != 0 || !strings.Contains(out, "5 templates") {
		t.Fatalf("enrol by camera: %d\n%s\n%s", code, out, errs)
	}
	if !strings.Contains(errs, "picture 5 of 5") {
		t.Errorf("the progress does not reach the operator:\n%s", errs)
	}
	s.pay("one", "1.00")
	if p := s.end("one"); p.State != string(payment.StateApproved) {
		t.Errorf("the customer that was just enrolled pays: %+v", p)
	}
}

func TestDiskFullInTheMiddleOfAPayment(t *testing.T) {
	s := newShop(t)
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	mount := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", data)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("this user may not mount a small disk to fill: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", data).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	s.enrol()
	s.open()
	s.pay("one", "1.00")
	filler := filepath.Join(data, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 512)
	for err == nil {
		_, err = f.Write(block)
	}
	_ = f.Close()
	p, err := s.wait(t.Context(), "one", time.Minute)
	if err == nil && p.State == string(payment.StateApproved) {
		t.Fatalf("approved on a full disk: %+v", p)
	}
	if err == nil || !strings.Contains(err.Error(), "full") || hintOf(err) == "" {
		t.Errorf("the caller was told %+v, %v; hint %q", p, err, hintOf(err))
	}
	s.eventually("out of order on the screen", func() bool { return s.sees(screen.OutOfOrder) })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.pay("two", "1.00") // as soon as the terminal has found that it can write again
	if p := s.end("two"); p.State != string(payment.StateApproved) {
		t.Errorf("with space again: %+v", p)
	}
	if p := s.end("one"); p.State != string(payment.StateCancelled) ||
		p.Reason != string(payment.ReasonJournalFailed) {
		t.Errorf("the payment that the disk refused: %+v", p)
	}
}

func TestWrongCommandLines(t *testing.T) {
	s := newShop(t)
	for _, line := range []string{
		"frobnicate", "pay", "pay 1 EUR too much", "customers remove", "run --no-such-flag",
	} {
		code, _, errs := s.cli(strings.Fields(line)...)
		if code != exitUsage || !strings.Contains(errs, "hint:") {
			t.Errorf("%q: exit code %d, says %q", line, code, errs)
		}
	}
}

func TestSecondTerminalIsRefused(t *testing.T) {
	s := newShop(t)
	s.open()
	code, _, errs := s.cli("run", "--screen-listen", "127.0.0.1:0")
	if code == 0 || !strings.Contains(errs, "another smiletill runs here") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestControlSpeaksJSON(t *testing.T) {
	s := newShop(t)
	s.open()
	s.eventually("parts", func() bool { _, err := s.term.opened(); return err == nil })
	resp, err := s.send(t.Context(), http.MethodPost, "/v1/payments", map[string]any{"id": "x", "surprise": 1})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var e errorReply
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || !strings.Contains(e.Error, "surprise") {
		t.Errorf("unknown field: %s %+v %v", resp.Status, e, err)
	}
}
