//go:build !notflite

package terminal_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// both does two things at one moment, and returns when both are done.
func both(a, b func()) {
	begin := make(chan struct{})
	var done sync.WaitGroup
	for _, do := range []func(){a, b} {
		done.Go(func() {
			<-begin
			do()
		})
	}
	close(begin)
	done.Wait()
}

// answered is what the counter's page was told.
type answered struct {
	code int
	text string
}

// Two clerks who give back one payment at one moment: one of them does, the other is told that nothing is
// left to give back. A day that is closed while something is given back has it, or the next one has: never
// both, and never neither.
func TestTwoClerksAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Opened()
	s.clerk("Anna", "clerk", "730164")
	s.clerk("Berta", "owner", "915372")
	anna, said := s.named("Anna", "730164")
	berta, also := s.named("Berta", "915372")
	if anna == "" || berta == "" {
		t.Fatal(said, also)
	}
	for i := range 3 {
		id := fmt.Sprintf("order-%d", i)
		s.Pay(id, "1.00")
		paid := s.WantEnd(id, "approved", "").ID
		var got [2]answered
		back := func(n int, cookie string) func() {
			return func() {
				body := fmt.Sprintf(`{"id":"back-%s-%d","payment":%q,"amount":"1.00"}`, paid, n, paid)
				got[n].code, got[n].text, _ = s.counterPost("reverse", cookie, body)
			}
		}
		both(back(0, anna), back(1, berta))
		won := 0
		if got[1].code == http.StatusOK {
			won = 1
		}
		if lost := got[1-won]; got[won].code != http.StatusOK || lost.code == http.StatusOK ||
			!strings.Contains(lost.text, "more than is left") && !strings.Contains(lost.text, "too_much") {
			t.Fatalf("who has given it back, and what was the other told: %+v", got)
		}

		id += "-again"
		s.Pay(id, "1.00")
		paid = s.WantEnd(id, "approved", "").ID
		both(back(0, anna), func() {
			got[1].code, got[1].text, _ = s.counterPost("close", berta, fmt.Sprintf(`{"id":"day-%d"}`, i))
		})
		if got[0].code != http.StatusOK || got[1].code != http.StatusOK {
			t.Fatalf("given back, and the day closed: %+v", got)
		}
	}
	r := s.reader()
	closings, err := r.Closings(t.Context(), -1)
	if err != nil || len(closings) != 3 {
		t.Fatalf("%d closings, %v", len(closings), err)
	}
	s.wantSums(closings)
}

// wantSums holds what was paid and given back against the closings, and what is open since the last.
func (s *shop) wantSums(closings []journal.Closing) {
	s.T.Helper()
	all, err := s.reader().List(s.T.Context(), journal.Filter{Limit: -1})
	if err != nil {
		s.T.Fatal(err)
	}
	var paid, back, closedPaid, closedBack int64
	last := int64(0)
	for i, c := range closings {
		for _, sum := range c.Sums {
			closedPaid, closedBack = closedPaid+sum.PaidMinor, closedBack+sum.ReturnedMinor
		}
		if i == 0 {
			last = c.Upto
		} else if c.Upto != closings[i-1].After {
			s.T.Errorf("closing %d ends at %d, the next begins at %d", c.Number, c.Upto, closings[i-1].After)
		}
	}
	for _, e := range all {
		if e.Payment.State == payment.StateApproved {
			paid, back = paid+e.Payment.Amount.Minor, back+e.Payment.Reversed
		}
	}
	if paid != closedPaid {
		s.T.Errorf("%d was paid, and %d is in the closings", paid, closedPaid)
	}
	days, err := s.reader().Totals(s.T.Context(), journal.Range{After: last}, time.UTC)
	if err != nil {
		s.T.Fatal(err)
	}
	for _, d := range days {
		if d.Result == "reversed" {
			closedBack += d.Minor
		}
	}
	if back != closedBack {
		s.T.Errorf("%d was given back, and %d is in the closings and behind them", back, closedBack)
	}
}

// A customer who is removed while being renewed is gone, whichever comes first: the renewal was, or is told
// that there is nobody of that id.
func TestRemovedWhileRenewed(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Open()
	s.Opened()
	for i := range 3 {
		s.EnrolCustomer()
		all, err := s.Customers(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		id := all[0].ID
		var renewed, removed error
		both(func() {
			_, renewed = s.Enrol(t.Context(), control.EnrolRequest{Again: id, NoSmile: true}, func(string) {})
		}, func() {
			time.Sleep(time.Duration(i) * 700 * time.Millisecond)
			removed = s.Remove(t.Context(), id)
		})
		if removed != nil {
			t.Fatalf("a removal waits for nothing: %v", removed)
		}
		if renewed != nil && !strings.Contains(renewed.Error(), "no such customer") {
			t.Errorf("renewed while removed: %v", renewed)
		}
		left, err := s.Customers(t.Context())
		last, also := s.reader().Customers(t.Context())
		if err := errors.Join(err, also); err != nil || len(left) != 0 || !last[id].Gone() {
			t.Errorf("left %+v, the last fact %+v, %v", left, last[id], err)
		}
	}
}

// Whose consent ends in the moment in which a payment begins has not paid, or is forgotten after it: the one
// who asks is told to wait for the payment to end.
func TestForgottenWhilePaying(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Open()
	s.Opened()
	for i := range 4 {
		s.EnrolCustomer()
		all, err := s.Customers(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		id, order := all[0].ID, fmt.Sprintf("order-%d", i)
		var forgotten, began error
		both(func() {
			q := control.PaymentRequest{ID: order, Amount: "1.00", Currency: "EUR"}
			_, began = s.Begin(t.Context(), q)
		}, func() {
			time.Sleep(time.Duration(i) * time.Millisecond)
			_, forgotten = s.Forget(t.Context(), id)
		})
		if began != nil {
			t.Fatal(began)
		}
		if forgotten == nil {
			// Nobody is left who could pay it.
			time.Sleep(time.Second)
			if p, err := s.Cancel(t.Context(), order, payment.ByOperator); err != nil || p.State != "cancelled" {
				t.Errorf("who was forgotten before it has paid: %+v, %v", p, err)
			}
			continue
		}
		if !strings.Contains(forgotten.Error(), "another payment is running") ||
			!strings.Contains(payment.HintOf(forgotten), "wait for the payment to end") {
			t.Errorf("refused with %v; %s", forgotten, payment.HintOf(forgotten))
		}
		s.WantEnd(order, "approved", "")
		if _, err := s.Forget(t.Context(), id); err != nil {
			t.Errorf("after the payment: %v", err)
		}
	}
	if all, err := s.Customers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("left %+v, %v", all, err)
	}
}
