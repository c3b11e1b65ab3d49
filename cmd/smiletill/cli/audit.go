package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment"
	"smiletill/payment/journal"
)

func auditCommand(a *app) *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use: "audit", Short: "List who was enrolled, renewed, removed, and which registers were paired",
		Args: cobra.NoArgs,
		Long: "List the latest changes of who may pay and which register is let in, newest first. Each is\n" +
			"a fact of the journal and reaches the cloud. Changes made while the terminal did not run are found at\n" +
			"its start.",
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
	fmt.Fprintln(t, "TIME\tWHAT\tWHOM\tHOW")
	for _, a := range all {
		whom := a.Customer
		if a.Register != "" {
			whom = fmt.Sprintf("%s, version %d", a.Register, a.KeyVersion)
		}
		var how []string
		if a.Closing != nil {
			whom = fmt.Sprintf("number %d", a.Closing.Number)
			for _, sum := range a.Closing.Sums {
				how = append(how, "net "+payment.Amount{Minor: sum.Net(), Currency: sum.Currency}.String())
			}
		}
		if a.Formerly != "" {
			how = append(how, "formerly "+a.Formerly)
		}
		if a.Unmatched {
			how = append(how, "the new face was not compared with the old one")
		}
		if a.Carried {
			how = append(how, "another model; by the one before the face is the same")
		}
		if a.Offline {
			how = append(how, "not by the running terminal")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", a.At.Local().Format(time.DateTime), strings.ReplaceAll(a.What, "_", " "),
			whom, strings.Join(how, "; "))
	}
	return t.Flush()
}
