//go:build !notflite

package terminal_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/cmd/smiletill/vending"
	"smiletill/payment/journal"
	"smiletill/payment/vending/machine"
)

// street is a simulated machine at a pseudo-terminal.
type street struct {
	link string
	in   io.Writer

	mu  sync.Mutex
	out bytes.Buffer
}

func (s *street) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

func (s *street) said(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.out.String(), what)
}

// newStreet starts a machine; unplug takes its adapter away.
func newStreet(t *testing.T, link string, o machine.Options) (s *street, unplug func()) {
	t.Helper()
	in, typed := io.Pipe()
	s = &street{link: link, in: typed}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- vending.Simulate(ctx, in, s, vending.Simulation{Machine: o, Link: link, Quiet: true})
	}()
	unplug = sync.OnceFunc(func() {
		stop()
		_ = typed.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(unplug)
	return s, unplug
}

// choose waits until the machine takes a choice.
func (s *street) choose(t *testing.T, price, item string) {
	t.Helper()
	chosen := fmt.Sprintf("c,STATUS,VEND,%s,%s", price, item)
	for end := time.Now().Add(time.Minute); !s.said(chosen); time.Sleep(250 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("product %s can't be chosen:\n%s", item, s.out.String())
		}
		fmt.Fprintln(s.in, price, item)
	}
}

// vends are the payments of machines, the latest first.
func vends(t *testing.T, path string) []journal.Entry {
	t.Helper()
	r, err := journal.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := r.List(t.Context(), journal.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// vendingRow is the technician's line.
func vendingRow(s *shop) string {
	for _, r := range s.Term.StatusRows(s.T.Context()) {
		if r.Name == "vending" {
			return r.Value
		}
	}
	return ""
}

// TestVendingCustomerFirst: a machine that wants the customer first hears what a customer may spend when one
// stands there, and the product is paid for with the smile that comes after the choice. Somebody is enrolled
// while the camera looks for one.
func TestVendingCustomerFirst(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	m := s.sells("authorise-first")
	s.Open()
	s.Opened()
	s.Eventually("the reader on the bus", func() bool { return m.said("ENABLED") })
	s.does("enrol", "--agreed", "en", "Grace Hopper")
	s.Eventually("an offer", func() bool { return m.said(`"c,STATUS,IDLE,7.00"`) })
	s.Eventually("a renewal while she is looked at", func() bool { // a picture may take longer than one waits
		code, _, _ := s.Cli("enrol", "--again", s.Term.Gallery().List()[0].ID)
		return code == 0
	})
	m.choose(t, "1.20", "10")
	s.Eventually("a product that falls", func() bool { return m.said("product 10 for 1.20 fell") })
	s.sold()
}

// TestVendingMachine: a product is chosen at a machine on a serial line, the customer smiles, it falls and is
// charged; one that does not fall is not; one that costs too much is refused, and said to be; a machine that
// is unplugged is told, and served when it is back.
func TestVendingMachine(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	link := filepath.Join(s.Dir, "adapter")
	m, unplug := newStreet(t, link, machine.Options{Decimals: 2, Motor: 200 * time.Millisecond})
	s.Flags = append(s.Flags, "--vending-port", link, "--vending-items", "10=Apfelschorle")
	end := s.Open()
	s.Opened()

	m.choose(t, "1.20", "10")
	s.Eventually("a product that falls", func() bool { return m.said("product 10 for 1.20 fell") })
	cfg := s.Config()
	path := cfg.JournalPath()
	s.Eventually("its approval", func() bool {
		all := vends(t, path)
		return len(all) == 1 && all[0].Payment.State == "approved" && all[0].Payment.Item == "10" &&
			all[0].Payment.Amount.Minor == 120 && !all[0].Payment.VendedAt.IsZero()
	})
	m.choose(t, "555.50", "11")
	s.Eventually("a product that stays", func() bool { return m.said("product 11 for 555.50 was not paid for") })
	s.Eventually("the page to say why", func() bool { return strings.Contains(vendingRow(s), "555.50") })
	if all := vends(t, path); len(all) != 1 {
		t.Errorf("a product above the limit was begun: %+v", all[0].Payment)
	}

	unplug()
	s.Eventually("that it is gone", func() bool { return !strings.Contains(vendingRow(s), "serves") })
	m, unplug = newStreet(t, link, machine.Options{Decimals: 2, Motor: 200 * time.Millisecond,
		Faults: machine.Faults{Jam: 1}})
	m.choose(t, "2.50", "12")
	s.Eventually("a motor that jams", func() bool { return m.said("product 12 for 2.50 did not fall") })
	s.Eventually("the void", func() bool {
		all := vends(t, path)
		return len(all) == 2 && all[0].Payment.State == "voided" && all[0].Payment.Reason == "not_dispensed"
	})
	m.mu.Lock()
	m.out.Reset() // what was said when it was set up
	m.mu.Unlock()
	end()
	s.Eventually("the reader off the bus", func() bool { return m.said(`C < "C,0"`) })
	unplug()
}
