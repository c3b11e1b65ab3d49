package journal

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"smiletill/payment"
)

// Who did something stands in its fact, is read back, and can be neither changed nor taken out unnoticed; a
// table holds none of it, so that only the chain does.
func TestFactsSayWhoDidIt(t *testing.T) {
	clerk := payment.Who{Role: "clerk", Name: "Jörg", Door: "page"}
	owner := payment.Who{Role: "owner", Name: "root", Door: "socket"}
	at := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	all := []Audit{
		{What: TerminalConfigured, Record: "aa", Program: "1.0", At: at},
		{What: ClerkAdded, Clerk: "Jörg", Keys: "clerk", Who: owner, At: at},
		{What: CustomerEnrolled, Customer: "c_a", Record: "ab", Consent: "5c1eeb94 en", Who: clerk, At: at},
		{What: CustomerRenewed, Customer: "c_a", Record: "ac", OtherFace: true, Who: clerk, Second: owner, At: at},
		{What: CaseOpened, At: at}, {What: AlarmEnded, Who: owner, At: at},
		{What: CustomerForgotten, Customer: "c_a", Who: payment.Who{Role: "customer", Name: "c_a", Door: "screen"},
			At: at},
	}
	day := func(t *testing.T) (string, *Journal) {
		path := newPath(t)
		j := open(t, path, Options{Terminal: "till-1"})
		if err := j.Note(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		approve(t, j, "p1")
		r := payment.Reversal{ID: "r1", PaymentID: "p1", Amount: payment.Amount{Minor: 50, Currency: "EUR"},
			Customer: "c1", At: at, Who: clerk}
		if err := j.Reverse(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return path, j
	}
	_, j := day(t)
	got, err := j.Audits(t.Context(), -1)
	slices.Reverse(got)
	for i := range got {
		got[i].Seq, got[i].Hash = 0, ""
	}
	if err != nil || !slices.Equal(got, all) {
		t.Errorf("read back:\n%+v, want\n%+v, %v", got, all, err)
	}
	if last, _, err := j.Machine(t.Context()); err != nil || last.Record != "aa" || last.Program != "1.0" {
		t.Errorf("the machine: %+v, %v", last, err)
	}
	if last, err := j.Case(t.Context()); err != nil || last.What != AlarmEnded || last.Who != owner {
		t.Errorf("the case: %+v, %v", last, err)
	}
	if about, err := j.About(t.Context(), "c_a"); err != nil || len(about) != 3 || !about[2].Gone() {
		t.Errorf("about a customer: %+v, %v", about, err)
	}
	err = j.Facts(t.Context(), Range{}, func(f Fact) error {
		if f.Kind == kindReversed && f.Who != clerk {
			t.Errorf("it was given back by %v", f.Who)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	rows, err := j.AuditOutbox().Pending(t.Context(), 0, 99)
	if err != nil || len(rows) != len(all) || rows[1].PaymentID != "Jörg" || rows[4].PaymentID != "till-1" {
		t.Errorf("to report: %+v, %v", rows, err)
	}
	verify(t, &j.Reader)

	// The head is put right by a forger who does not hash anew what follows.
	for what, script := range map[string]string{
		"another name":       `UPDATE fact SET body = replace(body, 'Jörg', 'Anna') WHERE seq = 3`,
		"another name, back": `UPDATE fact SET body = replace(body, 'Jörg', 'Anna') WHERE kind = 'reversed'`,
		"nobody":             `UPDATE fact SET body = json_remove(body, '$.by') WHERE seq = 2`,
		"a removed fact":     `DELETE FROM outbox WHERE seq = 5; DELETE FROM fact WHERE seq = 5`,
		"the last one removed": `DELETE FROM outbox WHERE seq >= 7; DELETE FROM reversal; DELETE FROM payment;
			DELETE FROM fact WHERE seq >= 7`,
	} {
		path, j := day(t)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := connect(path, "", url.Values{"_pragma": {"foreign_keys(0)"}})
		if err != nil {
			t.Fatal(err)
		}
		triggers := `DROP TRIGGER fact_is_not_changed; DROP TRIGGER fact_is_not_removed;
			DROP TRIGGER outbox_is_not_removed; DROP TRIGGER payment_is_not_removed;
			DROP TRIGGER reversal_is_not_removed;`
		_, err = db.ExecContext(t.Context(), triggers+script)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(what, err)
		}
		r := &Reader{path: path}
		if r.db, err = connect(path, "", url.Values{}); err != nil {
			t.Fatal(err)
		}
		var damaged *DamagedError
		if _, err := r.Verify(t.Context(), nil); !errors.As(err, &damaged) {
			t.Errorf("%s is not noticed: %v", what, err)
		}
		_ = r.db.Close()
	}
}
