//go:build !notflite

package terminal_test

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"smiletill/payment/journal"
)

// TestReverseAndTotals gives a payment back in two parts by the commands, and reads it in the totals and
// the export.
func TestReverseAndTotals(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.EnrolCustomer()
	s.Open()
	s.Pay("one", "4.20")
	if p := s.End("one"); p.State != "approved" {
		t.Fatalf("payment: %+v", p)
	}
	ok := func(want string, args ...string) string {
		t.Helper()
		code, out, errs := s.Cli(args...)
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%v: %d %s %s; want %q", args, code, out, errs, want)
		}
		return out
	}
	refused := func(want, advice string, args ...string) {
		t.Helper()
		code, out, errs := s.Cli(args...)
		if code == 0 || !strings.Contains(errs, want) || !strings.Contains(errs, advice) {
			t.Errorf("%v: %d %s %s; want %q and %q", args, code, out, errs, want, advice)
		}
	}
	ok("reversed 1.20 EUR of payment one", "reverse", "one", "1.20", "--id", "r1")
	ok("reversed 1.20 EUR of payment one", "reverse", "one", "1.20", "--id", "r1")
	refused("used for another", "take a new id", "reverse", "one", "1.30", "--id", "r1")
	refused("more than is left", "at most 3.00 EUR", "reverse", "one", "3.01")
	refused("too many decimals", "EUR has 2 decimals", "reverse", "one", "0.001")
	refused("no such payment", "ask for an id", "reverse", "two")
	ok("reversed 3.00 EUR of payment one", "reverse", "one", "--reference", "=1+1")
	refused("all of it was given back", "nothing is left", "reverse", "one")

	totals := ok("4.20", "totals")
	for _, want := range []string{"approved", "reversed", "net", "0.00"} {
		if !strings.Contains(totals, want) {
			t.Errorf("no %s in\n%s", want, totals)
		}
	}
	var parsed []journal.Total
	err := json.Unmarshal([]byte(ok("approved", "totals", "--json")), &parsed)
	if err != nil || len(parsed) != 2 ||
		parsed[1].Count != 2 ||
		parsed[1].Minor != 420 {
		t.Errorf("%+v, %v", parsed, err)
	}
	ok("no payments in these days", "totals", "--from", "2001-01-01", "--to", "2001-12-31")
	refused("no day is from", "the earlier day", "totals", "--from", "2026-03-02", "--to", "2026-03-01")
	refused("is no day", "2026-03-01", "totals", "--from", "yesterday")

	rows, err := csv.NewReader(strings.NewReader(ok("reversed", "journal", "export"))).ReadAll()
	if err != nil || len(rows) != 5 || rows[4][1] != "reversed" || rows[4][6] != "300" ||
		rows[4][12] != "'=1+1" {
		t.Errorf("%v, %v", rows, err)
	}
	for line := range strings.Lines(ok("approved", "journal", "export", "--format", "json")) {
		var f journal.Fact
		if err := json.Unmarshal([]byte(line), &f); err != nil || len(f.Hash) != 64 {
			t.Errorf("%s: %v", line, err)
		}
	}
	refused("--format", "csv or json", "journal", "export", "--format", "xml")
	ok("approved, 4.20 back", "journal", "list")
	ok("no report is parked", "journal", "parked")
	refused("no such outbox row", "journal parked", "journal", "unpark", "99")
	ok("2 reversals", "journal", "verify")
	ok("BEGIN PUBLIC KEY", "key")
}
