package rates

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/trial"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/accuracy"
	"smiletill/vision/attacks"
)

// attackReport is what became of the visits of each species.
type attackReport struct {
	species []attacks.Species
	ends    [][]attackEnd
	demand  string
	seeds   string
	from    int
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
	fmt.Fprintf(out, "; demand %s; %s seeds from %d; %s, %s\n", r.demand, r.seeds, r.from, trial.Machine(),
		r.took.Round(time.Second))
	fmt.Fprint(out, "A simulated attack that ends in an approval counts as an error (APCER),\n"+
		"a living visit that does not as the other (BPCER); of the whole path, in percent, with exact\n"+
		"95 % bounds.\n\n")
	t := columns.New(out)
	fmt.Fprint(t, "species\tvisits\tface found %\trecognised\tsmiled\tundecided\tfailed\tapproved\t"+
		"error %\n")
	worst := accuracy.Share{N: 1, K: -1}
	for i, e := range r.errors() {
		var sum tally
		for k := range r.ends[i] {
			sum.add(&r.ends[i][k])
		}
		kind := "APCER"
		if r.ends[i][0].truth.Living {
			kind = "BPCER"
		} else if e.K*worst.N > worst.K*e.N {
			worst = e
		}
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%d\t%d\t%d\t%d\t%d\t%s %s\n", e.Name, sum.visits,
			100*float64(sum.found)/float64(max(sum.frames, 1)),
			sum.recognised, sum.consented, sum.undecided, sum.failed, sum.approved, kind, rate(e.K, e.N))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("measure attacks: print: %w", err)
	}
	switch {
	case worst.K == 0:
		fmt.Fprint(out, "\nno attack was approved\n")
	case worst.Name != "":
		fmt.Fprintf(out, "\nthe worst species: %s, APCER %.1f %%\n", worst.Name,
			100*float64(worst.K)/float64(worst.N))
	}
	for i := range r.species {
		if r.ends[i][0].truth.Living {
			return printLiving(out, r.ends[i])
		}
	}
	return nil
}

// errors are the attacks of each species that were approved, and the living that were not.
func (r *attackReport) errors() (all []accuracy.Share) {
	for i, s := range r.species {
		one := accuracy.Share{Name: string(s), N: len(r.ends[i])}
		for _, e := range r.ends[i] {
			if right := e.truth.Living; (e.approved && !e.wrong) != right || e.wrong {
				one.K++
			}
		}
		all = append(all, one)
	}
	return all
}

// write puts the report and its picture into a folder.
func (r *attackReport) write(dir string, text []byte) error {
	var picture bytes.Buffer
	err := accuracy.PlotShares(&picture, "Attacks approved (APCER), and living visits that were not (BPCER)",
		r.errors())
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	for name, data := range map[string][]byte{"attack.txt": text, "attack.svg": picture.Bytes()} {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
		}
	}
	if err != nil {
		return payment.WithHint(fmt.Errorf("write the report: %w", err),
			"name a folder that can be written with --out")
	}
	return nil
}

// printLiving says for whom and in what light the living are turned away.
func printLiving(out io.Writer, ends []attackEnd) error {
	if len(ends) == 0 {
		return nil
	}
	fmt.Fprint(out, "\nliving visits that were not approved, and of those that smiled the ones that were not\n"+
		"found to be live, by what was drawn for them:\n")
	t := columns.New(out)
	for _, g := range []struct {
		name string
		in   func(t *attacks.Truth) bool
	}{
		{"all", func(*attacks.Truth) bool { return true }},
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
			fmt.Fprintf(t, "%s\t%d of them\tBPCER %s\tof %d smiles %s\n", g.name, sum.visits,
				rate(sum.visits-(sum.approved-sum.wrong), sum.visits), sum.consented,
				rate(sum.undecided+sum.failed, sum.consented))
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("measure attacks: print: %w", err)
	}
	return nil
}
