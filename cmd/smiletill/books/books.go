package books

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"smiletill/cmd/smiletill/columns"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// Items prints what was sold of each product of a vending machine.
func Items(ctx context.Context, w io.Writer, r *journal.Reader, days journal.Range, asJSON bool) error {
	all, err := r.Items(ctx, days)
	switch {
	case err != nil:
		return err
	case asJSON:
		return json.NewEncoder(w).Encode(all)
	case len(all) == 0:
		_, err := fmt.Fprintln(w, "no product of a vending machine in these days")
		return err
	}
	t := &columns.Writer{Out: w, Right: true}
	fmt.Fprintln(t, "PRODUCT\tSOLD\tFOR\t\tNOT CHARGED\tOF THESE MAY HAVE FALLEN\t")
	for _, one := range all {
		sum := payment.Amount{Minor: one.Minor, Currency: one.Currency}.Decimal()
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%d\t\n", cmp.Or(one.Item, "(no number)"), one.Sold, sum,
			one.Currency, one.Voided, one.Unsure)
	}
	return t.Flush()
}

// Totals prints a block for each day and currency, with what the merchant got.
func Totals(w io.Writer, totals []journal.Total) error {
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

// CSV writes all facts of payments in a span, one a line, amounts in whole minor units.
func CSV(ctx context.Context, out io.Writer, r *journal.Reader, days journal.Range) error {
	w := csv.NewWriter(out)
	err := w.Write([]string{"seq", "kind", "time", "time_trusted", "payment_id", "reversal_id", "amount_minor",
		"currency", "reason", "customer", "method", "limits", "reference", "terminal", "event_id", "hash",
		"camera", "demand", "verdict", "answered", "judged_frames", "screen", "vend", "item", "by"})
	if err != nil {
		return err
	}
	err = r.Facts(ctx, days, func(f journal.Fact) error {
		return w.Write([]string{strconv.FormatInt(f.Seq, 10), f.Kind, f.Time.Format(time.RFC3339Nano),
			strconv.FormatBool(f.TimeTrusted), f.PaymentID, f.ReversalID, strconv.FormatInt(f.Amount.Minor, 10),
			f.Amount.Currency, string(f.Reason), f.Customer, f.Method, string(f.Limits), plain(f.Reference),
			f.Terminal, f.ID, f.Hash, strings.TrimSpace(f.Camera.Kind + " " + f.Camera.Driver),
			string(f.Demand), string(f.Liveness.Verdict), string(f.Liveness.Demand), frames(f.Liveness.Frames),
			f.Liveness.Screen, vend(f), plain(f.Item), plain(f.Who.String())})
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

// plain keeps a caller's words from being taken for a formula by a spreadsheet, which looks behind blanks,
// and in East Asia at wide signs too.
func plain(s string) string {
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(s, unicode.IsSpace))
	if strings.ContainsRune("=+-@＝＋－＠", first) && first != utf8.RuneError {
		return "'" + s
	}
	return s
}
