package lines_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"smiletill/device"
	"smiletill/device/bench"
	"smiletill/device/lines"
)

const recording = "gpio-session.jsonl"

// TestBenchLines has the board's code use the kernel's real lines, and records what it asked of them and what
// they answered.
func TestBenchLines(t *testing.T) {
	dir := os.Getenv(bench.Env)
	if dir == "" {
		t.Skipf("%s is not set: `make emulate` runs this on the kernel's drivers", bench.Env)
	}
	var h interface{ Hint() string }
	if _, err := lines.Open(bench.LabelPi4); !errors.Is(err, lines.ErrNoChip) || !errors.As(err, &h) ||
		!strings.Contains(h.Hint(), "there are: ") {
		t.Errorf("before there is a chip: %v", err)
	}
	chip, err := bench.MakeChip(bench.LabelPi4, bench.PiLines())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := chip.Remove(); err != nil {
			t.Error(err)
		}
	}()
	header, err := lines.Open("no-such-label", bench.LabelPi4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := header.Line("GPIO99"); !errors.Is(err, lines.ErrNoLine) || !errors.As(err, &h) ||
		!strings.Contains(h.Hint(), "GPIO17") {
		t.Errorf("a line that is not there: %v", err)
	}
	if _, err := header.Line("16"); err != nil {
		t.Errorf("by number: %v", err)
	}
	for _, name := range []string{"GPIO5", "GPIO6"} { // open buttons
		if err := chip.Pull(name, true); err != nil {
			t.Fatal(err)
		}
	}
	var rec *tape
	for tries := 0; ; tries++ {
		rec = &tape{begun: time.Now()}
		whole := session(t, func(name string) gpio.PinIO {
			pin, err := header.Line(name)
			if err != nil {
				t.Fatal(err)
			}
			return &recorder{PinIO: pin, name: name, tape: rec}
		}, chip)
		if whole {
			break
		}
		if tries == 10 {
			t.Fatal("no bounce was as short as one: the machine stands still too often")
		}
	}
	busy(t, header)
	rec.save(t, filepath.Join(dir, recording))
}

// busy holds a line as another program would, and gives it back.
func busy(t *testing.T, header *lines.Header) {
	t.Helper()
	one, err := header.Line("GPIO24")
	if err != nil {
		t.Fatal(err)
	}
	release, err := bench.Hold("/dev/"+chipName(t), 24, "another till")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, too: periph would believe that it has the line
		if err := one.Out(gpio.High); !errors.Is(err, lines.ErrTaken) ||
			!strings.Contains(err.Error(), "by another till") {
			t.Errorf("a line that is held: %v", err)
		}
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := one.Out(gpio.High); err != nil {
		t.Errorf("given back: %v", err)
	}
}

func chipName(t *testing.T) string {
	t.Helper()
	chips, err := lines.Chips()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chips {
		if c.Label == bench.LabelPi4 {
			return c.Name
		}
	}
	t.Fatal("the chip is not listed")
	return ""
}

// TestRecordedLines plays the recording: the board's code must ask the same of each line.
func TestRecordedLines(t *testing.T) {
	p := loadTape(t, filepath.Join("testdata", recording))
	synctest.Test(t, func(t *testing.T) {
		session(t, func(name string) gpio.PinIO {
			one := p.player(t, name)
			t.Cleanup(func() { one.end() })
			return one
		}, nil)
	})
}

