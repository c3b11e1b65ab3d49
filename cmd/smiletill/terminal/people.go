package terminal

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"smiletill/cmd/smiletill/alarm"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// people keeps the customers of the running terminal.
type people struct {
	access *access
	files  Files // for a removal while the parts are closed
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
		return control.Customer{}, payment.WithHintf(
			errors.New("enrol by camera: a payment is running"),
			"wait for it to end, then try again",
		)
	case <-ctx.Done():
		return control.Customer{}, ctx.Err()
	}
	if err := <-job.done; err != nil {
		return control.Customer{}, err
	}
	done, err := p.enrolTemplates(ctx, q, job.Templates)
	if err == nil {
		if err := p.wroteFaces(job.KeepSmile(p.gallery, done.ID)); err != nil {
			progress("the smile could not be kept, what holds for everybody holds: " + err.Error())
		}
	}
	return done, p.wroteFaces(err)
}

// enrolPhotos makes templates of photos and enrols their customer.
func (p *parts) enrolPhotos(ctx context.Context, q control.EnrolRequest) (control.Customer, error) {
	templates, err := enrolment.TemplatesOf(p.looker, q.Photos)
	if err != nil {
		return control.Customer{}, err
	}
	return p.enrolTemplates(ctx, q, templates)
}

// enrolTemplates enrols a customer once the journal has it.
func (p *parts) enrolTemplates(
	ctx context.Context, q control.EnrolRequest, templates [][]float32,
) (control.Customer, error) {
	return p.trail.Enrol(ctx, func(before func(gallery.Change) error) (control.Customer, error) {
		return enrolment.In(p.gallery, q, templates, before)
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

// Files are the customers of a terminal that does not run: its files are opened for each call.
type Files struct {
	cfg config.Config
	log *slog.Logger
}

// NewFiles names the files of a terminal; nothing is opened yet.
func NewFiles(cfg config.Config, log *slog.Logger) Files { return Files{cfg, log} }

// Customers lists who is enrolled, and who has a PIN; when the PINs can't be read, it lists with the error
// who is enrolled.
func (f Files) Customers(ctx context.Context) (all []control.Customer, err error) {
	err = f.gallery(func(g *gallery.Gallery) error {
		if all, err = enrolment.List(g); err != nil {
			return err
		}
		return f.pins(ctx, func(s *pin.Store) error { return enrolment.NotePINs(ctx, s, all) })
	})
	return all, err
}

// CustomersUnder lists who is enrolled, as a terminal with another set of models would.
func (f Files) CustomersUnder(set models.Set) ([]control.Customer, error) {
	g, err := openGallery(f.cfg, set, alarm.Stands(f.cfg.TamperPath()), f.log)
	if err != nil {
		return nil, err
	}
	all, err := enrolment.List(g)
	return all, errors.Join(err, g.Close())
}

// Remove removes a customer with templates and PIN. It opens no gallery, and so waits for no models.
func (f Files) Remove(ctx context.Context, id string) error {
	face := func(id string) error { return gallery.RemoveFrom(f.cfg.GalleryDir(), id) }
	return enrolment.Remove(ctx, id, face, func(use func(*pin.Store) error) error {
		if _, err := os.Stat(f.cfg.PINsPath()); errors.Is(err, fs.ErrNotExist) {
			return nil // nobody has one, and none is made for this
		}
		return f.pins(ctx, use)
	})
}

// SetPIN gives a customer a PIN, or takes it away ("").
func (f Files) SetPIN(ctx context.Context, id, digits string) error {
	return f.gallery(func(g *gallery.Gallery) error {
		return f.pins(ctx, func(s *pin.Store) error { return enrolment.SetPIN(ctx, g, s, id, digits, found) })
	})
}

// found leaves a change to the terminal's next start, which finds it and writes it down: this may be another
// user, who must not write the journal.
func found(string) error { return nil }

// SetClerkPIN gives the clerk a PIN, or takes it away ("").
func (f Files) SetClerkPIN(ctx context.Context, digits string) error {
	if err := config.PreparePrivateDir(f.cfg.Paths.DataDir); err != nil {
		return err
	}
	return f.pins(ctx, func(s *pin.Store) error { return enrolment.SetClerkPIN(ctx, s, digits, found) })
}

// Enrol enrols somebody from photos: without a terminal that runs there is no camera.
func (f Files) Enrol(_ context.Context, q control.EnrolRequest, _ func(string)) (control.Customer, error) {
	if len(q.Photos) == 0 {
		return control.Customer{}, payment.WithHintf(control.ErrNotRunning,
			"enrolment by camera needs the running terminal (`smiletill run`); else give 3 to 5 photos")
	}
	if err := config.PreparePrivateDir(f.cfg.Paths.DataDir); err != nil {
		return control.Customer{}, err
	}
	set, err := openModels(f.cfg)
	if err != nil {
		return control.Customer{}, err
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		return control.Customer{}, err
	}
	g, err := openGallery(f.cfg, set, alarm.Stands(f.cfg.TamperPath()), f.log)
	if err != nil {
		return control.Customer{}, errors.Join(err, l.Close())
	}
	// The journal is told at the next start: this may be another user than the terminal's, who must not write
	// it.
	templates, err := enrolment.TemplatesOf(l, q.Photos)
	if err != nil {
		return control.Customer{}, errors.Join(err, g.Close(), l.Close())
	}
	c, err := enrolment.In(g, q, templates, func(gallery.Change) error { return nil })
	return c, errors.Join(err, g.Close(), l.Close())
}

// gallery opens the gallery.
func (f Files) gallery(use func(*gallery.Gallery) error) error {
	if err := config.PreparePrivateDir(f.cfg.Paths.DataDir); err != nil {
		return err
	}
	set, err := openModels(f.cfg)
	if err != nil {
		return err
	}
	g, err := openGallery(f.cfg, set, alarm.Stands(f.cfg.TamperPath()), f.log)
	if err != nil {
		return err
	}
	return errors.Join(use(g), g.Close())
}

// pins opens the PINs alone. Tries are not counted here: no clock is needed.
func (f Files) pins(ctx context.Context, use func(*pin.Store) error) error {
	s, err := pin.Open(ctx, f.cfg.PINsPath(), nil, nil)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}
