package enrolment

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/report/signature"
)

// receiptType is a receipt's, as an event has one: what is signed for one thing is not taken for another.
const receiptType = "io.smiletill.terminal.forgotten.v1"

// Forget is control.People's. What was paid stays, under the pseudonym: face, name, smile, consent, PIN and
// digits go. payment.ErrBusy while a payment runs: it may be theirs.
func (d *Desk) Forget(ctx context.Context, id string) (control.Receipt, error) {
	p, err := d.Open()
	if err != nil {
		return control.Receipt{}, err
	}
	gone := control.Erased{Customer: id, By: people.From(ctx)}
	// What is begun is done: who asked may have left meanwhile.
	doing := context.WithoutCancel(ctx)
	err = p.Engine.Between(ctx, func() error {
		e, err := d.Extract(doing, id, false)
		if err != nil {
			return err
		}
		gone.Templates, gone.Smile, gone.Consent = e.Templates, e.Smile, e.Agreed != nil
		gone.PIN, gone.Digits, gone.Payments = e.PIN, e.Digits, len(e.Payments)
		if gone.Unreported, err = unreported(doing, p.Journal, id); err != nil {
			return err
		}
		return d.remove(doing, p, journal.CustomerForgotten, id)
	})
	if errors.Is(err, payment.ErrBusy) {
		err = payment.WithHint(fmt.Errorf("forget %s: %w", id, err), "wait for the payment to end")
	}
	if err != nil {
		return control.Receipt{}, err
	}
	return Receipt(p.Key, p.Source, gone, time.Now())
}

// unreported counts a customer's payments that the cloud does not know of yet.
func unreported(ctx context.Context, j *journal.Journal, id string) (n int, err error) {
	all, err := j.List(ctx, journal.Filter{Customer: id, Limit: -1})
	for _, one := range all {
		if one.Delivery == journal.DeliveryPending || one.Delivery == journal.DeliveryParked {
			n++
		}
	}
	return n, err
}

// Receipt signs what was erased.
func Receipt(key *signature.Key, source string, gone control.Erased, at time.Time) (control.Receipt, error) {
	data, err := json.Marshal(gone)
	if err != nil {
		return control.Receipt{}, fmt.Errorf("write the receipt: %w", err)
	}
	r := control.Receipt{Source: source, ID: rand.Text(), Type: receiptType,
		Time: at.UTC().Format(time.RFC3339), Data: data}
	r.Signature, err = signature.Sign(key, signed(r))
	if err != nil {
		return control.Receipt{}, fmt.Errorf("sign the receipt: %w", err)
	}
	return r, nil
}

func signed(r control.Receipt) signature.Event {
	return signature.Event{Source: r.Source, ID: r.ID, Type: r.Type, Time: r.Time, Data: r.Data}
}

// errReceipt is of a receipt that is none of this key, or was changed.
var errReceipt = errors.New("this receipt does not hold")

// CheckReceipt reads a receipt, and tells whether one of these keys signed it as it is.
func CheckReceipt(text []byte, keys []ed25519.PublicKey) (control.Receipt, control.Erased, error) {
	var r control.Receipt
	var gone control.Erased
	err := json.Unmarshal(text, &r)
	if err == nil && r.Type != receiptType {
		err = fmt.Errorf("it is of type %q", r.Type)
	}
	if err == nil {
		err = signature.Verify(keys, signed(r), r.Signature)
	}
	if err == nil {
		err = json.Unmarshal(r.Data, &gone)
	}
	if err != nil {
		return r, gone, payment.WithHint(fmt.Errorf("%w: %w", errReceipt, err),
			"it is to be the whole file, and --key the file of the terminal's public key (`smiletill key`)")
	}
	return r, gone, nil
}

