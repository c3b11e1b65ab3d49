//go:build linux && !notflite

package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"smiletill/cmd/smiletill/vending"
	"smiletill/device/bench/remote"
	"smiletill/payment/vending/machine"
)

// vendingPort is the guest's second serial port; the adapter of a vending machine hangs on it.
const vendingPort = "/dev/ttyS0"

// street is a vending machine outside of the emulated machine: an adapter at a pseudo-terminal, which is the
// guest's serial port, and at another one the day itself, which speaks as the machine. It has power all day,
// whatever becomes of the terminal.
type street struct {
	link string   // the adapter's port, for the guest
	keys *os.File // the machine's half

	mu  sync.Mutex
	out bytes.Buffer
}

func (s *street) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

// said gives what was said so far.
func (s *street) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// tell is the machine that speaks to its adapter.
func (s *street) tell(line string) error {
	_, err := s.keys.WriteString(line + "\n")
	return err
}

// startMachine sets the machine up in the street, and has it take cashless payments, product first.
func (d *emulation) startMachine() error {
	dir := d.t.TempDir()
	s := &street{link: filepath.Join(dir, "adapter")}
	half := filepath.Join(dir, "machine")
	ctx, stop := context.WithCancel(context.Background())
	in, typed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- vending.Simulate(ctx, in, s,
			vending.Simulation{Machine: machine.Options{Decimals: 2}, Link: s.link, MachineLink: half, Quiet: true})
	}()
	d.t.Cleanup(func() {
		stop()
		err := errors.Join(<-ended, typed.Close())
		if s.keys != nil {
			err = errors.Join(err, s.keys.Close())
		}
		if err != nil {
			d.t.Errorf("end of the vending machine: %v", err)
		}
	})
	for end := time.Now().Add(time.Minute); !strings.Contains(s.said(), half); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the vending machine has no ports")
		}
	}
	var err error
	if s.keys, err = os.OpenFile(half, os.O_RDWR, 0); err != nil {
		return err
	}
	d.street = s
	return errors.Join(s.tell("D,2"), s.tell("D,READER,1"))
}

// chooses is a customer at the machine who chooses a product and waits: its motor turns when it is paid for,
// and jams or does not. What is given is how that ended, as if it were a command.
func (d *emulation) chooses(ctx context.Context, price, item string, jams bool) (remote.Result, error) {
	s, request := d.street, fmt.Sprintf("%s,%s", price, item)
	if err := d.until(ctx, "the terminal hears that product "+item+" is chosen", func() (bool, error) {
		if strings.Contains(s.said(), `"c,STATUS,VEND,`+request) {
			return true, nil
		}
		return false, errors.Join(s.tell("D,REQ,"+request), d.alive(ctx))
	}); err != nil {
		return remote.Result{}, err
	}
	product := fmt.Sprintf("product %s for %s ", item, price)
	for {
		switch said := s.said(); {
		case strings.Contains(said, product+"was not paid for"):
			return remote.Result{Code: 3, Stdout: "the machine was told no"}, nil
		case strings.Contains(said, `C < "C,VEND,`+price):
			end := "D,END"
			if jams {
				end = "D,END,-1"
			}
			err := s.tell(end)
			return remote.Result{Stdout: "the machine was told yes"}, err
		}
		select {
		case <-ctx.Done():
			return remote.Result{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// vend is a product that is chosen, and paid for with a smile.
func (d *emulation) vend(ctx context.Context, price, item string, jams bool) error {
	v := &visit{id: "product " + item, film: "customer_smile",
		asks: func(ctx context.Context) (remote.Result, error) { return d.chooses(ctx, price, item, jams) }}
	// The adapter had power all the time, and its machine would take a choice before the terminal that was just
	// started has set the adapter up, which ends that choice.
	err := d.until(ctx, "the terminal serves the machine", func() (bool, error) {
		r, err := d.till(ctx, "status")
		return strings.Contains(r.Stdout, "serves the machine at "+vendingPort), err
	})
	if err == nil {
		err = d.pay(ctx, v)
	}
	if err == nil {
		err = d.end(ctx, v, 0, "the machine was told yes")
	}
	if err != nil {
		return fmt.Errorf("%w\nthe vending machine's side:\n%s", err, tail(d.street.said(), 25))
	}
	return nil
}

// tail is the end of a text, so many lines of it.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// listed waits until the terminal's journal tells of a payment at the machine, by its state or reason.
func (d *emulation) listed(ctx context.Context, state, amount string) error {
	return d.until(ctx, "a payment at the machine of "+amount+", "+state, func() (bool, error) {
		r, err := d.till(ctx, "journal", "list")
		for line := range strings.Lines(r.Stdout) {
			if strings.Contains(line, "vend-") && strings.Contains(line, state) && strings.Contains(line, amount) {
				return true, err
			}
		}
		return false, err
	})
}

func (d *emulation) vends(ctx context.Context) error {
	if err := d.vend(ctx, "1.20", "10", false); err != nil {
		return err
	}
	if err := d.listed(ctx, "approved", "1.20"); err != nil {
		return err
	}
	if err := d.acknowledged(ctx, 3); err != nil {
		return err
	}
	return d.journal(ctx, "3 approved")
}

func (d *emulation) jams(ctx context.Context) error {
	if err := d.vend(ctx, "2.50", "12", true); err != nil {
		return err
	}
	if err := d.listed(ctx, "not_dispensed", "2.50"); err != nil {
		return err
	}
	if err := d.journal(ctx, "3 approved"); err != nil {
		return err
	}
	return d.acknowledged(ctx, 3)
}
