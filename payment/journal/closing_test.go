package journal

import (
	"errors"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"smiletill/payment"
)

// anna closes the days of these tests.
func anna() payment.Who { return payment.Who{Role: "clerk", Name: "Anna"} }

// giveBack gives a part of a payment back.
func giveBack(t *testing.T, j *Journal, id string, minor int64) {
	t.Helper()
	p, err := j.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := payment.OpenReversal(payment.ReversalRequest{ID: "back-" + id + strconv.FormatInt(minor, 10),
		PaymentID: id, Minor: minor}, p, time.Now())
	if err == nil {
		err = j.Reverse(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestCloseDay closes days around payments: each end counts once, in the closing that follows it.
func TestCloseDay(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	now := time.Now()
	if _, err := j.CloseDay(t.Context(), "a", now, true, anna()); !errors.Is(err, ErrNothingToClose) ||
		payment.HintOf(err) == "" {
		t.Errorf("an empty day: %v", err)
	}
	if _, err := j.CloseDay(t.Context(), "not an id", now, true, anna()); !errors.Is(err, payment.ErrRequest) {
		t.Errorf("no id: %v", err)
	}
	one, two, late := waiting(t, "one"), waiting(t, "two"), waiting(t, "late")
	commit(t, j, one, approved(t, one), two, next(t, two, payment.Cancelled{By: payment.ByOperator}), late)
	giveBack(t, j, "one", 50)
	first, err := j.CloseDay(t.Context(), "a", now, true, anna())
	if err != nil {
		t.Fatal(err)
	}
	want := []ClosingSum{{Currency: "EUR", Paid: 1, PaidMinor: 150, Returned: 1, ReturnedMinor: 50, Unpaid: 1}}
	if first.Number != 1 || first.After != 0 || !reflect.DeepEqual(first.Sums, want) || want[0].Net() != 100 {
		t.Errorf("%+v", first)
	}
	again, err := j.CloseDay(t.Context(), "a", now.Add(time.Minute), true, anna())
	if err != nil || again.Number != 1 || !reflect.DeepEqual(again.Sums, want) {
		t.Errorf("the same request: %+v, %v", again, err)
	}
	if _, err := j.CloseDay(t.Context(), "b", now, true, anna()); !errors.Is(err, ErrNothingToClose) {
		t.Errorf("closed twice: %v", err)
	}
	commit(t, j, approved(t, late)) // it ran while the day was closed
	giveBack(t, j, "one", 100)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = open(t, path, Options{})
	waits, err := j.OpenDay(t.Context())
	want = []ClosingSum{{Currency: "EUR", Paid: 1, PaidMinor: 150, Returned: 1, ReturnedMinor: 100}}
	if err != nil || waits.Number != 0 || !reflect.DeepEqual(waits.Sums, want) {
		t.Errorf("not closed yet: %+v, %v", waits, err)
	}
	second, err := j.CloseDay(t.Context(), "c", now, false, anna())
	if err != nil || second.Number != 2 || second.After != first.Upto || !reflect.DeepEqual(second.Sums, want) {
		t.Errorf("%+v, %v", second, err)
	}
	all, err := j.Closings(t.Context(), 10)
	if err != nil || len(all) != 2 || all[0].ID != "c" || all[0].Who != anna() ||
		all[0].TimeTrusted || all[1].ID != "a" ||
		!all[1].TimeTrusted || !reflect.DeepEqual(all[0].Sums, want) {
		t.Errorf("%+v, %v", all, err)
	}
	report, err := j.Verify(t.Context(), nil)
	if err != nil || report.Facts == 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	rows, err := j.AuditOutbox().Pending(t.Context(), 0, 10)
	if err != nil || len(rows) != 2 {
		t.Errorf("%d closings go to the cloud, %v", len(rows), err)
	}
}

// Clerks who close at once, amid payments: no payment is in two closings or in none.
func TestCloseDayAtOnce(t *testing.T) {
	j := open(t, newPath(t), Options{})
	var wg sync.WaitGroup
	for clerk := range 4 {
		wg.Go(func() {
			for n := range 10 {
				p := waiting(t, "p"+strconv.Itoa(clerk)+"-"+strconv.Itoa(n))
				if err := errors.Join(j.Commit(t.Context(), p), j.Commit(t.Context(), approved(t, p))); err != nil {
					t.Error(err)
				}
				_, err := j.CloseDay(t.Context(), "c"+strconv.Itoa(clerk)+"-"+strconv.Itoa(n), time.Now(), true, anna())
				if err != nil && !errors.Is(err, ErrNothingToClose) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := j.Closings(t.Context(), -1)
	if err != nil {
		t.Fatal(err)
	}
	paid, upto := 0, int64(0)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].After != upto || all[i].Number != int64(len(all)-i) {
			t.Errorf("closing %d begins behind fact %d, not %d", all[i].Number, all[i].After, upto)
		}
		paid, upto = paid+all[i].Sums[0].Paid, all[i].Upto
	}
	if paid != 40 {
		t.Errorf("%d payments in %d closings, want 40", paid, len(all))
	}
}
