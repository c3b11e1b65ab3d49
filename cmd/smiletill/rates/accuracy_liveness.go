package rates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"smiletill/cmd/smiletill/config"
	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/accuracy"
)

const livenessLayout = "lay photos out as DIR/live/photo.jpg, of faces, and DIR/spoof/photo.jpg, of prints " +
	"and screens that show one; two of each or more"

// presentation is a photo of a test of presentation attack detection.
type presentation struct {
	path   string
	attack bool
}

// MeasureLiveness measures how well the liveness network tells faces from pictures of them, on a folder with
// photos of both, and prints the report.
func MeasureLiveness(
	ctx context.Context, cfg config.Config, o AccuracyOptions, out, progress io.Writer,
) error {
	if o.Workers < 1 {
		return config.Usage(payment.WithHint(errors.New("measure liveness: --workers is out of range"),
			"take 1 or more"))
	}
	sets, err := modelSets(cfg, o.Compare, []string{"plain"})
	if err != nil {
		return err
	}
	for _, s := range sets {
		if !s.set.Has(models.Liveness) {
			return payment.WithHintf(fmt.Errorf("measure liveness: models %s have no liveness network", s.name),
				"add one to the folder's %s", models.ManifestName)
		}
	}
	photos, err := presentations(o.Faces)
	if err != nil {
		return err
	}
	read, answers := make([]bool, len(photos)), make([][]vision.Passive, len(sets))
	for i := range answers {
		answers[i] = make([]vision.Passive, len(photos))
	}
	o.Centre = 0.5 // anywhere
	err = each(ctx, sets, o, len(photos), newMeter(progress), func(i int, p []*vision.Pipeline) (err error) {
		read[i], err = photos[i].look(p, answers, i)
		return err
	})
	if err != nil {
		return err
	}
	unreadable := 0
	for _, ok := range read {
		if !ok {
			unreadable++
		}
	}
	if unreadable > 0 {
		fmt.Fprintf(progress, "could not be read: %d of %d photos\n", unreadable, len(photos))
	}
	for i, s := range sets {
		p := accuracy.Presentations{Name: s.name, Threshold: s.set.Model(models.Liveness).Thresholds.Score}
		for k, a := range answers[i] {
			if read[k] {
				p.Add(photos[k].attack, a.Done, a.Live)
			}
		}
		r, err := accuracy.MeasureLiveness(p, o.Seed)
		if err != nil {
			return payment.WithHint(err, livenessLayout)
		}
		if _, err := fmt.Fprintln(out, r); err != nil {
			return fmt.Errorf("measure liveness: print: %w", err)
		}
	}
	_, err = fmt.Fprintln(out, "APCER and BPCER as in ISO/IEC 30107-3, on these pictures alone: "+
		"this is no certified test.")
	return err
}

// presentations finds the photos of both kinds.
func presentations(dir string) (all []presentation, err error) {
	for _, kind := range []struct {
		name   string
		attack bool
	}{{"live", false}, {"spoof", true}} {
		folder := filepath.Join(dir, kind.name)
		if fi, err := os.Stat(folder); err != nil || !fi.IsDir() {
			return nil, payment.WithHint(fmt.Errorf("measure liveness: no folder %s is there", folder), livenessLayout)
		}
		files, err := photosIn(folder)
		if err != nil {
			return nil, payment.WithHint(fmt.Errorf("read the folder of photos: %w", err),
				"make it readable for this user")
		}
		for _, f := range files {
			all = append(all, presentation{filepath.Join(folder, f), kind.attack})
		}
	}
	return all, nil
}

// look has every set look at a photo, whose number is i; what is no picture is none.
func (p presentation) look(
	pipelines []*vision.Pipeline, answers [][]vision.Passive, i int,
) (read bool, err error) {
	data, err := camera.ReadPhoto(p.path)
	if err != nil {
		return false, nil //nolint:nilerr // it is counted
	}
	img, err := camera.DecodePhoto(data, photoSide)
	if err != nil {
		return false, nil //nolint:nilerr // it is counted
	}
	for k, pipeline := range pipelines {
		l, err := pipeline.Look(img, vision.Detect|vision.WithPassive)
		if err != nil {
			return true, err
		}
		answers[k][i] = l.Passive
	}
	return true, nil
}
