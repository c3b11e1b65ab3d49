package vendingtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"smiletill/payment"
	"smiletill/payment/vending"
	"smiletill/payment/vending/machine"
)

// Wire carries lines between reader and adapter. What was sent has arrived when it returns.
type Wire interface {
	ToAdapter(line string) ([]string, error)
	ToReader(lines []string) ([]vending.Line, error)
}

// Options are those of a day.
type Options struct {
	Seed    uint64
	Choices int
	Set     vending.Settings
	Machine machine.Options
	// Unplug is the chance, before each choice, that the port goes and comes back, and Stop that the terminal is
	// started again in the middle of it, with what the money's side knows.
	Unplug, Stop float64
}

// Report is what a day came to.
type Report struct {
	Chosen, Approved, Voided, Cancelled, Flagged int
	Fell, Free                                   int // products; those that nobody paid for
	Violations                                   []string
}

// vend is what the money's side knows of one.
type vend struct {
	item              string
	price             string
	committed         bool
	approved, voided  bool
	flagged, answered bool // answered: C,VEND was sent
}

type day struct {
	o      Options
	wire   Wire
	rng    *rand.Rand
	now    time.Time
	reader vending.Reader
	sim    *machine.Sim
	report Report

	chosen string // the item of the last choice
	vends  []*vend
	byNum  map[int]*vend // of the reader of now
	later  []later
}

// later is something that the money's side, or a customer, does at a moment.
type later struct {
	at time.Time
	do func() (vending.Event, error) // no event: all is done
}

// Run plays a day. The error is the wire's; what must not be is in the report.
func Run(o Options, w Wire) (Report, error) {
	d := &day{o: o, wire: w, rng: rand.New(rand.NewPCG(o.Seed, 3)), now: time.Now(), byNum: map[int]*vend{}}
	o.Machine.Seed = o.Seed
	d.sim = machine.New(o.Machine, d.now)
	d.reader = vending.New(o.Set, false, d.now)
	if err := d.begin(); err != nil {
		return d.report, err
	}
	item := 0
	choice := d.now.Add(time.Second)
	for tries := 0; item < o.Choices && tries < 40*o.Choices; tries++ {
		if err := d.until(choice); err != nil {
			return d.report, err
		}
		choice = d.now.Add(time.Duration(1+d.rng.IntN(40)) * time.Second)
		if err := d.mishap(); err != nil {
			return d.report, err
		}
		if o.Set.Mode == vending.AuthoriseFirst && d.reader.State() == vending.Ready {
			if err := d.next(vending.Offer{Funds: payment.Amount{Minor: 500, Currency: "EUR"}}); err != nil {
				return d.report, err
			}
		}
		price := fmt.Sprintf("%d.%d0", 1+d.rng.IntN(3), d.rng.IntN(10))
		said, ok := d.sim.Choose(price, fmt.Sprint(item), d.now)
		if ok {
			d.chosen = fmt.Sprint(item)
			item++
			d.report.Chosen++
		}
		if err := d.hear(said); err != nil {
			return d.report, err
		}
		if ok && d.rng.IntN(8) == 0 { // and is wanted back
			wait := time.Duration(d.rng.IntN(12_000)) * time.Millisecond
			d.after(wait, func() (vending.Event, error) { return nil, d.hear(d.sim.Cancel(d.now)) })
		}
	}
	err := d.until(d.now.Add(10 * time.Minute))
	d.close()
	return d.report, err
}

// errStuck ends a day on which time does not pass any more.
var errStuck = errors.New("time does not pass")

func (d *day) wrong(format string, args ...any) {
	d.report.Violations = append(d.report.Violations, fmt.Sprintf(format, args...))
}

func (d *day) begin() error {
	if err := d.next(vending.Serve{On: true}); err != nil {
		return err
	}
	return d.next(vending.Connected{})
}

// mishap pulls the plug, or starts the terminal again.
func (d *day) mishap() error {
	if d.rng.Float64() < d.o.Unplug {
		if err := d.next(vending.Disconnected{}); err != nil {
			return err
		}
		if d.rng.IntN(2) == 0 { // it gets its power by USB
			d.sim.Restart()
		}
		return d.next(vending.Connected{})
	}
	if d.rng.Float64() >= d.o.Stop {
		return nil
	}
	d.later = nil
	old := d.byNum
	d.byNum = map[int]*vend{}
	for _, v := range old {
		if v.committed && !v.approved && !v.voided {
			d.byNum[0] = v
		}
	}
	d.reader = vending.New(d.o.Set, d.byNum[0] != nil, d.now)
	return d.begin()
}

// until lets time pass, from one thing that happens to the next.
func (d *day) until(end time.Time) error {
	for steps := 0; ; steps++ {
		if steps == 100_000 {
			d.wrong("100,000 things happened by %v: a deadline does not move", end)
			return errStuck
		}
		at, what := end, 0
		if t, ok := d.reader.Deadline(); ok && t.Before(at) {
			at, what = t, 1
		}
		if t, ok := d.sim.Next(); ok && t.Before(at) {
			at, what = t, 2
		}
		for i, l := range d.later {
			if l.at.Before(at) {
				at, what = l.at, 3+i
			}
		}
		if at.After(d.now) {
			d.now = at
		}
		var err error
		switch {
		case what == 0:
			return nil
		case what == 1:
			err = d.next(vending.Tick{})
		case what == 2:
			err = d.hear(d.sim.Tick(d.now))
		default:
			l := d.later[what-3]
			d.later = append(d.later[:what-3:what-3], d.later[what-2:]...)
			var e vending.Event
			if e, err = l.do(); err == nil && e != nil {
				err = d.next(e)
			}
		}
		if err != nil {
			return err
		}
	}
}

// hear carries what the adapter says to the reader.
func (d *day) hear(said []machine.Said) error {
	var lines []string
	for _, s := range said {
		if s.To == machine.Reader {
			lines = append(lines, s.Line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	heard, err := d.wire.ToReader(lines)
	if err != nil {
		return err
	}
	for _, l := range heard {
		if err := d.next(vending.Received{Line: l}); err != nil {
			return err
		}
	}
	return nil
}

func (d *day) next(e vending.Event) error {
	var acts []vending.Act
	d.reader, acts = d.reader.Next(e, d.now)
	for _, a := range acts {
		send, ok := a.(vending.Send)
		if !ok {
			d.take(e, a)
			continue
		}
		d.sent(send.Line)
		lines, err := d.wire.ToAdapter(send.Line)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if err := d.hear(d.sim.Feed(machine.Reader, l, d.now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sent holds a yes against what is committed.
func (d *day) sent(line string) {
	rest, ok := strings.CutPrefix(line, "C,VEND,")
	if !ok || rest == "-1" {
		return
	}
	for _, v := range d.byNum {
		if v.committed && !v.approved && !v.voided && !v.answered {
			v.answered = true
			return
		}
	}
	d.wrong("%s, and nothing is committed", line)
}
