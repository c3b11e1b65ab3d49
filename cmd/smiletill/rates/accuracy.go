package rates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/trial"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/accuracy"
)

// AccuracyOptions are what the command line of `smiletill accuracy` says.
type AccuracyOptions struct {
	Faces, Out string
	Compare    []string // DIR or NAME=DIR
	Views      []string
	Exclude    string
	Errata     string
	On         string // what a tail table says that it was measured on
	Singles    bool
	Misses     bool
	Centre     float32
	Seed       uint64
	Workers    int
}

// modelSet is a set of models, and the views that it embeds, under the name that it has in the report.
type modelSet struct {
	name  string
	set   models.Set
	views vision.Views
}

// MeasureAccuracy measures the models in use, and others, on a folder of photos, and prints the report. The
// folder o.Out gets it too, unless that is "".
func MeasureAccuracy(
	ctx context.Context,
	cfg config.Config,
	o AccuracyOptions,
	out, progress io.Writer,
) error {
	if !(o.Centre > 0 && o.Centre <= 0.5) || o.Workers < 1 {
		return config.Usage(payment.WithHintf(errors.New("measure accuracy: --centre or --workers is out of range"),
			"--centre takes 0 to 0.5, --workers 1 or more"))
	}
	sets, err := modelSets(cfg, o.Compare, o.Views)
	if err != nil {
		return err
	}
	album, err := openAlbum(o)
	if err != nil {
		return err
	}
	known, err := album.readErrata(o.Errata)
	if err != nil {
		return err
	}
	groups, err := album.readPeople()
	if err != nil {
		return err
	}
	meter := newMeter(progress)
	seen, err := album.look(ctx, sets, o, meter)
	if err != nil {
		return err
	}
	if o.Misses {
		seen.listMisses(progress, album)
	}
	in := seen.input(album, sets)
	if in.Sets[0].Cosine, in.Sets[0].Loose, err = sets[0].asked(cfg.Gallery.OneIn()); err != nil {
		return err
	}
	in.Apart, in.Errata, in.Groups = known.apart, known.count, groups
	if in.Unreadable > 0 && !o.Misses {
		fmt.Fprintf(progress, "could not be read: %d of %d photos; --list-misses names them\n", in.Unreadable,
			in.Photos)
	}
	r, err := accuracy.Measure(ctx, in, accuracy.Options{
		Seed: o.Seed, Workers: o.Workers, Singles: o.Singles, Progress: meter.step,
	})
	meter.end()
	if errors.Is(err, accuracy.ErrTooFew) {
		return payment.WithHintf(
			err,
			"of %d photos a face in the middle was found in %d: `--list-misses` names the "+
				"others, `--centre 0.5` takes a face anywhere",
			in.Photos,
			seen.usable(),
		)
	}
	if err != nil {
		return err
	}
	if err := r.Markdown(out); err != nil {
		return fmt.Errorf("measure accuracy: print: %w", err)
	}
	if o.Out == "" {
		return nil
	}
	return writeAccuracy(o.Out, r, progress)
}

// modelSets are the set in use and those to compare it with. The last part of a path names a set that has no
// name of its own. All sets come with the first views before any with the next.
func modelSets(cfg config.Config, compare, views []string) ([]modelSet, error) {
	own, err := trial.OpenModels(cfg)
	if err != nil {
		return nil, err
	}
	sets := []modelSet{{name: "in use", set: own}}
	for _, c := range compare {
		name, dir, named := strings.Cut(c, "=")
		if !named {
			name, dir = filepath.Base(filepath.Clean(c)), c
		}
		taken := func(s modelSet) bool { return s.name == name }
		if name == "" || dir == "" || strings.ContainsAny(name, "|\n") || slices.ContainsFunc(sets, taken) {
			return nil, config.Usage(payment.WithHintf(fmt.Errorf("measure accuracy: --compare %q", c),
				"give each set its own name: --compare NAME=DIR"))
		}
		set, err := models.Open(dir)
		if err != nil {
			return nil, err
		}
		sets = append(sets, modelSet{name: name, set: set})
	}
	var all []modelSet
	for i, v := range views {
		kind, known := map[string]vision.Views{"plain": vision.Plain, "both": vision.Both}[v]
		if !known || slices.Contains(views[:i], v) {
			return nil, config.Usage(payment.WithHintf(fmt.Errorf("measure accuracy: --views %q", v),
				"write --views plain, --views both, or --views plain,both"))
		}
		for _, s := range sets {
			s.views = kind
			if len(views) > 1 {
				s.name += ", " + v
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func writeAccuracy(dir string, r accuracy.Report, progress io.Writer) error {
	fail := func(err error) error {
		return payment.WithHintf(fmt.Errorf("write the report: %w", err),
			"name a folder with --out that you may write")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fail(err)
	}
	var text, curve strings.Builder
	data, err := json.MarshalIndent(r, "", "\t")
	if err := errors.Join(err, r.Markdown(&text), r.Plot(&curve)); err != nil {
		return fail(err)
	}
	text.WriteString("\n![true accepts over false accepts](roc.svg)\n")
	for name, data := range map[string]string{
		"accuracy.md": text.String(), "accuracy.json": string(data) + "\n", "roc.svg": curve.String(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			return fail(err)
		}
	}
	fmt.Fprintf(progress, "wrote accuracy.md, accuracy.json and roc.svg into %s\n", dir)
	return nil
}

// meter shows how far the work is: on one line of a terminal, else as a line every ten seconds.
type meter struct {
	w        io.Writer
	every    time.Duration
	line     bool // there is one to write over
	terminal bool
	name     string
	start    time.Time // of the step
	shown    time.Time
}

func newMeter(w io.Writer) *meter {
	m := &meter{w: w, every: 10 * time.Second, shown: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		m.terminal, m.every = true, time.Second/2
	}
	return m
}

// step tells the progress of a step; a new name begins a new one.
func (m *meter) step(name string, done, total int) {
	now := time.Now()
	if name != m.name {
		m.name, m.start = name, now
	}
	if now.Sub(m.shown) < m.every || total < 1 {
		return
	}
	m.shown = now
	text := fmt.Sprintf("%s: %d of %d", name, done, total)
	if spent := now.Sub(m.start); done > 0 && spent > time.Second {
		left := time.Duration(float64(spent) / float64(done) * float64(total-done))
		text += fmt.Sprintf(", %.1f a second, %s left", float64(done)/spent.Seconds(), left.Round(time.Second))
	}
	if m.terminal {
		fmt.Fprintf(m.w, "\r\x1b[K%s", text) // to the line's beginning, and clear it
		m.line = true
		return
	}
	fmt.Fprintln(m.w, text)
}

// end clears the line, so that what follows begins on a clean one.
func (m *meter) end() {
	if m.line {
		fmt.Fprint(m.w, "\r\x1b[K")
		m.line = false
	}
}
