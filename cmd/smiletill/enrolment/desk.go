package enrolment

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/payment/report/signature"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// Parts are what of a running terminal is open, as far as people and their faces are concerned.
type Parts struct {
	Gallery *gallery.Gallery
	PINs    *pin.Store
	Journal *journal.Journal
	Trail   *Trail
	Looker  *networks.Looker
	// Take has the camera take pictures: an error says that it is in use.
	Take func(context.Context, *Capture) error
	// Wrote notes whether the gallery could be written, and gives the error back.
	Wrote  func(error) error
	Engine *payment.Engine
	// Key signs what the terminal says, Source names it.
	Key    *signature.Key
	Source string
	// Narrows tells whether a search for a face is narrowed by digits that customers have.
	Narrows func() bool
	// Changed is told that the gallery has more or fewer customers.
	Changed func()
	Log     *slog.Logger
}

// idle is payment.ErrBusy while a payment runs.
func (p Parts) idle(ctx context.Context) error {
	s, err := p.Engine.Status(ctx)
	if err == nil && s.Payment.ID != "" && !s.Payment.State.Terminal() {
		err = payment.WithHint(payment.ErrBusy, "wait for the payment to end")
	}
	return err
}

// mayLook says why no pictures can be taken, if so: a payment runs, the alarm of the case stands, or
// something else keeps payments off. Too many strangers do not: whoever enrols them ends that.
func (p Parts) mayLook(ctx context.Context) error {
	err := p.Engine.Ready(ctx)
	if errors.Is(err, payment.ErrBusy) || errors.Is(err, payment.ErrOutOfOrder) {
		return err
	}
	return nil
}

// Desk is where a running terminal keeps customers and clerks, whoever asks: the control socket or a page. It
// asks nobody for a role: its callers do, and say who it is by the context (people.With).
type Desk struct {
	// Open gives the parts, or says why there are none.
	Open func() (Parts, error)
	// Closed removes a customer while there are none.
	Closed func(ctx context.Context, id string) error
	// Shut ends what was opened with the PIN of a clerk of this name.
	Shut func(clerk string)
	// Rules are what an enrolment wants of a consent.
	Rules people.Rules
	// AskFor is how long somebody who was recognised may take to confirm that they want to be forgotten.
	AskFor time.Duration

	mu      sync.Mutex
	vouches map[string]vouch // by customer
	asked   asked
}

// Customers is control.People's.
func (d *Desk) Customers(ctx context.Context) ([]control.Customer, error) {
	p, err := d.Open()
	if err != nil {
		return nil, err
	}
	all, err := List(p.Gallery)
	if err != nil {
		return nil, err
	}
	return all, NotePINs(ctx, p.PINs, all)
}

// Remove removes a customer, also while the terminal is out of order or the alarm of the case stands: whoever
// wants to be forgotten is not to wait for a journal, a PIN or a camera. The journal is told of it when it is
// opened again, if it can't be now.
func (d *Desk) Remove(ctx context.Context, id string) error {
	p, err := d.Open()
	if err != nil {
		return asUnknown(d.Closed(ctx, id))
	}
	return d.remove(ctx, p, journal.CustomerRemoved, id)
}

func (d *Desk) remove(ctx context.Context, p Parts, what, id string) error {
	pins := func(use func(*pin.Store) error) error { return use(p.PINs) }
	err := p.Trail.Remove(ctx, what, id, func() error { return Remove(ctx, id, p.Gallery.Remove, pins) })
	if err == nil || errors.Is(err, errPINStays) {
		p.Changed()
		return err
	}
	return asUnknown(p.Wrote(err))
}

// templatesByCamera is how many pictures an enrolment by camera takes: what a record holds at most.
const templatesByCamera = gallery.TemplatesMax

