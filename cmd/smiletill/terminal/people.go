package terminal

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/files"
	who "smiletill/cmd/smiletill/people"
	"smiletill/payment"
)

// people is the desk of customers and clerks.
func (t *Terminal) people(rules who.Rules) *enrolment.Desk {
	closed := files.New(t.cfg, t.log) // for a removal while the parts are closed
	return &enrolment.Desk{
		Open: t.access.atDesk, Shut: func(clerk string) { t.page.LockCounterOf(clerk) }, // made after this
		Rules: rules, AskFor: t.cfg.Consent.Timeout,
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
		Looker: p.looker, Engine: p.engine, Key: p.keys.Own, Source: p.source, Take: p.take, Wrote: p.wroteFaces,
		Narrows: p.large.Load, Changed: p.warnSize, Log: p.log}, nil
}

// take has the camera take pictures, between two payments.
func (p *parts) take(ctx context.Context, c *enrolment.Capture) error {
	job := &request{Capture: c, gone: ctx.Done(), done: make(chan error, 1)}
	select {
	case p.eyes.requests <- job:
	case <-time.After(time.Second):
		return payment.WithHintf(enrolment.ErrCameraInUse, "wait for that to end, then try again")
	case <-ctx.Done():
		return ctx.Err()
	}
	err := <-job.done
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		err = payment.WithHint(fmt.Errorf("%w: a part of it went while pictures were taken", payment.ErrOutOfOrder),
			"see what `smiletill status` says, then try again")
	}
	return err
}

// wroteFaces notes whether the gallery could write; its own refusals are no error of the system's.
func (p *parts) wroteFaces(err error) error {
	if errors.As(err, new(syscall.Errno)) {
		p.disk.Failed(facesFile, err)
	}
	return err
}