// session shows a signal and listens to a button and a switch. chip is nil while a recording plays. It is not
// whole if the machine stood still in the middle of a bounce: that was a press then.
func session(t *testing.T, line func(string) gpio.PinIO, chip *bench.Chip) (whole bool) {
	t.Helper()
	board := device.Board{Lamps: map[device.Lamp]gpio.PinOut{
		device.Green: line("GPIO17"), device.Red: line("GPIO22"),
	}}
	d := device.New(board, slog.New(slog.DiscardHandler))
	d.Show(device.Approved) // green on
	time.Sleep(300 * time.Millisecond)
	if err := d.Close(); err != nil {
		t.Errorf("lamps: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	pressed, opened := 0, 0
	var wait sync.WaitGroup
	button := device.Input{Name: "cancel button", Pin: line("GPIO6"), ActiveLow: true, Pull: gpio.PullUp}
	wait.Go(func() {
		button.Presses(ctx, slog.New(slog.DiscardHandler), func() { pressed++ }, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
	})
	tamper := device.Input{Name: "tamper switch", Pin: line("GPIO16"), Pull: gpio.PullNoChange}
	wait.Go(func() {
		tamper.Watch(ctx, func(open bool) {
			if open {
				opened++
			}
		}, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
	})
	whole = chip == nil || play(t, chip)
	wait.Wait()
	if whole && (pressed != 2 || opened != 1) {
		t.Errorf("%d presses and %d openings, want 2 and 1", pressed, opened)
	}
	return whole
}

// play presses the button twice, with bounces, and opens the case. It tells whether the bounces were short
// ones.
func play(t *testing.T, chip *bench.Chip) (short bool) {
	t.Helper()
	const bounce = 10 * time.Millisecond // half of what an input waits for
	short = true
	var last time.Time // the change that bounces
	for _, s := range []struct {
		line string
		high bool
		rest time.Duration
	}{
		{"GPIO6", true, 300 * time.Millisecond},
		{"GPIO6", false, 0}, {"GPIO6", true, 0}, {"GPIO6", false, 150 * time.Millisecond},
		{"GPIO6", true, 0}, {"GPIO6", false, 0}, {"GPIO6", true, 200 * time.Millisecond},
		{"GPIO6", false, 150 * time.Millisecond}, {"GPIO6", true, 200 * time.Millisecond},
		{"GPIO16", true, 300 * time.Millisecond},
	} {
		before := time.Now()
		if err := chip.Pull(s.line, s.high); err != nil {
			t.Fatal(err)
		}
		if !last.IsZero() && time.Since(last) > bounce {
			short = false
		}
		if last = before; s.rest > 0 {
			last = time.Time{}
		}
		time.Sleep(s.rest)
	}
	return short
}

// step is one question to a line and its answer.
type step struct {
	At    time.Duration `json:"at"` // since the recording began
	Line  string        `json:"line"`
	Name  string        `json:"name"`
	Took  time.Duration `json:"took"`
	High  bool          `json:"high"` // the level of Out and Read, the edge of WaitForEdge
	Pull  string        `json:"pull,omitempty"`
	Error string        `json:"error,omitempty"`
}

type tape struct {
	begun time.Time
	mu    sync.Mutex
	steps []step
}

func (p *tape) add(s step, begun time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.At, s.Took = begun.Sub(p.begun), time.Since(begun)
	if err != nil {
		s.Error = err.Error()
	}
	p.steps = append(p.steps, s)
}

func (p *tape) save(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	e := json.NewEncoder(f)
	for _, s := range p.steps {
		err = errors.Join(err, e.Encode(s))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

type recorder struct {
	gpio.PinIO
	name string
	tape *tape
}

func (r *recorder) Out(l gpio.Level) error {
	begun := time.Now()
	err := r.PinIO.Out(l)
	r.tape.add(step{Line: r.name, Name: "out", High: bool(l)}, begun, err)
	return err
}

func (r *recorder) In(pull gpio.Pull, edge gpio.Edge) error {
	begun := time.Now()
	err := r.PinIO.In(pull, edge)
	r.tape.add(step{Line: r.name, Name: "in", Pull: pull.String()}, begun, err)
	return err
}

func (r *recorder) Read() gpio.Level {
	begun := time.Now()
	l := r.PinIO.Read()
	r.tape.add(step{Line: r.name, Name: "read", High: bool(l)}, begun, nil)
	return l
}

func (r *recorder) WaitForEdge(d time.Duration) bool {
	begun := time.Now()
	edge := r.PinIO.WaitForEdge(d)
	r.tape.add(step{Line: r.name, Name: "edge", High: edge}, begun, nil)
	return edge
}

func loadTape(t *testing.T, path string) *tape {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := &tape{}
	for d := json.NewDecoder(f); d.More(); {
		var s step
		if err := d.Decode(&s); err != nil {
			t.Fatal(err)
		}
		p.steps = append(p.steps, s)
	}
	return p
}

// player is a line of the recording: its steps in their order, each as long as it took then.
type player struct {
	*device.SimPin
	t     *testing.T
	name  string
	tape  *tape
	steps []step
	last  bool // what Read gave
}

func (p *tape) player(t *testing.T, name string) *player {
	one := &player{SimPin: device.NewSimPin(name, nil), t: t, name: name, tape: p}
	for _, s := range p.steps {
		if s.Line == name {
			one.steps = append(one.steps, s)
		}
	}
	return one
}

// next gives the answer to a question, which must be the one that was recorded. Waiting for a timeout may be
// asked once more or less often: the two clocks are not one.
func (p *player) next(name, pull string, high bool) step {
	p.tape.mu.Lock()
	defer p.tape.mu.Unlock()
	if len(p.steps) == 0 {
		return step{Took: 10 * time.Millisecond, Name: name, High: name == "read" && p.last}
	}
	s := p.steps[0]
	if s.Name != name || s.Pull != pull || name == "out" && s.High != high {
		p.t.Errorf("%s %s %s %v: recorded was %+v", p.name, name, pull, high, s)
		return step{Took: 10 * time.Millisecond}
	}
	if p.steps = p.steps[1:]; name == "read" {
		p.last = s.High
	}
	return s
}

func (p *player) Out(l gpio.Level) error { return p.next("out", "", bool(l)).err() }
func (p *player) In(pull gpio.Pull, _ gpio.Edge) error {
	return p.next("in", pull.String(), false).err()
}

func (p *player) Read() gpio.Level { return gpio.Level(p.next("read", "", false).High) }

func (p *player) WaitForEdge(time.Duration) bool {
	s := p.next("edge", "", false)
	time.Sleep(s.Took)
	return s.High
}

func (p *player) PWM(gpio.Duty, physic.Frequency) error { return errors.New("not recorded") }

func (s step) err() error {
	if s.Error == "" {
		return nil
	}
	return errors.New(s.Error)
}

// end checks that all that was recorded was asked for, but for the last looks at a line that rests.
func (p *player) end() {
	for _, s := range p.steps {
		if s.Name == "out" || s.Name == "in" || s.High && s.Name == "edge" {
			p.t.Errorf("%s: this was recorded and not asked for: %+v", p.name, s)
			return
		}
	}
}
