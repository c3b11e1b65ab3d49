package device_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"smiletill/device"
)

// script writes the transitions of a simulated board down, with the milliseconds since it was made.
type script struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (s *script) note(x device.Transition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := x.At.Sub(s.start)
	if at%time.Millisecond != 0 {
		s.lines = append(s.lines, fmt.Sprintf("not on time: %v", at))
	}
	what := map[gpio.Level]string{gpio.High: "on", gpio.Low: "off"}[x.Level]
	if x.Hz != 0 {
		what = fmt.Sprint(x.Hz)
	}
	s.lines = append(s.lines, fmt.Sprintf("%d %s %s", at.Milliseconds(), x.Part, what))
}

func (s *script) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, ", ")
}

func newScript() *script { return &script{start: time.Now()} }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestTransitions(t *testing.T) {
	for _, c := range []struct {
		show device.Signal
		run  time.Duration
		want string
	}{
		{"no such signal", 170 * time.Millisecond, "0 amber on, 0 red on, 0 buzzer 220, 150 buzzer off"},
		{device.OutOfOrder, 2100 * time.Millisecond, "0 amber on, 0 red on, 0 buzzer 220, 150 buzzer off, " +
			"300 buzzer 220, 450 buzzer off, 600 buzzer 220, 750 buzzer off, " +
			"1800 amber off, 1800 red off, 2000 amber on, 2000 red on"},
		{device.Idle, 6100 * time.Millisecond, "0 white on, 60 white off, 3000 white on, 3060 white off, " +
			"6000 white on, 6060 white off"},
		{device.LookHere, 1600 * time.Millisecond, "0 white on, 0 buzzer 880, 80 buzzer off, 500 white off, " +
			"1000 white on, 1500 white off"},
		{device.Recognised, 1100 * time.Millisecond, "0 amber on, 0 buzzer 660, 80 buzzer off, " +
			"80 buzzer 880, 150 amber off, 160 buzzer off, 300 amber on, 450 amber off, 1000 amber on"},
		{device.Smile, 900 * time.Millisecond, "0 amber on, 0 buzzer 880, 60 buzzer off, 120 buzzer 880, " +
			"180 buzzer off, 400 amber off, 400 white on, 800 amber on, 800 white off"},
		{device.Declined, 3100 * time.Millisecond, "0 red on, 0 buzzer 440, 250 buzzer off, 250 buzzer 330, " +
			"500 red off, 650 buzzer off, 700 red on, 1200 red off, 1400 red on, 1900 red off, 3000 red on"},
		{device.Approved, time.Hour, "0 green on, 0 buzzer 784, 120 buzzer off, 120 buzzer 988, " +
			"240 buzzer off, 240 buzzer 1319, 500 buzzer off"},
	} {
		t.Run(string(c.show), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				d := device.New(device.NewSimBoard(s.note).Board(), quiet())
				d.Show(c.show)
				time.Sleep(c.run)
				synctest.Wait()
				if got := s.text(); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A change of signal turns off what the old one left on, at once, tune included.
func TestSignalsFollowEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		d := device.New(device.NewSimBoard(s.note).Board(), quiet())
		d.Show(device.Approved)
		time.Sleep(50 * time.Millisecond)
		d.Show(device.Idle)
		time.Sleep(100 * time.Millisecond)
		want := "0 green on, 0 buzzer 784, 50 buzzer off, 50 green off, 50 white on, 110 white off"
		if got := s.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		_ = d.Close()
	})
}

func TestSameSignalAgainGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		d := device.New(device.NewSimBoard(s.note).Board(), quiet())
		for range 100 { // as often as there are frames
			d.Show(device.LookHere)
			time.Sleep(10 * time.Millisecond)
		}
		want := "0 white on, 0 buzzer 880, 80 buzzer off, 500 white off"
		if got := s.text(); !strings.HasPrefix(got, want) || strings.Count(got, "880") != 1 {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		_ = d.Close()
	})
}

// pin is a SimPin that can be made to fail, to hang, and to have no PWM.
type pin struct {
	*device.SimPin
	mu    sync.Mutex
	fail  error
	noPWM bool
	gate  chan struct{} // Out(High) waits for it, if not nil
	edges []time.Time
}

func (p *pin) state() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fail
}

func (p *pin) setFail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

func (p *pin) Out(l gpio.Level) error {
	if l == gpio.High && p.gate != nil {
		<-p.gate
	}
	if err := p.state(); err != nil {
		return err
	}
	p.mu.Lock()
	p.edges = append(p.edges, time.Now())
	p.mu.Unlock()
	return p.SimPin.Out(l)
}

func (p *pin) PWM(d gpio.Duty, f physic.Frequency) error {
	if p.noPWM {
		return errors.New("not implemented")
	}
	if err := p.state(); err != nil {
		return err
	}
	return p.SimPin.PWM(d, f)
}

func TestNewestWinsAndShowNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		sim := device.NewSimBoard(s.note)
		b := sim.Board()
		stuck := &pin{SimPin: device.NewSimPin("GPIO23", nil), gate: make(chan struct{})}
		b.Lamps[device.White] = stuck
		d := device.New(b, quiet())
		d.Show(device.LookHere)
		synctest.Wait() // the goroutine hangs in the white lamp's driver
		for _, x := range []device.Signal{device.Recognised, device.Declined, device.Approved} {
			d.Show(x)
		}
		close(stuck.gate)
		time.Sleep(time.Second)
		got := s.text()
		if !strings.Contains(got, "green on") {
			t.Errorf("the newest signal is missing: %s", got)
		}
		if strings.Contains(got, "amber") || strings.Contains(got, "red") {
			t.Errorf("an overtaken signal was shown: %s", got)
		}
		_ = d.Close()
	})
}

func TestCloseLeavesAllLow(t *testing.T) {
	for _, s := range device.Signals() {
		for _, after := range []time.Duration{0, 10, 130, 1450} {
			synctest.Test(t, func(t *testing.T) {
				log := newScript()
				sim := device.NewSimBoard(log.note)
				d := device.New(sim.Board(), quiet())
				d.Show(s)
				time.Sleep(after * time.Millisecond)
				synctest.Wait()
				if err := errors.Join(d.Close(), d.Close()); err != nil {
					t.Error(err)
				}
				lamps, hz := sim.State()
				for l, on := range lamps {
					if on {
						t.Errorf("%s after %d ms: %s is on", s, after, l)
					}
				}
				if hz != 0 || sim.ByName(device.PiPins().Buzzer).Read() == gpio.High {
					t.Errorf("%s after %d ms: the buzzer sounds", s, after)
				}
				before := log.text()
				d.Show(device.Approved)
				time.Sleep(10 * time.Second)
				if log.text() != before {
					t.Errorf("%s: something was shown after Close", s)
				}
			})
		}
	}
}

func TestFailingPinStopsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		s := newScript()
		b := device.NewSimBoard(s.note).Board()
		broken := &pin{SimPin: device.NewSimPin("GPIO27", nil), fail: errors.New("input/output error")}
		b.Lamps[device.Amber] = broken
		d := device.New(b, slog.New(slog.NewTextHandler(&text, nil)))
		d.Show(device.Smile)
		time.Sleep(900 * time.Millisecond)
		want := "0 buzzer 880, 60 buzzer off, 120 buzzer 880, 180 buzzer off, 400 white on, 800 white off"
		if got := s.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		err := d.Err()
		var h interface{ Hint() string }
		if !errors.Is(err, broken.fail) || !strings.Contains(err.Error(), "amber") || !errors.As(err, &h) {
			t.Errorf("Err() = %v, want the amber lamp's error with a hint", err)
		}
		broken.setFail(nil)
		time.Sleep(time.Second)
		if err := d.Err(); err != nil {
			t.Errorf("the pin works again, but Err() = %v", err)
		}
		broken.setFail(errors.New("gone again"))
		time.Sleep(time.Second)
		if err := d.Close(); err == nil {
			t.Error("Close says nothing of a pin that may be on")
		}
		if n := strings.Count(text.String(), "\n"); n != 1 {
			t.Errorf("%d log lines, want one:\n%s", n, text.String())
		}
	})
}

// Without PWM the pin is toggled: 880 Hz for 80 ms is 140.8 half periods.
func TestBuzzerWithoutPWM(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bare := &pin{SimPin: device.NewSimPin("GPIO18", nil), noPWM: true}
		start := time.Now()
		d := device.New(device.Board{Buzzer: bare}, quiet())
		d.Show(device.LookHere)
		time.Sleep(time.Second)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		half := time.Second / 1760
		edges := slices.DeleteFunc(slices.Clone(bare.edges), func(x time.Time) bool { return x.Equal(start) })
		for i, x := range edges[:140] {
			if got, want := x.Sub(start), time.Duration(i+1)*half; got != want {
				t.Fatalf("toggle %d after %v, want %v", i+1, got, want)
			}
		}
		// then the end of the note, and Close, which sets every pin whatever it was
		if len(edges) != 142 || edges[140].Sub(start) != 80*time.Millisecond || bare.Read() == gpio.High {
			t.Errorf("%d changes, the note ends after %v, level %v; want 142, 80ms, Low",
				len(edges), edges[140].Sub(start), bare.Read())
		}
	})
}

func Example() {
	sim := device.NewSimBoard(func(x device.Transition) {
		if x.Part == "green" {
			fmt.Println(x.Pin, x.Part, x.Level)
		}
	})
	d := device.New(sim.Board(), slog.New(slog.DiscardHandler))
	d.Show(device.Approved)
	for lamps, _ := sim.State(); !lamps["green"]; lamps, _ = sim.State() {
		time.Sleep(time.Millisecond)
	}
	if err := d.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// GPIO17 green High
	// GPIO17 green Low
}
