package cli

import (
	"runtime"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/rates"
)

func attackCommand(a *app) *cobra.Command {
	o := rates.AttackOptions{Visits: 30, Seeds: "choosing", Demand: "light", Least: 3, People: 100,
		Workers: runtime.GOMAXPROCS(0)}
	cmd := &cobra.Command{
		Use: "attack", GroupID: "tech",
		Short: "Measure how many simulated attacks with photos and films pay here, and how many of the living",
		Long: "Play simulated visits to the networks and to the visit that a payment has: photos held up, bent,\n" +
			"cut, or bent by a program, films on screens and in the camera's place, and living heads. It prints\n" +
			"for each species how many were approved. What is simulated and what not: vision/attacks/README.md.\n\n" +
			"People come from DIR/Name/photo.jpg, each enrolled from other photos than the one that is shown;\n" +
			"without --photos the two portraits that the program brings are taken. The photos stay where they are;\n" +
			"the report holds figures only.",
		Example: "  smiletill attack --photos faces --visits 300 --seeds judging\n" +
			"  smiletill attack --species living,print --visits 20",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			return rates.MeasureAttacks(cmd.Context(), cfg, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Photos, "photos", "", "folder with a folder of photos for each person")
	f.IntVar(&o.Visits, "visits", o.Visits, "of each species")
	f.StringVar(&o.Seeds, "seeds", o.Seeds, "choosing, while a detector is worked on, or judging, for a report")
	f.StringVar(&o.Demand, "demand", o.Demand,
		"what the payment asks for besides the smile: none, passive or light")
	f.IntVar(&o.From, "from", 0, "the first seed: a report uses none that was used before")
	f.StringVarP(&o.Out, "out", "o", "", "folder to write attack.txt and attack.svg into")
	f.StringSliceVar(&o.Species, "species", nil, "only these, by name")
	f.IntVar(&o.Least, "least", o.Least, "photos that a person must have, of those that can be enrolled from")
	f.IntVar(&o.People, "people", o.People, "at most so many people")
	f.IntVar(&o.Workers, "workers", o.Workers,
		"visits that are played side by side, each with its own networks")
	bindHidden(cmd)
	return cmd
}
