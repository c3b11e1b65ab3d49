package journal

import (
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// Who was enrolled, renewed, removed and paired is in the chain and the outbox, as payments are, and holds no
// payment up: a full outbox takes them, they fill none, and no age of theirs closes the till.
func TestAudit(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	path := newPath(t)
	j := open(t, path, Options{Uptime: m.Uptime, OutboxMax: 1, UnreportedMax: time.Hour, Terminal: "till-1",
		Models: map[string]string{"embed": "5c1eeb94"}})
	at := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	note := func(all ...Audit) {
		t.Helper()
		for i := range all {
			all[i].At = at
		}
		if err := j.Note(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
	}
	note(Audit{What: CustomerEnrolled, Customer: "c_a", Record: "aa", Templates: 3},
		Audit{What: CustomerEnrolled, Customer: "c_b", Record: "bb", Templates: 3})
	note(Audit{What: CustomerRenewed, Customer: "c_a", Record: "ac", Unmatched: true}, Audit{What: ClerkPINSet})
	note(Audit{What: RegisterPaired, Register: "counter-1", KeyVersion: 2})
	m.up += 2 * time.Hour
	// The audits are older than UnreportedMax and more than OutboxMax.
	approve(t, j, "pay-1")
	// And now the outbox is full.
	note(Audit{What: CustomerRemoved, Customer: "c_b", Offline: true})
	if b, err := j.Backlog(t.Context()); err != nil || b.Count != 1 || b.Owed != 150 {
		t.Errorf("%+v, %v", b, err)
	}
	if rows := pending(t, j, 0, 99); len(rows) != 1 || rows[0].PaymentID != "pay-1" {
		t.Errorf("payments: %+v", rows)
	}
	rows, err := j.AuditOutbox().Pending(t.Context(), 0, 99)
	var subjects []string
	for _, r := range rows {
		subjects = append(subjects, r.PaymentID)
		if strings.Contains(string(r.Body), "payment_id") || strings.Contains(string(r.Body), "amount") {
			t.Errorf("a fact of no payment says %s", r.Body)
		}
	}
	if got := strings.Join(subjects, " "); err != nil || got != "c_a c_b c_a clerk counter-1 c_b" {
		t.Errorf("audits of %q, %v", got, err)
	}
	last, err := j.Customers(t.Context())
	if err != nil || len(last) != 2 || last["c_a"].Record != "ac" || last["c_b"].What != CustomerRemoved {
		t.Errorf("%+v, %v", last, err)
	}
	keys, err := j.Registers(t.Context())
	if err != nil || keys[RegisterKey{"counter-1", 2}].What != RegisterPaired {
		t.Errorf("%+v, %v", keys, err)
	}
	if r := verify(t, &j.Reader); r.Audits != 6 || r.Payments != 1 {
		t.Errorf("%+v", r)
	}
	if err := j.AuditOutbox().Close(t.Context(), rows[0].ID, rows[0].Hash, rows[0].Seq); err != nil {
		t.Error(err)
	}
	days, err := j.Totals(t.Context(), Range{}, time.UTC)
	if err != nil || len(days) != 1 || days[0].Count != 1 {
		t.Errorf("totals count what is no payment: %+v, %v", days, err)
	}
}

// An audit fact goes when it has been kept long enough, though a cloud that doesn't know it never
// acknowledged it.
func TestAuditsArePruned(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	j := open(t, newPath(t), Options{Uptime: m.Uptime})
	if err := j.Note(t.Context(), Audit{What: CustomerEnrolled, Customer: "c_a", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	m.up += payment.MinKeep + time.Hour
	approve(t, j, "new")
	if n, err := j.Prune(t.Context(), payment.MinKeep); err != nil || n != 1 {
		t.Errorf("%d facts were removed, %v", n, err)
	}
	verify(t, &j.Reader)
}

// A damaged journal gives its audit facts back, and they are reported once more.
func TestAuditsAreRescued(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	approve(t, j, "pay-1")
	for _, id := range []string{"c_a", "c_b", "c_c"} {
		if err := j.Note(t.Context(), Audit{What: CustomerEnrolled, Customer: id, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	alter(t, path, `DROP TRIGGER fact_is_not_changed; UPDATE head SET hash = zeroblob(32)`)
	if _, err := Quarantine(t.Context(), path, time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	if r := verify(t, &j.Reader); r.Audits != 3 || r.Unsure != 0 || r.Approved != 1 {
		t.Errorf("%+v", r)
	}
	rows, err := j.AuditOutbox().Pending(t.Context(), 0, 9)
	if err != nil || len(rows) != 3 || rows[2].PaymentID != "c_c" {
		t.Errorf("%+v, %v", rows, err)
	}
}