// Enrol is control.People's.
func (d *Desk) Enrol(
	ctx context.Context, q control.EnrolRequest, progress func(string),
) (control.Customer, error) {
	p, err := d.Open()
	if err != nil {
		return control.Customer{}, err
	}
	if q.Again != "" && q.Name != "" {
		return control.Customer{}, errors.New("enrol: a name and the id of a customer who has one")
	}
	agreed, err := d.agreed(ctx, p, q) // before anybody is looked at
	if err != nil {
		return control.Customer{}, err
	}
	if len(q.Photos) > 0 {
		templates, seen, err := TemplatesOf(p.Looker, q.Photos)
		if err != nil {
			return control.Customer{}, err
		}
		done, err := d.enrol(ctx, p, q, taken{templates, seen, agreed, doubts{}})
		done.Advice = Advice(p.Looker, q.Photos, templates)
		return done, p.Wrote(err)
	}
	c := &Capture{Want: templatesByCamera, NoSmile: q.NoSmile, Progress: progress}
	return d.byCamera(ctx, p, q, c, agreed, doubts{})
}

// agreed is what an enrolment keeps of the customer's consent, as of now; an unknown one's is said as such.
func (d *Desk) agreed(ctx context.Context, p Parts, q control.EnrolRequest) (*gallery.Consent, error) {
	if q.Again != "" {
		if err := Known(p.Gallery, q.Again); err != nil {
			return nil, err
		}
	}
	return Consent(d.Rules, q, p.Gallery.Consent, people.From(ctx), time.Now())
}

// taken is what an enrolment has to go by.
type taken struct {
	templates, seen [][]float32
	agreed          *gallery.Consent
	doubts          doubts
}

// doubts say why somebody is not enrolled after all; nil ones say nothing.
type doubts struct {
	after func() error // the pictures, which may wait
	last  func() error // at the moment before it is written down
}

// byCamera enrols who stands before the camera and has agreed.
func (d *Desk) byCamera(
	ctx context.Context, p Parts, q control.EnrolRequest, c *Capture, agreed *gallery.Consent, o doubts,
) (control.Customer, error) {
	if err := p.Take(ctx, c); err != nil {
		return control.Customer{}, err
	}
	if o.after != nil {
		if err := o.after(); err != nil {
			return control.Customer{}, err
		}
	}
	done, err := d.enrol(ctx, p, q, taken{c.Templates, c.Seen, agreed, o})
	if err == nil && o.last != nil && o.last() != nil {
		c.Smile = gallery.Smile{} // taken back since: no more is kept
	}
	if err == nil {
		if err := p.Wrote(c.KeepSmile(p.Gallery, done.ID)); err != nil {
			c.Smile = gallery.Smile{}
			c.Progress("the smile could not be kept, what holds for everybody holds: " + err.Error())
		}
	}
	return done, p.Wrote(err)
}

// enrol enrols a customer once the journal has it. A renewal by another face, or by one that nothing here can
// compare with the old one, needs a second person's word, and gives the customer a new PIN before it takes
// the face: whoever knew the old one knows nothing then, at no moment.
func (d *Desk) enrol(
	ctx context.Context, p Parts, q control.EnrolRequest, t taken,
) (done control.Customer, err error) {
	defer p.Changed()
	if q.PIN != "" {
		if err := pin.Check(q.PIN); err != nil {
			return control.Customer{}, err
		}
	}
	wish := gallery.Wish{Digits: q.Digits, Consent: t.agreed}
	second := payment.Who{}
	if q.Again != "" && q.PIN != "" {
		second, wish.OtherFace, err = d.vouched(ctx, p.PINs, q.Again, people.From(ctx))
		if err != nil {
			return control.Customer{}, err
		}
	}
	err = p.Trail.Do(ctx, func(note func(journal.Audit) error) error {
		done, err = In(p.Gallery, q, wish, t.templates, t.seen, func(c gallery.Change) error {
			if (c.OtherFace || c.Unmatched) && t.agreed == nil { // which nobody knows to be who has agreed
				return payment.WithHint(people.ErrConsent, "have the customer read the text and agree, as a new one: "+
					"`smiletill enrol --again ID --new-pin --agreed en`, or de")
			}
			if t.doubts.last != nil {
				if err := t.doubts.last(); err != nil {
					return err
				}
			}
			if err := note(Enrolled(c, second)); err != nil || q.PIN == "" {
				return err
			}
			return p.PINs.SetAfter(ctx, c.ID, q.PIN, func(mark string) error {
				return note(pinAudit(journal.PINOf{Customer: c.ID}, mark))
			})
		})
		return err
	})
	if err == nil && wish.OtherFace {
		d.spent(q.Again)
	}
	if errors.Is(err, gallery.ErrOtherFace) || errors.Is(err, gallery.ErrIncomparable) {
		err = payment.WithHintf(err, "%s. Where it is the customer: a second person says so (`smiletill customers "+
			"vouch %s`), then `smiletill enrol --again %[2]s --new-pin "+
			"--agreed en`, or de", payment.HintOf(err), q.Again)
	}
	return done, asUnknown(err)
}

