//go:build !notflite

package terminal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
)

// shop is a terminaltest.Shop that this package asks more of.
type shop struct{ *terminaltest.Shop }

func newShop(t *testing.T) *shop {
	t.Helper()
	return &shop{terminaltest.New(t)}
}

func TestPaymentByFaceAndSameIDTwice(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "4.20")
	if p := s.End("one"); p.State != "approved" || p.Customer == "" {
		t.Fatalf("payment: %+v", p)
	}
	again := s.Pay("one", "4.20")
	if again.State != "approved" {
		t.Errorf("the same id again: %+v", again)
	}
	_, err := s.Begin(t.Context(), control.PaymentRequest{ID: "one", Amount: "4.30", Currency: "EUR"})
	if err == nil || payment.HintOf(err) == "" {
		t.Errorf("the same id with another amount: %v", err)
	}
	code, out, errs := s.Cli("journal", "verify")
	if code != 0 || !strings.Contains(out, "1 approved") {
		t.Errorf("journal verify: %d %s %s", code, out, errs)
	}
	if _, out, _ := s.Cli("journal", "list"); strings.Count(out, "approved") != 1 ||
		!strings.Contains(out, "4.20 EUR") {
		t.Errorf("journal list:\n%s", out)
	}
	if _, out, _ := s.Cli("journal", "export"); !strings.Contains(out, ",recording,") {
		t.Errorf("the fact does not say that its camera was a film:\n%s", out)
	}
	s.NothingPersonalLeaked()
}

func TestCameraPulledInTheMiddleOfAPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "1.00")
	start := time.Now()
	s.Pull(true)
	p := s.End("one")
	if p.State != string(payment.StateCancelled) || p.Reason != string(payment.ReasonDeviceFailed) {
		t.Fatalf("payment: %+v", p)
	}
	t.Logf("cancelled %v after the camera was pulled", time.Since(start).Round(time.Millisecond))
	s.Eventually("out of order on the screen", func() bool { return s.Sees(screen.OutOfOrder) })
	two := control.PaymentRequest{ID: "two", Amount: "1.00", Currency: "EUR"}
	if _, err := s.Begin(t.Context(), two); err == nil {
		t.Error("a payment began without a camera")
	}
	if code := s.health(); code != http.StatusServiceUnavailable {
		t.Errorf("healthz answers %d", code)
	}
	s.Pull(false)
	s.Pay("three", "1.00")
	if p := s.End("three"); p.State != string(payment.StateApproved) {
		t.Errorf("after the camera is back: %+v", p)
	}
}

func (s *shop) health() int {
	resp, err := http.Get("http://" + s.Term.Addresses().Screen + "/healthz")
	if err != nil {
		s.T.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func TestBadAmounts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Pay("good", "0.01")
	if _, err := s.Cancel(t.Context(), "good", "register"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ amount, currency, says string }{
		{"0", "EUR", ""}, {"-1", "EUR", ""}, {"1.001", "EUR", ""}, {"1,50", "EUR", "point"}, {"", "EUR", ""},
		{"1e2", "EUR", ""}, {"1", "EURO", ""}, {"1", "XXQ", ""}, {"99999999999999999999", "EUR", ""},
		{"50.01", "EUR", "limit"}, {"1", "USD", "EUR"}, {"NaN", "EUR", ""},
	} {
		t.Run(c.amount+" "+c.currency, func(t *testing.T) {
			_, err := s.Begin(t.Context(), control.PaymentRequest{ID: "bad", Amount: c.amount, Currency: c.currency})
			if err == nil {
				t.Fatal("it was taken")
			}
			if payment.HintOf(err) == "" || !strings.Contains(err.Error()+payment.HintOf(err), c.says) {
				t.Errorf("error %q, hint %q: want a hint, and %q", err, payment.HintOf(err), c.says)
			}
			if code, _, errs := s.Cli("pay", "--id", "bad", "--", c.amount, c.currency); code == 0 || errs == "" {
				t.Errorf("pay exits with %d, says %q", code, errs)
			}
		})
	}
	if _, out, _ := s.Cli("journal", "list"); strings.Contains(out, "bad") {
		t.Errorf("a bad payment reached the journal:\n%s", out)
	}
}

func TestBadPhotosAndTheSamePersonTwice(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running=%v", running), func(t *testing.T) {
			s := newShop(t)
			if running {
				s.Open()
				s.Opened()
			}
			good := s.Photos("enrol_1", "enrol_2", "enrol_3", "enrol_4")
			text := filepath.Join(s.Dir, "text.jpg")
			if err := os.WriteFile(text, []byte("not a picture"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				name, bad, says string
			}{
				{"no face", s.Photos("bad_no_face")[0], "no face"},
				{"two faces", s.Photos("bad_two_faces")[0], "more than one face"},
				{"too small", s.Photos("bad_too_small")[0], "too small"},
				{"blurred", s.Photos("bad_blurred")[0], "blurred"},
				{"not a picture", text, "not a picture"},
				{"missing", filepath.Join(s.Dir, "missing.jpg"), "no such file"},
			} {
				code, _, errs := s.Cli("enrol", "--agreed", "en", "Grace Hopper", good[0], good[1], c.bad)
				if code == 0 || !strings.Contains(errs, c.says) || !strings.Contains(errs, "hint:") {
					t.Errorf("%s: exit code %d, says %q, want %q and a hint", c.name, code, errs, c.says)
				}
			}
			if code, _, errs := s.Cli("enrol", "--agreed", "en", "Grace Hopper", good[0]); code != 2 ||
				!strings.Contains(errs, "3 to 5") {
				t.Errorf("one photo: %d %q", code, errs)
			}
			if code, _, errs := s.Cli("enrol", "--agreed", "en", good[0], good[1], good[2]); code != 2 ||
				!strings.Contains(errs, "the customer's name is missing") {
				t.Errorf("no name: %d %q", code, errs)
			}
			if code, _, errs := s.Cli("enrol", "--again", "c_x", good[0], good[1], good[2]); code == 0 ||
				strings.Count(errs, "c_x") != 1 {
				t.Errorf("nobody again: %d %q", code, errs)
			}
			if _, out, _ := s.Cli("customers", "list"); !strings.Contains(out, "nobody is enrolled") {
				t.Errorf("after only bad photos:\n%s", out)
			}
			s.EnrolCustomer()
			code, _, errs := s.Cli("enrol", "--agreed", "en", "Another Name", good[1], good[2], good[3])
			if code == 0 || !strings.Contains(errs, "already enrolled") {
				t.Errorf("the same person under another name: %d %q", code, errs)
			}
			s.removeAll()
		})
	}
}

