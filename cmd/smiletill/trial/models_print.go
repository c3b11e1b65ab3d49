package trial

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"smiletill/cmd/smiletill/columns"
	"smiletill/models"
	"smiletill/vision/networks"
)

// PrintModels lists the networks of a set: file, hash, thresholds, what was measured, source and licence.
func PrintModels(w io.Writer, set models.Set) error {
	t := columns.New(w)
	for i, task := range set.Tasks() {
		mod, th := set.Model(task), set.Model(task).Thresholds
		if i > 0 {
			fmt.Fprintln(t, "\t\t")
		}
		row := func(name, format string, args ...any) {
			fmt.Fprintf(t, "\t%s\t%s\n", name, fmt.Sprintf(format, args...))
		}
		fmt.Fprintf(t, "%s\tfile\t%s\n", task, filepath.Join(networks.Origin(set, task), mod.File))
		from := "the shop's own"
		if set.Embedded(task) {
			from = "built into this program"
		}
		row("from", "%s", from)
		row("sha256", "%.12s...", mod.SHA256)
		row("arithmetic", "%s, %.2f MB", mod.Arithmetic, float64(mod.Bytes)/1e6)
		row("takes, gives", "%v, %v", tensorText(mod.Inputs), tensorText(mod.Outputs))
		if task == models.Embed {
			row("thresholds", "match %.3f, verify %.3f, same face %.3f, margin %.3f", th.Match, th.Verify, th.SameFace,
				th.Margin)
		} else {
			row("thresholds", "score %.2f", th.Score)
		}
		row("", "of %s", th.From)
		for _, m := range mod.Accuracy {
			row("measured", "%s: %v (%v to %v), on %s", m.Measure, m.Value, m.Low, m.High, m.On)
		}
		row("source", "%s", mod.Source)
		row("licence", "%s", mod.Licence)
		if mod.Card != "" {
			row("card", "`smiletill models card %s`", task)
		}
		if mod.EdgeTPU != nil {
			row("accelerator", "Edge TPU variant %s, %.12s...", mod.EdgeTPU.File, mod.EdgeTPU.SHA256)
		} else {
			row("accelerator", "no variant")
		}
	}
	fmt.Fprintf(t, "\t\t\nmanifest\tsha256\t%.16s..., in each approval's fact\n", set.ManifestSHA256())
	return t.Flush()
}

// PrintBuiltIn lists the sets in this program, and which of them is in force.
func PrintBuiltIn(w io.Writer, used models.Set) error {
	t := columns.New(w)
	fmt.Fprintln(t, "\nbuilt-in set\ttells people apart by\t\t")
	for _, s := range []struct{ name, dir, back string }{
		{"default", "", "smiletill models swap --embedded"},
		{"small", models.Small, "smiletill models swap --embedded small"},
	} {
		set, err := models.Open(s.dir)
		if err != nil {
			return err
		}
		embed := set.Model(models.Embed)
		now := fmt.Sprintf("`%s` takes it", s.back)
		if used.Dir == "" && used.Small == set.Small {
			now = "in force"
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f MB\t%s\n", s.name, embed.File, float64(embed.Bytes)/1e6, now)
	}
	return t.Flush()
}

func tensorText(ts []models.Tensor) string {
	var parts []string
	for _, t := range ts {
		s := fmt.Sprintf("%s %v", t.Type, t.Shape)
		if t.Type != "float32" {
			s += fmt.Sprintf(" (scale %v, zero point %d)", t.Scale, t.ZeroPoint)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " and ")
}
