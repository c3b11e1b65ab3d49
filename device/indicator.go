package device

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Indicator plays signals on a board, in a goroutine of its own. Its methods may be called by any goroutine.
type Indicator struct {
	log    *slog.Logger
	lamps  map[Lamp]*output
	buzzer *buzzer // nil when not fitted

	mu     sync.Mutex
	want   Signal
	faults map[string]error // by pin: what it last answered, while it fails
	told   map[string]bool  // pins whose failure is in the log

	news chan struct{} // want has changed
	quit chan struct{}
	done chan struct{}
	once sync.Once
}

// New turns everything off and waits for the first Show. Pins that fail are logged, once each, and told
// by Err.
func New(b Board, log *slog.Logger) *Indicator {
	d := &Indicator{
		log: log, lamps: map[Lamp]*output{}, faults: map[string]error{}, told: map[string]bool{},
		news: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	for l, pin := range b.Lamps {
		d.lamps[l] = &output{name: string(l) + " lamp", pin: pin, tell: d.tell}
	}
	if b.Buzzer != nil {
		d.buzzer = &buzzer{output: output{name: "buzzer", pin: b.Buzzer, tell: d.tell}, own: b.Active}
	}
	d.dark()
	go d.run()
	return d
}

// Show plays the signal from now on. It never blocks; of several in short order the newest wins. The signal
// that is playing already goes on undisturbed, so that it can be shown as often as one likes. A signal that
// does not exist is shown as OutOfOrder. After Close nothing is shown.
func (d *Indicator) Show(s Signal) {
	d.mu.Lock()
	d.want = s
	d.mu.Unlock()
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// Err is nil while all pins work, else it names those that don't.
func (d *Indicator) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []error
	if d.buzzer != nil {
		all = append(all, d.faults[d.buzzer.name])
	}
	for _, l := range Lamps() {
		if o := d.lamps[l]; o != nil {
			all = append(all, d.faults[o.name])
		}
	}
	err := errors.Join(all...)
	if err == nil {
		return nil
	}
	return hinted{err, "check the wiring of the lamp board, and that no other program uses its pins"}
}

// Close stops playing and turns everything off. The error names the pins that may still be on.
func (d *Indicator) Close() error {
	d.once.Do(func() { close(d.quit) })
	<-d.done
	return d.Err()
}

// tell remembers how a pin answered; only its first failure is logged.
func (d *Indicator) tell(name string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		delete(d.faults, name)
		return
	}
	d.faults[name] = fmt.Errorf("set %s: %w", name, err)
	if !d.told[name] {
		d.told[name] = true
		d.log.Error("a pin of the lamp board failed", "pin", name, "err", err)
	}
}

// dark turns everything off.
func (d *Indicator) dark() {
	for _, o := range d.lamps {
		o.forget()
		o.set(gpio.Low)
	}
	if d.buzzer != nil {
		d.buzzer.forget()
		d.buzzer.play(nil, time.Time{})
	}
}

func (d *Indicator) run() {
	defer close(d.done)
	defer d.dark()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var current Signal
	var tracks []track
	for {
		select {
		case <-d.quit:
			return
		case <-d.news:
			d.mu.Lock()
			s := d.want
			d.mu.Unlock()
			if s != current {
				current = s
				tracks = d.begin(s, time.Now())
			}
		case <-timer.C:
		}
		if wait, more := d.step(tracks, time.Now()); more {
			timer.Reset(wait)
		}
	}
}

// begin sets up the tracks of all lamps and the tune of a signal.
func (d *Indicator) begin(s Signal, now time.Time) []track {
	p, ok := PatternOf(s)
	if !ok {
		d.log.Error("an unknown signal is shown as out of order", "signal", s)
		p, _ = PatternOf(OutOfOrder)
	}
	var tracks []track
	for _, l := range Lamps() {
		o := d.lamps[l]
		if o == nil {
			continue
		}
		steps := p.Lamps[l]
		if len(steps) == 0 {
			steps = []Step{off(0)}
		}
		tracks = append(tracks, track{out: o, steps: steps, at: -1, due: now})
	}
	if d.buzzer != nil {
		d.buzzer.play(p.Tune, now)
	}
	return tracks
}

// step does all that is due and returns the time until the next thing is, if there is one.
func (d *Indicator) step(tracks []track, now time.Time) (wait time.Duration, more bool) {
	var next time.Time
	soonest := func(due time.Time, ok bool) {
		if ok && (!more || due.Before(next)) {
			next, more = due, true
		}
	}
	for i := range tracks {
		soonest(tracks[i].step(now))
	}
	if d.buzzer != nil {
		soonest(d.buzzer.step(now))
	}
	return time.Until(next), more
}

// track is one lamp's place in its rhythm.
type track struct {
	out   *output
	steps []Step
	at    int
	due   time.Time // when the step at ends; zero: it is held
}

// step goes on to the step of now. Steps are timed from each other, so that delays don't add up; after a long
// delay the rhythm goes on from now.
func (t *track) step(now time.Time) (due time.Time, ok bool) {
	if !t.due.IsZero() && !now.Before(t.due) {
		t.at = (t.at + 1) % len(t.steps)
		s := t.steps[t.at]
		t.out.set(gpio.Level(s.On))
		switch {
		case s.For == 0:
			t.due = time.Time{}
		case now.Sub(t.due) > s.For:
			t.due = now.Add(s.For)
		default:
			t.due = t.due.Add(s.For)
		}
	}
	return t.due, !t.due.IsZero()
}
