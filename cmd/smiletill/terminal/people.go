package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/files"
	who "smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision/gallery"
)

// people is the desk of customers and clerks.
func (t *Terminal) people(rules who.Rules) *enrolment.Desk {
	closed := files.New(t.cfg, t.log) // for a removal while the parts are closed
	return &enrolment.Desk{
		Open: t.access.atDesk, Shut: func() { t.page.LockCounter() }, // which is made after this Rules: rules,
		Closed: func(ctx context.Context, id string) error {
			const tries = 30
			remove := func() error { return closed.Remove(ctx, id) }
			return enrolment.RemoveClosed(ctx, remove, tries, retryOpen/tries)
		},
	}
}

// atDesk gives what the desk needs of the parts.
func (a *access) atDesk() (enrolment.Parts, error) {
	p, err := a.opened()
	if err != nil {
		return enrolment.Parts{}, err
	}
	return enrolment.Parts{Gallery: p.gallery, PINs: p.pins, Journal: p.journal, Trail: p.trail,
		Looker: p.looker, Idle: p.idle, Key: p.key, Source: p.source, Take: p.take, Wrote: p.wroteFaces,
		Changed: p.warnSize, Log: p.log}, nil
}

// idle is payment.ErrBusy while a payment runs.
func (p *parts) idle(ctx context.Context) error {
	s, err := p.engine.Status(ctx)
	if err == nil && s.Payment.ID != "" && !s.Payment.State.Terminal() {
		err = payment.WithHint(payment.ErrBusy, "wait for the payment to end")
	}
	return err
}

// take has the camera take pictures, between two payments.
func (p *parts) take(ctx context.Context, c *enrolment.Capture) error {
	job := &request{Capture: c, done: make(chan error, 1)}
	select {
	case p.eyes.requests <- job:
	case <-time.After(time.Second):
		return payment.WithHintf(errCameraInUse, "wait for that to end, then try again")
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-job.done
}

// wroteFaces notes whether the gallery could write; its own refusals are no error of the system's.
func (p *parts) wroteFaces(err error) error {
	if errors.As(err, new(syscall.Errno)) {
		p.disk.Failed(facesFile, err)
	}
	return err
}

var errCameraInUse = errors.New("the camera is in use, by a payment or somebody else who stands before it")

// farewell is the customer's page, as far as somebody wants to be forgotten.
type farewell struct{ desk *enrolment.Desk }

func (f farewell) Look(ctx context.Context) (token string, pin bool, err error) {
	token, pin, err = f.desk.Look(ctx)
	return token, pin, forgetError(err)
}

func (f farewell) Confirm(ctx context.Context, token, digits string) (json.RawMessage, error) {
	r, err := f.desk.Confirm(ctx, token, digits)
	if err != nil {
		return nil, forgetError(err)
	}
	return json.Marshal(r)
}

// forgetError is an error as the page knows it.
func forgetError(err error) error {
	switch {
	case errors.Is(err, gallery.ErrUnknownCustomer):
		return screen.ErrForgetUnsure
	case errors.Is(err, payment.ErrBusy), errors.Is(err, errCameraInUse):
		return screen.ErrForgetBusy
	case errors.Is(err, payment.ErrPINWrong):
		return screen.ErrWrongPIN
	}
	return err
}
