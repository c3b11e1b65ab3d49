package books

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// Audits prints what was done to the terminal, and by whom.
func Audits(w io.Writer, all []journal.Audit) error {
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
			not := "the new face was not compared with the old one"
			if a.Second != (payment.Who{}) {
				not += "; " + a.Second.String() + " stood by it"
			}
			how = append(how, not)
		}
		if a.Carried {
			how = append(how, "another model; by the one before the face is the same")
		}
		if a.OtherFace {
			how = append(how, "another face; "+a.Second.String()+" stood by it")
		}
		if a.Why != "" {
			how = append(how, a.Why)
		}
		if a.Keys != "" {
			how = append(how, a.Keys)
		}
		if a.Consent != "" {
			how = append(how, "agreed to "+a.Consent)
		}
		if a.Undone {
			how = append(how, "as it is: what was written down before it was not done")
		}
		if a.Offline {
			how = append(how, "not by the running terminal")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", a.At.Local().Format(time.DateTime),
			strings.ReplaceAll(a.What, "_", " "), whom, a.Who, strings.Join(how, "; "))
	}
	return t.Flush()
}
