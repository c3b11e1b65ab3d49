package files

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"smiletill/cmd/smiletill/alarm"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/intent"
	"smiletill/cmd/smiletill/people"
	"smiletill/cmd/smiletill/vault"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/pin"
	"smiletill/vision/edgetpu"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// OpenModels reads and verifies the models in force.
func OpenModels(cfg config.Config) (models.Set, error) {
	dir, err := cfg.ModelsDir()
	if err != nil {
		return models.Set{}, err
	}
	return models.Open(dir)
}

// WayBack is the command that takes the built-in models into use of which the embedding has that sha256:
// those that customers may have been enrolled with before an upgrade. "" if there is none.
func WayBack(sha256 string) string {
	dir, ok := models.BuiltIn(sha256)
	switch {
	case !ok:
		return ""
	case dir == models.Small:
		return "smiletill models swap --embedded small"
	}
	return "smiletill models swap --embedded"
}

// Photos makes the photos of an enrolment ready, in the process that asks for it, with the models in force.
func Photos(cfg config.Config, files []enrolment.File) ([]control.Photo, error) {
	return enrolment.Photos(files, func() (*networks.Looker, error) {
		set, err := OpenModels(cfg)
		if err != nil {
			return nil, err
		}
		return networks.OpenLooker(set)
	})
}

// OpenGallery opens the gallery for the models of a set, and for those of the set before, if it has an
// embedding; locked, none of it is read.
func OpenGallery(
	cfg config.Config, set, before models.Set, locked bool, log *slog.Logger,
) (*gallery.Gallery, error) {
	model, err := modelOf(cfg, set)
	if err != nil {
		return nil, err
	}
	if before.Has(models.Embed) {
		old, err := modelOf(cfg, before)
		if err != nil {
			return nil, err
		}
		model.Before = &old
	}
	log = log.With("room", "gallery")
	if locked {
		return gallery.OpenLocked(cfg.GalleryDir(), model, log)
	}
	return gallery.OpenSealed(cfg.GalleryDir(), model, vault.Of(cfg).For(vault.Faces), log)
}

// modelOf is a set's embedding as a gallery takes it.
func modelOf(cfg config.Config, set models.Set) (gallery.Model, error) {
	embed := set.Model(models.Embed)
	model := gallery.Model{SHA256: embed.SHA256, Agree: embed.Thresholds.Verify, Same: embed.Thresholds.Match}
	tail, sized, err := networks.TailOf(set, cfg.Gallery.OneIn())
	if sized {
		model.Cosine = tail.Cosine
	}
	return model, err
}

// Files are the customers of a terminal that does not run: its files are opened for each call.
type Files struct {
	cfg config.Config
	log *slog.Logger
}

// New names the files of a terminal; nothing is opened yet.
func New(cfg config.Config, log *slog.Logger) Files { return Files{cfg, log} }

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
	g, err := f.open(set)
	if err != nil {
		return nil, err
	}
	all, err := enrolment.List(g)
	return all, errors.Join(err, g.Close())
}

// Remove removes a customer with templates and PIN. It opens no gallery, and so waits for no models; nor for
// the book of intents.
func (f Files) Remove(ctx context.Context, id string) error {
	removed := errors.New("nobody was asked")
	remove := func() error {
		face := func(id string) error { return gallery.RemoveFrom(f.cfg.GalleryDir(), id) }
		removed = enrolment.Remove(ctx, id, face, func(use func(*pin.Store) error) error {
			if _, err := os.Stat(f.cfg.PINsPath()); errors.Is(err, fs.ErrNotExist) {
				return nil // nobody has one, and none is made for this
			}
			return f.pins(ctx, use)
		})
		return removed
	}
	asked := false
	err := f.notes(ctx, func(note func(journal.Audit) error) error {
		asked = true
		if err := note(journal.Audit{What: journal.CustomerRemoved, Customer: id}); err != nil {
			f.log.Error("a removal begins that can't be written down first", "customer", id, "err", err)
		}
		return remove()
	})
	if !asked {
		f.log.Error("a removal begins that can't be written down first", "customer", id, "err", err)
		return remove()
	}
	return err
}

// notes changes something by the book of intents: the next start of the terminal tells the journal, which
// this user may not be allowed to write.
func (f Files) notes(ctx context.Context, change func(note func(journal.Audit) error) error) error {
	return intent.In(f.cfg.Paths.DataDir).ByCommand(ctx, change)
}

// SetPIN gives a customer a PIN, or takes it away ("").
func (f Files) SetPIN(ctx context.Context, id, digits string) error {
	return f.gallery(func(g *gallery.Gallery) error {
		return f.pins(ctx, func(s *pin.Store) error {
			return f.notes(ctx, func(note func(journal.Audit) error) error {
				return enrolment.SetPIN(ctx, g, s, id, digits, note)
			})
		})
	})
}

// SetClerkPIN gives a clerk a PIN, or takes it away (""); of no name the clerk who has none.
func (f Files) SetClerkPIN(ctx context.Context, name, digits string) error {
	return f.clerks(ctx, func(s *pin.Store, note func(journal.Audit) error) error {
		return enrolment.SetClerkPIN(ctx, s, name, digits, note)
	})
}

