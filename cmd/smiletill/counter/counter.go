package counter

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
	unread "smiletill/payment/counter"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
)

// Parts are what of a terminal is open, as far as the page needs it.
type Parts struct {
	Engine  *payment.Engine
	Journal *journal.Journal
	PINs    *pin.Store
	// Limit is the most that a payment may be of.
	Limit payment.Amount
	// Reported tells whether there is a cloud that payments are reported to.
	Reported bool
	// Payable reads an amount that the terminal takes.
	Payable func(number, currency string) (payment.Amount, error)
	Log     *slog.Logger
}

// Desk is the terminal behind the counter's page; screen.Counter says what each of its methods is for.
type Desk struct {
	// Open gives the parts, or says in the clerk's words why there are none.
	Open func() (Parts, error)
	// Reversing gives a payment back.
	Reversing func(context.Context, control.ReversalRequest) (payment.Reversal, error)
	// People keeps the clerks.
	People control.Clerks
	// Memory is of those whose end nobody was seen to read.
	Memory *unread.Memory
	// CounterCustomers keeps the customers.
	screen.CounterCustomers
}

// Ready is nil while any clerk's PIN may be tried, and says whether a name may or has to come with it: whose
// it is to be is not known yet.
func (c Desk) Ready(ctx context.Context) error {
	p, err := c.Open()
	if err != nil {
		return told(err)
	}
	unnamed := p.PINs.Clerk().Ready(ctx)
	named, err := withPIN(ctx, p)
	if err != nil {
		return told(err)
	}
	off := errors.Is(unnamed, payment.ErrPINNotSet)
	for _, name := range named {
		switch {
		case p.PINs.ClerkNamed(name).Ready(ctx) != nil:
		case !off:
			return screen.ErrCounterNames
		case len(named) > 1:
			return screen.ErrCounterName
		default:
			return nil
		}
		if errors.Is(unnamed, payment.ErrPINNotSet) {
			unnamed = p.PINs.ClerkNamed(name).Ready(ctx) // a lock says more than that there is none
		}
	}
	return clerkError(unnamed)
}

// withPIN lists the clerks who have a name and a PIN.
func withPIN(ctx context.Context, p Parts) (names []string, err error) {
	all, err := p.PINs.Clerks(ctx)
	for _, n := range all {
		if n.PIN {
			names = append(names, n.Name)
		}
	}
	return names, err
}

// Unlock opens the page for the clerk of a name. Without a name it is the clerk who has none, or else the
// only one that there is.
func (c Desk) Unlock(ctx context.Context, name, digits string) (string, error) {
	p, err := c.Open()
	if err != nil {
		return "", told(err)
	}
	if name, err = whose(ctx, p, name); err != nil {
		return "", err
	}
	err = clerkError(p.PINs.ClerkNamed(name).Try(ctx, digits))
	if err == nil {
		p.Log.Info("the counter's page was opened with a PIN", "clerk", name)
	} else if !errors.Is(err, screen.ErrCounterOff) {
		p.Log.Warn("the counter's page was not opened", "err", err)
	}
	return name, err
}

// whose tells which clerk opens a page. A name that nobody has is a wrong PIN: nobody learns who works here.
func whose(ctx context.Context, p Parts, name string) (string, error) {
	switch {
	case strings.EqualFold(name, pin.Unnamed):
		return pin.Unnamed, nil
	case name != "":
		n, err := p.PINs.Find(ctx, name)
		if errors.Is(err, pin.ErrUnknownClerk) || err == nil && !n.PIN {
			return "", screen.ErrWrongPIN
		}
		if err != nil {
			return "", told(err)
		}
		return n.Name, nil
	case !errors.Is(p.PINs.Clerk().Ready(ctx), payment.ErrPINNotSet):
		return pin.Unnamed, nil
	}
	names, err := withPIN(ctx, p)
	switch {
	case err != nil:
		return "", told(err)
	case len(names) == 0:
		return "", screen.ErrCounterOff
	case len(names) > 1:
		return "", screen.ErrCounterName
	}
	return names[0], nil
}

// Allowed gives the context of a request whose clerk may do an act.
func (c Desk) Allowed(ctx context.Context, a people.Act) (context.Context, error) {
	ctx, _, err := c.allowed(ctx, a)
	return ctx, err
}

