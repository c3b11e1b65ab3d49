package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment/journal"
)

func auditCommand(a *app) *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use: "audit", Short: "List what was done to the terminal, and who did it",
		Args: cobra.NoArgs,
		Long: "List what was done to the terminal besides payments, newest first: to customers, clerks and\n" +
			"registers, to its settings, models and program, to its case; and by whom, where that is known. Each\n" +
			"is a fact of the journal and reaches the cloud. Changes made while the terminal did not run are found\n" +
			"at its start.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.readJournal(cmd, func(r *journal.Reader, _ string) error {
				all, err := r.Audits(cmd.Context(), limit)
				if err != nil {
					return err
				}
				return printAudits(cmd.OutOrStdout(), all)
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", limit, "how many; negative lists all")
	return cmd
}

func printAudits(w io.Writer, all []journal.Audit) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "nothing was changed since the journal began")
		return err
	}
	t := columns.New(w)
	fmt.Fprintln(t, "TIME\tWHAT\tWHOM\tBY\tHOW")
	for _, a := range all {
		whom := cmp.Or(a.Customer, a.Clerk)
		if a.Register != "" {
			whom = fmt.Sprintf("%s, version %d", a.Register, a.KeyVersion)
		}
		var how []string
		if a.Formerly != "" {
			how = append(how, "formerly "+a.Formerly)
		}
		if a.Unmatched {
			how = append(how, "the new face was not compared with the old one")
		}
		if a.Carried {
			how = append(how, "another model; by the one before the face is the same")
		}
		if a.OtherFace {
			how = append(how, "another face; "+a.Second.String()+" stood by it")
		}
		if a.Keys != "" {
			how = append(how, a.Keys)
		}
		if a.Consent != "" {
			how = append(how, "agreed to "+a.Consent)
		}
		if a.Offline {
			how = append(how, "not by the running terminal")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", a.At.Local().Format(time.DateTime),
			strings.ReplaceAll(a.What, "_", " "), whom, a.Who, strings.Join(how, "; "))
	}
	return t.Flush()
}
