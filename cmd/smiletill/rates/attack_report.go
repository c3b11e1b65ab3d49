package rates

import (
	"fmt"
	"io"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/trial"
	"smiletill/vision"
	"smiletill/vision/accuracy"
	"smiletill/vision/attacks"
)

// attackReport is what became of the visits of each species.
type attackReport struct {
	species []attacks.Species
	ends    [][]attackEnd
	seeds   string
	cast    *attackCast
	took    time.Duration
}

// tally counts visits.
type tally struct{ visits, recognised, consented, undecided, failed, approved, wrong, frames, found int }

func (c *tally) add(e *attackEnd) {
	count := func(b bool, n *int) {
		if b {
			*n++
		}
	}
	c.visits++
	c.frames, c.found = c.frames+e.frames, c.found+e.found
	count(e.recognised, &c.recognised)
	count(e.consented, &c.consented)
	count(e.verdict == vision.VerdictUndecided, &c.undecided)
	count(e.verdict == vision.VerdictFailed, &c.failed)
	count(e.approved || e.wrong, &c.approved)
	count(e.wrong, &c.wrong)
}

// rate is k of n in percent with its 95 % bounds.
func rate(k, n int) string {
	low, high := accuracy.Bounds(k, n)
	return fmt.Sprintf("%.1f (%.1f - %.1f)", 100*float64(k)/float64(max(n, 1)), 100*low, 100*high)
}

func (r *attackReport) print(out io.Writer) error {
	c := r.cast
	fmt.Fprintf(out, "%d people of %d photos", len(c.people), c.photos)
	if c.shared > 0 {
		fmt.Fprintf(out, ", %d of them enrolled from a photo that is shown as the second of two", c.shared)
	}
	fmt.Fprintf(out, "; %s seeds from 0; %s, %s\n", r.seeds, trial.Machine(), r.took.Round(time.Second))
	fmt.Fprint(out, "A simulated attack that ends in an approval counts as an error (APCER),\n"+
		"a living visit that does not as the other (BPCER); of the whole path, in percent, with exact\n"+
		"95 % bounds.\n\n")
	t := columns.New(out)
	fmt.Fprint(t, "species\tvisits\tface found %\trecognised\tsmiled\tundecided\tfailed\tapproved\terror %\n")
	worst, worstRate := attacks.Species(""), -1.0
	var living []attackEnd
	for i, s := range r.species {
		var sum tally
		for k := range r.ends[i] {
			sum.add(&r.ends[i][k])
		}
		kind, wrong := "APCER", sum.approved
		if r.ends[i][0].truth.Living {
			kind, wrong = "BPCER", sum.visits-(sum.approved-sum.wrong)
			living = r.ends[i]
		} else if part := float64(wrong) / float64(sum.visits); part > worstRate {
			worst, worstRate = s, part
		}
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%d\t%d\t%d\t%d\t%d\t%s %s\n", s, sum.visits,
			100*float64(sum.found)/float64(max(sum.frames, 1)),
			sum.recognised, sum.consented, sum.undecided, sum.failed, sum.approved, kind, rate(wrong, sum.visits))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("measure attacks: print: %w", err)
	}
	if worst != "" {
		fmt.Fprintf(out, "\nthe worst species: %s, APCER %.1f %%\n", worst, 100*worstRate)
	}
	return printLiving(out, living)
}

// printLiving says for whom and in what light the living are turned away.
func printLiving(out io.Writer, ends []attackEnd) error {
	if len(ends) == 0 {
		return nil
	}
	fmt.Fprint(out, "\nliving visits not approved, by what was drawn for them:\n")
	t := columns.New(out)
	for _, g := range []struct {
		name string
		in   func(t *attacks.Truth) bool
	}{
		{"room light up to 250 lx", func(t *attacks.Truth) bool { return t.Lux <= 250 }},
		{"250 to 500 lx", func(t *attacks.Truth) bool { return t.Lux > 250 && t.Lux <= 500 }},
		{"above 500 lx", func(t *attacks.Truth) bool { return t.Lux > 500 }},
		{"skin of albedo up to 0.12", func(t *attacks.Truth) bool { return t.Albedo <= 0.12 }},
		{"skin of albedo from 0.25", func(t *attacks.Truth) bool { return t.Albedo >= 0.25 }},
		{"with glasses", func(t *attacks.Truth) bool { return t.Glasses }},
		{"camera below 10 pictures a second", func(t *attacks.Truth) bool { return t.FPS < 10 }},
	} {
		var sum tally
		for i := range ends {
			if g.in(&ends[i].truth) {
				sum.add(&ends[i])
			}
		}
		if sum.visits > 0 { // of none there is no rate
			fmt.Fprintf(t, "%s\t%d of them\tBPCER %s\n", g.name, sum.visits,
				rate(sum.visits-(sum.approved-sum.wrong), sum.visits))
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("measure attacks: print: %w", err)
	}
	return nil
}
