package journal

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// machine is the uptime of a device that the test can restart and let pass time.
type machine struct {
	boot  string
	up    time.Duration
	steps time.Duration // that pass with each look
}

func (m *machine) Uptime() (string, time.Duration) {
	m.up += m.steps
	return m.boot, m.up
}

func (m *machine) restart(boot string, up time.Duration) { m.boot, m.up = boot, up }

func TestPassed(t *testing.T) {
	wall := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(boot string, up time.Duration, wall time.Time, trusted bool) moment {
		return moment{boot, up, wall, trusted}
	}
	for _, c := range []struct {
		name     string
		from, to moment
		want     time.Duration
	}{
		{"nothing before", moment{}, at("a", time.Hour, wall, true), 0},
		{"one boot", at("a", time.Hour, wall, true), at("a", 3*time.Hour, wall, true), 2 * time.Hour},
		{"one boot, the date set forward", at("a", 1, wall, true), at("a", 2, wall.AddDate(1, 0, 0), true), 1},
		{"one boot, uptime that fell", at("a", 2, wall, true), at("a", 1, wall, true), 0},
		{"a restart", at("a", time.Hour, wall, false), at("b", time.Minute, wall, false), time.Minute},
		{"a restart, the date set forward and not trusted", at("a", 0, wall, true), at("b", time.Minute,
			wall.AddDate(1, 0, 0), false), time.Minute},
		{"a restart with good clocks", at("a", 0, wall, true), at("b", time.Minute, wall.Add(time.Hour), true),
			time.Hour},
		{"a restart, the date set back", at("a", 0, wall, true), at("b", time.Minute, wall.AddDate(-1, 0, 0), true),
			time.Minute},
	} {
		if got := passed(c.from, c.to); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// payAs approves a payment of one customer, with or without the PIN.
func payAs(
	t *testing.T,
	j *Journal,
	customer, id string,
	minor int64,
	pin bool,
	wall time.Time,
	trusted bool,
) {
	t.Helper()
	p, err := payment.Open(
		payment.Request{ID: id, Amount: payment.Amount{Minor: minor, Currency: "EUR"}},
		wall,
		time.Minute,
	)
	if err != nil {
		t.Fatal(err)
	}
	p.TimeTrusted = trusted
	commit(t, j, p)
	e := payment.Evidence{Customer: customer, MatchFrames: 2, SmileFrames: 1, Since: wall, At: wall}
	events := []payment.Event{payment.Recognised{Customer: customer}, payment.Consented{Evidence: e}}
	if pin {
		events = []payment.Event{events[0], payment.PINAsked{Evidence: e, Need: payment.NeedSum,
			Until: wall.Add(time.Minute)}, payment.PINVerified{Customer: customer}}
	}
	for _, ev := range events {
		if p, err = payment.Next(p, ev, wall); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, j, p)
}

// TestStanding takes one customer through days and restarts with clocks that are wrong.
func TestStanding(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	path := newPath(t)
	j := open(t, path, Options{Uptime: m.Uptime})
	wall := time.Now()
	want := func(count int, sum, day int64) {
		t.Helper()
		s, err := j.Standing(t.Context(), "c1", "EUR")
		if err != nil || s != (payment.Standing{Count: count, Sum: sum, Day: day}) {
			t.Errorf("%+v, %v; want %d, %d, %d", s, err, count, sum, day)
		}
		verify(t, &j.Reader)
	}
	want(0, 0, 0)
	payAs(t, j, "c1", "p1", 100, false, wall, false)
	payAs(t, j, "c2", "p2", 100, false, wall, false)
	payAs(t, j, "c1", "p3", 10, false, wall, false)
	want(2, 110, 110)
	payAs(t, j, "c1", "p4", 5, true, wall, false)
	want(0, 0, 115)
	m.up += 23 * time.Hour
	payAs(t, j, "c1", "p5", 3, false, wall.AddDate(10, 0, 0), false) // a date far ahead proves nothing
	want(1, 3, 118)
	m.restart("b", time.Minute)
	want(1, 3, 118)
	payAs(t, j, "c1", "p6", 1, false, wall.AddDate(20, 0, 0), false)
	want(2, 4, 119)
	m.up += 2 * time.Hour // now the first payments are more than 24 hours ago
	want(2, 4, 4)
	if s, err := j.Standing(t.Context(), "c1", "JPY"); err != nil || s != (payment.Standing{}) {
		t.Errorf("another currency: %+v, %v", s, err)
	}
}

func TestNoRoom(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	for _, c := range []struct {
		name string
		o    Options
		say  string
	}{
		{"money", Options{OwedMax: 449}, "3.00 EUR of at most 4.49 EUR"},
		{"time", Options{UnreportedMax: time.Hour}, "the oldest for 1h1m"},
		{"count", Options{OutboxMax: 2}, "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Uptime = m.Uptime
			j := open(t, newPath(t), c.o)
			approve(t, j, "a") // 1.50 EUR each
			approve(t, j, "b")
			m.up += 61 * time.Minute
			err := j.Commit(t.Context(), waiting(t, "c"))
			if !errors.Is(err, payment.ErrBacklog) || !strings.Contains(err.Error(), c.say) ||
				hint(err) == "" {
				t.Errorf("%v (hint %q)", err, hint(err))
			}
			for _, r := range pending(t, j, 0, 9) {
				if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
					t.Fatal(err)
				}
			}
			commit(t, j, waiting(t, "c"))
			verify(t, &j.Reader)
		})
	}
}

