package terminaltest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"smiletill/cmd/smiletill/cli"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/demo"
	"smiletill/cmd/smiletill/terminal"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// RightPIN is a PIN that nobody calls easy to guess.
const RightPIN = "902751"

// Shop is a terminal of this process: the real parts, with a camera that the test can pull out.
type Shop struct {
	T     *testing.T
	Flags []string // of `smiletill run`
	Dir   string
	*control.Client
	Term *terminal.Terminal

	PlugAt    func()               // called before the camera is opened
	Visitors  *demo.Director       // nil: the same customer again and again
	Source    camera.Source        // nil: Visitors; else what the camera gives
	Mirror    *demo.Mirror         // nil: no screen is simulated; else its light is seen on the visitors
	OnPayment func(payment.Status) // nil: nobody; set before Open
	NotSetUp  error                // why the terminal takes nothing

	stdin io.Reader // of the next command

	mu     sync.Mutex
	pulled bool
	clip   *camera.Clip
	views  []screen.View
}

// New makes the folders and the flags of a terminal that does not run yet.
func New(t *testing.T) *Shop {
	t.Helper()
	s := &Shop{T: t, Dir: t.TempDir(), PlugAt: func() {}}
	socket := filepath.Join(ShortDir(t), "s")
	s.Client = control.NewClient(socket)
	s.Flags = []string{"--paths-data-dir", filepath.Join(s.Dir, "data"), "--paths-control-socket", socket,
		"--security-tpm", config.TPMOff, "--screen-listen", "127.0.0.1:0", "--register-listen", "",
		"--board-kind", "simulated",
		"--mqtt-broker", "", "--payment-timeout", "100s", "--log-level", "error",
		// The tests' customer has no PIN, and pays more often in a minute than a face alone may as shipped.
		"--pin-amount-max", "0", "--pin-count-max", "0", "--pin-sum-max", "0",
		// Nobody before the camera of most tests answers a light.
		"--liveness-mode", "off"}
	film, err := camera.Load(visits.Files(), "customer_smile.mjpeg")
	if err != nil {
		t.Fatal(err)
	}
	s.clip = film
	return s
}

// Cli runs a command line in this process.
func (s *Shop) Cli(args ...string) (code int, stdout, stderr string) {
	s.T.Helper()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(s.T.Context(), time.Minute)
	defer cancel()
	in := s.stdin
	if in != nil {
		s.stdin = nil // it was this command's
	}
	code = cli.Run(ctx, "test", append(args, s.Flags[:6]...), cli.Streams{In: in, Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// Photos writes pictures of vision/visits into files.
func (s *Shop) Photos(names ...string) []string {
	var files []string
	for _, n := range names {
		data, err := visits.Photo(n)
		if err != nil {
			s.T.Fatal(err)
		}
		path := filepath.Join(s.Dir, n+".jpg")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			s.T.Fatal(err)
		}
		files = append(files, path)
	}
	return files
}

// EnrolCustomer enrols the customer of the films.
func (s *Shop) EnrolCustomer() {
	s.T.Helper()
	args := append([]string{"enrol", "--agreed", "en", "Grace Hopper"},
		s.Photos("enrol_1", "enrol_2", "enrol_3")...)
	if code, _, errs := s.Cli(args...); code != 0 {
		s.T.Fatalf("enrol: %d: %s", code, errs)
	}
}

// Config is the terminal's.
func (s *Shop) Config() config.Config {
	s.T.Helper()
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	config.BindFlags(flags)
	if err := flags.Parse(s.Flags); err != nil {
		s.T.Fatal(err)
	}
	cfg, err := config.Load("", flags, os.Environ())
	if err != nil {
		s.T.Fatal(err)
	}
	return cfg
}

// Open starts the terminal and waits until its control socket answers. It is switched off by end, or with
// the test.
func (s *Shop) Open() (end func()) {
	s.T.Helper()
	cfg := s.Config()
	o := terminal.Options{Version: "test", Log: config.Logger(cfg.Log, os.Stderr), OpenCamera: s.plug,
		OnView: s.saw, OnPayment: s.OnPayment, NotSetUp: s.NotSetUp}
	if s.Visitors != nil {
		o.OpenCamera = func() (camera.Source, error) {
			return &pullable{shop: s, Source: kept{s.lit(s.Visitors.Live())}}, nil
		}
	}
	if s.Mirror != nil {
		o.Light = s.Mirror.Light
	}
	if s.Source != nil {
		o.OpenCamera = func() (camera.Source, error) {
			return &pullable{shop: s, Source: kept{s.lit(s.Source)}}, nil
		}
	}
	var err error
	if s.Term, err = terminal.New(cfg, o); err != nil {
		s.T.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Term.Run(ctx) }()
	end = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			s.T.Errorf("run: %v", err)
		}
	})
	s.T.Cleanup(end)
	s.Eventually("the control socket", func() bool { return s.Running(s.T.Context()) })
	return end
}

