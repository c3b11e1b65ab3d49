package vending_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"smiletill/cmd/smiletill/config"
	vendingroom "smiletill/cmd/smiletill/vending"
	"smiletill/payment"
	"smiletill/payment/vending/machine"
)

// shown is what a trial prints, which may be waited for.
type shown struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shown) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *shown) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// behind is a simulated adapter whose customer chooses again and again.
func behind(t *testing.T, o machine.Options, price string) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "adapter")
	out, printed := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- vendingroom.Simulate(ctx, strings.NewReader(""), printed,
			vendingroom.Simulation{Machine: o, Link: link, Every: 50 * time.Millisecond, Price: price, Item: "10"})
		_ = printed.Close()
	}()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return link
}

// TestTry tries machines that are set up well, and each way that they are not.
func TestTry(t *testing.T) {
	good := machine.Options{Decimals: 2, Motor: 10 * time.Millisecond}
	with := func(change func(*machine.Options)) machine.Options {
		o := good
		change(&o)
		return o
	}
	for _, c := range []struct {
		name    string
		machine machine.Options
		price   string // as the machine has it
		set     func(*config.VendingConfig)
		trial   vendingroom.Trial
		says    string // "" is a machine that can be served
	}{
		{name: "good", machine: good, price: "0.80"},
		{name: "customer first", price: "0.80",
			machine: with(func(o *machine.Options) { o.AuthoriseFirst = true }),
			set:     func(v *config.VendingConfig) { v.Mode = config.AuthoriseFirst }},
		{name: "old firmware, quoted, the other word for a no", price: "0.80",
			machine: with(func(o *machine.Options) {
				o.Firmware, o.Quoted, o.Deny = machine.OldFirmware, true, machine.DenyByStop
			})},
		{name: "one decimal", price: "0.8", machine: with(func(o *machine.Options) { o.Decimals = 1 }),
			says: "vending.decimals = 1"},
		{name: "three decimals", price: "0.800", machine: with(func(o *machine.Options) { o.Decimals = 3 }),
			says: "vending.decimals = 3"},
		{name: "no decimals", price: "8", machine: with(func(o *machine.Options) { o.Decimals = 0 }),
			trial: vendingroom.Trial{Price: "8"}, says: "vending.decimals = 0"},
		{name: "a scale of five", price: "0.16", machine: good, says: "vending.scale = 5"},
		{name: "another product", price: "0.90", machine: good, says: "was that the product?"},
		{name: "address", price: "0.80", machine: with(func(o *machine.Options) { o.Address = 0x60 }),
			says: `vending.address = "0x60"`},
		{name: "the machine wants the customer first", price: "0.80",
			machine: with(func(o *machine.Options) { o.AuthoriseFirst = true }), says: "authorise-first"},
		{name: "a machine that can do both", price: "0.80", machine: good,
			set: func(v *config.VendingConfig) { v.Mode = config.AuthoriseFirst }},
		{name: "old firmware and one decimal", price: "0.80",
			machine: with(func(o *machine.Options) { o.Firmware = machine.OldFirmware }),
			set:     func(v *config.VendingConfig) { v.Decimals = 1 }, says: "mdb-decimal-places=1"},
		{name: "a jam", price: "0.80", machine: with(func(o *machine.Options) { o.Faults.Jam = 1 }),
			says: "another product"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := config.Default()
			cfg.Vending.Port = behind(t, c.machine, c.price)
			if c.set != nil {
				c.set(&cfg.Vending)
			}
			trial := vendingroom.Trial{Price: "0.80", Wait: 3 * time.Second, Settle: time.Second}
			if c.trial.Price != "" {
				trial.Price = c.trial.Price
			}
			trial.Sniff = filepath.Join(t.TempDir(), "line")
			var out shown
			err := vendingroom.Try(t.Context(), &out, cfg, trial)
			hint := payment.HintOf(err)
			if c.says == "" && err != nil {
				t.Fatalf("%v: %s\n%s", err, hint, out.String())
			}
			if c.says != "" &&
				(err == nil || hint == "" || !strings.Contains(err.Error()+hint, c.says)) {
				t.Fatalf("%v: %s\n%s", err, hint, out.String())
			}
			line, err := os.ReadFile(trial.Sniff)
			if err != nil || !strings.Contains(string(line), `> "C,0\n"`) ||
				!strings.Contains(string(line), `< "v,`) {
				t.Errorf("%v, in the file: %s", err, line)
			}
			if c.says == "" && (!strings.Contains(out.String(), "denied\n") ||
				!strings.Contains(out.String(), "approved: the product fell")) {
				t.Error(out.String())
			}
		})
	}
}

// TestTryFindsNoAdapter: a port that is silent, and one that speaks something else.
func TestTryFindsNoAdapter(t *testing.T) {
	for says, speaks := range map[string]string{
		"does not answer": "", "not as an adapter": "\xff\xfe\x00hello\n",
	} {
		far, near, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		cfg := config.Default()
		cfg.Vending.Port = near.Name()
		go func() { // near stays open: a port that nobody has open can't be read at its far end
			if n, _ := far.Read(make([]byte, 4)); n > 0 { // V
				_, _ = far.WriteString(speaks)
			}
		}()
		err = vendingroom.Try(t.Context(), io.Discard, cfg, vendingroom.Trial{Price: "1.00"})
		if err == nil || !strings.Contains(err.Error(), says) || payment.HintOf(err) == "" {
			t.Errorf("%v, want %q", err, says)
		}
		if err := errors.Join(far.Close(), near.Close()); err != nil {
			t.Error(err)
		}
	}
	cfg := config.Default()
	cfg.Vending.Port = "/dev/serial/by-id/none"
	if err := vendingroom.Try(t.Context(), io.Discard, cfg, vendingroom.Trial{Price: "1.00"}); err == nil {
		t.Error("a port that is not there was opened")
	}
	if err := vendingroom.Try(t.Context(), io.Discard, cfg, vendingroom.Trial{Price: "1,00"}); err == nil {
		t.Error("a price was guessed")
	}
}
