//go:build linux && !notflite

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	rig "smiletill/device/bench"
	"smiletill/device/bench/remote"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

const (
	tillLog = "/run/terminal.log"

	// The wiring of the board description "pi4".
	lineGreen, lineAmber, lineRed, lineWhite = "GPIO17", "GPIO27", "GPIO22", "GPIO23"
	lineBuzzer                               = "GPIO18"

	port = 2 // of the virtual hub
)

// questions is how often the guest is asked for something that must come before it counts as not coming: two
// minutes at least. It answers in its own time, so one that is slow to emulate has as many chances as a fast.
const questions = 1200

// until asks the guest again and again.
func (d *emulation) until(ctx context.Context, what string, is func() (bool, error)) error {
	start := time.Now()
	for range questions {
		if so, err := is(); so || err != nil {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
	return fmt.Errorf("%s: not so in %d answers of the guest, in %.0f s", what, questions,
		time.Since(start).Seconds())
}

// play lets the day happen, in three boots of the machine.
func (d *emulation) play(ctx context.Context) {
	d.scene(ctx, "the machine boots and the package is installed", d.boot)
	d.scene(ctx, "the packages' own tests on the kernel's drivers", d.programs)
	d.scene(ctx, "no camera, no lamps: out of order, and well when they are plugged in", d.startsWithoutHardware)
	d.scene(ctx, "the camera is a program: refused unless the configuration says that this is a test", d.feigned)
	d.scene(ctx, "a customer is enrolled", d.enrols)
	d.scene(ctx, "the customer smiles and has paid; the cloud has it", d.pays)
	d.scene(ctx, "a stranger smiles and has not", d.stranger)
	d.scene(ctx, "the customer presses cancel", d.cancels)
	d.scene(ctx, "the camera is unplugged in a payment, comes back, refuses once, and is taken", d.unplugged)
	d.scene(ctx, "the picture stands still: out of order until it moves", d.frozen)
	d.scene(ctx, "power cut as the green lamp lights: paid once, reported once", d.cutWhenApproved)
	d.scene(ctx, "power cut while the customer is asked to smile: nothing was charged", d.cutInTheMiddle)
	d.scene(ctx, "a product of a vending machine: chosen, paid for with a smile, it falls", d.vends)
	d.scene(ctx, "the next one jams, and is not charged", d.jams)
	d.scene(ctx, "the case is opened: locked, also after a restart, until a technician comes", d.tampered)
	d.scene(ctx, "the terminal ends in order, its lamps go dark", d.ends)
}

// programs runs the tests that need the kernel's drivers, each in the package that it tests, side by side.
func (d *emulation) programs(ctx context.Context) error {
	files, err := filepath.Glob(d.path("tests", "*.test"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("look for test programs in %s: found %v, %w", d.path("tests"), files, err)
	}
	if _, err := d.sh(ctx, "mkdir -p /tests/record"); err != nil {
		return err
	}
	g, together := errgroup.WithContext(ctx)
	for _, file := range files {
		g.Go(func() error { return d.program(together, file) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return d.fetchRecordings(ctx)
}

func (d *emulation) program(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	name := filepath.Base(file)
	if err := d.m.Put(ctx, "/tests/"+name, data, 0o755); err != nil {
		return err
	}
	r, err := d.m.Run(ctx, remote.Command{
		Argv: []string{"/tests/" + name, "-test.v", "-test.run", "^TestBench"},
		Env:  []string{rig.Env + "=/tests/record"}, Dir: "/tests", Timeout: wholeDay,
	})
	if err == nil {
		err = r.Must()
	}
	passed := strings.Count(r.Stdout, "--- PASS: TestBench")
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case passed == 0 || strings.Contains(r.Stdout, "--- SKIP"):
		return fmt.Errorf("%s: nothing was tested, or something was skipped:\n%s", name, r.Stdout)
	}
	d.say("        %s: %d passed in %.1f s", strings.TrimSuffix(name, ".test"), passed, r.Took.Seconds())
	return nil
}

// fetchRecordings takes what the test programs have recorded to this machine.
func (d *emulation) fetchRecordings(ctx context.Context) error {
	names, err := d.sh(ctx, "ls /tests/record")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.path("record"), 0o755); err != nil {
		return err
	}
	for _, name := range strings.Fields(names) {
		data, err := d.m.Get(ctx, "/tests/record/"+name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(d.path("record", name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// start launches the terminal.
func (d *emulation) start(ctx context.Context) error {
	return d.m.Launch(ctx, remote.Program{
		Name: "terminal", Log: tillLog, Argv: []string{"/usr/bin/smiletill", "run"},
	})
}

// plug plugs the shop's camera in, which sees the empty shop. It refuses to begin so many times.
func (d *emulation) plug(ctx context.Context, refused int) error {
	_, err := d.m.Plug(ctx, remote.Plug{Port: port, Film: d.films["idle"], Options: rig.Options{
		Name: shopCamera, Formats: []rig.Format{rig.MJPG}, Rates: []int{visits.FPS}, RefusedStarts: refused}})
	return err
}

func (d *emulation) startsWithoutHardware(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := d.logged(ctx, "no camera", func(l logLine) bool {
		return l.Level == "ERROR" &&
			strings.Contains(l.Err+l.Text, "camera")
	}); err != nil {
		return err
	}
	if err := d.board(ctx); err != nil {
		return err
	}
	if _, err := d.lamp(ctx, lineRed, true, 0); err != nil {
		return fmt.Errorf("out of order is not shown on lamps that came late: %w", err)
	}
	in, err := d.now(ctx)
	if err != nil {
		return err
	}
	if err := d.plug(ctx, 0); err != nil {
		return err
	}
	_, err = d.ready(ctx, in)
	return err
}

// feigned asks for the bench's camera as a terminal of a shop would.
func (d *emulation) feigned(ctx context.Context) error {
	r, err := d.till(ctx, "camera", "test", "--camera-test-source=false", "--seconds", "1")
	if err != nil {
		return err
	}
	if r.Code == 0 || !strings.Contains(r.Stderr, "vhci_hcd") ||
		!strings.Contains(r.Stderr, "camera.test_source") {
		return fmt.Errorf("`smiletill camera test` ended with code %d:\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	return nil
}

// ready waits until the lamps say that payments are taken: a flash of white with red off.
func (d *emulation) ready(ctx context.Context, after time.Duration) (at time.Duration, err error) {
	if at, err = d.lamp(ctx, lineWhite, true, after); err != nil {
		return at, fmt.Errorf("ready for payments: %w", err)
	}
	red, err := d.m.High(ctx, rig.LabelPi4, lineRed)
	if err == nil && red {
		err = fmt.Errorf("red is on beside white")
	}
	return at, err
}

func (d *emulation) enrols(ctx context.Context) error {
	args := []string{"enrol", "--agreed", "en", "Grace Hopper"}
	for i := 1; i <= gallery.TemplatesMin; i++ {
		data, err := visits.Photo(fmt.Sprintf("enrol_%d", i))
		if err != nil {
			return err
		}
		path := fmt.Sprintf("/tmp/enrol_%d.jpg", i)
		if err := d.m.Put(ctx, path, data, 0o600); err != nil {
			return err
		}
		args = append(args, path)
	}
	r, err := d.till(ctx, args...)
	if err == nil {
		err = r.Must()
	}
	return err
}

func (d *emulation) pays(ctx context.Context) error {
	v, err := d.visit(ctx, "smile", "customer_smile")
	if err == nil {
		err = d.end(ctx, v, 0, "approved")
	}
	if err != nil {
		return err
	}
	if err := d.signals(ctx, v.began, lineWhite, lineAmber, lineGreen); err != nil {
		return err
	}
	if err := d.acknowledged(ctx, 1); err != nil {
		return err
	}
	return d.decided(ctx)
}

func (d *emulation) stranger(ctx context.Context) error {
	v, err := d.visit(ctx, "stranger", "stranger_smile")
	if err == nil {
		err = d.end(ctx, v, 3, "no customer")
	}
	if err != nil {
		return err
	}
	return d.signals(ctx, v.began, lineWhite, lineRed)
}

func (d *emulation) unplugged(ctx context.Context) error {
	v, err := d.visit(ctx, "unplugged", "customer_neutral")
	if err != nil {
		return err
	}
	if err := d.lights(ctx, v, lineAmber); err != nil {
		return fmt.Errorf("the customer is not recognised: %w", err)
	}
	out, err := d.m.Unplug(ctx, port)
	if err != nil {
		return err
	}
	if err := d.end(ctx, v, 3, "failed"); err != nil {
		return err
	}
	red, err := d.lamp(ctx, lineRed, true, out)
	if err != nil {
		return err
	}
	d.measured("camera unplugged to out of order (red lamp)", red-out)
	// As long as a result stays; else the end of the payment is what the lamps show.
	if err := d.passes(ctx, 4*time.Second); err != nil {
		return err
	}
	in, err := d.now(ctx)
	if err != nil {
		return err
	}
	if err := d.plug(ctx, 1); err != nil {
		return err
	}
	back, err := d.ready(ctx, in) // the payments that follow use this camera
	if err != nil {
		return fmt.Errorf("a camera that refused to begin once is not taken afterwards: %w", err)
	}
	d.measured("camera plugged in, which refuses to begin once, to ready (white lamp)", back-in)
	return d.logged(ctx, "a camera that refuses to begin", func(l logLine) bool {
		return l.Level == "ERROR" && strings.Contains(l.Err, "failed to start streaming")
	})
}

func (d *emulation) frozen(ctx context.Context) error {
	still, err := d.m.Fault(ctx, port, rig.Frozen)
	if err != nil {
		return err
	}
	red, err := d.lamp(ctx, lineRed, true, still)
	if err != nil {
		return err
	}
	d.measured("picture frozen to out of order (red lamp)", red-still)
	moves, err := d.m.Fault(ctx, port, rig.Healthy)
	if err != nil {
		return err
	}
	back, err := d.ready(ctx, moves)
	if err == nil {
		d.measured("picture moves again to ready (white lamp)", back-moves)
	}
	return err
}

// reboot boots after a power cut and starts the terminal with all its hardware there.
func (d *emulation) reboot(ctx context.Context) error {
	if err := d.m.Cut(); err != nil {
		return err
	}
	if err := d.boot(ctx); err != nil {
		return err
	}
	if err := d.board(ctx); err != nil {
		return err
	}
	if err := d.plug(ctx, 0); err != nil {
		return err
	}
	if err := d.start(ctx); err != nil {
		return err
	}
	_, err := d.ready(ctx, 0)
	return err
}

func (d *emulation) cutWhenApproved(ctx context.Context) error {
	v, err := d.visit(ctx, "cut", "customer_smile")
	if err != nil {
		return err
	}
	if err := d.lights(ctx, v, lineGreen); err != nil {
		return err
	}
	if err := d.reboot(ctx); err != nil {
		return err
	}
	if err := d.journal(ctx, "2 approved"); err != nil {
		return err
	}
	// the register asks again, as it must after a terminal that did not answer
	v.film = ""
	if err := d.pay(ctx, v); err != nil {
		return err
	}
	if err := d.end(ctx, v, 0, "approved"); err != nil {
		return err
	}
	if err := d.acknowledged(ctx, 2); err != nil {
		return err
	}
	return d.journal(ctx, "2 approved")
}

func (d *emulation) cutInTheMiddle(ctx context.Context) error {
	v, err := d.visit(ctx, "middle", "customer_neutral")
	if err != nil {
		return err
	}
	if err := d.lights(ctx, v, lineAmber); err != nil {
		return err
	}
	if err := d.reboot(ctx); err != nil {
		return err
	}
	v.film = "customer_smile"
	if err := d.pay(ctx, v); err != nil {
		return err
	}
	if err := d.end(ctx, v, 3, "restarted"); err != nil {
		return err
	}
	if err := d.journal(ctx, "2 approved"); err != nil {
		return err
	}
	return d.acknowledged(ctx, 2)
}

func (d *emulation) ends(ctx context.Context) error {
	if err := d.m.Signal(ctx, "terminal", syscall.SIGTERM); err != nil {
		return err
	}
	r, err := d.m.Await(ctx, "terminal", wholeDay)
	if err != nil {
		return err
	}
	if r.Code != 0 {
		return fmt.Errorf("the terminal ended with code %d", r.Code)
	}
	for _, line := range []string{lineGreen, lineAmber, lineRed, lineWhite, lineBuzzer} {
		if high, err := d.m.High(ctx, rig.LabelPi4, line); err != nil || high {
			return fmt.Errorf("%s is high after the end: %v, %w", line, high, err)
		}
	}
	return d.m.Off(ctx)
}

// journal has the terminal check its own journal in the guest.
func (d *emulation) journal(ctx context.Context, says string) error {
	r, err := d.till(ctx, "journal", "verify")
	if err == nil {
		err = r.Must()
	}
	if err == nil && !strings.Contains(r.Stdout, says) {
		err = fmt.Errorf("journal verify does not say %q:\n%s", says, r.Stdout)
	}
	return err
}

// acknowledged waits until the cloud has that many approvals, each once, and the terminal waits for none.
func (d *emulation) acknowledged(ctx context.Context, want int) error {
	if err := d.until(ctx, fmt.Sprintf("%d events in the cloud", want), func() (bool, error) {
		n, err := d.cloud.Count(ctx)
		if err == nil && n > want {
			err = fmt.Errorf("the cloud has %d events, want %d", n, want)
		}
		if err != nil || n < want {
			return false, errors.Join(err, d.alive(ctx))
		}
		return true, nil
	}); err != nil {
		return err
	}
	return d.until(ctx, "no payment that waits for the cloud", func() (bool, error) {
		r, err := d.till(ctx, "journal", "list")
		return err == nil && !strings.Contains(r.Stdout, "waits"), err
	})
}

// alive asks the guest for nothing, so that it has gone on for a moment.
func (d *emulation) alive(ctx context.Context) error {
	_, err := d.now(ctx)
	return err
}

// logLine is what the scenes read in the terminal's log.
type logLine struct {
	Level   string  `json:"level"`
	Text    string  `json:"msg"`
	Err     string  `json:"err"`
	Payment string  `json:"payment"`
	Frames  int     `json:"frames"`
	Mean    float64 `json:"mean_ms"`
	Slowest float64 `json:"slowest_ms"`
}

// logLines are those of the terminal since the machine's boot.
func (d *emulation) logLines(ctx context.Context) ([]logLine, error) {
	data, err := d.m.Get(ctx, tillLog)
	if err != nil {
		return nil, err
	}
	var out []logLine
	for line := range bytes.Lines(data) {
		var l logLine
		if json.Unmarshal(line, &l) == nil { // the last one may be half written
			out = append(out, l)
		}
	}
	return out, nil
}

// logged waits for a line of the log.
func (d *emulation) logged(ctx context.Context, what string, is func(logLine) bool) error {
	return d.until(ctx, "the terminal's log tells of "+what, func() (bool, error) {
		lines, err := d.logLines(ctx)
		return slices.ContainsFunc(lines, is), err
	})
}

// decided takes the times from frame to decision from the log.
func (d *emulation) decided(ctx context.Context) error {
	lines, err := d.logLines(ctx)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Frames > 0 {
			d.measured("frame taken to decision, mean of a visit", time.Duration(l.Mean*1e6))
			d.measured("frame taken to decision, slowest of a visit", time.Duration(l.Slowest*1e6))
			return nil
		}
	}
	return fmt.Errorf("the log does not say how long a frame takes to be decided")
}
