package register

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/rivo/uniseg"

	"smiletill/payment"
)

// line is one of a receipt: a name and what it is, or a headline without a value.
type line struct {
	key, name, value string
	bold             bool
}

// text is the line as registers take it apart: a query string.
func (l line) text() OutputText {
	parts := []string{"key=" + url.QueryEscape(l.key), "name=" + query(l.name)}
	if l.value != "" {
		parts = append(parts, "value="+query(l.value))
	}
	out := OutputText{Text: strings.Join(parts, "&"), EndOfLine: true}
	if l.bold {
		out.Style = "Bold"
	}
	return out
}

// query escapes a space as %20: some registers decode with decodeURIComponent, which leaves a plus as it is.
func query(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// paymentReceipts are the cashier's and the customer's receipt of a payment that has ended.
func (s *Server) paymentReceipts(rec Record, p payment.Payment, reprint bool) []Receipt {
	end := p.ClosedAt
	if end.IsZero() {
		end = p.OpenedAt
	}
	at := end.In(s.opt.Zone)
	lines := []line{
		{key: "date", name: "Date", value: at.Format("2006-01-02")},
		{key: "time", name: "Time", value: at.Format("15:04:05")},
		{key: "tid", name: "Terminal", value: s.opt.POIID},
		{key: "txRef", name: "Transaction", value: p.ID},
		{key: "mref", name: "Reference", value: p.Reference},
		{key: "paymentMethod", name: "Paid with", value: "face"},
	}
	if p.PIN {
		lines = append(lines, line{key: "cvmRes", name: "Verified by", value: "PIN"})
	}
	if rec.Tip > 0 {
		c := p.Amount.Currency
		lines = append(lines,
			line{key: "netAmount", name: "Amount", value: payment.Amount{Minor: p.Amount.Minor - rec.Tip,
				Currency: c}.String()},
			line{key: "gratuityAmount", name: "Tip", value: payment.Amount{Minor: rec.Tip, Currency: c}.String()})
	}
	lines = append(lines, line{key: "totalAmount", name: "TOTAL", value: p.Amount.String(), bold: true})
	if p.State == payment.StateApproved {
		lines = append(lines, line{key: "approved", name: "APPROVED", bold: true})
		return s.both(lines, reprint)
	}
	return s.both(append(lines, line{key: "declined", name: "NOT PAID", bold: true},
		line{key: "reason", name: "Reason", value: p.Reason.Text()},
		line{key: "charged", name: "Nothing was charged"}), reprint)
}

// reversalReceipts are the same of money that was given back.
func (s *Server) reversalReceipts(r payment.Reversal, reprint bool) []Receipt {
	at := r.At.In(s.opt.Zone)
	return s.both([]line{
		{key: "date", name: "Date", value: at.Format("2006-01-02")},
		{key: "time", name: "Time", value: at.Format("15:04:05")},
		{key: "tid", name: "Terminal", value: s.opt.POIID},
		{key: "txRef", name: "Transaction", value: r.ID},
		{key: "originalTxRef", name: "Of payment", value: r.PaymentID},
		{key: "totalAmount", name: "GIVEN BACK", value: r.Amount.String(), bold: true},
		{key: "approved", name: "APPROVED", bold: true},
	}, reprint)
}

func (s *Server) both(lines []line, reprint bool) []Receipt {
	receipts := make([]Receipt, 0, 2)
	for _, r := range []struct{ document, header, footer string }{
		{"CashierReceipt", "CASHIER RECEIPT", "Keep for your records"},
		{"CustomerReceipt", "CUSTOMER RECEIPT", "Please keep this receipt"},
	} {
		all := []line{{key: "merchantTitle", name: s.opt.Merchant, bold: true},
			{key: "header", name: r.header, bold: true}}
		if reprint {
			all = append(all, line{key: "copy", name: "COPY", bold: true})
		}
		all = append(append(all, lines...), line{key: "footer", name: r.footer})
		text := make([]OutputText, 0, len(all))
		for _, l := range all {
			text = append(text, l.text())
		}
		receipts = append(receipts, Receipt{Document: r.document,
			Content: OutputContent{Format: "Text", Text: text}})
	}
	return receipts
}

// Render lays a receipt out for a printer of so many columns (32 and 48 are the usual ones): headlines in the
// middle, names left and values right, what is too long on lines of its own. Each line ends with a newline. A
// line that is no query string is printed as it is.
func Render(r Receipt, columns int) string {
	var b strings.Builder
	for _, t := range r.Content.Text {
		v, err := url.ParseQuery(t.Text)
		name, value := v.Get("name"), v.Get("value")
		switch {
		case err != nil || !v.Has("name"):
			wrapped(&b, t.Text, columns)
		case value == "":
			for _, part := range split(name, columns) {
				fmt.Fprintf(&b, "%s%s\n", blanks((columns-uniseg.StringWidth(part))/2), part)
			}
		case uniseg.StringWidth(name)+1+uniseg.StringWidth(value) <= columns:
			gap := columns - uniseg.StringWidth(name) - uniseg.StringWidth(value)
			fmt.Fprintf(&b, "%s%s%s\n", name, blanks(gap), value)
		default:
			wrapped(&b, name, columns)
			for _, part := range split(value, columns) {
				fmt.Fprintf(&b, "%s%s\n", blanks(columns-uniseg.StringWidth(part)), part)
			}
		}
	}
	return b.String()
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }

func wrapped(b *strings.Builder, text string, columns int) {
	for _, part := range split(text, columns) {
		b.WriteString(part + "\n")
	}
}

// split cuts a text into lines, at spaces where it can, and never between a letter and what combines with it.
// A printer gives two columns to what East Asian fonts draw wide, and none to what combines.
func split(text string, columns int) []string {
	var lines []string
	for uniseg.StringWidth(text) > columns {
		cut, space, width := 0, 0, 0
		for rest, state := text, -1; rest != ""; {
			var cluster string
			var w int
			cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
			if cluster == " " && cut > 0 {
				space = cut
			}
			if width += w; width > columns && cut > 0 {
				break
			}
			cut += len(cluster)
		}
		if space > 0 {
			cut = space
		}
		lines = append(lines, text[:cut])
		text = strings.TrimLeft(text[cut:], " ")
	}
	return append(lines, text)
}
