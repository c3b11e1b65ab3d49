package enrolment

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

// Page is the desk behind the counter's page, as far as customers are concerned: a screen.CounterCustomers.
// It asks for the role of who is at the page, each time.
type Page struct {
	Desk *Desk
	// Allowed gives the context of a request whose clerk may do an act, with who that is.
	Allowed func(context.Context, people.Act) (context.Context, error)

	mu     sync.Mutex
	erased []screen.CounterErased // of the last minutes: an answer may have been lost
	runs   []*enrolling           // the last ones; the last of them may run
}

// Customers is screen.CounterCustomers's.
func (d *Page) Customers(ctx context.Context) ([]screen.CounterCustomer, error) {
	ctx, err := d.Allowed(ctx, people.SeeCustomers)
	if err != nil {
		return nil, toldClerk(err)
	}
	all, err := d.Desk.Customers(ctx)
	if err != nil {
		return nil, toldClerk(err)
	}
	p, err := d.Desk.Open()
	if err != nil {
		return nil, toldClerk(err)
	}
	told := make([]screen.CounterCustomer, 0, len(all))
	for _, c := range all {
		one := screen.CounterCustomer{ID: c.ID, Name: c.Name, Since: c.EnrolledAt, PIN: c.PIN,
			Blocked: c.Blocked, Stale: c.Stale && !c.Known, Damaged: c.Damage != ""}
		if a, ok := p.Gallery.Consent(c.ID); ok {
			one.Agreed = &screen.CounterAgreement{At: a.At, Lang: a.Lang, Explained: a.Explained, Paper: a.Paper}
		}
		told = append(told, one)
	}
	return told, nil
}

// SetCustomerPIN is screen.CounterCustomers's.
func (d *Page) SetCustomerPIN(ctx context.Context, id, digits string) error {
	ctx, err := d.Allowed(ctx, people.SetPIN)
	if err == nil {
		err = d.Desk.SetPIN(ctx, id, digits)
	}
	return toldClerk(err)
}

// BlockCustomer is screen.CounterCustomers's.
func (d *Page) BlockCustomer(ctx context.Context, id string, blocked bool, why string) error {
	ctx, err := d.Allowed(ctx, people.Block)
	if err == nil {
		err = d.Desk.Block(ctx, id, blocked, why)
	}
	return toldClerk(err)
}

const (
	// erasedFor and erasedMost bound how long and how many receipts can be asked for again: until the page
	// has its connection back.
	erasedFor  = 10 * time.Minute
	erasedMost = 16
)

// ForgetCustomer is screen.CounterCustomers's.
func (d *Page) ForgetCustomer(ctx context.Context, id string) (screen.CounterErased, error) {
	ctx, err := d.Allowed(ctx, people.Remove)
	if err != nil {
		return screen.CounterErased{}, toldClerk(err)
	}
	r, err := d.Desk.Forget(ctx, id)
	if errors.Is(err, control.ErrUnknownCustomer) {
		if e, ok := d.before(id); ok {
			return e, nil
		}
	}
	if err != nil {
		return screen.CounterErased{}, toldClerk(err)
	}
	e, err := erasure(r)
	if err != nil {
		return screen.CounterErased{}, toldClerk(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs = slices.DeleteFunc(d.runs, func(r *enrolling) bool { return r.told.ID == id }) // the name is in it
	d.erased = append(d.erased[max(0, len(d.erased)-erasedMost+1):], e)
	return e, nil
}

// before gives the receipt of a customer who was erased a little while ago.
func (d *Page) before(id string) (screen.CounterErased, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erased = slices.DeleteFunc(d.erased, func(e screen.CounterErased) bool {
		return time.Since(e.At) > erasedFor
	})
	i := slices.IndexFunc(d.erased, func(e screen.CounterErased) bool { return e.Customer == id })
	if i < 0 {
		return screen.CounterErased{}, false
	}
	return d.erased[i], true
}

// erasure is a receipt as the page knows it.
func erasure(r control.Receipt) (screen.CounterErased, error) {
	var gone control.Erased
	text, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = json.Unmarshal(r.Data, &gone)
	}
	return screen.CounterErased{Receipt: text, Customer: gone.Customer, At: time.Now(),
		Templates: gone.Templates, Smile: gone.Smile, Consent: gone.Consent, PIN: gone.PIN, Digits: gone.Digits,
		Payments: gone.Payments, Unreported: gone.Unreported}, err
}

// ExtractOf is screen.CounterCustomers's.
func (d *Page) ExtractOf(ctx context.Context, id string) ([]byte, error) {
	ctx, err := d.Allowed(ctx, people.SeeCustomers)
	if err != nil {
		return nil, toldClerk(err)
	}
	e, err := d.Desk.Extract(ctx, id, false)
	if err != nil {
		return nil, toldClerk(err)
	}
	text, err := json.MarshalIndent(e, "", "  ")
	return append(text, '\n'), err
}

// toldClerk is an error as the page tells it; nothing was done.
func toldClerk(err error) error {
	if err == nil {
		return nil
	}
	told := &screen.CounterError{What: err.Error(), Do: payment.HintOf(err)}
	for _, r := range []struct {
		why screen.Refusal
		of  []error
	}{
		{screen.RefusedJournal, []error{payment.ErrJournal}},
		{screen.RefusedRole, []error{people.ErrNotAllowed}},
		{screen.RefusedAlarm, []error{gallery.ErrLocked, payment.ErrAlarm}},
		{screen.RefusedOutOfOrder, []error{payment.ErrOutOfOrder}},
		{screen.RefusedBusy, []error{payment.ErrBusy}},
		{screen.RefusedCamera, []error{ErrCameraInUse}},
		{screen.RefusedCustomer, []error{control.ErrUnknownCustomer, gallery.ErrUnknownCustomer}},
		{screen.RefusedPIN, []error{pin.ErrPIN}},
	} {
		if told.Why == "" && slices.ContainsFunc(r.of, func(e error) bool { return errors.Is(err, e) }) {
			told.Why = r.why
		}
	}
	return told
}
