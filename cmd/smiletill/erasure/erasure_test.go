//go:build !notflite

package erasure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"smiletill/cmd/smiletill/cli"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/erasure"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/device/screen"
	"smiletill/payment"
)

// planted is a terminal that does not run, with something of everything in its files.
type planted struct {
	t      *testing.T
	dir    string
	file   string            // of its settings
	traces map[string][]byte // what must be nowhere in the end
}

const bertasPIN = "402817"

// plant has a terminal of a shop take a payment, and puts all that a terminal may keep beside it.
func plant(t *testing.T) *planted {
	t.Helper()
	s := terminaltest.New(t)
	s.EnrolCustomer()
	end := s.Open()
	s.Opened()
	all, err := s.Customers(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	for _, c := range [][]string{
		{"customers", "pin", all[0].ID},
		{"clerks", "add", "Berta", "--role", "technician"},
		{"clerks", "pin", "Berta"},
		{"clerks", "add", "Carla", "--role", "clerk"},
		{"clerks", "pin", "Carla"},
	} {
		digits := terminaltest.RightPIN
		if slices.Contains(c, "pin") && c[0] == "clerks" {
			digits = bertasPIN
		}
		s.Stdin(digits + "\n")
		if code, _, errs := s.Cli(c...); code != 0 {
			t.Fatal(c, errs)
		}
	}
	s.Pay("order-7351", "12.34")
	s.WantEnd("order-7351", "approved", "")
	end()
	p := &planted{t: t, dir: s.Dir, file: filepath.Join(s.Dir, "smiletill.toml"), traces: map[string][]byte{}}
	data := filepath.Join(s.Dir, "data")
	for name, text := range map[string]string{
		"registers.json":                 `[{"name":"Planted register"}]`,
		"claimed-1/broker.key":           "planted broker's key",
		"before-restore-2026/pins.db":    "planted old PINs",
		".backup-1/journal.db":           "planted copy of the journal",
		"erased.json.new":                "planted leftover",
		".terminal.key.was":              "planted key of before",
		"a file that nobody thought of":  "planted surprise",
		"setup/etc/smiletill/claim.toml": "planted claim",
		"../data-seen/witness.json":      "planted witness",
		"../mqtt.password":               "planted passphrase",
	} {
		path := filepath.Join(data, name)
		p.write(path, text)
		p.traces[name] = []byte(text)
	}
	p.write(p.file, fmt.Sprintf("[terminal]\ntenant = \"acme\"\nsite = \"shop\"\nid = \"till-3\"\n[paths]\n"+
		"data_dir = %q\ncontrol_socket = %q\n[mqtt]\npassword_file = %q\nusername = \"planted user\"\n[board]\n"+
		"kind = \"none\"\n", data, filepath.Join(terminaltest.ShortDir(t), "s"),
		filepath.Join(s.Dir, "mqtt.password")))
	p.traces["settings"] = []byte("planted user")
	p.traces["payment"] = []byte("order-7351")
	p.traces["customer"] = []byte(all[0].ID)
	p.traces["key"] = terminaltest.Read(t, filepath.Join(data, "terminal.key"))[40:80]
	p.traces["gallery's key"] = terminaltest.Read(t, filepath.Join(data, "gallery", "gallery.key"))
	sealed := terminaltest.Read(t, filepath.Join(data, "gallery", all[0].ID+".face"))
	p.traces["face"] = sealed[len(sealed)-64:]
	if found := p.left(); len(found) < len(p.traces) {
		t.Fatalf("the test sees too little: %q", found)
	}
	return p
}

func (p *planted) write(path, text string) {
	p.t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// left are the traces that a file has, by its bytes or its name.
func (p *planted) left() (found []string) {
	p.t.Helper()
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, ".jpg") ||
			strings.Contains(path, "receipt") {
			return err
		}
		text := terminaltest.Read(p.t, path)
		for what, part := range p.traces {
			if bytes.Contains(text, part) || strings.Contains(path, string(part)) {
				found = append(found, what+" in "+path)
			}
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// run runs a command of the terminal in this process.
func (p *planted) run(in string, args ...string) (code int, said string) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.t.Context(), time.Minute)
	defer stop()
	var out bytes.Buffer
	code = cli.Run(ctx, "test", append(args, "--config", p.file), cli.Streams{In: strings.NewReader(in),
		Out: &out, Err: &out})
	return code, out.String()
}

// nothing fails the test unless all is erased, and a new terminal would begin here.
func (p *planted) nothing() {
	p.t.Helper()
	if found := p.left(); len(found) > 0 {
		p.t.Errorf("left: %q", found)
	}
	some, err := os.ReadDir(filepath.Join(p.dir, "data"))
	if err != nil || len(some) > 0 {
		p.t.Errorf("in the data folder: %v, %v", some, err)
	}
	if string(terminaltest.Read(p.t, p.file)) != config.Example {
		p.t.Error("the settings are no new terminal's")
	}
}

// lose is what is typed by Berta, who loses what waits.
func (p *planted) lose() string {
	p.t.Helper()
	code, said := p.run(bertasPIN+"\nno\n", "factory-reset", "--as", "Berta", "--lose")
	_, after, ok := strings.Cut(said, `Type "`)
	word, _, _ := strings.Cut(after, `"`)
	if code == 0 || !ok || !strings.Contains(said, "12.34 EUR") ||
		!strings.Contains(said, "payment order-7351") {
		p.t.Fatalf("what is lost is not said: %d %s", code, said)
	}
	return bertasPIN + "\n" + word + "\n"
}

// TestFactoryReset: it is refused to whoever is not there, has no right or has not typed what is lost; then
// nothing of the shop is in any file, and a receipt says so.
func TestFactoryReset(t *testing.T) {
	t.Parallel()
	p := plant(t)
	for _, c := range []struct {
		name, in, want string
		args           []string
	}{
		{"reports wait", bertasPIN + "\ntill-3\n", "never acknowledged", []string{"--as", "Berta"}},
		{"nobody is there", "", "nobody has shown", []string{"--lose"}},
		{"a wrong PIN", "111222\nlose 1\n", "PIN", []string{"--lose", "--as", "Berta"}},
		{"a clerk", bertasPIN + "\nlose 1\n", "not allowed", []string{"--lose", "--as", "Carla"}},
		{"a stranger", bertasPIN + "\nlose 1\n", "nobody has shown", []string{"--lose", "--as", "Nobody"}},
		{"not typed", bertasPIN + "\nyes\n", "nothing was erased", []string{"--lose", "--as", "Berta"}},
		{"a receipt that goes too", "", "erased with the terminal",
			[]string{"--lose", "--as", "Berta", "--receipt", filepath.Join(p.dir, "data", "receipt.json")}},
	} {
		code, said := p.run(c.in, append([]string{"factory-reset"}, c.args...)...)
		if code == 0 || !strings.Contains(said, c.want) {
			t.Errorf("%s: %d %s", c.name, code, said)
		}
		if found := p.left(); len(found) < len(p.traces) {
			t.Fatalf("%s: erased all the same", c.name)
		}
		if _, err := os.Stat(filepath.Join(p.dir, "data", "erasing.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a mark stays: %v", c.name, err)
		}
	}
	code, key := p.run("", "key")
	if code != 0 {
		t.Fatal(key)
	}
	public, receipt := filepath.Join(p.dir, "receipt.pub"), filepath.Join(p.dir, "receipt.json")
	p.write(public, key)
	in := p.lose()
	if code, said := p.run(in, "factory-reset", "--as", "Berta", "--lose", "--receipt", receipt); code != 0 ||
		!strings.Contains(said, "PIN of Berta, technician") {
		t.Fatalf("%d %s", code, said)
	}
	p.nothing()
	for _, with := range [][]string{{"--key", public}, nil} {
		code, said := p.run("", append([]string{"factory-reset", "receipt", receipt}, with...)...)
		if code != 0 || !strings.Contains(said, "1 faces") || !strings.Contains(said, "order-7351") ||
			!strings.Contains(said, "12.34 EUR") {
			t.Errorf("receipt: %d %s", code, said)
		}
	}
	changed := bytes.Replace(terminaltest.Read(t, receipt), []byte(`"faces": 1`), []byte(`"faces": 2`), 1)
	p.write(receipt, string(changed))
	if code, said := p.run("", "factory-reset", "receipt", receipt); code == 0 ||
		!strings.Contains(said, "hold") {
		t.Errorf("a receipt that was changed holds: %s", said)
	}
}

// cutOff is what a test's power cut throws.
type cutOff struct{}

// TestCutAtEachStep cuts the power at each step, looks that no terminal would take payments then, and goes
// on: by the command, or by the terminal's start.
func TestCutAtEachStep(t *testing.T) {
	t.Parallel()
	p := plant(t)
	in := p.lose()
	pristine := filepath.Join(t.TempDir(), "pristine")
	copyAll(t, p.dir, pristine)
	cfg := p.config()
	for n := 0; ; n++ {
		if err := os.RemoveAll(p.dir); err != nil {
			t.Fatal(err)
		}
		copyAll(t, pristine, p.dir)
		step, ended := p.cutAt(n, cfg, in)
		if ended {
			if n < 20 {
				t.Errorf("only %d steps", n)
			}
			p.nothing()
			return
		}
		_, err := os.Stat(filepath.Join(p.dir, "data", "erasing.json"))
		over := errors.Is(err, fs.ErrNotExist) && step != "let go"
		if p.goOn(cfg, in, step, n%2 == 0 || over, over); !over && (step != "let go" || n%2 == 0) {
			p.nothing()
		} else if over && len(p.left()) > 0 {
			t.Errorf("cut before %q, left: %q", step, p.left())
		}
	}
}

// goOn ends what was cut off: by the command, or else by the terminal's start.
func (p *planted) goOn(cfg config.Config, in, step string, command, over bool) {
	p.t.Helper()
	ctx, stop, why := erasure.Attend(p.t.Context(), &cfg, config.Logger(cfg.Log, os.Stderr))
	defer stop()
	if (why == nil) != over {
		p.t.Errorf("cut before %q: the terminal takes payments: %t", step, why == nil)
	}
	if command {
		stop()
		var out bytes.Buffer
		o := erasure.Order{As: "Berta", Lose: true, Settings: p.file}
		err := erasure.Do(p.t.Context(), cfg, o, strings.NewReader(in), &out, &out)
		if said := out.String(); err != nil && !over || !strings.Contains(said, "payment order-7351") &&
			!strings.Contains(said, "order-7351\\\"") && !strings.Contains(said, `"order-7351"`) {
			p.t.Errorf("cut before %q, then: %v %s", step, err, said)
		}
		return
	}
	<-ctx.Done()
	if !erasure.Again(ctx) {
		p.t.Errorf("cut before %q: the terminal does not start again", step)
	}
	if step == "let go" { // nothing had begun
		if found := p.left(); len(found) < len(p.traces) {
			p.t.Errorf("cut before %q: erased", step)
		}
		return
	}
	if err := os.Remove(filepath.Join(p.dir, "data", "erased.json")); err != nil {
		p.t.Errorf("cut before %q: no receipt: %v", step, err)
	}
}

// cutAt erases, and cuts the power before the nth step.
func (p *planted) cutAt(n int, cfg config.Config, in string) (step string, ended bool) {
	p.t.Helper()
	defer func() {
		if r := recover(); r != nil && r != (cutOff{}) {
			panic(r)
		}
	}()
	o := erasure.Order{As: "Berta", Lose: true, Settings: p.file}.Cut(func(what string) error {
		if n--; n < 0 {
			step = what
			panic(cutOff{})
		}
		return nil
	})
	var out bytes.Buffer
	if err := erasure.Do(p.t.Context(), cfg, o, strings.NewReader(in), &out, &out); err != nil {
		p.t.Fatalf("%v\n%s", err, out.String())
	}
	return "", true
}

func (p *planted) config() config.Config {
	p.t.Helper()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.BindFlags(flags)
	cfg, err := config.Load(p.file, flags, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return cfg
}

func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
}

// TestScreenOfWhatIsErased: while another process erases, the terminal shows that, and takes nothing.
func TestScreenOfWhatIsErased(t *testing.T) {
	t.Parallel()
	s := terminaltest.New(t)
	cfg := s.Config()
	data := filepath.Join(s.Dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(data, "erasing.lock"))
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(data, "erasing.json"), []byte(`{"phase":"erasing"}`), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop, why := erasure.Attend(t.Context(), &cfg, config.Logger(cfg.Log, os.Stderr))
	defer stop()
	s.NotSetUp = why
	s.Open()
	s.Eventually("the screen", func() bool { return s.View().Reason == screen.BeingErased })
	_, err = s.Begin(t.Context(), control.PaymentRequest{ID: "1", Amount: "1.00", Currency: "EUR"})
	if err == nil || !strings.Contains(err.Error(), "being erased") {
		t.Errorf("a payment: %v", err)
	}
	if err := lock.Close(); err != nil { // who erased is gone: the terminal does it
		t.Fatal(err)
	}
	<-ctx.Done()
	if !erasure.Again(ctx) {
		t.Error("the terminal does not start again")
	}
	if some, err := os.ReadDir(data); err != nil || len(some) > 0 {
		t.Errorf("in the data folder: %v, %v", some, err)
	}
}

// TestRefusedDuringAPayment: it may be paid yet, and nobody would know.
func TestRefusedDuringAPayment(t *testing.T) {
	t.Parallel()
	s := terminaltest.New(t)
	s.Open()
	s.Opened()
	s.Pay("order-1", "1.00") // nobody is enrolled
	for _, c := range []string{"factory-reset", "decommission"} {
		if code, _, errs := s.Cli(c, "--lose", "--as", "Berta"); code == 0 ||
			!strings.Contains(errs, "a payment runs: order-1") {
			t.Errorf("%s: %d %s", c, code, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "data", "erasing.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := s.Cancel(t.Context(), "order-1", payment.ByOperator); err != nil {
		t.Error(err)
	}
}
