package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/books"
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
				return books.Latest(cmd.OutOrStdout(), entries)
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
