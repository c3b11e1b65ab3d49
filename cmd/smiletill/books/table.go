package books

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
)

// Ledger is what a table is made of: a journal, or a reader of one.
type Ledger interface {
	Facts(ctx context.Context, days journal.Range, each func(journal.Fact) error) error
	Closings(ctx context.Context, limit int) ([]journal.Closing, error)
}

// habit is how a spreadsheet in a language reads a table, and its words.
type habit struct {
	comma    string // between cells
	point    string // of decimals
	columns  []string
	paid     string
	returned string
	unsure   string
	reasons  map[string]string // that the counter's page writes as a note of what it gives back
}

// habits are those of the languages that the screen has. A German spreadsheet reads semicolons, because its
// decimals have the comma.
func habits(lang string) (habit, bool) {
	switch lang {
	case "en":
		return habit{",", ".", []string{"No.", "Date", "Time", "Time zone", "Kind", "Amount",
			"Currency", "Payment", "Note", "Product", "Closing", "Terminal", "Clock"},
			"payment", "given back", "was not set",
			map[string]string{"goods_returned": "goods came back", "wrong_amount": "the amount was wrong",
				"charged_twice": "charged twice", "other_reason": "another reason"}}, true
	case "de":
		return habit{";", ",", []string{"Nr.", "Datum", "Uhrzeit", "Zeitzone", "Art", "Betrag",
			"Währung", "Zahlung", "Vermerk", "Produkt", "Abschluss", "Terminal", "Uhr"},
			"Zahlung", "Rückgabe", "war nicht gestellt",
			map[string]string{"goods_returned": "Ware zurückgenommen", "wrong_amount": "falscher Betrag",
				"charged_twice": "doppelt abgebucht", "other_reason": "anderer Grund"}}, true
	}
	return habit{}, false
}

var errNoLanguage = errors.New("no language of a table")

// Languages are those of Payments.
func Languages() []string { return []string{"en", "de"} }

// Payments writes a table for a bookkeeper's spreadsheet, in the form that those of a language open without
// being told how: a row a payment that was approved, and one of its own for each time that something was
// given back, with the amount below zero, on the day on which it was. So a column's sum by currency is what
// the shop got. Payments that ended without money, a vending machine's that gave nothing out among them,
// are not in it. Dates and times are those of days.Zone; an hour that comes twice is told apart by its time
// zone. Dates are written as 2026-03-01, the one form that LibreOffice takes for a date in every language
// and unasked; each cell has quotation marks, because it takes both commas and semicolons for what parts
// them. lang is one of Languages.
func Payments(ctx context.Context, out io.Writer, from Ledger, days journal.Range, lang string) error {
	h, ok := habits(lang)
	if !ok {
		return payment.WithHint(errNoLanguage, "write en or de")
	}
	closings, err := from.Closings(ctx, -1)
	if err != nil {
		return err
	}
	slices.Reverse(closings)
	zone := days.Zone
	if zone == nil {
		zone = time.UTC
	}
	if _, err := io.WriteString(out, "\uFEFF"); err != nil { // else Excel doesn't read it as UTF-8
		return err
	}
	w := bufio.NewWriter(out)
	row(w, h.comma, h.columns)
	err = from.Facts(ctx, days, func(f journal.Fact) error {
		kind, sign, note := h.paid, "", f.Reference
		switch f.Kind {
		case "approved":
		case "reversed":
			kind, sign, note = h.returned, "-", cmp.Or(h.reasons[f.Reference], f.Reference)
		default:
			return nil
		}
		at, clock := f.Time.In(zone), ""
		if !f.TimeTrusted {
			clock = h.unsure
		}
		row(w, h.comma, []string{strconv.FormatInt(f.Seq, 10), at.Format(time.DateOnly), at.Format(time.TimeOnly),
			"UTC" + at.Format("-07:00"), kind, sign + strings.Replace(f.Amount.Decimal(), ".", h.point, 1),
			f.Amount.Currency, cell(f.PaymentID), cell(note), cell(f.Item), closingOf(closings, f.Seq),
			cell(f.Terminal), clock})
		return nil
	})
	return cmp.Or(err, w.Flush()) // which gives the first error of all that was written
}

func row(w *bufio.Writer, comma string, cells []string) {
	for i, c := range cells {
		if i > 0 {
			_, _ = w.WriteString(comma)
		}
		_, _ = w.WriteString(`"` + strings.ReplaceAll(c, `"`, `""`) + `"`)
	}
	_, _ = w.WriteString("\r\n")
}

// closingOf is the number of the closing that a fact counts to; "" if it is not closed yet. all are in their
// order.
func closingOf(all []journal.Closing, seq int64) string {
	at, _ := slices.BinarySearchFunc(all, seq, func(c journal.Closing, seq int64) int {
		return cmp.Compare(c.Upto, seq)
	})
	if at == len(all) {
		return ""
	}
	return strconv.FormatInt(all[at].Number, 10)
}

// number is what a spreadsheet may take for a number, a date or a time, and show as another text.
var number = regexp.MustCompile(`^[0-9][0-9.,:/eE+ -]*$`)

// whole is a number that stays as it is.
var whole = regexp.MustCompile(`^(0|[1-9][0-9]{0,14})$`)

// cell keeps a text from being taken for a formula, or for a number that would lose its zeros or digits.
func cell(s string) string {
	if number.MatchString(s) && !whole.MatchString(s) {
		return "'" + s
	}
	return plain(s)
}