func TestFailedTries(t *testing.T) {
	j := open(t, newPath(t), Options{})
	want := func(n int) {
		t.Helper()
		if got, err := j.FailedTries(t.Context()); err != nil || got != n {
			t.Errorf("%d, %v; want %d", got, err, n)
		}
	}
	stranger := func(id string) {
		p := waiting(t, id)
		commit(t, j, p, next(t, p, payment.Unknown{}))
	}
	want(0)
	stranger("a")
	stranger("b")
	want(2)
	p := waiting(t, "c")
	commit(t, j, p, next(t, p, payment.Cancelled{By: payment.ByCustomer}))
	want(2)
	approve(t, j, "d")
	want(0)
	stranger("e")
	want(1)
	f := waiting(t, "f") // two strangers looked into the camera, and somebody cancelled
	seen := next(t, next(t, f, payment.Stranger{}), payment.Stranger{})
	commit(t, j, f, next(t, seen, payment.Cancelled{By: payment.ByCustomer}))
	want(3)
	g := waiting(t, "g")
	commit(t, j, g, next(t, next(t, g, payment.Stranger{}), payment.Unknown{}))
	want(4)
	verify(t, &j.Reader)
}

func TestReverse(t *testing.T) {
	j := open(t, newPath(t), Options{})
	approve(t, j, "a")
	commit(t, j, waiting(t, "open"))
	first := reverse(t, j, "r1", "a", 50)
	rest := reverse(t, j, "r2", "a", 0)
	if rest.Amount.Minor != 100 || !rest.Whole {
		t.Errorf("the rest is %+v", rest)
	}
	for _, c := range []struct {
		name string
		r    payment.Reversal
		want error
	}{
		{"the same again", first, payment.ErrConflict},
		{"more than was paid", with(first, func(r *payment.Reversal) { r.ID = "r3" }), payment.ErrTooMuch},
		{"of none", with(first, func(r *payment.Reversal) { r.ID, r.PaymentID = "r3", "x" }), payment.ErrNotFound},
		{"of an open one", with(first, func(r *payment.Reversal) { r.ID, r.PaymentID = "r3", "open" }),
			payment.ErrNotApproved},
		{"to somebody else", with(first, func(r *payment.Reversal) { r.ID, r.Customer = "r3", "c9" }),
			payment.ErrNotApproved},
	} {
		if err := j.Reverse(t.Context(), c.r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	p, err := j.Find(t.Context(), "a")
	if err != nil || p.Reversed != 150 || p.State != payment.StateApproved {
		t.Errorf("%+v, %v", p, err)
	}
	all, err := j.Reversals(t.Context(), "a")
	if err != nil || len(all) != 2 || all[0].Amount.Minor != 50 || all[1] != asStoredReversal(rest) {
		t.Errorf("%+v, %v", all, err)
	}
	rows := pending(t, j, 0, 9)
	if len(rows) != 3 || rows[1].Kind != "reversed" ||
		!strings.Contains(string(rows[2].Body), `"amount_minor":100`) {
		t.Errorf("%+v", rows)
	}
	if r := verify(t, &j.Reader); r.Reversals != 2 || r.Approved != 1 {
		t.Errorf("%+v", r)
	}
	if b, err := j.Backlog(t.Context()); err != nil || b.Count != 3 || b.Owed != 150 {
		t.Errorf("%+v, %v", b, err)
	}
}

func with(r payment.Reversal, change func(*payment.Reversal)) payment.Reversal {
	change(&r)
	return r
}

func asStoredReversal(r payment.Reversal) payment.Reversal {
	r.At = r.At.UTC().Round(0)
	return r
}

func TestPark(t *testing.T) {
	j := open(t, newPath(t), Options{})
	approve(t, j, "a")
	approve(t, j, "b")
	poison := pending(t, j, 0, 1)[0]
	if err := j.Outbox().Park(t.Context(), poison.Seq, "the cloud refuses it"); err != nil {
		t.Fatal(err)
	}
	if rows := pending(t, j, 0, 9); len(rows) != 1 || rows[0].PaymentID != "b" {
		t.Errorf("%+v", rows)
	}
	parked, err := j.Parked(t.Context(), 9)
	if err != nil || len(parked) != 1 || parked[0].Hash != poison.Hash ||
		parked[0].Why != "the cloud refuses it" {
		t.Errorf("%+v, %v", parked, err)
	}
	if b, err := j.Backlog(t.Context()); err != nil || b.Count != 1 || b.Parked != 1 || b.Owed != 300 {
		t.Errorf("%+v, %v", b, err)
	}
	if e, err := j.List(t.Context(), Filter{}); err != nil || e[1].Delivery != DeliveryParked {
		t.Errorf("%+v, %v", e, err)
	}
	verify(t, &j.Reader)
	if err := j.Outbox().Unpark(t.Context(), poison.Seq, payment.Who{}); err != nil {
		t.Fatal(err)
	}
	if rows := pending(t, j, 0, 9); len(rows) != 2 {
		t.Errorf("%+v", rows)
	}
	if err := j.Outbox().Park(t.Context(), 99, "x"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestPrune(t *testing.T) {
	m := &machine{boot: "a", up: time.Hour}
	path := newPath(t)
	j := open(t, path, Options{Uptime: m.Uptime})
	closeRows := func(leave string) {
		for _, r := range pending(t, j, 0, 1e6) {
			if r.PaymentID == leave {
				continue
			}
			if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
				t.Fatal(err)
			}
		}
	}
	prune := func(want int64) {
		t.Helper()
		if n, err := j.Prune(t.Context(), payment.MinKeep); err != nil || n != want {
			t.Fatalf("%d removed, want %d: %v", n, want, err)
		}
		verify(t, &j.Reader)
	}
	for i := range 5 {
		approve(t, j, fmt.Sprint("old", i)) // facts 1 to 10
	}
	prune(0)
	m.up += payment.MinKeep + time.Hour
	approve(t, j, "new")                // 11, 12
	reverse(t, j, "r1", "old3", 50)     // 13: keeps old3 (7, 8) and what follows
	closeRows("old1")                   // 3, 4: not acknowledged
	prune(2)                            // old0, and the opening of old1 stays with its end
	closeRows("")                       //
	prune(4)                            // old1, old2
	m.up += payment.MinKeep + time.Hour // now the reversal is old too
	commit(t, j, waiting(t, "still"))   // 14
	prune(7)
	if _, err := j.Find(t.Context(), "old4"); !errors.Is(err, payment.ErrNotFound) {
		t.Error(err)
	}
	if r := verify(t, &j.Reader); r.First != 14 || r.Facts != 1 || r.Payments != 1 {
		t.Errorf("%+v", r)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{Uptime: m.Uptime})
	approve(t, j, "after")
	if r := verify(t, &j.Reader); r.Facts != 3 {
		t.Errorf("%+v", r)
	}
	if _, err := j.Prune(t.Context(), time.Hour); err == nil {
		t.Error("kept less than 90 days")
	}
	if _, err := j.db.Exec(`DELETE FROM fact WHERE seq = 14`); err == nil {
		t.Error("a fact behind the anchor was removed")
	}
	if _, err := j.db.Exec(`UPDATE anchor SET seq = 16`); err == nil {
		t.Error("the anchor moved over what is not acknowledged")
	}
}
