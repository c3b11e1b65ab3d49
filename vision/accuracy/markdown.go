package accuracy

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Markdown writes the report as tables with what they mean.
func (r Report) Markdown(w io.Writer) error {
	t := &text{}
	t.line("# Accuracy")
	t.line("")
	t.line("%s photos%s. Seed %d; 95 %% bounds from %s bootstrap rounds over people; folds and galleries drawn",
		thousands(r.Photos), unreadable(r.Unreadable), r.Seed, thousands(r.Rounds))
	t.line("%d times.", r.Draws)
	if e := r.Errata; e != (Errata{}) {
		t.line("Known label errors: pairs of people who may be one and are never compared as two: %s; pairs with",
			thousands(e.Pairs))
		t.line("a name that is not among these photos: %s.", thousands(e.Unknown))
	}
	if n := len(r.Detection); n > 1 {
		t.line("Differences are to **%s**, on the same photos and draws.", r.Detection[reference(n)].Set)
	}
	t.line("")
	t.line("## Finding faces")
	t.line("")
	t.table("models", "photos", "a face found", "of these usable: the largest face is in the middle")
	for _, d := range r.Detection {
		t.table(d.Set, thousands(d.Pictures), share(d.Found, d.Pictures), share(d.Usable, d.Pictures))
	}
	for _, s := range r.Scopes {
		s.markdown(t, len(r.Detection) > 1)
	}
	r.groupsMarkdown(t)
	r.Smiles.markdown(t)
	_, err := io.WriteString(w, t.String())
	return err
}

func (s *Scope) markdown(t *text, compared bool) {
	who := "people with two photos or more"
	if s.Singles {
		who = "the same, with people of one photo as further strangers"
	}
	t.section("## Two photos: the same person? (%s)", who)
	t.line("%s photos of %s people, all pairs: %s of one person, %s of two people.", thousands(s.Photos),
		thousands(s.People), thousands(s.Genuine), thousands(s.Impostor))
	t.line("")
	head := []string{"false accepts", "models", "cosine (95 %)", "true accepts, % (95 %)"}
	t.differing(compared, head...)
	for k := range falseAccepts {
		for _, v := range s.Verification {
			p := v.Points[k]
			if p.Missing != "" {
				t.differing(compared, rate(p.FAR), v.Set, "-", p.Missing, "")
				continue
			}
			t.differing(compared, rate(p.FAR), v.Set, p.Cosine.cosine(), p.Accepted.percent(), gap(p.Minus))
		}
	}
	for _, v := range s.Verification {
		t.differing(compared, "as many as false refusals: "+percent(v.EqualError)+" %", v.Set,
			fmt.Sprintf("%.3f", v.EqualErrorCosine), percent(1-v.EqualError), "")
	}
	if !s.Singles {
		s.Folds.markdown(t, compared)
	}
	t.section("## One photo against a gallery: who is it? (%s)", who)
	t.line("Missed: customers' photos that find nobody or another customer. The threshold is where the given")
	t.line("share of strangers' photos finds somebody (false alarms). A customer of several templates is their")
	t.line("mean, as at the till; one photo a search and no margin to the second best, unlike there. Bounds are")
	t.line("of the draws.")
	t.line("")
	t.differing(compared, "customers", "templates each", "false alarms", "models", "cosine", "missed, % (95 %)")
	rough := false
	for _, c := range s.Identification {
		size, each, alarms := thousands(c.Customers), strconv.Itoa(c.Templates), rate(c.FPIR)
		if c.Missing != "" {
			t.differing(compared, size, each, alarms, "all", "-", c.Missing, "")
			continue
		}
		if c.Rough {
			alarms += " *"
			rough = true
		}
		for _, x := range c.Results {
			t.differing(compared, size, each, alarms, x.Set, fmt.Sprintf("%.3f", x.Cosine), x.Missed.percent(),
				gap(x.Minus))
		}
	}
	if rough {
		t.line("")
		t.line("\\* rough: fewer photos of strangers than three over the rate.")
	}
	s.inUseMarkdown(t)
	s.rulesMarkdown(t)
}

func (f *Folds) markdown(t *text, compared bool) {
	t.section("## Balanced pairs, ten folds (as LFW View 2)")
	if f.Missing != "" {
		t.line("Not measured: %s.", f.Missing)
		return
	}
	t.line("%s pairs a draw, people apart in ten folds; the threshold of each fold comes from the nine others.",
		thousands(f.Pairs))
	t.line("")
	t.differing(compared, "models", "right answers, % (standard error)")
	for _, r := range f.Results {
		t.differing(compared, r.Set, fmt.Sprintf("%s (%s)", percent(r.Accuracy), percent(r.Error)), gap(r.Minus))
	}
}

// text collects lines and tables; a table's first row is its head.
type text struct {
	strings.Builder
	inTable bool
}

func (t *text) line(format string, args ...any) {
	t.inTable = false
	fmt.Fprintf(t, format+"\n", args...)
}

func (t *text) section(format string, args ...any) {
	t.line("")
	t.line(format, args...)
	t.line("")
}

func (t *text) table(cells ...string) {
	fmt.Fprintf(t, "| %s |\n", strings.Join(cells, " | "))
	if !t.inTable {
		fmt.Fprintf(t, "|%s\n", strings.Repeat("---|", len(cells)))
	}
	t.inTable = true
}

// differing writes a row whose last column, the difference, only stands where there is one. A head names
// no difference.
func (t *text) differing(compared bool, cells ...string) {
	switch {
	case !t.inTable && compared:
		cells = append(cells, "difference, points (95 %)")
	case t.inTable && !compared:
		cells = cells[:len(cells)-1]
	}
	t.table(cells...)
}

func unreadable(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of them unreadable and left out", thousands(n))
}

func percent(v float64) string { return fmt.Sprintf("%.2f", 100*v) }

func (v Interval) percent() string {
	return fmt.Sprintf("%s (%s to %s)", percent(v.Value), percent(v.Low), percent(v.High))
}

func (v Interval) cosine() string { return fmt.Sprintf("%.3f (%.3f to %.3f)", v.Value, v.Low, v.High) }

func gap(v *Interval) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%+.2f (%+.2f to %+.2f)", 100*v.Value, 100*v.Low, 100*v.High)
}

func share(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%s %%)", thousands(n), percent(float64(n)/float64(of)))
}

// rate writes 0.001 as "1 in 1,000".
func rate(r float64) string { return "1 in " + thousands(int(1/r+0.5)) }

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