// SetPIN is control.PINs's.
func (d *Desk) SetPIN(ctx context.Context, id, digits string) error {
	p, err := d.Open()
	if err != nil {
		return err
	}
	err = p.Trail.Do(ctx, func(note func(journal.Audit) error) error {
		return SetPIN(ctx, p.Gallery, p.PINs, id, digits, note)
	})
	if err != nil {
		return asUnknown(err)
	}
	p.Log.Info("a customer's PIN was changed", "customer", id, "removed", digits == "")
	return nil
}

// SetClerkPIN is control.Clerks's.
func (d *Desk) SetClerkPIN(ctx context.Context, name, digits string) error {
	p, err := d.Open()
	if err != nil {
		return err
	}
	known := pin.Unnamed
	err = p.Trail.Do(ctx, func(note func(journal.Audit) error) error {
		return SetClerkPIN(ctx, p.PINs, name, digits, named(&known, note))
	})
	known = cmp.Or(known, pin.Unnamed)
	if err != nil {
		return err
	}
	d.Shut(known)
	p.Log.Info("a clerk's PIN was changed", "removed", digits == "")
	return nil
}

// named passes facts on, and keeps which clerk they are about.
func named(known *string, note func(journal.Audit) error) func(journal.Audit) error {
	return func(a journal.Audit) error { *known = a.Clerk; return note(a) }
}

// Clerks is control.Clerks's.
func (d *Desk) Clerks(ctx context.Context) ([]control.Clerk, error) {
	p, err := d.Open()
	if err != nil {
		return nil, err
	}
	return ListClerks(ctx, p.PINs)
}

// AddClerk is control.Clerks's.
func (d *Desk) AddClerk(ctx context.Context, c control.Clerk) error {
	p, err := d.Open()
	if err != nil {
		return err
	}
	known := ""
	err = p.Trail.Do(ctx, func(note func(journal.Audit) error) error {
		return AddClerk(ctx, p.PINs, c, named(&known, note))
	})
	if err == nil {
		d.Shut(known) // whoever had another role begins anew
	}
	return err
}

// RemoveClerk is control.Clerks's.
func (d *Desk) RemoveClerk(ctx context.Context, name string) error {
	p, err := d.Open()
	if err != nil {
		return err
	}
	known := ""
	err = p.Trail.Do(ctx, func(note func(journal.Audit) error) error {
		return RemoveClerk(ctx, p.PINs, name, named(&known, note))
	})
	if err == nil {
		d.Shut(known)
	}
	return err
}

// RemoveClosed calls remove, which opens the customers' files, again and again for a while: a terminal that
// tries to open them may have them for a moment.
func RemoveClosed(ctx context.Context, remove func() error, tries int, wait time.Duration) error {
	for ; ; tries-- {
		err := remove()
		if !errors.Is(err, gallery.ErrInUse) || tries <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// unknown is an error about a customer whom nobody enrolled, as the control socket knows it.
type unknown struct{ error }

func (u unknown) Unwrap() error { return u.error }

func (unknown) Is(target error) bool { return target == control.ErrUnknownCustomer }

func asUnknown(err error) error {
	if errors.Is(err, gallery.ErrUnknownCustomer) {
		return unknown{err}
	}
	return err
}
