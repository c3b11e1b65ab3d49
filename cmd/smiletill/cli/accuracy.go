package cli

import (
	"runtime"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/rates"
)

func accuracyCommand(a *app) *cobra.Command {
	// 0.14: of a press photo that is cropped around one face (LFW), anything farther out is another person.
	o := rates.AccuracyOptions{Views: []string{"plain"}, Centre: 0.14, Seed: 1, Workers: runtime.GOMAXPROCS(0)}
	var smile, liveness, tail bool
	cmd := &cobra.Command{
		Use: "accuracy FACES", GroupID: "tech",
		Short: "Measure on your own photos how well the models tell people apart",
		Long: "Measure how well the models find faces and tell people apart, on a folder of photos\n" +
			"FACES/Name/photo.jpg (JPEG, PNG or GIF), two or more of each person. People with one photo are left\n" +
			"out: keep them for calibrating models, or take them as strangers with --singles.\n" +
			"The photos stay where they are; the report holds figures only, no name and no path. All gates of\n" +
			"quality are off: every face in the middle of its photo counts. With FACES/people.csv (a column of the\n" +
			"folders' names, others with age, gender or eth in their head) it reports by group too, and where\n" +
			"people have a photo neutral.jpg and one smiling.jpg, how well these are told apart.\n\n" +
			"With --smile it measures how well a smile is told from a face at rest instead: FACES/Name/neutral.jpg\n" +
			"and FACES/Name/smiling.jpg, rendered as frames of a camera.\n\n" +
			"With --liveness it measures how well the liveness network tells faces from pictures of them:\n" +
			"FACES/live/photo.jpg and FACES/spoof/photo.jpg (prints, screens). The largest face of a photo counts,\n" +
			"wherever it is. APCER and BPCER are as in ISO/IEC 30107-3; they hold for these photos alone.\n\n" +
			"With --tail it makes the tables by which a threshold follows the number of customers, and judges\n" +
			"those of half of the people on the other half; gallery.false_alarms is what is asked for.",
		Example: "  smiletill accuracy faces --out report\n" +
			"  smiletill accuracy faces --compare float=.build/models\n" +
			"  smiletill accuracy --smile smiles\n" +
			"  smiletill accuracy faces --tail --views both --on \"our photos of 2026\" --out tables\n" +
			"  smiletill accuracy --liveness attacks",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			o.Faces = args[0]
			measure := rates.MeasureAccuracy
			switch {
			case smile:
				measure = rates.MeasureSmiles
			case tail:
				measure = rates.MeasureTail
			case liveness:
				measure = rates.MeasureLiveness
			}
			return measure(cmd.Context(), cfg, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Out, "out", "o", "", "folder to write accuracy.md, accuracy.json and roc.svg into")
	f.BoolVar(&smile, "smile", false, "measure the smile, on a neutral and a smiling photo of each person")
	f.BoolVar(&liveness, "liveness", false,
		"measure the liveness network, on photos of faces and of pictures of them")
	f.BoolVar(&tail, "tail", false, "make the tables by which the threshold follows the gallery's size")
	f.StringVar(&o.On, "on", "", "with --tail: what the photos are, for the manifest")
	cmd.MarkFlagsMutuallyExclusive("smile", "liveness", "tail")
	f.StringArrayVar(&o.Compare, "compare", nil,
		"another set of models beside the one in use, DIR or NAME=DIR; the first is the reference; may be repeated")
	f.StringSliceVar(&o.Views, "views", o.Views,
		"what is embedded: plain (the face, as in a visit), both (with its mirror image, as in an enrolment)")
	f.StringVar(&o.Exclude, "exclude", "", "file with names of people to leave out, one a line")
	f.StringVar(&o.Errata, "errata", "", "file of label errors: two names a line who may be one, a tab between")
	f.BoolVar(&o.Singles, "singles", false,
		"measure a second time with people of one photo as further strangers")
	f.BoolVar(&o.Misses, "list-misses", false, "list on stderr the photos that could not be used, by name")
	f.Float32Var(&o.Centre, "centre", o.Centre,
		"how far from the middle the face may be, share of the photo's side (0.5: anywhere)")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of everything that is drawn")
	f.IntVar(&o.Workers, "workers", o.Workers,
		"photos that are looked at side by side, each with its own networks")
	bindHidden(cmd)
	return cmd
}
