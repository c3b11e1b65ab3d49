package register_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"smiletill/payment"
	"smiletill/payment/register"
)

// TestReceipts: taken apart as registers do, and printed in 32 and 48 columns as in the golden files.
func TestReceipts(t *testing.T) {
	d := newDesk(t)
	q := paymentOf("s1", "17", "10.10", "EUR")
	q.Payment.Transaction.Amounts.TipAmount = "1.10"
	r := d.pay(q, d.smiles)
	for i, document := range []string{"CashierReceipt", "CustomerReceipt"} {
		one := r.Receipts[i]
		if one.Document != document || one.Signature || one.Printed || one.Content.Format != "Text" {
			t.Errorf("%+v", one)
		}
		values := map[string]string{}
		for _, line := range one.Content.Text {
			v, err := url.ParseQuery(line.Text)
			if err != nil || v.Get("name") == "" || v.Get("key") == "" || !line.EndOfLine ||
				strings.Contains(line.Text, "+") {
				t.Errorf("%q %v", line.Text, err)
			}
			values[v.Get("key")] = v.Get("value")
		}
		id := r.POIData.TransactionID.TransactionID
		if values["totalAmount"] != "10.10 EUR" || values["gratuityAmount"] != "1.10 EUR" ||
			values["netAmount"] != "9.00 EUR" || values["txRef"] != id || values["tid"] != poiID ||
			values["mref"] != "17" {
			t.Errorf("%v", values)
		}
		if _, ok := values["approved"]; !ok {
			t.Errorf("%v", values)
		}
	}
	refused := d.pay(paymentOf("s2", "18", "3", "EUR"), func(p payment.Payment) {
		d.seen(p.ID,
			payment.Unknown{})
	})
	back := d.say(reversalOf("r1", r.POIData.TransactionID.TransactionID, "2.50")).Reversal
	for name, one := range map[string]register.Receipt{"cashier": r.Receipts[0], "customer": r.Receipts[1],
		"refused": refused.Receipts[1], "reversal": back.Receipts[1]} {
		for _, columns := range []int{32, 48} {
			text := register.Render(one, columns)
			for line := range strings.Lines(text) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
					t.Errorf("%s: %d columns: %q", name, n, line)
				}
			}
			golden(t, filepath.Join("receipts", name+map[int]string{32: "32", 48: "48"}[columns]+".txt"), text)
		}
	}
}

// golden compares a text with a file of testdata, times and ids of reversals left out; UPDATE=1 writes it
// anew.
func golden(t *testing.T, name, text string) {
	t.Helper()
	text = steady(text)
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != text {
		t.Errorf("%s differs; got\n%s\nwant\n%s", path, text, want)
	}
}

// columnsOf counts a line's columns by Unicode's tables alone.
func columnsOf(line string) int {
	n := 0
	for _, c := range line {
		switch kind := width.LookupRune(c).Kind(); {
		case unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// TestRenderOtherScripts: East Asian characters take two columns of a printer, what combines none; a letter
// and its marks stay together.
func TestRenderOtherScripts(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"Reference", "日本語の長い参照番号テーブル四番 Ünïcode", "Reference\n" +
			"日本語の長い参照番号テーブル四番\n                         Ünïcode\n"},
		{"合計", "4.20 EUR", "合計                    4.20 EUR\n"},
		{"Zoe\u0308", "1", "Zoe\u0308                            1\n"},
		{"می\u200cخواهم", "1", "می\u200cخواهم" + strings.Repeat(" ", 24) + "1\n"},
		{strings.Repeat("e\u0301", 40), "", strings.Repeat("e\u0301", 32) + "\n            " +
			strings.Repeat("e\u0301", 8) + "\n"},
		{"日本", "", "              日本\n"},
	} {
		got := register.Render(register.Receipt{Content: register.OutputContent{Text: []register.OutputText{
			{Text: "name=" + url.QueryEscape(c.name) + "&value=" + url.QueryEscape(c.value)}}}}, 32)
		if got != c.want {
			t.Errorf("%q\nwant\n%q", got, c.want)
		}
		for line := range strings.Lines(got) {
			if n := columnsOf(strings.TrimSuffix(line, "\n")); n > 32 {
				t.Errorf("%d columns: %q", n, line)
			}
		}
	}
	// As narrow as can be, it still ends.
	register.Render(register.Receipt{Content: register.OutputContent{Text: []register.OutputText{
		{Text: "name=日本&value=語"}}}}, 1)
}

// TestRender: what is too long is cut at spaces, and what is no query string is printed as it is.
func TestRender(t *testing.T) {
	r := register.Receipt{Content: register.OutputContent{Text: []register.OutputText{
		{Text: "name=Caf%C3%A9%20am%20Eck"}, {Text: "name=Total&value=4.20 EUR"},
		{Text: "name=Reference&value=order%20of%20the%20long%20table"},
		{Text: "plain words without a name, quite long"},
		{Text: "name=&value="}, {Text: "%zz"},
	}}}
	const want = "    Café am Eck     \nTotal       4.20 EUR\n" +
		"Reference\n   order of the long\n               table\n" +
		"plain words without\na name, quite long\n          \n%zz\n"
	got := register.Render(r, 20)
	var lines []string
	for l := range strings.Lines(got) {
		lines = append(lines, strings.TrimRight(l, " \n"))
	}
	var wanted []string
	for l := range strings.Lines(want) {
		wanted = append(wanted, strings.TrimRight(l, " \n"))
	}
	if strings.Join(lines, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("%q", got)
	}
}