func (s *shop) removeAll() {
	_, out, _ := s.Cli("customers", "list")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		s.T.Fatalf("customers:\n%s", out)
	}
	id := strings.Fields(lines[1])[0]
	if code, _, errs := s.Cli("customers", "remove", "--yes", id); code != 0 {
		s.T.Errorf("remove: %s", errs)
	}
	if code, _, errs := s.Cli("customers", "remove", "--yes", id); code == 0 ||
		!strings.Contains(errs, "no such customer") {
		s.T.Errorf("remove again: %d %s", code, errs)
	}
}

func TestDamagedFilesKeepTheTerminalOutOfOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "1.00")
	s.End("one")
	for _, c := range []struct {
		name, glob, says string
	}{
		{"journal", "journal.db", "journal"},
		{"key", "gallery/gallery.key", "key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newShop(t)
			if err := os.CopyFS(filepath.Join(d.Dir, "data"), os.DirFS(filepath.Join(s.Dir, "data"))); err != nil {
				t.Fatal(err)
			}
			private(t, filepath.Join(d.Dir, "data"))
			path := filepath.Join(d.Dir, "data", c.glob)
			damaged := bytes.Repeat([]byte("damage"), 100)
			if err := os.WriteFile(path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			d.Open()
			d.Eventually("out of order", func() bool { return d.Sees(screen.OutOfOrder) })
			_, err := d.Begin(t.Context(), control.PaymentRequest{ID: "two", Amount: "1.00", Currency: "EUR"})
			if err == nil || !strings.Contains(err.Error(), c.says) || payment.HintOf(err) == "" {
				t.Errorf("a payment: %v; hint %q", err, payment.HintOf(err))
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
	t.Parallel()
	s := newShop(t)
	models := terminaltest.CopyModels(t)
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
	s.EnrolCustomer()
	s.Flags = append(s.Flags, "--paths-models-dir", models)
	s.Open()
	s.Eventually("out of order", func() bool { return s.Sees(screen.OutOfOrder) })
	_, err = s.Begin(t.Context(), control.PaymentRequest{ID: "one", Amount: "1.00", Currency: "EUR"})
	if err == nil || !strings.Contains(err.Error(), "facemesh_int8.tflite") {
		t.Errorf("a payment with an altered model: %v", err)
	}
	do := s.View().Detail.Do
	if !strings.Contains(do, "--embedded") {
		t.Errorf("the screen tells staff %q", do)
	}
	if err := os.WriteFile(mesh, good, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Pay("two", "1.00") // the terminal goes on by itself
	if p := s.End("two"); p.State != string(payment.StateApproved) {
		t.Errorf("after the model is back: %+v", p)
	}
}

func TestDamagedConfiguration(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	path := filepath.Join(s.Dir, "bad.toml")
	text := "[terminal]\nname = \"Shop\"\ncurrencie = \"EUR\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := s.Cli("run", "--config", path)
	if code != 2 || !strings.Contains(errs, path+":3") || !strings.Contains(errs, "currency") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// A terminal of a shop takes no payments with a recording; commands that take none may use one.
func TestRecordingIsNoCamera(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	code, _, errs := s.Cli("run", "--camera-source", "replay:"+s.Dir, "--terminal-tenant", "bakery")
	if code != 2 || !strings.Contains(errs, "a recording is no camera") ||
		!strings.Contains(errs, "camera.test_source = true") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestEnrolByCameraThenPay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Open()
	s.Opened()
	code, out, errs := s.Cli("enrol", "--agreed", "en", "Grace Hopper")
	if code != 0 || !strings.Contains(out, "5 templates") {
		t.Fatalf("enrol by camera: %d\n%s\n%s", code, out, errs)
	}
	if !strings.Contains(errs, "picture 5 of 5\nnow the person smiles") {
		t.Errorf("the progress does not reach the operator:\n%s", errs)
	}
	// Whether the film smiles while it is asked to is the machine's speed.
	smiles, err := filepath.Glob(filepath.Join(s.Dir, "data", "gallery", "*.smile"))
	seen := strings.Contains(errs, "the smile will be seen at the till")
	if err != nil || seen != (len(smiles) == 1) {
		t.Errorf("kept are %v, %v; the operator reads:\n%s", smiles, err, errs)
	}
	s.Pay("one", "1.00")
	if p := s.End("one"); p.State != string(payment.StateApproved) {
		t.Errorf("the customer that was just enrolled pays: %+v", p)
	}
}

func TestDiskFullInTheMiddleOfAPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	plain := func(f []byte) []byte { return f }
	play := func(name string) camera.Source {
		return film(t, name, plain).Play(camera.Playback{FPS: 36, Loop: true})
	}
	live := camera.NewSwitch(play("idle"))
	s.Source = live
	data := filepath.Join(s.Dir, "data")
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
	s.EnrolCustomer()
	// The first start writes down who is enrolled. Closed, the journal leaves no -wal behind, in which a payment
	// would find room on a full disk.
	end := s.Open()
	s.Opened()
	end()
	s.Open()
	s.Pay("one", "1.00")
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
	_ = live.Cut(play("customer_smile")).Close() // a film in memory: the customer comes when it is full
	p, err := s.Wait(t.Context(), "one", time.Minute)
	if err == nil && p.State == string(payment.StateApproved) {
		t.Fatalf("approved on a full disk: %+v", p)
	}
	if err == nil || !strings.Contains(err.Error(), "full") || payment.HintOf(err) == "" {
		t.Errorf("the caller was told %+v, %v; hint %q", p, err, payment.HintOf(err))
	}
	s.Eventually("out of order on the screen", func() bool { return s.Sees(screen.OutOfOrder) })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.Pay("two", "1.00") // as soon as the terminal has found that it can write again
	if p := s.End("two"); p.State != string(payment.StateApproved) {
		t.Errorf("with space again: %+v", p)
	}
	if p := s.End("one"); p.State != string(payment.StateCancelled) ||
		p.Reason != string(payment.ReasonJournalFailed) {
		t.Errorf("the payment that the disk refused: %+v", p)
	}
}

func TestWrongCommandLines(t *testing.T) {
	s := newShop(t)
	for _, line := range []string{
		"frobnicate", "pay", "pay 1 EUR too much", "customers remove", "run --no-such-flag",
	} {
		code, _, errs := s.Cli(strings.Fields(line)...)
		if code != 2 || !strings.Contains(errs, "hint:") {
			t.Errorf("%q: exit code %d, says %q", line, code, errs)
		}
	}
}

func TestSecondTerminalIsRefused(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Open()
	for _, address := range []string{"127.0.0.1:0", s.Term.Addresses().Screen} {
		code, _, errs := s.Cli("run", "--screen-listen", address)
		if code == 0 || !strings.Contains(errs, "another smiletill runs here") {
			t.Errorf("%s: exit code %d: %s", address, code, errs)
		}
	}
}

func TestControlSpeaksJSON(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Open()
	s.Opened()
	socket := s.Config().Paths.ControlSocket
	web := http.Client{
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}},
	}
	resp, err := web.Post("http://smiletill/v1/payments", "application/json",
		strings.NewReader(`{"id": "x", "surprise": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var e struct{ Error string }
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || !strings.Contains(e.Error, "surprise") {
		t.Errorf("unknown field: %s %+v %v", resp.Status, e, err)
	}
}
