package terminal

import (
	"context"
	"errors"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/files"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
)

// people keeps the customers of the running terminal.
type people struct {
	access *access
	files  files.Files // for a removal while the parts are closed
}

func (d people) Customers(ctx context.Context) ([]control.Customer, error) {
	p, err := d.access.opened()
	if err != nil {
		return nil, err
	}
	all, err := enrolment.List(p.gallery)
	if err != nil {
		return nil, err
	}
	return all, enrolment.NotePINs(ctx, p.pins, all)
}

// Remove removes a customer, also while the terminal is out of order or the alarm of the case stands: whoever
// wants to be forgotten is not to wait for a journal, a PIN or a camera. The journal is told of it when it is
// opened again, if it can't be now.
func (d people) Remove(ctx context.Context, id string) error {
	p, err := d.access.opened()
	if err != nil {
		return asUnknown(d.removeClosed(ctx, id))
	}
	pins := func(use func(*pin.Store) error) error { return use(p.pins) }
	err = enrolment.Remove(ctx, id, p.gallery.Remove, pins)
	if err == nil || errors.Is(err, enrolment.ErrPINStays) {
		p.trail.Removed(ctx, id)
		p.warnSize()
		return err
	}
	return asUnknown(p.wroteFaces(err))
}

// removeClosed removes a customer of whom nothing is open. The terminal, which tries again and again to
// open its files, may have them for a moment.
func (d people) removeClosed(ctx context.Context, id string) error {
	for end := time.Now().Add(retryOpen); ; {
		err := d.files.Remove(ctx, id)
		if !errors.Is(err, gallery.ErrInUse) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryOpen / 30):
		}
	}
}

func (d people) Enrol(
	ctx context.Context,
	q control.EnrolRequest,
	progress func(string),
) (control.Customer, error) {
	p, err := d.access.opened()
	if err != nil {
		return control.Customer{}, err
	}
	if q.Again != "" && q.Name != "" {
		return control.Customer{}, errors.New("enrol: a name and the id of a customer who has one")
	}
	if len(q.Photos) > 0 {
		done, err := p.enrolPhotos(ctx, q)
		return done, p.wroteFaces(err)
	}
	job := &request{done: make(chan error, 1), Capture: enrolment.Capture{Want: templatesByCamera,
		NoSmile: q.NoSmile, Progress: progress}}
	select {
	case p.eyes.requests <- job:
	case <-time.After(time.Second):
		return control.Customer{}, payment.WithHint(
			errors.New("enrol by camera: the camera is in use, by a payment or somebody else who is enrolled"),
			"wait for that to end, then try again")
	case <-ctx.Done():
		return control.Customer{}, ctx.Err()
	}
	if err := <-job.done; err != nil {
		return control.Customer{}, err
	}
	done, err := p.enrolTemplates(ctx, q, job.Templates, job.Seen)
	if err == nil {
		if err := p.wroteFaces(job.KeepSmile(p.gallery, done.ID)); err != nil {
			progress("the smile could not be kept, what holds for everybody holds: " + err.Error())
		}
	}
	return done, p.wroteFaces(err)
}

// enrolPhotos makes templates of photos and enrols their customer.
func (p *parts) enrolPhotos(ctx context.Context, q control.EnrolRequest) (control.Customer, error) {
	templates, seen, err := enrolment.TemplatesOf(p.looker, q.Photos)
	if err != nil {
		return control.Customer{}, err
	}
	done, err := p.enrolTemplates(ctx, q, templates, seen)
	done.Advice = enrolment.Advice(p.looker, q.Photos, templates)
	return done, err
}

// enrolTemplates enrols a customer once the journal has it.
func (p *parts) enrolTemplates(
	ctx context.Context, q control.EnrolRequest, templates, seen [][]float32,
) (control.Customer, error) {
	defer p.warnSize()
	return p.trail.Enrol(ctx, func(before func(gallery.Change) error) (control.Customer, error) {
		return enrolment.In(p.gallery, q, templates, seen, before)
	})
}

// wroteFaces notes whether the gallery could write; its own refusals are no error of the system's.
func (p *parts) wroteFaces(err error) error {
	if errors.As(err, new(syscall.Errno)) {
		p.disk.Failed(facesFile, err)
	}
	return err
}

// templatesByCamera is how many pictures an enrolment by camera takes: what a record holds at most.
const templatesByCamera = gallery.TemplatesMax
