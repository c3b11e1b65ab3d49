package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowebpki/jcs"

	"smiletill/payment"
)

func open(t testing.TB, path string, o Options) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path, o)
	for range 40 {
		if !errors.Is(err, ErrInUse) {
			break
		}
		// A child that a parallel test is just starting has this process's locks until it runs its own program.
		time.Sleep(25 * time.Millisecond)
		j, err = Open(t.Context(), path, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "journal.db") }

// waiting is a payment that has just been opened.
func waiting(t testing.TB, id string) payment.Payment {
	t.Helper()
	p, err := payment.Open(payment.Request{
		ID: id, Amount: payment.Amount{Minor: 150, Currency: "EUR"}, Reference: "order " + id,
	}, time.Now(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func next(t testing.TB, p payment.Payment, events ...payment.Event) payment.Payment {
	t.Helper()
	for _, e := range events {
		var err error
		if p, err = payment.Next(p, e, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func approved(t testing.TB, p payment.Payment) payment.Payment {
	t.Helper()
	return next(t, p, payment.Recognised{Customer: "c1"}, payment.Consented{Evidence: payment.Evidence{
		Customer: "c1", MatchFrames: 9, SmileFrames: 4, Since: time.Now(), At: time.Now(),
	}})
}

func commit(t testing.TB, j *Journal, payments ...payment.Payment) {
	t.Helper()
	for _, p := range payments {
		if err := j.Commit(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// reverse gives back minor units of an approved payment, 0 for all.
func reverse(t testing.TB, j *Journal, id, paymentID string, minor int64) payment.Reversal {
	t.Helper()
	p, err := j.Find(t.Context(), paymentID)
	if err != nil {
		t.Fatal(err)
	}
	r, err := payment.OpenReversal(
		payment.ReversalRequest{ID: id, PaymentID: paymentID, Minor: minor},
		p,
		time.Now(),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Reverse(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func verify(t testing.TB, r *Reader) Report {
	t.Helper()
	report, err := r.Verify(context.WithoutCancel(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestCommitRefuses(t *testing.T) {
	j := open(t, newPath(t), Options{})
	a, b := waiting(t, "a"), waiting(t, "b")
	commit(t, j, a, b, next(t, b, payment.Unknown{}))
	dearer := a
	dearer.Amount.Minor++
	before := verify(t, &j.Reader)
	for _, c := range []struct {
		name string
		p    payment.Payment
		want error
	}{
		{"opening again", a, payment.ErrConflict},
		{"opening with another amount", dearer, payment.ErrConflict},
		{"opening what has ended", b, payment.ErrConflict},
		{"ending with another amount", approved(t, dearer), payment.ErrConflict},
		{"ending what has ended", approved(t, b), payment.ErrClosed},
		{"ending what is not there", approved(t, waiting(t, "c")), payment.ErrNotFound},
	} {
		if err := j.Commit(t.Context(), c.p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if err := j.Commit(t.Context(), next(t, a, payment.Recognised{Customer: "c1"})); err == nil {
		t.Error("recognised was journalled")
	}
	if after := verify(t, &j.Reader); after != before {
		t.Errorf("refusals changed the journal: %+v, %+v", before, after)
	}
	commit(t, j, approved(t, a))
}

func TestFindAndList(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	if _, err := j.Find(t.Context(), "a"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("find in an empty journal: %v", err)
	}
	a, b, c := waiting(t, "a"), waiting(t, "b"), waiting(t, "c")
	failed := next(t, b, payment.DeviceFailed{What: "camera"})
	commit(t, j, a, approved(t, a), b, failed, c)
	for name, r := range map[string]*Reader{"writer": &j.Reader, "reader": reader(t, path)} {
		got, err := r.Find(t.Context(), "b")
		if want := asStored(failed); err != nil || got != want {
			t.Errorf("%s: find gives %+v, %v; want %+v", name, got, err, want)
		}
		for _, f := range []struct {
			filter Filter
			want   string
		}{
			{Filter{State: payment.StateDeclined}, ""},
			{Filter{Before: 1}, ""},
			{Filter{Limit: 1}, "c"},
			{Filter{Before: 5}, "b a+pending"},
			{Filter{State: payment.StateApproved, Limit: -1}, "a+pending"},
			{Filter{}, "c b a+pending"},
		} {
			entries, err := r.List(t.Context(), f.filter)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, e := range entries {
				word := e.Payment.ID
				if e.Delivery != DeliveryNone {
					word += "+" + string(e.Delivery)
				}
				words = append(words, word)
			}
			if got := strings.Join(words, " "); got != f.want {
				t.Errorf("%s: list %+v gives %q, want %q", name, f.filter, got, f.want)
			}
		}
	}
}

// asStored is a payment as the journal gives it back.
func asStored(p payment.Payment) payment.Payment {
	p.OpenedAt, p.Deadline = p.OpenedAt.UTC().Round(0), time.Time{}
	if !p.ClosedAt.IsZero() {
		p.ClosedAt = p.ClosedAt.UTC().Round(0)
	}
	if !p.VendedAt.IsZero() {
		p.VendedAt = p.VendedAt.UTC().Round(0)
	}
	p.Evidence.Since, p.Evidence.At = time.Time{}, time.Time{}
	return p
}

func reader(t testing.TB, path string) *Reader {
	t.Helper()
	r, err := OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestApprovalBody(t *testing.T) {
	m := &machine{boot: "b1"}
	j := open(
		t,
		newPath(t),
		Options{Terminal: "till-1", Models: map[string]string{"embedder": "a1"}, Uptime: m.Uptime},
	)
	p := waiting(t, "a")
	p.TimeTrusted = true
	m.steps = 1500 * time.Millisecond
	commit(t, j, p, approved(t, p))
	rows, err := j.Outbox().Pending(t.Context(), 0, 9)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	var got map[string]any
	if err := json.Unmarshal(rows[0].Body, &got); err != nil {
		t.Fatal(err)
	}
	var prev string
	err = j.db.QueryRow(`SELECT lower(hex(hash)) FROM fact WHERE seq = 1`).Scan(&prev)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"id": rows[0].ID, "seq": 2.0, "prev_hash": prev, "kind": "approved", "payment_id": "a",
		"amount_minor": 150.0, "currency": "EUR", "reference": "order a", "customer": "c1",
		"method": "face+smile", "match_frames": 9.0, "smile_frames": 4.0, "clock_ms": 1500.0,
		"time": stamp(rows[0].Time), "time_trusted": true, "terminal": "till-1",
		"models": map[string]any{"embedder": "a1"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("body\n%v\nwant\n%v", got, want)
	}
	canonical, err := jcs.Transform(rows[0].Body)
	if err != nil || string(canonical) != string(rows[0].Body) {
		t.Errorf("body is not canonical: %s, %v", rows[0].Body, err)
	}
	sum := sha256.Sum256(append(must(hex.DecodeString(prev)), rows[0].Body...))
	if hex.EncodeToString(sum[:]) != rows[0].Hash {
		t.Errorf("hash %s is not that of the chain", rows[0].Hash)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		want error
	}{
		{"no folder", func(t *testing.T, path string) { remove(t, filepath.Dir(path)) }, fs.ErrNotExist},
		{"empty", func(t *testing.T, path string) { write(t, path, nil) }, ErrDamaged},
		{"text", func(t *testing.T, path string) {
			write(t, path, []byte(strings.Repeat("no ", 999)))
		}, ErrDamaged},
		{"zeros", func(t *testing.T, path string) { write(t, path, make([]byte, 8192)) }, ErrDamaged},
		{"header only", func(t *testing.T, path string) { write(t, path, sample(t)[:100]) }, ErrDamaged},
		{"half", func(t *testing.T, path string) { b := sample(t); write(t, path, b[:len(b)/2]) }, ErrDamaged},
		{"another's database", func(t *testing.T, path string) {
			alter(t, path, `CREATE TABLE x (y)`)
		}, ErrDamaged},
		{"newer", func(t *testing.T, path string) {
			write(t, path, sample(t))
			alter(t, path, `PRAGMA user_version = 99`)
		}, ErrNewer},
		{"a trigger less", func(t *testing.T, path string) {
			write(t, path, sample(t))
			alter(t, path, `DROP TRIGGER fact_is_not_changed`)
		}, ErrDamaged},
		{"a fact changed", func(t *testing.T, path string) {
			write(t, path, sample(t))
			alter(t, path, `DROP TRIGGER fact_is_not_changed;
				UPDATE fact SET body = replace(body, '150', '950') WHERE seq = 2;
				CREATE TRIGGER fact_is_not_changed BEFORE UPDATE ON fact
	BEGIN SELECT raise(ABORT, 'facts do not change'); END`)
		}, ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "till", "journal.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			c.make(t, path)
			before, _ := os.ReadFile(path)
			j, err := Open(t.Context(), path, Options{})
			if j != nil || !errors.Is(err, c.want) || hint(err) == "" ||
				!strings.Contains(err.Error(), path) {
				t.Errorf("open: %v (hint %q), want %v", err, hint(err), c.want)
			}
			r, err := OpenReader(t.Context(), path)
			if r != nil || !errors.Is(err, c.want) || hint(err) == "" {
				t.Errorf("open to read: %v (hint %q), want %v", err, hint(err), c.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

// sample is the bytes of a small sound journal.
func sample(t testing.TB) []byte {
	t.Helper()
	path := newPath(t)
	j := open(t, path, Options{})
	a, b := waiting(t, "a"), waiting(t, "b")
	commit(t, j, a, approved(t, a), b, next(t, b, payment.Unknown{}), waiting(t, "c"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// alter does to a file what no journal does.
func alter(t testing.TB, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(script)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenAlone(t *testing.T) {
	path := newPath(t)
	if _, err := OpenReader(t.Context(), path); !errors.Is(err, fs.ErrNotExist) || hint(err) == "" {
		t.Errorf("reading what isn't there: %v", err)
	}
	j := open(t, path, Options{})
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, ErrInUse) || hint(err) == "" {
		t.Errorf("a second writer: %v", err)
	}
	r := reader(t, path)
	if _, err := r.db.Exec(`DELETE FROM outbox`); err == nil {
		t.Error("a reader wrote")
	}
	// A reader in the middle of its reading does not hold up a payment.
	rows, err := r.db.Query(`SELECT name FROM sqlite_schema`)
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	began := time.Now()
	a := waiting(t, "a")
	commit(t, j, a, approved(t, a))
	if took := time.Since(began); took > busyTimeout/2 {
		t.Errorf("commits took %v beside a reader", took)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	if got := verify(t, r); got.Approved != 1 {
		t.Errorf("the reader sees %+v", got)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path, Options{})
	for _, name := range []string{path, path + ".lock", path + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestTablesGuardThemselves(t *testing.T) {
	j := open(t, newPath(t), Options{})
	a, b := waiting(t, "a"), waiting(t, "b")
	commit(t, j, a, approved(t, a), b)
	row, err := j.Outbox().Pending(t.Context(), 0, 1)
	if err != nil || j.Outbox().Close(t.Context(), row[0].ID, row[0].Hash, row[0].Seq) != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		`UPDATE fact SET kind = 'declined' WHERE seq = 2`,
		`DELETE FROM fact WHERE seq = 3`,
		`INSERT OR REPLACE INTO fact SELECT * FROM fact WHERE seq = 1`,
		`INSERT INTO fact SELECT 9, 'x', payment, 'cancelled', time, body, prev_hash, hash FROM fact WHERE seq = 2`,
		`UPDATE payment SET state = 'declined' WHERE id = 'a'`,
		`UPDATE payment SET amount_minor = 1 WHERE id = 'b'`,
		`UPDATE payment SET state = 'recognised' WHERE id = 'b'`,
		`DELETE FROM payment`,
		`UPDATE outbox SET acked_at = NULL`,
		`UPDATE outbox SET acked_at = acked_at`,
		`DELETE FROM outbox`,
		`INSERT INTO outbox (seq) VALUES (77)`,
		`INSERT INTO head VALUES (2, 0, zeroblob(32))`,
	} {
		if _, err := j.db.Exec(s); err == nil {
			t.Errorf("SQLite did: %s", s)
		}
	}
	verify(t, &j.Reader)
}

func TestWriterSettings(t *testing.T) {
	j := open(t, newPath(t), Options{})
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "wal_autocheckpoint": "0", "foreign_keys": "1",
		"trusted_schema": "0", "cell_size_check": "1", "busy_timeout": "5000",
	} {
		var got string
		if err := j.db.QueryRow(`PRAGMA ` + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
	a := waiting(t, "a")
	commit(t, j, a, approved(t, a))
}

// copyOfMain copies the main file between two moves.
func copyOfMain(t *testing.T, j *Journal) string {
	conn, err := j.db.Conn(t.Context()) // the only one: nobody writes meanwhile
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	alone := newPath(t)
	write(t, alone, text)
	return alone
}

// Soon after a commit the main file alone holds it: a copy without the -wal is whole. The next commits move
// too, a busy till's after a second.
func TestCommitsMoveIntoTheMainFile(t *testing.T) {
	j := open(t, newPath(t), Options{})
	for round, pause := range []time.Duration{time.Hour, quiet / 4} {
		first := waiting(t, "first"+strconv.Itoa(round))
		commit(t, j, first, approved(t, first))
		committed := time.Now()
		for i := 0; ; i++ {
			if got := verify(t, reader(t, copyOfMain(t, j))); got.Approved > round {
				break
			}
			if time.Since(committed) > 20*time.Second {
				t.Fatalf("round %d: the main file alone does not have the approval", round)
			}
			if pause < quiet {
				commit(t, j, waiting(t, fmt.Sprintf("busy-%d", i)))
			}
			time.Sleep(min(pause, 10*time.Millisecond))
		}
	}
	verify(t, &j.Reader)
}
