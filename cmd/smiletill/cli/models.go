package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/files"
	"smiletill/cmd/smiletill/trial"
	"smiletill/models"
	"smiletill/payment"
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
			if err := trial.PrintModels(cmd.OutOrStdout(), set); err != nil {
				return err
			}
			return trial.PrintBuiltIn(cmd.OutOrStdout(), set)
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

func swapCommand(a *app) *cobra.Command {
	var back, yes bool
	cmd := &cobra.Command{
		Use: "swap DIR | swap --embedded [small]", Short: "Use the models of a folder, or built-in ones",
		Long: "Use the models of a folder: it is verified as `models verify` does, copied into the data folder\n" +
			"and taken into use whole or not at all, also by the running terminal. --embedded undoes it;\n" +
			"--embedded small takes the built-in set for slow machines, which misses more customers.\n" +
			"Customers who were enrolled with another embedding model come over one by one where that model is\n" +
			"still on this device; else they must be enrolled again: their number is told first, and nothing\n" +
			"changes without --yes.",
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
			s := trial.SwapOptions{Yes: yes, Enrolled: closed.CustomersUnder,
				Before: closed.Before}
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
