package vending

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/device/serial"
	"smiletill/payment"
	"smiletill/payment/vending"
)

// Trial is how a machine is tried.
type Trial struct {
	// Price is what the machine shows of the product that is chosen, as a decimal in the terminal's currency.
	Price string
	// Sniff is a file for all that goes over the line, with the bus as the adapter hears it; "" is none.
	Sniff string
	// Wait is how long the technician has to choose, Settle how long the machine has to speak to the reader.
	Wait, Settle time.Duration
}

const baud = 115200

// errMachine says that a machine was tried and can't be served as it is set up. It has a hint.
var errMachine = errors.New("the machine can't be served like this")

// settings are those of a machine, as configured.
func settings(cfg config.Config) vending.Settings {
	v := cfg.Vending
	address, _ := strconv.ParseInt(v.Address, 0, 32) // one of two, by the configuration's own check
	set := vending.Settings{
		Address: int(address), Timeout: v.Timeout,
		Scale: vending.Scale{Currency: cfg.Terminal.Currency, Decimals: v.Decimals, Factor: v.Scale},
	}
	if v.Mode == config.AuthoriseFirst {
		set.Mode = vending.AuthoriseFirst
	}
	if v.Deny == config.DenyByStop {
		set.Deny = vending.DenyByStop
	}
	return set
}

// Try finds the adapter, sets it up, and has a technician choose a product twice: the first choice is denied,
// the second falls for nothing. It says what is wrong with wiring, address, mode, decimals or scale.
func Try(ctx context.Context, out io.Writer, cfg config.Config, o Trial) (err error) {
	price, err := payment.ParseDecimal(o.Price, cfg.Terminal.Currency)
	if err != nil {
		return config.Usage(fmt.Errorf("--price: %w", err))
	}
	source := cfg.Vending.Port
	if source == "" {
		source = "auto"
	}
	path, err := serial.Find(os.DirFS("/"), source)
	if err != nil {
		return err
	}
	port, err := serial.Open(path, baud)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, port.Close()) }()
	t := &trial{out: out, o: o, set: settings(cfg), price: price, port: port, path: path,
		heard: make(chan vending.Line, 64)}
	if o.Sniff != "" {
		f, err := os.OpenFile(o.Sniff, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return payment.WithHintf(err, "name a file that does not exist yet, in a folder of yours")
		}
		t.sniff = f
		defer func() { err = errors.Join(err, f.Close()) }()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go t.read(ctx)
	if err := t.greet(ctx); err != nil {
		return err
	}
	return t.run(ctx)
}

// trial is one that is under way.
type trial struct {
	out   io.Writer
	o     Trial
	set   vending.Settings
	price payment.Amount
	port  *serial.Port
	path  string
	sniff *os.File
	heard chan vending.Line

	reader vending.Reader
	state  vending.State
	limit  time.Time // until when the state may last; zero: as long as it likes
	denied bool      // the first choice was
	over   bool      // the second one fell
	asked  string    // the price as the machine last wrote it
	chose  time.Time
	failed error
}

func (t *trial) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// read gives what the adapter says; the channel is closed when the port is gone.
func (t *trial) read(ctx context.Context) {
	defer close(t.heard)
	var lines vending.Splitter
	buf := make([]byte, 256)
	for {
		n, err := t.port.Read(buf)
		t.log("<", buf[:n])
		for _, l := range lines.Feed(buf[:n]) {
			select {
			case t.heard <- l:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// log writes to the file of the trial, which may be missing; the end of the trial says if that failed.
func (t *trial) log(way string, b []byte) {
	if t.sniff == nil || len(b) == 0 {
		return
	}
	for l := range bytes.Lines(b) {
		_, _ = fmt.Fprintf(t.sniff, "%s %s %q\n", time.Now().Format("15:04:05.000"), way, l)
	}
}

func (t *trial) send(line string) error {
	t.log(">", []byte(line+"\n"))
	_, err := t.port.Write([]byte(line + "\n"))
	return err
}

// wrong ends the trial.
func (t *trial) wrong(what, hint string) {
	if t.failed == nil {
		t.failed = payment.WithHint(fmt.Errorf("%w: %s", errMachine, what), hint)
	}
}

// greet asks who is there.
func (t *trial) greet(ctx context.Context) error {
	orders := []string{"V", "H"}
	if t.sniff != nil {
		orders = append(orders, "X,1")
	}
	for _, o := range orders {
		if err := t.send(o); err != nil {
			return err
		}
	}
	late := time.After(vending.Answer)
	garbage, version := 0, ""
	for hardware := ""; version == "" || hardware == ""; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l, ok := <-t.heard:
			switch {
			case !ok:
				return payment.WithHint(fmt.Errorf("%s: %w", t.path, serial.ErrClosed), "was it unplugged?")
			case l.Kind == vending.Version:
				version = l.Text
			case l.Kind == vending.Hardware:
				hardware = l.Text
			case l.Kind == vending.Garbage:
				garbage++
			}
		case <-late:
			if version == "" {
				return noAdapter(t.path, garbage)
			}
			hardware = "unknown" // older firmware may not tell
		}
		if version != "" && hardware != "" {
			t.say("adapter: %s, firmware %s, hardware %s", t.path, version, hardware)
		}
	}
	return nil
}

func noAdapter(path string, garbage int) error {
	if garbage > 0 {
		return payment.WithHint(fmt.Errorf("%w: %s speaks, and not as an adapter", errMachine, path),
			"it is another device, or another speed than 115200: name the adapter's port with --vending-port")
	}
	return payment.WithHint(fmt.Errorf("%w: %s does not answer", errMachine, path),
		"an adapter gets its power from the machine's cable: is that plugged in, and the machine on? If it is "+
			"another device, use --vending-port")
}
