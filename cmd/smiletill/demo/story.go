package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
	"smiletill/payment/cloud"
)

// visit is one customer of the shop day, and how it must end.
type visit struct {
	title  string
	clips  []string
	amount string
	cancel bool     // by the cashier, as soon as somebody is recognised
	till   bool     // asked for by a cash register
	street bool     // chosen at a vending machine
	film   bool     // what is before the camera is a picture of somebody, who does not answer the screen's light
	asked  []string // instructions that the screen must have shown
	state  payment.State
	reason payment.Reason
}

// shopDay is what `smiletill demo` plays.
func shopDay() []visit {
	return []visit{
		{title: "an enrolled customer smiles and pays", clips: []string{"customer_smile"}, amount: "4.20",
			state: payment.StateApproved},
		{title: "a stranger smiles", clips: []string{"stranger_smile"}, amount: "4.20",
			state: payment.StateDeclined, reason: payment.ReasonNotRecognised},
		{
			title:  "the enrolled customer looks, but doesn't smile",
			clips:  []string{"customer_neutral"},
			amount: "12.00",
			state:  payment.StateExpired,
			reason: payment.ReasonNoSmile,
		},
		{
			title:  "two people are in view; then the customer steps up alone",
			clips:  []string{"two_people", "customer_smile"},
			amount: "2.50",
			asked:  []string{"one_person_only"},
			state:  payment.StateApproved,
		},
		{title: "the cashier cancels", clips: []string{"customer_neutral"}, amount: "7.80", cancel: true,
			state: payment.StateCancelled, reason: payment.ReasonCancelledByRegister},
		{title: "a photo of the customer is held up", clips: []string{photoClip}, amount: "4.20", film: true,
			state: payment.StateExpired, reason: payment.ReasonNoSmile},
		{title: "a film of the customer, who smiles, is held up: it does not answer the screen's colours",
			clips: []string{"customer_smile"}, amount: "4.20", film: true, asked: []string{"smile_in_light"},
			state: payment.StateDeclined, reason: payment.ReasonNotSure},
		{title: "a cash register asks for the payment", clips: []string{"customer_smile"}, amount: "3.60",
			till: true, state: payment.StateApproved},
		{title: "a product is chosen at a vending machine: it is charged when it has fallen",
			clips: []string{"customer_smile"}, amount: "1.20", street: true, state: payment.StateApproved},
	}
}

const (
	demoTimeout = 14 * time.Second // of a payment: two visits fit
	demoPause   = 2 * time.Second  // between customers, so that a person can read the screen
	cloudWait   = 15 * time.Second
)

// play lets one visit happen and checks its end.
func (d *demo) play(ctx context.Context, v visit) error {
	d.mu.Lock()
	d.note = newNotes(time.Now())
	d.mu.Unlock()
	switch {
	case v.till:
		return d.playRegister(ctx, v)
	case v.street:
		return d.playMachine(ctx, v)
	}
	d.mirror.Film(v.film)
	defer d.mirror.Film(false)
	if err := d.shop.Enter(v.clips...); err != nil {
		return err
	}
	defer d.shop.Leave()
	c := control.NewClient(d.cfg.Paths.ControlSocket)
	p, err := c.Begin(
		ctx,
		control.PaymentRequest{ID: uuid.NewString(), Amount: v.amount, Currency: "EUR", Reference: "demo"},
	)
	if err != nil {
		return err
	}
	d.say("       payment %s, %s %s", p.ID, p.Amount, p.Currency)
	state := ""
	for !payment.State(p.State).Terminal() {
		if p.State != state {
			state = p.State
			d.step("%s", p.Text())
		}
		if v.cancel && p.State == string(payment.StateRecognised) {
			if p, err = c.Cancel(ctx, p.ID, payment.ByRegister); err != nil {
				return err
			}
			break
		}
		if p, err = c.Wait(ctx, p.ID, 200*time.Millisecond); err != nil {
			return err
		}
	}
	d.step("%s", p.Text())
	if p.State != string(v.state) || p.Reason != string(v.reason) {
		return fmt.Errorf("it ended as %s %s, and not as %s %s", p.State, p.Reason, v.state, v.reason)
	}
	for _, want := range v.asked {
		if !d.shown(want) {
			return fmt.Errorf("the screen never asked %q", want)
		}
	}
	if v.state == payment.StateApproved {
		return d.delivered(ctx, about(p.ID))
	}
	return nil
}

// about tells the events of a payment.
func about(id string) func(cloud.Event) bool {
	return func(e cloud.Event) bool { return e.PaymentID == id }
}

// delivered waits until the cloud has the approval and the terminal has the cloud's acknowledgement, and
// shows both.
func (d *demo) delivered(ctx context.Context, mine func(cloud.Event) bool) error {
	ctx, cancel := context.WithTimeout(ctx, cloudWait)
	defer cancel()
	for {
		select {
		case e := <-d.events:
			if !mine(e) {
				continue
			}
			if err := d.showEvent(e); err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.New("the cloud did not receive the approval in time")
		}
		break
	}
	for {
		n, err := d.waiting(ctx)
		if err != nil {
			return fmt.Errorf("the approval was not acknowledged in time: %w", err)
		}
		if n == 0 {
			d.step("the terminal has the cloud's acknowledgement: nothing is left to report")
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the approval was not acknowledged in time")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// showEvent prints what the cloud received, in full the first time.
func (d *demo) showEvent(e cloud.Event) error {
	if d.full {
		d.step("the cloud received and committed event %s, seq %d", e.ID, e.Seq)
		return nil
	}
	d.full = true
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, e.Payload, "         ", "  "); err != nil {
		return fmt.Errorf("the cloud received something that is not JSON: %w", err)
	}
	d.step("the cloud received and committed this event:")
	d.say("         %s", pretty.String())
	return nil
}

// day plays all visits and says how many ended as they must.
func (d *demo) day(ctx context.Context) error {
	visits := shopDay()
	failed := 0
	for i, v := range visits {
		d.say("\n%d of %d  %s (EUR %s)", i+1, len(visits), v.title, v.amount)
		d.unsure.Store(false)
		err := d.play(ctx, v)
		if err != nil && v.state == payment.StateApproved && d.unsure.Load() && ctx.Err() == nil {
			// It happens to some of the living (vision/attacks), most of all on a machine that is busy.
			d.say("       The camera could not be sure this time, and nothing was charged: the customer tries again.")
			err = d.play(ctx, v)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			failed++
			d.say("  FAIL %v", err)
			if h := payment.HintOf(err); h != "" {
				d.say("       %s", h)
			}
		} else {
			d.say("    ok as it must be")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(demoPause):
		}
	}
	d.say("\n%d of %d visits ended as they must.", len(visits)-failed, len(visits))
	if failed > 0 {
		return fmt.Errorf("%d of %d visits did not end as they must", failed, len(visits))
	}
	return nil
}
