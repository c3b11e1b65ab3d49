package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/books"
	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// span are the flags that choose days.
type span struct{ from, to string }

func (s *span) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.from, "from", "", "first day, as in 2026-03-01 (default the beginning)")
	cmd.Flags().StringVar(&s.to, "to", "", "last day, as in 2026-03-31 (default today)")
}

// days gives the span in the zone of this machine, the last day included.
func (s *span) days() (journal.Range, error) {
	for _, day := range []string{s.from, s.to} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return journal.Range{}, config.Usage(payment.WithHintf(fmt.Errorf("%q is no day", day),
				"write it as 2026-03-01"))
		}
	}
	if s.from != "" && s.to != "" && s.from > s.to {
		err := fmt.Errorf("no day is from %s and to %s", s.from, s.to)
		return journal.Range{}, config.Usage(payment.WithHint(err, "give the earlier day with --from"))
	}
	return journal.Range{FirstDay: s.from, LastDay: s.to, Zone: time.Local}, nil
}

func totalsCommand(a *app) *cobra.Command {
	var s span
	var asJSON, items bool
	cmd := &cobra.Command{
		Use: "totals", GroupID: "desk", Short: "Add up each day: approved, reversed, and what did not succeed",
		Long: "Add up what became of payments by day, currency and result. A reversal counts on the day on\n" +
			"which it was made. The terminal may run meanwhile.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			days, err := s.days()
			if err != nil {
				return err
			}
			return a.readJournal(cmd, func(r *journal.Reader, _ string) error {
				if items {
					return books.Items(cmd.Context(), cmd.OutOrStdout(), r, days, asJSON)
				}
				totals, err := r.Totals(cmd.Context(), days, time.Local)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(totals)
				}
				return books.Totals(cmd.OutOrStdout(), totals)
			})
		},
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, amounts in minor units")
	cmd.Flags().BoolVar(&items, "items", false, "the products of a vending machine instead, by their numbers")
	bindHidden(cmd)
	return cmd
}

func exportCommand(a *app) *cobra.Command {
	var s span
	format, lang := "csv", "en"
	cmd := &cobra.Command{
		Use: "export", Short: "Write all facts as CSV or JSON lines, or the payments for a spreadsheet",
		Args: cobra.NoArgs,
		Long: "Write all facts of the journal, one a line, in their order, as CSV or as lines of JSON. Amounts\n" +
			"are whole minor units.\n\n" +
			"--format book writes a CSV for a bookkeeper's spreadsheet: one row a payment, and one with an amount\n" +
			"below zero for each time that something was given back; local dates, decimals and words of --lang.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			days, err := s.days()
			if err != nil {
				return err
			}
			if !slices.Contains([]string{"csv", "json", "book"}, format) {
				return config.Usage(payment.WithHintf(fmt.Errorf("--format %q", format), "write csv or json, or book"))
			}
			if !slices.Contains(books.Languages(), lang) {
				return config.Usage(payment.WithHintf(fmt.Errorf("--lang %q", lang), "write en or de"))
			}
			return a.readJournal(cmd, func(r *journal.Reader, _ string) error {
				switch format {
				case "json":
					lines := json.NewEncoder(cmd.OutOrStdout())
					return r.Facts(cmd.Context(), days, func(f journal.Fact) error { return lines.Encode(f) })
				case "book":
					return books.Payments(cmd.Context(), cmd.OutOrStdout(), r, days, lang)
				}
				return books.CSV(cmd.Context(), cmd.OutOrStdout(), r, days)
			})
		},
	}
	s.bind(cmd)
	cmd.Flags().StringVar(&format, "format", format, "csv or json; book: for a spreadsheet")
	cmd.Flags().StringVar(&lang, "lang", lang, "language of --format book: en or de")
	return cmd
}

func parkedCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "parked", Short: "List the reports that can't be delivered", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.readJournal(cmd, func(r *journal.Reader, _ string) error {
				rows, err := r.Parked(cmd.Context(), 1000)
				if err != nil {
					return err
				}
				if len(rows) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "no report is parked")
					return nil
				}
				w := columns.New(cmd.OutOrStdout())
				fmt.Fprintln(w, "SEQ\tKIND\tPAYMENT OR SUBJECT\tWHY")
				for _, p := range rows {
					fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", p.Seq, p.Kind, p.PaymentID, p.Why)
				}
				return w.Flush()
			})
		},
	}
}

func unparkCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "unpark SEQ", Short: "Have the running terminal try a parked report again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			seq, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return config.Usage(payment.WithHintf(fmt.Errorf("%q is no number", args[0]),
					"`smiletill journal parked` lists them"))
			}
			return control.NewClient(cfg.Paths.ControlSocket).Unpark(cmd.Context(), seq)
		},
	}
}