// allowed gives the parts to who may do an act, and the context that says so. The role is looked up each
// time: a clerk who has left is nobody at once.
func (c Desk) allowed(ctx context.Context, a people.Act) (context.Context, Parts, error) {
	p, err := c.Open()
	if err != nil {
		return ctx, p, err
	}
	s := people.Someone{Name: screen.ClerkOf(ctx), Door: people.Page}
	switch n, err := p.PINs.Find(ctx, s.Name); {
	case s.Name == pin.Unnamed:
		s.Roles = []people.Role{people.Clerk}
	case err == nil:
		s.Roles = []people.Role{people.Role(n.Role)}
	case !errors.Is(err, pin.ErrUnknownClerk):
		return ctx, p, err
	}
	who, err := s.As(a)
	return people.With(ctx, who), p, err
}

// clerkError is what the page knows of a PIN's error.
func clerkError(err error) error {
	var locked *pin.LockedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &locked):
		return &screen.CounterLocked{Left: locked.Left}
	case errors.Is(err, payment.ErrPINWrong):
		return screen.ErrWrongPIN
	case errors.Is(err, payment.ErrPINNotSet):
		return screen.ErrCounterOff
	}
	return told(err)
}

// told is an error as the clerk reads it. It leaves open whether the request was done, unless the error
// wraps one of those that refuse it.
func told(err error, refusals ...error) error {
	e := &screen.CounterError{Why: refusal(err), What: err.Error(), Do: payment.HintOf(err), Open: true}
	for _, r := range refusals {
		if errors.Is(err, r) && !errors.Is(err, payment.ErrJournal) {
			e.Open = false
		}
	}
	return e
}

// refusal is what the page has words for in an error; "" if nothing.
func refusal(err error) screen.Refusal {
	for _, r := range []struct {
		why screen.Refusal
		of  []error
	}{
		{screen.RefusedJournal, []error{payment.ErrJournal}}, // may wrap what follows
		{screen.RefusedUnsure, []error{payment.ErrUnsure}},
		{screen.RefusedBusy, []error{payment.ErrBusy}},
		{screen.RefusedLocked, []error{payment.ErrLocked}},
		{screen.RefusedBacklog, []error{payment.ErrBacklog}},
		{screen.RefusedOutOfOrder, []error{payment.ErrOutOfOrder}},
		{screen.RefusedTooMuch, []error{payment.ErrTooMuch}},
		{screen.RefusedLimit, []error{payment.ErrAboveLimit}},
		{screen.RefusedAmount, []error{payment.ErrAmountFormat, payment.ErrAmountZero, payment.ErrAmountNegative,
			payment.ErrAmountDecimals, payment.ErrAmountTooLarge}},
	} {
		if slices.ContainsFunc(r.of, func(e error) bool { return errors.Is(err, e) }) {
			return r.why
		}
	}
	return ""
}

func (c Desk) Till(ctx context.Context) (screen.CounterState, error) {
	ctx, p, err := c.allowed(ctx, people.SeeStatus)
	if err != nil {
		return screen.CounterState{}, told(err)
	}
	s, err := p.Engine.Status(ctx)
	if err != nil {
		return screen.CounterState{}, told(err)
	}
	_, fraction, _ := strings.Cut(p.Limit.Decimal(), ".")
	state := screen.CounterState{Currency: p.Limit.Currency, Decimals: len(fraction)}
	if runs(s) {
		one := atCounter(s.Payment)
		state.Running = &one
	}
	return state, nil
}

// runs tells whether a payment runs. One that a failing journal has left behind only looks so.
func runs(s payment.Status) bool {
	return s.Payment.ID != "" && !s.Payment.State.Terminal() && len(s.OutOfOrder) == 0
}

func (c Desk) Begin(ctx context.Context, id, amount string) (screen.CounterPayment, error) {
	ctx, p, err := c.allowed(ctx, people.Pay)
	if err != nil {
		return screen.CounterPayment{}, told(err, payment.ErrOutOfOrder, people.ErrNotAllowed)
	}
	sum, err := p.Payable(amount, p.Limit.Currency)
	if err != nil {
		return screen.CounterPayment{}, told(err, err)
	}
	began, err := p.Engine.Begin(ctx, payment.Request{ID: id, Amount: sum})
	if err != nil {
		return screen.CounterPayment{}, told(err, payment.ErrRequest, payment.ErrConflict, payment.ErrBusy,
			payment.ErrOutOfOrder, payment.ErrBacklog, payment.ErrLocked, payment.ErrUnsure)
	}
	return atCounter(began), nil
}

