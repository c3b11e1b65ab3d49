package journal

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"smiletill/payment"
)

// version1 is a journal that the first version of the schema wrote: approved a (acknowledged), b and f,
// declined c, cancelled d, expired e, and g still open.
func version1(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "version1.db"))
	if err != nil {
		t.Fatal(err)
	}
	path := newPath(t)
	write(t, path, data)
	return path
}

func TestFingerprints(t *testing.T) {
	for version := 1; version <= len(migrations()); version++ {
		db, err := connect(newPath(t), "", url.Values{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := migrate(t.Context(), db, 0, version); err != nil {
			t.Fatal(err)
		}
		schema, err := schemaOf(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		if got := fingerprint(schema); got != fingerprints()[version] {
			t.Errorf("version %d has %s, not %s", version, got, fingerprints()[version])
		}
	}
}

func TestMigrateFromVersion1(t *testing.T) {
	path := version1(t)
	if _, err := OpenReader(t.Context(), path); !errors.Is(err, ErrOlder) || hint(err) == "" {
		t.Errorf("a reader of an older journal: %v", err)
	}
	j := open(t, path, Options{})
	report := verify(t, &j.Reader)
	if report.Facts != 13 || report.Approved != 3 || report.Open != 1 || report.Payments != 7 {
		t.Errorf("%+v", report)
	}
	for id, want := range map[string]payment.State{"a": payment.StateApproved, "c": payment.StateDeclined,
		"d": payment.StateCancelled, "e": payment.StateExpired, "g": payment.StateWaiting} {
		if p, err := j.Find(t.Context(), id); err != nil || p.State != want {
			t.Errorf("%s: %+v, %v", id, p, err)
		}
	}
	rows := pending(t, j, 0, 9)
	if len(rows) != 2 || rows[0].PaymentID != "b" || rows[1].PaymentID != "f" {
		t.Errorf("%+v", rows)
	}
	if b, err := j.Backlog(t.Context()); err != nil || b.Count != 2 || b.Owed != 300 {
		t.Errorf("%+v, %v", b, err)
	}
	// It works on as a new one does.
	if n, err := j.Recover(t.Context(), time.Now(), false); err != nil || n != 1 {
		t.Errorf("%d recovered, %v", n, err)
	}
	approve(t, j, "h")
	reverse(t, j, "r1", "a", 50)
	verify(t, &j.Reader)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	verify(t, &j.Reader)
}

// TestMigrationIsAllOrNothing has the migration fail at its last statement: the file stays of the first
// version, and nothing of it is lost.
func TestMigrationIsAllOrNothing(t *testing.T) {
	path := version1(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := connect(path, "", url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := migrateStep(t.Context(), conn, 2, schema2+"; SELECT no_such_column FROM fact"); err == nil {
		t.Error("a broken step was committed")
	}
	if err := errors.Join(conn.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("the file was changed: %v", err)
	}
	j := open(t, path, Options{})
	verify(t, &j.Reader)
}

func TestTotals(t *testing.T) {
	j := open(t, newPath(t), Options{})
	day1 := time.Date(2026, 3, 1, 23, 30, 0, 0, time.UTC) // in Berlin the second of March
	payAs(t, j, "c1", "a", 100, false, day1.Add(-time.Hour), true)
	payAs(t, j, "c1", "b", 250, false, day1, false)
	p := waiting(t, "c")
	p.OpenedAt = day1
	commit(t, j, p)
	p, err := payment.Next(p, payment.Unknown{}, day1)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, j, p)
	r, err := payment.OpenReversal(
		payment.ReversalRequest{ID: "r", PaymentID: "b", Minor: 30},
		payment.Payment{
			ID:       "b",
			State:    payment.StateApproved,
			Amount:   payment.Amount{Minor: 250, Currency: "EUR"},
			Customer: "c1",
		},
		day1.Add(24*time.Hour),
	)
	if err == nil {
		err = j.Reverse(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	utc, err := j.Totals(t.Context(), Range{}, time.UTC)
	want := []Total{
		{
			Day:      "2026-03-01",
			Currency: "EUR",
			Result:   "approved",
			Count:    2,
			Minor:    350,
			First:    2,
			Last:     4,
			Untimed:  1,
		},
		{
			Day:      "2026-03-01",
			Currency: "EUR",
			Result:   "declined",
			Count:    1,
			Minor:    150,
			First:    6,
			Last:     6,
			Untimed:  1,
		},
		{
			Day:      "2026-03-02",
			Currency: "EUR",
			Result:   "reversed",
			Count:    1,
			Minor:    30,
			First:    7,
			Last:     7,
			Untimed:  1,
		},
	}
	if err != nil || fmt.Sprint(utc) != fmt.Sprint(want) {
		t.Errorf("%+v, %v", utc, err)
	}
	zone := time.FixedZone("CET", 3600)
	local, err := j.Totals(t.Context(), Range{LastDay: "2026-03-02", Zone: zone}, zone)
	if err != nil || len(local) != 3 || local[0].Day != "2026-03-01" || local[0].Minor != 100 ||
		local[1].Day != "2026-03-02" || local[1].Minor != 250 {
		t.Errorf("%+v, %v", local, err)
	}
}
