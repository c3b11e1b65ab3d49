package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/trial"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision/networks"
)

func modelsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "models", GroupID: "tech", Short: "List, verify or change the neural networks",
		Long: "List, verify or change the neural networks. Two sets are built into this program, the default\n" +
			"one and a small one for slow machines (`smiletill bench --sets` says which to take); a shop can\n" +
			"bring its own in a folder with a manifest.json, which says what each is and where it comes from.",
		Args: cobra.NoArgs,
	}
	list := &cobra.Command{
		Use: "list", Short: "List the models in force, and the built-in sets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			set, err := a.models(cmd)
			if err != nil {
				return err
			}
			if err := printSet(cmd.OutOrStdout(), set); err != nil {
				return err
			}
			return printBuiltIn(cmd.OutOrStdout(), set)
		},
	}
	card := &cobra.Command{
		Use:   "card detect|mesh|embed|liveness",
		Short: "Print the model card: what it was trained on, what it can't do",
		Args:  cobra.ExactArgs(1), ValidArgs: []string{"detect", "mesh", "embed", "liveness"},
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := a.models(cmd)
			if err != nil {
				return err
			}
			text := set.Card(models.Task(args[0]))
			if text == nil {
				return payment.WithHintf(fmt.Errorf("there is no card for %q", args[0]),
					"the tasks are detect, mesh, embed and liveness; a model has a card if its manifest names one")
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	for _, c := range []*cobra.Command{list, card, verifyCommand(a), swapCommand(a)} {
		bindHidden(c)
		cmd.AddCommand(c)
	}
	cmd.AddCommand(tryCommand())
	return cmd
}

func verifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify [DIR]", Short: "Verify the models in force, or those of a folder",
		Long: "Verify the models in force, or those of a folder: manifest and hashes, whether the runtime takes\n" +
			"them, whether they are what the manifest says, and whether they tell two people apart. Exit code 0\n" +
			"only if all is well.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			dir, err := cfg.ModelsDir()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				dir = args[0]
			}
			set, err := models.Open(dir)
			if err != nil {
				return err
			}
			return trial.VerifySet(cmd.Context(), set, dir, cmd.OutOrStdout())
		},
	}
}

// models opens the models in force for a command.
func (a *app) models(cmd *cobra.Command) (models.Set, error) {
	cfg, err := a.load(cmd)
	if err != nil {
		return models.Set{}, err
	}
	return trial.OpenModels(cfg)
}

func printSet(w io.Writer, set models.Set) error {
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

// printBuiltIn lists the sets in this program, and which of them is in force.
func printBuiltIn(w io.Writer, used models.Set) error {
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

func swapCommand(a *app) *cobra.Command {
	var back, yes bool
	cmd := &cobra.Command{
		Use: "swap DIR | swap --embedded [small]", Short: "Use the models of a folder, or built-in ones",
		Long: "Use the models of a folder: it is verified as `models verify` does, copied into the data folder\n" +
			"and taken into use whole or not at all, also by the running terminal. --embedded undoes it;\n" +
			"--embedded small takes the built-in set for slow machines, which misses more customers.\n" +
			"Customers who were enrolled with another embedding model must be enrolled again: their number is\n" +
			"told first, and nothing changes without --yes.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := setNamed(args, back)
			if err != nil {
				return err
			}
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if cfg.Paths.ModelsDir != "" {
				return payment.WithHintf(
					fmt.Errorf("models swap: paths.models_dir is set (%s)", cfg.Origin("paths.models_dir")),
					"it decides alone: take it out there, or let it name another folder and restart the terminal",
				)
			}
			closed := files.New(cfg, slog.New(slog.DiscardHandler))
			s := trial.SwapOptions{Yes: yes, Enrolled: closed.CustomersUnder}
			return trial.Swap(cmd.Context(), cfg, dir, s, cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&back, "embedded", false,
		"use the built-in models again; with small those for slow machines")
	cmd.Flags().BoolVar(&yes, "yes", false, "go on although customers must be enrolled again")
	return cmd
}

// setNamed is what models.Open is given for the arguments of a swap.
func setNamed(args []string, builtIn bool) (string, error) {
	switch {
	case !builtIn && len(args) == 1:
		return args[0], nil
	case builtIn && len(args) == 0:
		return "", nil
	case builtIn && args[0] == "small":
		return models.Small, nil
	}
	return "", config.Usage(payment.WithHintf(errors.New("models swap: a folder or --embedded"),
		"name the folder with the new models and their manifest.json, or give --embedded, or --embedded small"))
}

// tryCommand is what trial.VerifySet runs in the child.
func tryCommand() *cobra.Command {
	return &cobra.Command{
		Use: "try DIR", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			got, err := trial.TryHere(args[0])
			if err != nil {
				got.Error, got.Hint = err.Error(), payment.HintOf(err)
			}
			return json.NewEncoder(cmd.OutOrStdout()).Encode(got)
		},
	}
}