// Extract is control.People's.
func (d *Desk) Extract(ctx context.Context, id string, faces bool) (control.Extract, error) {
	p, err := d.Open()
	if err != nil {
		return control.Extract{}, err
	}
	k, err := p.Gallery.Kept(id)
	if err != nil {
		return control.Extract{}, asUnknown(err)
	}
	with, err := p.PINs.Customers(ctx)
	if err != nil {
		return control.Extract{}, err
	}
	e := control.Extract{ID: id, Name: k.Name, EnrolledAt: k.EnrolledAt, Model: k.Model, Templates: k.Templates,
		Smile: k.Smile, PIN: with[id], Digits: k.Digits}
	if e.Blocked, err = p.PINs.Blocked(ctx, id); err != nil {
		return control.Extract{}, err
	}
	if faces {
		e.Faces = k.Faces
	}
	if c, ok := p.Gallery.Consent(id); ok {
		e.Agreed = &control.Agreed{Version: c.Text, Lang: c.Lang, Explained: c.Explained, Paper: c.Paper}
		e.AgreedAt = &c.At
	}
	paid, err := p.Journal.List(ctx, journal.Filter{Customer: id, Limit: -1})
	if err != nil {
		return control.Extract{}, err
	}
	for _, one := range paid {
		e.Payments = append(e.Payments, control.Told(one.Payment))
	}
	done, err := p.Journal.About(ctx, id)
	for _, a := range done {
		e.Done = append(e.Done, fmt.Sprintf("%s %s, by %s", a.At.UTC().Format(time.RFC3339), a.What,
			a.Who))
	}
	return e, err
}

// asked is somebody who wants to be forgotten, and has not confirmed it yet.
type asked struct {
	token, customer string
	until           time.Time
}

const (
	// lookPictures is how many pictures tell who wants to be forgotten.
	lookPictures = 3
	// lookFor is how long they may take: less than an enrolment's, since somebody waits who can try again.
	lookFor = 12 * time.Second
	// askMore is what a confirmation may come later than the page gives up: it was on its way.
	askMore = 10 * time.Second
)

var (
	// errNotAsked is of a confirmation that nobody was asked for, or too late, or of somebody else.
	errNotAsked = errors.New("nobody was asked for this")
	// errNobody is of somebody who is not surely a customer.
	errNobody = errors.New("this is not surely a customer")
)

// Look has the camera look who wants to be forgotten, at the terminal itself. Only who is surely one
// customer, like no other, and has a PIN is: a face alone may be a photo's. Others ask the staff. It gives a
// token for Confirm, with which the PIN has to come.
func (d *Desk) Look(ctx context.Context) (token string, err error) {
	p, err := d.Open()
	if err != nil {
		return "", err
	}
	if err := p.idle(ctx); err != nil {
		return "", err
	}
	c := &Capture{Want: lookPictures, Within: lookFor, Farewell: true, NoSmile: true, Progress: func(string) {}}
	if err := p.Take(ctx, c); err != nil {
		return "", err
	}
	id, err := p.Gallery.Sure(c.Templates, c.Seen)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errNobody, err)
	}
	if err := p.PINs.Ready(ctx, id); err != nil {
		return "", err // none; or locked: who tries PINs erases nobody
	}
	a := asked{rand.Text(), id, time.Now().Add(d.AskFor + askMore)}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = a // one at a time: whoever stood there before has left
	return a.token, nil
}

// Confirm forgets the customer whom Look has seen, once. payment.ErrPINWrong may be tried again.
func (d *Desk) Confirm(ctx context.Context, token, digits string) (control.Receipt, error) {
	d.mu.Lock()
	a := d.asked
	d.mu.Unlock()
	if token == "" || a.token != token || time.Now().After(a.until) {
		return control.Receipt{}, errNotAsked
	}
	p, err := d.Open()
	if err != nil {
		return control.Receipt{}, err
	}
	if err := p.PINs.Try(ctx, a.customer, digits); err != nil {
		return control.Receipt{}, err
	}
	who := payment.Who{Role: "customer", Name: a.customer, Door: people.Screen}
	r, err := d.Forget(people.With(ctx, who), a.customer)
	if err == nil {
		d.mu.Lock()
		d.asked = asked{}
		d.mu.Unlock()
	}
	return r, err
}
