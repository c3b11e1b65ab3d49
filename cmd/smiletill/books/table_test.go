package books_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/books"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// ledger is facts and closings in memory.
type ledger struct {
	facts    []journal.Fact
	closings []journal.Closing
}

func (l ledger) Facts(_ context.Context, _ journal.Range, each func(journal.Fact) error) error {
	for _, f := range l.facts {
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

func (l ledger) Closings(context.Context, int) ([]journal.Closing, error) { return l.closings, nil }

// autumn is a night in which an hour comes twice, with texts that a spreadsheet would take for something
// else.
func autumn(t *testing.T) (ledger, journal.Range) {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour, minute int) time.Time { return time.Date(2026, 10, 25, hour, minute, 0, 0, time.UTC) }
	eur := func(minor int64) payment.Amount { return payment.Amount{Minor: minor, Currency: "EUR"} }
	return ledger{
		facts: []journal.Fact{
			{Seq: 1, Kind: "opened", PaymentID: "a", Amount: eur(123450), Time: at(0, 29), TimeTrusted: true},
			{Seq: 2, Kind: "approved", PaymentID: "a", Amount: eur(123450), Time: at(0, 30), TimeTrusted: true,
				Reference: `Tisch 4; "hinten", Café`},
			{Seq: 4, Kind: "reversed", PaymentID: "a", Amount: eur(300), Time: at(1, 30), TimeTrusted: true,
				Reference: "=HYPERLINK(1)"},
			{Seq: 6, Kind: "declined", PaymentID: "b", Amount: eur(100), Time: at(2, 0), TimeTrusted: true},
			{Seq: 7, Kind: "voided", PaymentID: "c", Amount: eur(100), Time: at(2, 0), TimeTrusted: true, Vend: true},
			{Seq: 9, Kind: "approved", PaymentID: "0017", Amount: eur(5), Time: at(23, 30), Item: "42", Vend: true,
				Reference: "\u00a0+1"},
			{Seq: 11, Kind: "approved", PaymentID: "12345678901234567890", Reference: "1E5",
				Amount: payment.Amount{Minor: 500, Currency: "JPY"}, Time: at(23, 31), TimeTrusted: true},
		},
		closings: []journal.Closing{{Number: 2, After: 3, Upto: 7}, {Number: 1, Upto: 3}},
	}, journal.Range{Zone: berlin}
}

func table(t *testing.T, lang string) []byte {
	t.Helper()
	l, days := autumn(t)
	var out bytes.Buffer
	if err := books.Payments(t.Context(), &out, l, days, lang); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rows are what the table of autumn holds, the amounts with a point.
var rows = [...]string{
	"2|2026-10-25|02:30:00|UTC+02:00|payment|1234.50|EUR|a|Tisch 4; \"hinten\", Café||1||",
	"4|2026-10-25|02:30:00|UTC+01:00|given back|-3.00|EUR|a|'=HYPERLINK(1)||2||",
	"9|2026-10-26|00:30:00|UTC+01:00|payment|0.05|EUR|'0017|'\u00a0+1|42|||was not set",
	"11|2026-10-26|00:31:00|UTC+01:00|payment|500|JPY|'12345678901234567890|'1E5||||",
}

func TestPayments(t *testing.T) {
	german := strings.NewReplacer("payment", "Zahlung", "given back", "Rückgabe", "was not set",
		"war nicht gestellt")
	for lang, comma := range map[string]rune{"en": ',', "de": ';'} {
		raw := table(t, lang)
		text, marked := bytes.CutPrefix(raw, []byte("\xEF\xBB\xBF"))
		if !marked || bytes.Count(raw, []byte("\r\n")) != len(rows)+1 {
			t.Errorf("%s: no mark of UTF-8, or not a line a row:\n%s", lang, raw)
		}
		r := csv.NewReader(bytes.NewReader(text))
		r.Comma = comma
		all, err := r.ReadAll()
		if err != nil || len(all) != len(rows)+1 {
			t.Fatalf("%s: %v, %v", lang, all, err)
		}
		for i, want := range rows {
			cells := strings.Split(want, "|")
			if lang == "de" {
				cells[4], cells[12] = german.Replace(cells[4]), german.Replace(cells[12])
				cells[5] = strings.Replace(cells[5], ".", ",", 1)
			}
			if !slices.Equal(all[i+1], cells) {
				t.Errorf("%s: %q, want %q", lang, all[i+1], cells)
			}
		}
	}
	if err := books.Payments(t.Context(), &bytes.Buffer{}, ledger{}, journal.Range{}, "fr"); err == nil {
		t.Error("a language that there isn't")
	}
}

// sheet is what a spreadsheet took a table for.
type sheet struct {
	Rows []struct {
		Cells []struct {
			Repeated int    `xml:"number-columns-repeated,attr"`
			Type     string `xml:"value-type,attr"`
			Value    string `xml:"value,attr"`
			Date     string `xml:"date-value,attr"`
			Formula  string `xml:"formula,attr"`
			Text     string `xml:"p"`
		} `xml:"table-cell"`
	} `xml:"body>spreadsheet>table>table-row"`
}

// TestLibreOfficeReadsPayments opens both tables in LibreOffice with what its dialog has chosen by itself:
// UTF-8, by the mark; tabs, commas and semicolons; no detection of special numbers, and once more with it. It
// shows numbers, dates and texts, and no formula.
func TestLibreOfficeReadsPayments(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("no LibreOffice here (apt-get install libreoffice-calc-nogui)")
	}
	for _, as := range []struct{ lang, locale, number string }{
		{"de", "de-DE", "1031"}, {"en", "en-GB", "2057"}, {"en", "en-US", "1033"}} {
		profile := inLocale(t, as.locale)
		for _, special := range []string{"false", "true"} {
			dir := t.TempDir()
			file := filepath.Join(dir, "payments.csv")
			if err := os.WriteFile(file, table(t, as.lang), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), office, "--headless", "-env:UserInstallation=file://"+profile,
				"--infilter=CSV:9/44/59,34,76,1,,"+as.number+",false,"+special, "--convert-to", "fods",
				"--outdir", dir, file)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			raw, err := os.ReadFile(filepath.Join(dir, "payments.fods"))
			if err != nil {
				t.Fatal(err)
			}
			var s sheet
			if err := xml.Unmarshal(raw, &s); err != nil {
				t.Fatal(err)
			}
			t.Run(as.locale+"_special_"+special, func(t *testing.T) { s.compare(t) })
		}
	}
}