// Clerks lists who has a role by a PIN.
func (f Files) Clerks(ctx context.Context) (all []control.Clerk, err error) {
	err = f.clerks(ctx, func(s *pin.Store, _ func(journal.Audit) error) error {
		all, err = enrolment.ListClerks(ctx, s)
		return err
	})
	return all, err
}

// AddClerk gives somebody a role.
func (f Files) AddClerk(ctx context.Context, c control.Clerk) error {
	return f.clerks(ctx, func(s *pin.Store, note func(journal.Audit) error) error {
		return enrolment.AddClerk(ctx, s, c, note)
	})
}

// RemoveClerk takes somebody's role and PIN away.
func (f Files) RemoveClerk(ctx context.Context, name string) error {
	return f.clerks(ctx, func(s *pin.Store, note func(journal.Audit) error) error {
		return enrolment.RemoveClerk(ctx, s, name, note)
	})
}

// clerks opens the PINs, and makes the folder for them.
func (f Files) clerks(ctx context.Context, use func(*pin.Store, func(journal.Audit) error) error) error {
	if err := config.PreparePrivateDir(f.cfg.Paths.DataDir); err != nil {
		return err
	}
	return f.pins(ctx, func(s *pin.Store) error {
		return f.notes(ctx, func(note func(journal.Audit) error) error { return use(s, note) })
	})
}

// Enrol enrols somebody from photos: without a terminal that runs there is no camera.
func (f Files) Enrol(ctx context.Context, q control.EnrolRequest, _ func(string)) (control.Customer, error) {
	if q.PIN != "" {
		return control.Customer{}, payment.WithHint(control.ErrNotRunning,
			"a new PIN with a renewal needs the running terminal (`smiletill run`)")
	}
	rules, err := people.ReadRules(f.cfg.Consent.Paper, f.cfg.Consent.Files())
	if err != nil {
		return control.Customer{}, err
	}
	now := time.Now()
	// Until the gallery is open, somebody may have agreed before.
	unread := func(string) (gallery.Consent, bool) { return gallery.Consent{}, true }
	if _, err := enrolment.Consent(rules, q, unread, people.OrHere(ctx), now); err != nil {
		return control.Customer{}, err
	}
	if len(q.Photos) == 0 {
		return control.Customer{}, payment.WithHintf(control.ErrNotRunning,
			"enrolment by camera needs the running terminal (`smiletill run`); else give 3 to 5 photos")
	}
	if err := config.PreparePrivateDir(f.cfg.Paths.DataDir); err != nil {
		return control.Customer{}, err
	}
	set, err := OpenModels(f.cfg)
	if err != nil {
		return control.Customer{}, err
	}
	before, err := SetBefore(f.cfg, set, f.log)
	if err != nil {
		return control.Customer{}, err
	}
	l, err := networks.OpenLookerOn(set, before, edgetpu.New(edgetpu.Options{}), false)
	if err != nil {
		return control.Customer{}, err
	}
	g, err := f.openWith(set, before)
	if err != nil {
		return control.Customer{}, errors.Join(err, l.Close())
	}
	if q.Again != "" {
		err = enrolment.Known(g, q.Again)
	}
	var agreed *gallery.Consent
	var templates, seen [][]float32
	if err == nil {
		agreed, err = enrolment.Consent(rules, q, g.Consent, people.OrHere(ctx), now)
	}
	if err == nil {
		templates, seen, err = enrolment.TemplatesOf(l, q.Photos)
	}
	if err != nil {
		return control.Customer{}, errors.Join(err, g.Close(), l.Close())
	}
	w := gallery.Wish{Digits: q.Digits, Consent: agreed}
	var c control.Customer
	err = f.notes(ctx, func(note func(journal.Audit) error) error {
		c, err = enrolment.In(g, q, w, templates, seen, func(c gallery.Change) error {
			return note(enrolment.Enrolled(c, payment.Who{}))
		})
		return err
	})
	if errors.Is(err, gallery.ErrOtherFace) || errors.Is(err, gallery.ErrIncomparable) {
		err = payment.WithHintf(err, "%s. That takes the running terminal (`smiletill run`), another one's word "+
			"(`smiletill customers vouch %s`), --new-pin and --agreed", payment.HintOf(err), q.Again)
	}
	c.Advice = enrolment.Advice(l, q.Photos, templates)
	return c, errors.Join(err, g.Close(), l.Close())
}

// open opens the gallery as a terminal with the models of a set would.
func (f Files) open(set models.Set) (*gallery.Gallery, error) {
	before, err := SetBefore(f.cfg, set, f.log)
	if err != nil {
		return nil, err
	}
	return f.openWith(set, before)
}

func (f Files) openWith(set, before models.Set) (*gallery.Gallery, error) {
	return OpenGallery(f.cfg, set, before, alarm.Stands(f.cfg.TamperPath()), f.log)
}

// gallery opens the gallery.
func (f Files) gallery(use func(*gallery.Gallery) error) error {
	if err := config.PreparePrivateDir(f.cfg.Paths.DataDir); err != nil {
		return err
	}
	set, err := OpenModels(f.cfg)
	if err != nil {
		return err
	}
	g, err := f.open(set)
	if err != nil {
		return err
	}
	return errors.Join(use(g), g.Close())
}

// pins opens the PINs alone. Tries are not counted here: no clock is needed.
func (f Files) pins(ctx context.Context, use func(*pin.Store) error) error {
	s, err := vault.Of(f.cfg).OpenPINs(ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}
