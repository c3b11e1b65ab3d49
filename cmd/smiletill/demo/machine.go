package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"smiletill/cmd/smiletill/vending"
	"smiletill/payment/cloud"
	"smiletill/payment/vending/machine"
)

// street is the vending machine of the shop: an adapter on a pseudo-terminal, and a machine behind it.
type street struct {
	d     *demo
	typed *io.PipeWriter // what a customer at the machine does

	mu   sync.Mutex
	on   bool // what goes over the line is shown
	rest []byte
	seen map[string]bool // lines that were shown in this visit
}

// startMachine starts it and has the terminal serve it.
func (d *demo) startMachine(ctx context.Context, dir string) {
	in, typed := io.Pipe()
	d.street = &street{d: d, typed: typed}
	c := &d.cfg.Vending
	c.Port, c.Items = filepath.Join(dir, "adapter"), "10=Apple juice 0.5 l"
	s := vending.Simulation{Link: c.Port, Quiet: true,
		Machine: machine.Options{Decimals: c.Decimals, Motor: 1500 * time.Millisecond}}
	go func() {
		err := vending.Simulate(ctx, in, d.street, s)
		_ = in.CloseWithError(errors.Join(io.ErrClosedPipe, err)) // whoever types hears it
	}()
}

// Write takes what the simulation prints, and shows what goes over the line in a visit, each line once.
func (s *street) Write(b []byte) (int, error) {
	s.mu.Lock()
	s.rest = append(s.rest, b...)
	var lines []string
	for {
		line, rest, whole := bytes.Cut(s.rest, []byte("\n"))
		if !whole {
			break
		}
		s.rest = rest
		text := string(line)
		if _, said, ok := strings.Cut(text, " C "); ok {
			text = strings.NewReplacer("< ", "to the adapter:   ", "> ", "from the adapter: ").Replace(said)
		}
		if s.on && !s.seen[text] && !strings.HasPrefix(text, "nothing can be chosen") {
			s.seen[text] = true
			lines = append(lines, text)
		}
	}
	s.mu.Unlock()
	for _, l := range lines {
		s.d.step("%s", l)
	}
	return len(b), nil
}

// show starts or ends the showing of lines.
func (s *street) show(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on, s.seen = on, map[string]bool{}
}

// has tells whether a line was shown.
func (s *street) has(part string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.seen {
		if strings.Contains(l, part) {
			return true
		}
	}
	return false
}

// playMachine has somebody choose a product at the machine, and pay for it with a smile.
func (d *demo) playMachine(ctx context.Context, v visit) error {
	if err := d.shop.Enter(v.clips...); err != nil {
		return err
	}
	defer d.shop.Leave()
	d.street.show(true)
	defer d.street.show(false)
	chosen := fmt.Sprintf("c,STATUS,VEND,%s,10", v.amount)
	for end := time.Now().Add(cloudWait); !d.street.has(chosen); {
		if time.Now().After(end) {
			return errors.New("the machine takes no choice: the page /status says why")
		}
		if _, err := fmt.Fprintf(d.street.typed, "%s 10\n", v.amount); err != nil {
			return fmt.Errorf("choose a product: %w", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(500 * time.Millisecond):
		}
	}
	if err := d.delivered(ctx, func(e cloud.Event) bool {
		return bytes.Contains(e.Payload, []byte(`"vend":true`))
	}); err != nil {
		return err
	}
	if !d.street.has("c,VEND,SUCCESS") {
		return errors.New("the payment was approved before the product fell")
	}
	return nil
}
