package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
					return printItems(cmd, r, days, asJSON)
				}
				totals, err := r.Totals(cmd.Context(), days, time.Local)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(totals)
				}
				return printTotals(cmd.OutOrStdout(), totals)
			})
		},
	}
	s.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, amounts in minor units")
	cmd.Flags().BoolVar(&items, "items", false, "the products of a vending machine instead, by their numbers")
	bindHidden(cmd)
	return cmd
}

// printItems prints what was sold of each product of a vending machine.
func printItems(cmd *cobra.Command, r *journal.Reader, days journal.Range, asJSON bool) error {
	all, err := r.Items(cmd.Context(), days)
	switch {
	case err != nil:
		return err
	case asJSON:
		return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
	case len(all) == 0:
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "no product of a vending machine in these days")
		return err
	}
	t := &columns.Writer{Out: cmd.OutOrStdout(), Right: true}
	fmt.Fprintln(t, "PRODUCT\tSOLD\tFOR\t\tNOT CHARGED\tOF THESE MAY HAVE FALLEN\t")
	for _, one := range all {
		sum := payment.Amount{Minor: one.Minor, Currency: one.Currency}.Decimal()
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%d\t\n", plain(one.Item), one.Sold, sum, one.Currency, one.Voided, one.Unsure)
	}
	return t.Flush()
}

// printTotals prints a block for each day and currency, with what the merchant got.
func printTotals(w io.Writer, totals []journal.Total) error {
	if len(totals) == 0 {
		_, err := fmt.Fprintln(w, "no payments in these days")
		return err
	}
	t := &columns.Writer{Out: w, Right: true}
	untimed := 0
	for i, one := range totals {
		first := i == 0 || totals[i-1].Day != one.Day || totals[i-1].Currency != one.Currency
		if first {
			fmt.Fprintf(t, "%s\tCOUNT\t%s\tFACTS\t\n", one.Day, one.Currency)
		}
		sum := payment.Amount{Minor: one.Minor, Currency: one.Currency}.Decimal()
		fmt.Fprintf(t, "%s\t%d\t%s\t%d to %d\t\n", one.Result, one.Count, sum, one.First, one.Last)
		untimed += one.Untimed
		if i+1 == len(totals) || totals[i+1].Day != one.Day || totals[i+1].Currency != one.Currency {
			got := payment.Amount{Minor: netOf(totals, one.Day, one.Currency), Currency: one.Currency}
			fmt.Fprintf(t, "net\t\t%s\t\t\n\t\t\t\t\n", got.Decimal())
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if untimed > 0 {
		fmt.Fprintf(
			w,
			"%d of these were written while the clock was not known to be right: their day may be wrong\n",
			untimed,
		)
	}
	return nil
}

// netOf is what was approved less what was given back.
func netOf(totals []journal.Total, day, currency string) (minor int64) {
	for _, t := range totals {
		switch {
		case t.Day != day || t.Currency != currency:
		case t.Result == "approved":
			minor += t.Minor
		case t.Result == "reversed":
			minor -= t.Minor
		}
	}
	return minor
}

func exportCommand(a *app) *cobra.Command {
	var s span
	format := "csv"
	cmd := &cobra.Command{
		Use: "export", Short: "Write all facts as CSV or JSON lines", Args: cobra.NoArgs,
		Long: "Write all facts of the journal, one a line, in their order, as CSV or as lines of JSON. Amounts\n" +
			"are whole minor units.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			days, err := s.days()
			if err != nil {
				return err
			}
			if format != "csv" && format != "json" {
				return config.Usage(payment.WithHintf(fmt.Errorf("--format %q", format), "write csv or json"))
			}
			return a.readJournal(cmd, func(r *journal.Reader, _ string) error {
				if format == "json" {
					lines := json.NewEncoder(cmd.OutOrStdout())
					return r.Facts(cmd.Context(), days, func(f journal.Fact) error { return lines.Encode(f) })
				}
				return exportCSV(cmd, r, days)
			})
		},
	}
	s.bind(cmd)
	cmd.Flags().StringVar(&format, "format", format, "csv or json")
	return cmd
}

func exportCSV(cmd *cobra.Command, r *journal.Reader, days journal.Range) error {
	w := csv.NewWriter(cmd.OutOrStdout())
	err := w.Write([]string{"seq", "kind", "time", "time_trusted", "payment_id", "reversal_id", "amount_minor",
		"currency", "reason", "customer", "method", "limits", "reference", "terminal", "event_id", "hash",
		"camera", "demand", "verdict", "answered", "judged_frames", "screen", "vend", "item"})
	if err != nil {
		return err
	}
	err = r.Facts(cmd.Context(), days, func(f journal.Fact) error {
		return w.Write([]string{strconv.FormatInt(f.Seq, 10), f.Kind, f.Time.Format(time.RFC3339Nano),
			strconv.FormatBool(f.TimeTrusted), f.PaymentID, f.ReversalID, strconv.FormatInt(f.Amount.Minor, 10),
			f.Amount.Currency, string(f.Reason), f.Customer, f.Method, string(f.Limits), plain(f.Reference),
			f.Terminal, f.ID, f.Hash, strings.TrimSpace(f.Camera.Kind + " " + f.Camera.Driver),
			string(f.Demand), string(f.Liveness.Verdict), string(f.Liveness.Demand), frames(f.Liveness.Frames),
			f.Liveness.Screen, vend(f), plain(f.Item)})
	})
	w.Flush()
	if err != nil {
		return err
	}
	return w.Error()
}

// vend says that a fact is of a vending machine's payment; empty: it is not.
func vend(f journal.Fact) string {
	if !f.Vend {
		return ""
	}
	return "true"
}

// frames is a count of an approval's frames; empty where nothing was counted.
func frames(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// plain keeps a caller's words from being taken for a formula by a spreadsheet.
func plain(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
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