// inLocale is a user's folder of LibreOffice in a locale.
func inLocale(t *testing.T, locale string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "user"), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Setup/L10N">` +
		`<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>` + locale + `</value></prop></item></oor:items>`
	file := filepath.Join(dir, "user", "registrymodifications.xcu")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s sheet) compare(t *testing.T) {
	if len(s.Rows) < len(rows)+1 {
		t.Fatalf("%d rows", len(s.Rows))
	}
	for i, want := range rows {
		cells, at := strings.Split(want, "|"), 0
		for _, c := range s.Rows[i+1].Cells {
			if c.Formula != "" {
				t.Errorf("row %d: the formula %s", i, c.Formula)
			}
			for range max(1, c.Repeated) {
				switch {
				case at >= len(cells):
				case at == 1 && (c.Type != "date" || c.Date != cells[1]):
					t.Errorf("row %d: %+v is no date %s", i, c, cells[1])
				case at == 5 && (c.Type != "float" || fmt.Sprintf("%.2f", number(c.Value)) != fmt.Sprintf("%.2f",
					number(cells[5]))):
					t.Errorf("row %d: %+v is not the number %s", i, c, cells[5])
				case at >= 7 && at <= 8 && c.Type == "float" || at == 8 && c.Text != cells[8]:
					t.Errorf("row %d: %+v is not the text %s", i, c, cells[at])
				}
				at++
			}
		}
	}
}

func number(s string) (v float64) {
	_, _ = fmt.Sscan(s, &v)
	return v
}
