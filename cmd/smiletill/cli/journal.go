package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment"
	"smiletill/payment/journal"
)

func journalCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "journal", GroupID: "desk", Short: "List, verify and export the journal", Args: cobra.NoArgs,
	}
	limit := 20
	list := &cobra.Command{
		Use: "list", Short: "List the latest payments, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.readJournal(cmd, func(r *journal.Reader, _ string) error {
				entries, err := r.List(cmd.Context(), journal.Filter{Limit: limit})
				if err != nil {
					return err
				}
				return printPayments(cmd.OutOrStdout(), entries)
			})
		},
	}
	list.Flags().IntVarP(&limit, "limit", "n", limit, "how many; negative lists all")
	verify := &cobra.Command{
		Use: "verify", Short: "Check every fact, link and total of the journal",
		Long: "Check the journal: the database's structure, every link of the hash chain, the payments against\n" +
			"the facts, and the reports against the approvals. The terminal may run meanwhile. Nothing is changed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.readJournal(cmd, func(r *journal.Reader, path string) error {
				start := time.Now()
				report, err := r.Verify(cmd.Context(), progressLine(cmd.ErrOrStderr(), "checked %d of %d facts", start))
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(),
					"%s is sound: %d payments (%d approved, %d open), %d reversals in %d facts, chain unbroken\nhead %s\n",
					path, report.Payments, report.Approved, report.Open, report.Reversals, report.Facts, report.Head)
				if report.TakenOver > 0 {
					fmt.Fprintf(
						cmd.OutOrStdout(),
						"before the chain: %d facts taken over from a damaged journal, each whole; "+
							"%d gaps, %d payments whose outcome was lost\n",
						report.TakenOver,
						report.Gaps,
						report.Unsure,
					)
				}
				return nil
			})
		},
	}
	for _, c := range []*cobra.Command{list, verify, auditCommand(a), exportCommand(a), parkedCommand(a),
		unparkCommand(a), quarantineCommand(a), backCommand(a), journalReconcileCommand(a)} {
		bindHidden(c)
		cmd.AddCommand(c)
	}
	return cmd
}

func (a *app) readJournal(cmd *cobra.Command, use func(r *journal.Reader, path string) error) error {
	cfg, err := a.load(cmd)
	if err != nil {
		return err
	}
	path := cfg.JournalPath()
	r, err := journal.OpenReader(cmd.Context(), path)
	if err != nil {
		return err
	}
	return errors.Join(use(r, path), r.Close())
}

func printPayments(w io.Writer, entries []journal.Entry) error {
	if len(entries) == 0 {
		_, err := fmt.Fprintln(w, "no payments yet")
		return err
	}
	t := columns.New(w)
	// Whoever has no vending machine needs no column for its products.
	vends := slices.ContainsFunc(entries, func(e journal.Entry) bool { return e.Payment.Vend })
	item := func(text string) string {
		if !vends {
			return ""
		}
		return "\t" + text
	}
	fmt.Fprintf(t, "SEQ\tOPENED\tAMOUNT\tSTATE\tREASON\tREPORT\tCUSTOMER%s\tID\n", item("PRODUCT"))
	for _, e := range entries {
		p := e.Payment
		opened := p.OpenedAt.Local().Format(time.DateTime)
		if !p.TimeTrusted {
			opened += "?" // the clock was not known to be right
		}
		state := string(p.State)
		if p.Reversed > 0 {
			state += ", " + payment.Amount{Minor: p.Reversed, Currency: p.Amount.Currency}.Decimal() + " back"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s%s\t%s\n", e.Seq, opened, p.Amount, state,
			dash(string(p.Reason)), dash(string(e.Delivery)), dash(p.Customer), item(dash(p.Item)), p.ID)
	}
	return t.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// progressLine reports work that takes longer than two seconds, at most once a second.
func progressLine(w io.Writer, format string, start time.Time) func(done, total int64) {
	last := start.Add(time.Second)
	return func(done, total int64) {
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			fmt.Fprintf(w, format+"\n", done, total)
		}
	}
}
