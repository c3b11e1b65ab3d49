package journal

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"smiletill/payment"
)

func open(t testing.TB, path string, o Options) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path, o)
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

func TestSmoke(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	a := waiting(t, "a")
	commit(t, j, a, approved(t, a))
	t.Log(verify(t, &j.Reader))
	r, err := OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(verify(t, r))
	rows, err := j.Outbox().Pending(t.Context(), 0, 10)
	t.Log(err, string(rows[0].Body))
	if err := errors.Join(r.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	r, err = OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(verify(t, r))
	m, _ := filepath.Glob(path + "*")
	t.Log(m)
}
