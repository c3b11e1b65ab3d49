package vending

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"smiletill/payment/vending/machine"
)

// Simulation is an adapter with a machine behind it.
type Simulation struct {
	Machine machine.Options
	// Link and MachineLink are the paths by which programs find the ports of the reader's and of the machine's
	// half; "" for Link is a path of the system's choice. With a MachineLink a program is the machine.
	Link, MachineLink string
	// Every is how often a customer chooses Price and Item; 0: when a line on the input says so.
	Every       time.Duration
	Price, Item string
	// Quiet leaves r,ACK out of what is printed.
	Quiet bool
}

// Simulate runs it until ctx is done. in takes "PRICE ITEM" (a customer chooses), "cancel" (and wants it
// back) and "restart" (the adapter loses power); its end changes nothing.
func Simulate(ctx context.Context, in io.Reader, out io.Writer, s Simulation) (err error) {
	reader, err := newPseudo(s.Link)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reader.close()) }()
	b := &bench{s: s, out: out, ports: map[machine.Side]*pseudo{machine.Reader: reader}}
	fmt.Fprintf(out, "the reader's half (C): %s\n", reader.name())
	if s.MachineLink != "" {
		m, err := newPseudo(s.MachineLink)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.close()) }()
		b.ports[machine.Machine] = m
		b.s.Machine.Foreign = true
		fmt.Fprintf(out, "the machine's half (D): %s\n", m.name())
	}
	f := s.Machine.Faults
	if f != (machine.Faults{}) {
		fmt.Fprintf(out, "faults by seed %d: --seed %d repeats them\n", s.Machine.Seed, s.Machine.Seed)
	}
	b.sim = machine.New(b.s.Machine, time.Now())
	return b.run(ctx, in)
}

type bench struct {
	s     Simulation
	out   io.Writer
	sim   *machine.Sim
	ports map[machine.Side]*pseudo
	told  int // products that were printed
}

func (b *bench) run(ctx context.Context, in io.Reader) error {
	ctx, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	heard := map[machine.Side]chan string{machine.Reader: make(chan string), machine.Machine: make(chan string)}
	for side, p := range b.ports {
		all.Go(func() { p.lines(ctx, heard[side]) })
	}
	typed := make(chan string)
	go read(ctx, in, typed) // a terminal's input can't be interrupted: it ends with the process
	var every <-chan time.Time
	if b.s.Every > 0 {
		ticker := time.NewTicker(b.s.Every)
		defer ticker.Stop()
		every = ticker.C
	}
	for {
		var tick <-chan time.Time
		if at, ok := b.sim.Next(); ok {
			tick = time.After(time.Until(at))
		}
		var said []machine.Said
		select {
		case <-ctx.Done():
			return nil
		case line := <-heard[machine.Reader]:
			b.show(machine.Reader, "<", line)
			said = b.sim.Feed(machine.Reader, line, time.Now())
		case line := <-heard[machine.Machine]:
			b.show(machine.Machine, "<", line)
			said = b.sim.Feed(machine.Machine, line, time.Now())
		case <-tick:
			said = b.sim.Tick(time.Now())
		case <-every:
			if b.sim.Waiting() {
				said = b.choose(b.s.Price, b.s.Item)
			}
		case line := <-typed:
			said = b.typed(line)
		}
		for _, l := range said {
			b.show(l.To, ">", l.Line)
			if err := b.ports[l.To].write(l.Line); err != nil {
				return err
			}
		}
		b.products()
	}
}

// read gives the lines of an input.
func read(ctx context.Context, in io.Reader, to chan<- string) {
	for s := bufio.NewScanner(in); s.Scan(); {
		select {
		case to <- strings.TrimSpace(s.Text()):
		case <-ctx.Done():
			return
		}
	}
}

func (b *bench) typed(line string) []machine.Said {
	words := strings.Fields(line)
	switch {
	case len(words) == 0:
	case line == "cancel":
		return b.sim.Cancel(time.Now())
	case line == "restart":
		b.sim.Restart()
		fmt.Fprintln(b.out, "the adapter has lost power for a moment")
	case len(words) <= 2:
		if _, err := strconv.ParseFloat(words[0], 64); err == nil {
			return b.choose(words[0], strings.Join(words[1:], ""))
		}
		fallthrough
	default:
		fmt.Fprintln(b.out, `type a price and a product's number ("1.20 10"), "cancel" or "restart"`)
	}
	return nil
}

func (b *bench) choose(price, item string) []machine.Said {
	said, ok := b.sim.Choose(price, item, time.Now())
	if !ok {
		fmt.Fprintln(b.out, "nothing can be chosen now: the reader is off, another choice is under way, or the "+
			"machine waits for a customer first")
	}
	return said
}

// show prints a line of the conversation, with the half it belongs to and whether it came or went.
func (b *bench) show(side machine.Side, way, line string) {
	if b.s.Quiet && line == "r,ACK" {
		return
	}
	half := "C"
	if side == machine.Machine {
		half = "D"
	}
	fmt.Fprintf(b.out, "%s %s %s %q\n", time.Now().Format("15:04:05.000"), half, way, line)
}

// products prints what became of products since it was last called.
func (b *bench) products() {
	all := b.sim.Fallen()
	for _, p := range all[b.told:] {
		what := "was not paid for, and stays"
		switch {
		case p.Fell && p.Told:
			what = "fell"
		case p.Fell:
			what = "fell, and the reader was not told"
		case p.Paid && p.Told:
			what = "did not fall"
		case p.Paid:
			what = "did not fall, and the reader was not told"
		}
		fmt.Fprintf(b.out, "product %s for %s %s\n", p.Item, p.Price, what)
	}
	b.told = len(all)
}
