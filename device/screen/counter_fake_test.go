package screen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// shopTill is a Counter in memory: one payment at a time, ended by the test, in whole cents.
type shopTill struct {
	mu        sync.Mutex
	pin       string // "": the clerk has none
	clerk     string // whose name has to come with it; "": none
	named     bool   // or may: the PIN without a name is the same
	locked    time.Duration
	currency  string
	decimals  int
	trouble   *CounterError // of everything
	order     []string      // ids, the latest last
	payments  map[string]*CounterPayment
	returned  map[string]string // id of the reversal: payment and amount
	asked     []string          // what came in, as the terminal heard it
	memory    []string          // ids that nobody has confirmed, the latest last
	backs     []CounterReversal // that nobody has confirmed
	reasons   []string          // of what was asked to give back
	closings  []CounterClosing  // the newest first
	closed    map[string]bool   // ids of requests
	folk      []CounterCustomer // who is enrolled
	narrow    bool              // the gallery is narrowed by digits
	enrols    CounterEnrolment  // that runs
	begun     string            // its token
	tooLate   bool              // to take the consent back
	page      context.Context   // that began it
	forgotten []string          // ids
	clerks    []CounterClerk    // who work here
	owner     string            // who may change that
	slow      chan struct{}     // if set, Begin and Reverse do their work and answer when it is closed
}

func newShopTill() *shopTill {
	return &shopTill{pin: "2580", currency: "EUR", decimals: 2, payments: map[string]*CounterPayment{},
		returned: map[string]string{}}
}

func (l *shopTill) heard(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, a := range l.asked {
		if strings.HasPrefix(a, what) {
			n++
		}
	}
	return n
}

func (l *shopTill) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *shopTill) Ready(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.trouble != nil:
		return l.trouble
	case l.pin == "":
		return ErrCounterOff
	case l.locked > 0:
		return &CounterLocked{l.locked}
	case l.clerk != "" && l.named:
		return ErrCounterNames
	case l.clerk != "":
		return ErrCounterName
	}
	return nil
}

func (l *shopTill) Unlock(ctx context.Context, name, pin string) (string, error) {
	if err := l.Ready(ctx); err != nil && !errors.Is(err, ErrCounterName) && !errors.Is(err, ErrCounterNames) {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "unlock")
	if l.clerk != "" && name == "" && !l.named {
		return "", ErrCounterName
	}
	if pin != l.pin || l.clerk != "" && name != l.clerk && !(l.named && name == "") {
		return "", ErrWrongPIN
	}
	return name, nil
}

func (l *shopTill) running() *CounterPayment {
	for _, p := range l.payments {
		if !p.State.result() {
			return p
		}
	}
	return nil
}

func (l *shopTill) Till(context.Context) (CounterState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble != nil {
		return CounterState{}, l.trouble
	}
	s := CounterState{Currency: l.currency, Decimals: l.decimals}
	if p := l.running(); p != nil {
		one := *p
		s.Running = &one
	}
	return s, nil
}

func (l *shopTill) Begin(_ context.Context, id, amount string) (CounterPayment, error) {
	l.mu.Lock()
	slow := l.slow
	p, err := l.begin(id, amount)
	l.mu.Unlock()
	if slow != nil {
		<-slow
	}
	return p, err
}

func (l *shopTill) begin(id, amount string) (CounterPayment, error) {
	l.asked = append(l.asked, "pay "+amount)
	if l.trouble != nil {
		return CounterPayment{}, l.trouble
	}
	if p := l.payments[id]; p != nil {
		if p.Amount != amount {
			return CounterPayment{}, &CounterError{What: "the id was used for another amount", Do: "take a new id"}
		}
		return *p, nil
	}
	if p := l.running(); p != nil {
		return CounterPayment{}, &CounterError{What: "another payment is running: " + p.ID, Do: "wait for it"}
	}
	if len(amount) > len("50.00") {
		return CounterPayment{}, &CounterError{Why: RefusedLimit,
			What: "amount " + amount + " is above this terminal's limit",
			Do:   "take it another way"}
	}
	return l.add(id, amount), nil
}