// lit is a camera whose visitors answer the screen, where that is simulated.
func (s *Shop) lit(c camera.Source) camera.Source {
	if s.Mirror == nil {
		return c
	}
	return s.Mirror.Before(c)
}

// Opened waits until the terminal's parts are open.
func (s *Shop) Opened() {
	s.T.Helper()
	s.Eventually("parts", func() bool {
		_, err := s.Customers(s.T.Context())
		return err == nil || strings.Contains(err.Error(), gallery.ErrLocked.Error())
	})
}

func (s *Shop) saw(v screen.View, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.views = append(s.views, v)
}

// Eventually waits until something is so.
func (s *Shop) Eventually(what string, ok func() bool) {
	s.T.Helper()
	const patience = time.Minute // of a machine that has other things to do
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if ok() {
			return
		}
	}
	s.T.Fatalf("%s: not within %v", what, patience)
}

// Pay begins a payment, retrying while the terminal is still opening.
func (s *Shop) Pay(id, amount string) control.Payment {
	s.T.Helper()
	var p control.Payment
	s.Eventually("payment "+id, func() bool {
		var err error
		p, err = s.Begin(s.T.Context(), control.PaymentRequest{ID: id, Amount: amount, Currency: "EUR"})
		return err == nil
	})
	return p
}

// End waits for a payment's.
func (s *Shop) End(id string) control.Payment {
	s.T.Helper()
	p, err := s.Wait(s.T.Context(), id, 2*time.Minute)
	if err != nil {
		s.T.Fatalf("payment %s: %v", id, err)
	}
	return p
}

// WantEnd waits for a payment's end, and fails if it is another.
func (s *Shop) WantEnd(id, state, reason string) control.Payment {
	s.T.Helper()
	p := s.End(id)
	if p.State != state || p.Reason != reason {
		s.T.Fatalf("payment %s: %s %s, want %s %s", id, p.State, p.Reason, state, reason)
	}
	return p
}

// View is what the customer sees now.
func (s *Shop) View() screen.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.views) == 0 {
		return screen.View{}
	}
	return s.views[len(s.views)-1]
}

// Page is what the terminal's page at a path shows.
func (s *Shop) Page(path string) string {
	s.T.Helper()
	resp, err := http.Get("http://" + s.Term.Addresses().Screen + path)
	if err != nil {
		s.T.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return string(page)
}

// Sees tells whether the customer sees a state.
func (s *Shop) Sees(state screen.State) bool {
	s.mu.Lock()
	seen := len(s.views) > 0
	s.mu.Unlock()
	return seen && s.View().State == state
}

// Stdin gives the next command text to read, as a pipe does.
func (s *Shop) Stdin(text string) { s.stdin = strings.NewReader(text) }

// ShortDir is a folder with a path short enough for a socket.
func ShortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "st")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// NothingPersonalLeaked looks for the customer's name in every file of the terminal.
func (s *Shop) NothingPersonalLeaked() {
	err := filepath.WalkDir(filepath.Join(s.Dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("Hopper")) {
			s.T.Errorf("%s holds the customer's name in clear text", path)
		}
		if info, _ := d.Info(); info.Mode().Perm()&0o077 != 0 {
			s.T.Errorf("%s has mode %v: others can read it", path, info.Mode())
		}
		return err
	})
	if err != nil {
		s.T.Error(err)
	}
}
