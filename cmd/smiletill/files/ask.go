package files

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/camera"
	"smiletill/payment"
	"smiletill/vision/gallery"
)

// Agreement puts what the customer agreed to into a request: the text as it is in force here, which is the
// terminal's, that has read the same settings.
func Agreement(cfg config.Config, q *control.EnrolRequest, agreed control.Agreed, lang string) error {
	if lang == "" && agreed.Paper == "" {
		return nil // a renewal may want none; else it is said what is missing
	}
	if lang != "" {
		rules, err := people.ReadRules(cfg.Consent.Paper, cfg.Consent.Files())
		if err != nil {
			return err
		}
		t, err := rules.Text(lang)
		if err != nil {
			return config.Usage(err)
		}
		agreed.Version, agreed.Lang = t.Version, t.Lang
	}
	q.Agreed = &agreed
	return nil
}

// Enroller is where somebody is enrolled: the running terminal, or its files.
type Enroller interface {
	Enrol(ctx context.Context, q control.EnrolRequest, progress func(text string)) (control.Customer, error)
}

// Enrolment is one that a person has asked for by a command.
type Enrolment struct {
	Cfg  config.Config
	Desk Enroller
}

// Do enrols somebody, from photos that are named or by the camera, and prints what came of it.
func (e Enrolment) Do(
	ctx context.Context, q control.EnrolRequest, named []string, out, progress io.Writer,
) error {
	name := q.Name + q.Again // one of them is empty
	if q.Again == "" && isPhoto(q.Name) {
		return config.Usage(payment.WithHint(
			fmt.Errorf("enrol: the customer's name is missing: %s is a file", name),
			"write the name before the photos: `smiletill enrol \"Grace Hopper\" one.jpg two.jpg three.jpg`"))
	}
	if n := len(named); n > 0 && (n < gallery.TemplatesMin || n > gallery.TemplatesMax) {
		return config.Usage(payment.WithHintf(fmt.Errorf("enrol %s: %d photos", name, n),
			"give %d to %d photos of different moments", gallery.TemplatesMin, gallery.TemplatesMax))
	}
	var photos []enrolment.File
	for _, f := range named {
		photos = append(photos, enrolment.File{Name: filepath.Base(f),
			Read: func() ([]byte, error) { return camera.ReadPhoto(f) }})
	}
	var err error
	if q.Photos, err = Photos(e.Cfg, photos); err != nil {
		return fmt.Errorf("enrol %s: %w", name, err)
	}
	done, err := e.Desk.Enrol(ctx, q, func(text string) { fmt.Fprintln(progress, text) })
	if err != nil {
		return fmt.Errorf("enrol %s: %w", name, err)
	}
	fmt.Fprintf(
		out,
		"enrolled %s as %s with %d templates; no photo was stored\n",
		done.Name,
		done.ID,
		done.Templates,
	)
	if done.Advice != "" {
		fmt.Fprintf(out, "%s: then `smiletill enrol --again %s` with all photos\n", done.Advice, done.ID)
	}
	if done.Unmatched {
		fmt.Fprintln(out, "the templates before were another model's: nothing could tell whether the face is the\n"+
			"same. The journal and the cloud say so, and who stood by it")
	}
	return nil
}

// isPhoto reports that a name is that of a file that is there: nobody is called so.
func isPhoto(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