func (c Desk) Payment(ctx context.Context, id string) (screen.CounterPayment, error) {
	ctx, p, err := c.allowed(ctx, people.Pay)
	if err != nil {
		return screen.CounterPayment{}, told(err)
	}
	s, err := p.Engine.Status(ctx)
	if err != nil {
		return screen.CounterPayment{}, told(err)
	}
	if s.Payment.ID == id && runs(s) {
		return atCounter(s.Payment), nil
	}
	// It has ended, or ends in this moment, or never began.
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	ended, err := p.Engine.Wait(ctx, id)
	switch {
	case err == nil:
		return atCounter(ended), nil
	case errors.Is(err, payment.ErrNotFound):
		return screen.CounterPayment{}, screen.ErrCounterUnknown
	}
	return screen.CounterPayment{}, told(err)
}

func (c Desk) Cancel(ctx context.Context, id string) (screen.CounterPayment, error) {
	ctx, p, err := c.allowed(ctx, people.Pay)
	if err != nil {
		return screen.CounterPayment{}, told(err)
	}
	ended, err := p.Engine.Cancel(ctx, id, payment.ByOperator)
	if err != nil && !errors.Is(err, payment.ErrClosed) {
		return screen.CounterPayment{}, told(err, payment.ErrNotFound)
	}
	return atCounter(ended), nil
}

func (c Desk) Recent(ctx context.Context, n int) ([]screen.CounterPayment, error) {
	ctx, p, err := c.allowed(ctx, people.SeePayments)
	if err != nil {
		return nil, told(err)
	}
	entries, err := p.Journal.List(ctx, journal.Filter{Limit: n})
	if err != nil {
		return nil, told(err)
	}
	all := make([]screen.CounterPayment, 0, len(entries))
	for _, e := range entries {
		all = append(all, entry(p, e))
	}
	return all, nil
}

// entry is a payment of the journal as the clerk sees it.
func entry(p Parts, e journal.Entry) screen.CounterPayment {
	one := atCounter(e.Payment)
	switch e.Delivery {
	case journal.DeliveryPending:
		if p.Reported { // without a broker there is no cloud to wait for
			one.Report = screen.ReportWaiting
		}
	case journal.DeliveryDone:
		one.Report = screen.ReportDone
	case journal.DeliveryParked:
		one.Report = screen.ReportParked
	case journal.DeliveryNone:
	}
	return one
}

// Reverse leaves its outcome open unless the journal itself refuses: an earlier request under this id, whose
// answer was lost, may have been done.
func (c Desk) Reverse(ctx context.Context, r screen.CounterReversal) error {
	if r.Amount == "" { // which would be all that is left, whatever the clerk has seen of it
		return &screen.CounterError{What: "no amount to give back", Do: "say how much"}
	}
	ctx, _, err := c.allowed(ctx, people.GiveBack)
	if err != nil {
		return told(err, payment.ErrOutOfOrder, people.ErrNotAllowed)
	}
	_, err = c.Reversing(ctx, control.ReversalRequest{ID: r.ID, PaymentID: r.Payment, Amount: r.Amount,
		Reference: r.Reason})
	if err != nil {
		return told(err, payment.ErrRequest, payment.ErrConflict, payment.ErrNotFound, payment.ErrNotApproved,
			payment.ErrTooMuch, payment.ErrUnsure, payment.ErrAlarm)
	}
	return nil
}

// atCounter is a payment as the clerk sees it.
func atCounter(p payment.Payment) screen.CounterPayment {
	c := screen.CounterPayment{ID: p.ID, Reference: p.Reference, At: p.OpenedAt, AtUnsure: !p.TimeTrusted,
		Amount: p.Amount.Decimal(), Currency: p.Amount.Currency, Reason: front.ReasonOf(p.Reason)}
	part := func(minor int64) string {
		return payment.Amount{Minor: minor, Currency: p.Amount.Currency}.Decimal()
	}
	switch p.State {
	case payment.StateWaiting:
		c.State, c.Deadline = screen.LookHere, p.Deadline
	case payment.StateRecognised:
		c.State, c.Deadline = screen.Smile, p.Deadline
	case payment.StatePIN:
		c.State, c.Deadline = screen.EnterPIN, p.Deadline
	case payment.StateVending:
		c.State = screen.Vending
	case payment.StateDeclined:
		c.State = screen.Declined
	case payment.StateCancelled, payment.StateVoided:
		c.State = screen.Cancelled
	case payment.StateExpired:
		c.State = screen.Expired
	case payment.StateApproved:
		c.State = screen.Approved
		if p.Reversed > 0 {
			c.Returned = part(p.Reversed)
		}
		if left := p.Amount.Minor - p.Reversed; left > 0 {
			c.Left = part(left)
		}
	}
	return c
}
