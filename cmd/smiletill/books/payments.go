package books

import (
	"fmt"
	"io"
	"slices"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// Latest prints payments, the newest first, a line each.
func Latest(w io.Writer, entries []journal.Entry) error {
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
