package rates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
	"smiletill/vision/accuracy"
)

// MeasureTail makes the tables by which thresholds follow a gallery's size, of the models in use, on a
// folder of photos, and prints how tables of half of the people did on the other half. The folder o.Out
// gets tail.json, for a manifest, and tail.md.
func MeasureTail(ctx context.Context, cfg config.Config, o AccuracyOptions, out, progress io.Writer) error {
	switch {
	case !(o.Centre > 0 && o.Centre <= 0.5) || o.Workers < 1:
		return config.Usage(payment.WithHint(errors.New("measure the tail: --centre or --workers is out of range"),
			"--centre takes 0 to 0.5, --workers 1 or more"))
	case len(o.Views) != 1 || len(o.Compare) > 0:
		return config.Usage(payment.WithHint(errors.New("measure the tail: it is of one set and one view"),
			"leave --compare out, and write one of --views plain and --views both"))
	case strings.TrimSpace(o.On) == "":
		return config.Usage(payment.WithHint(errors.New("measure the tail: what it is measured on has no name"),
			`name the photos, as in --on "Labeled Faces in the Wild, part"`))
	}
	sets, err := modelSets(cfg, nil, o.Views)
	if err != nil {
		return err
	}
	o.Singles = true // strangers of one photo are as good
	album, err := openAlbum(o)
	if err != nil {
		return err
	}
	known, err := album.readErrata(o.Errata)
	if err != nil {
		return err
	}
	meter := newMeter(progress)
	seen, err := album.look(ctx, sets, o, meter)
	if err != nil {
		return err
	}
	in := seen.input(album, sets)
	in.Apart, in.Errata = known.apart, known.count
	r, err := accuracy.MeasureTail(ctx, in, 1/float64(cfg.Gallery.OneIn()), accuracy.Options{
		Seed: o.Seed, Workers: o.Workers, Progress: meter.step})
	meter.end()
	if err != nil {
		return payment.WithHint(err, "take photos of some hundred people at least, many of them with three or "+
			"more: rare mistakes show in many comparisons only")
	}
	for i := range r.Tables {
		r.Tables[i].On = fmt.Sprintf("%s: %d photos of %d people", o.On, r.Photos, r.People)
	}
	if err := r.Markdown(out); err != nil {
		return fmt.Errorf("measure the tail: print: %w", err)
	}
	if o.Out == "" {
		return nil
	}
	return writeTail(o.Out, r, progress)
}

func writeTail(dir string, r accuracy.TailReport, progress io.Writer) error {
	var text strings.Builder
	data, err := json.MarshalIndent(r.Tables, "", "  ")
	if err = errors.Join(err, r.Markdown(&text), os.MkdirAll(dir, 0o755)); err == nil {
		err = os.WriteFile(filepath.Join(dir, "tail.json"), append(data, '\n'), 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "tail.md"), []byte(text.String()), 0o644)
	}
	if err != nil {
		return payment.WithHint(fmt.Errorf("write the tables: %w", err),
			"name a folder with --out that you may write")
	}
	fmt.Fprintf(progress, "wrote tail.json, for \"tail\" of the embedder in a manifest, and tail.md into "+
		"%s\n", dir)
	return nil
}
