package journal

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"smiletill/payment"
)

func approve(t testing.TB, j *Journal, id string) {
	t.Helper()
	p := waiting(t, id)
	commit(t, j, p, approved(t, p))
}

func pending(t testing.TB, j *Journal, after int64, limit int) []Row {
	t.Helper()
	rows, err := j.Outbox().Pending(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestOutboxClose(t *testing.T) {
	j := open(t, newPath(t), Options{})
	approve(t, j, "a")
	approve(t, j, "b")
	rows := pending(t, j, 0, 9)
	a, b := rows[0], rows[1]
	var opening string
	if err := j.db.QueryRow(`SELECT id FROM fact WHERE seq = 1`).Scan(&opening); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, id, hash string
		seq            int64
		want           error
		left           int
	}{
		{"no id", "", a.Hash, a.Seq, ErrUnknown, 2},
		{"unknown id", "11111111-1111-4111-8111-111111111111", a.Hash, a.Seq, ErrUnknown, 2},
		{"a fact that is not reported", opening, a.Hash, 1, ErrUnknown, 2},
		{"no hash", a.ID, "", a.Seq, ErrMismatch, 2},
		{"another's hash", a.ID, b.Hash, a.Seq, ErrMismatch, 2},
		{"another's hash and seq", a.ID, b.Hash, b.Seq, ErrMismatch, 2},
		{"another seq", a.ID, a.Hash, b.Seq, ErrMismatch, 2},
		{"right", b.ID, b.Hash, b.Seq, nil, 1},
		{"again", b.ID, b.Hash, b.Seq, nil, 1},
		{"again with another hash", b.ID, a.Hash, b.Seq, ErrMismatch, 1},
		{"the other", a.ID, a.Hash, a.Seq, nil, 0},
	} {
		err := j.Outbox().Close(t.Context(), c.id, c.hash, c.seq)
		if !errors.Is(err, c.want) || err != nil && hint(err) == "" {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if left := pending(t, j, 0, 9); len(left) != c.left {
			t.Errorf("%s: %d rows left, want %d", c.name, len(left), c.left)
		}
	}
	if entries, err := j.List(t.Context(), Filter{}); err != nil || entries[0].Delivery != DeliveryDone {
		t.Errorf("list after delivery: %+v, %v", entries, err)
	}
	verify(t, &j.Reader)
}

func TestOutboxPending(t *testing.T) {
	j := open(t, newPath(t), Options{})
	if b, err := j.Outbox().Backlog(t.Context()); err != nil || b != (Backlog{}) {
		t.Errorf("backlog of nothing: %+v, %v", b, err)
	}
	for i := range 5 {
		approve(t, j, "a"+strconv.Itoa(i))
		commit(t, j, waiting(t, "open"+strconv.Itoa(i)))
	}
	all := pending(t, j, 0, 99)
	if len(all) != 5 || len(pending(t, j, 0, 0)) != 0 || len(pending(t, j, 0, -1)) != 0 {
		t.Fatalf("%d rows", len(all))
	}
	for i, r := range all {
		if r.PaymentID != "a"+strconv.Itoa(i) || r.Kind != "approved" || len(r.Hash) != 64 {
			t.Errorf("row %d: %+v", i, r)
		}
	}
	if next := pending(t, j, all[1].Seq, 2); len(next) != 2 || next[0].ID != all[2].ID {
		t.Errorf("after %d: %+v", all[1].Seq, next)
	}
	if b, err := j.Outbox().Backlog(t.Context()); err != nil || b.Count != 5 || !b.Oldest.Equal(all[0].Time) {
		t.Errorf("backlog %+v, %v", b, err)
	}
}

func TestOutboxFull(t *testing.T) {
	j := open(t, newPath(t), Options{OutboxMax: 2})
	a, b, c := waiting(t, "a"), waiting(t, "b"), waiting(t, "c")
	commit(t, j, a, b, c, approved(t, a), approved(t, b))
	err := j.Commit(t.Context(), waiting(t, "d"))
	if !errors.Is(err, payment.ErrBacklog) || hint(err) == "" {
		t.Fatalf("a payment too many: %v", err)
	}
	commit(t, j, approved(t, c)) // what is open may end, also in an approval
	rows := pending(t, j, 0, 9)
	for i, r := range rows {
		if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
			t.Fatal(err)
		}
		if err := j.Commit(t.Context(), waiting(t, "d"+r.PaymentID)); (err == nil) != (i > 0) {
			t.Errorf("with %d waiting: %v", 2-i, err)
		}
	}
}

func TestOutboxWake(t *testing.T) {
	j := open(t, newPath(t), Options{})
	woken := func() bool {
		select {
		case <-j.Outbox().Wake():
			return true
		default:
			return false
		}
	}
	a := waiting(t, "a")
	commit(t, j, a, waiting(t, "b"))
	if woken() {
		t.Error("woken by an opening")
	}
	commit(t, j, approved(t, a))
	approve(t, j, "c")
	if !woken() || woken() {
		t.Error("two rows must leave one value")
	}
	if err := j.Commit(t.Context(), approved(t, a)); err == nil || woken() {
		t.Error("woken by a commit that failed")
	}
}

func TestRecoveriesAreTotal(t *testing.T) {
	rows := map[payment.State]recovery{}
	for _, r := range recoveries() {
		if _, twice := rows[r.State]; twice {
			t.Errorf("%s has two rows", r.State)
		}
		rows[r.State] = r
	}
	for _, s := range payment.States() {
		r, there := rows[s]
		_, err := kindOf(s)
		switch {
		case !there:
			t.Errorf("%s has no row", s)
		case r.Never != (err != nil):
			t.Errorf("%s: never stored is %v, but %v", s, r.Never, err)
		case r.Never && r.Event != nil, s.Terminal() && r.Event != nil:
			t.Errorf("%s is changed by recovery", s)
		case s == payment.StateVending: // the machine's, and kept for the engine
			if r.Event != nil || r.Never {
				t.Errorf("%s: %+v", s, r)
			}
		case !s.Terminal() && !r.Never && r.Event == nil:
			t.Errorf("%s stays open", s)
		}
	}
	if len(rows) != len(payment.States()) {
		t.Errorf("%d rows, %d states", len(rows), len(payment.States()))
	}
}

func TestRecover(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	ends := map[string]payment.Event{
		"declined": payment.Unknown{}, "cancelled": payment.Cancelled{By: payment.ByRegister},
	}
	for id, e := range ends {
		p := waiting(t, id)
		commit(t, j, p, next(t, p, e))
	}
	approve(t, j, "approved")
	commit(t, j, waiting(t, "w1"), waiting(t, "w2"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	if n, err := j.Recover(t.Context(), time.Unix(50, 0), true); n != 2 || err != nil {
		t.Fatalf("recovered %d, %v", n, err)
	}
	for id, want := range map[string]payment.State{
		"w1": payment.StateExpired, "w2": payment.StateExpired, "approved": payment.StateApproved,
		"declined": payment.StateDeclined, "cancelled": payment.StateCancelled,
	} {
		p, err := j.Find(t.Context(), id)
		if err != nil || p.State != want {
			t.Errorf("%s: %s, %v; want %s", id, p.State, err, want)
		}
		if want == payment.StateExpired && (p.Reason != payment.ReasonRestarted || !p.TimeTrusted ||
			!p.ClosedAt.Equal(time.Unix(50, 0))) {
			t.Errorf("%s recovered as %+v", id, p)
		}
	}
	if n, err := j.Recover(t.Context(), time.Now(), true); n != 0 || err != nil {
		t.Errorf("recovered %d again, %v", n, err)
	}
	verify(t, &j.Reader)
}