func (l *shopTill) add(id, amount string) CounterPayment {
	p := &CounterPayment{ID: id, At: time.Now(), Amount: amount, Currency: l.currency, State: LookHere,
		Deadline: time.Now().Add(30 * time.Second)}
	l.payments[id], l.order = p, append(l.order, id)
	return *p
}

// put adds a payment that has ended.
func (l *shopTill) put(id, amount string, change func(*CounterPayment)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(id, amount)
	p := l.payments[id]
	p.State, p.Left, p.Report = Approved, amount, ReportDone
	if change != nil {
		change(p)
	}
}

// now moves the running payment on, which a page may have asked for only just now.
func (l *shopTill) now(t *testing.T, s State, r Reason) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.running()
	for end := time.Now().Add(8 * time.Second); p == nil && time.Now().Before(end); p = l.running() {
		l.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		l.mu.Lock()
	}
	if p == nil {
		t.Fatalf("no payment runs that could become %s", s)
	}
	p.State, p.Reason = s, r
	if s == Approved {
		p.Left, p.Report = p.Amount, ReportWaiting
	}
}

func (l *shopTill) Payment(_ context.Context, id string) (CounterPayment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble != nil {
		return CounterPayment{}, l.trouble
	}
	if p := l.payments[id]; p != nil {
		return *p, nil
	}
	return CounterPayment{}, ErrCounterUnknown
}

func (l *shopTill) Cancel(_ context.Context, id string) (CounterPayment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "cancel")
	p := l.payments[id]
	if p == nil {
		return CounterPayment{}, &CounterError{What: "no such payment"}
	}
	if !p.State.result() {
		p.State, p.Reason = Cancelled, CancelledByOperator
	}
	return *p, nil
}

func (l *shopTill) Recent(_ context.Context, n int) ([]CounterPayment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []CounterPayment
	for _, id := range slices.Backward(l.order) {
		if len(all) < n {
			all = append(all, *l.payments[id])
		}
	}
	return all, nil
}

func (l *shopTill) Remember(_ context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble != nil {
		return l.trouble
	}
	if !slices.Contains(l.memory, id) && l.payments[id] == nil {
		l.memory = append(l.memory, id)
	}
	return nil
}

func (l *shopTill) Confirm(_ context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "confirm")
	l.memory = slices.DeleteFunc(l.memory, func(one string) bool { return one == id })
	l.backs = slices.DeleteFunc(l.backs, func(one CounterReversal) bool { return one.ID == id })
	return nil
}

func (l *shopTill) RememberReversal(_ context.Context, r CounterReversal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Currency = l.currency
	if !slices.ContainsFunc(l.backs, func(one CounterReversal) bool { return one.ID == r.ID }) {
		l.backs = append(l.backs, r)
	}
	return nil
}

func (l *shopTill) Reversals(context.Context) ([]CounterReversal, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.backs), nil
}

func (l *shopTill) Unconfirmed(context.Context) ([]CounterPayment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []CounterPayment
	for _, id := range slices.Backward(l.memory) {
		if p := l.payments[id]; p != nil {
			all = append(all, *p)
		}
	}
	return all, nil
}

func cents(s string) int {
	n, _ := strconv.Atoi(strings.ReplaceAll(s, ".", ""))
	return n
}

func decimals(cents int) string {
	if cents == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

func (l *shopTill) Reverse(_ context.Context, r CounterReversal) error {
	l.mu.Lock()
	slow := l.slow
	l.reasons = append(l.reasons, r.Reason)
	err := l.reverse(r.ID, r.Payment, r.Amount)
	l.mu.Unlock()
	if slow != nil {
		<-slow
	}
	return err
}

func (l *shopTill) reverse(id, paymentID, amount string) error {
	l.asked = append(l.asked, "reverse "+amount)
	if l.returned[id] == paymentID+" "+amount {
		return nil
	}
	p := l.payments[paymentID]
	if p == nil || cents(amount) > cents(p.Left) {
		return &CounterError{Why: RefusedTooMuch, What: "more than is left of the payment", Do: "give back less"}
	}
	l.returned[id] = paymentID + " " + amount
	p.Left, p.Returned = decimals(cents(p.Left)-cents(amount)), decimals(cents(p.Returned)+cents(amount))
	return nil
}

// given is what was given back in all.
func (l *shopTill) given() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Values(l.returned))
}
