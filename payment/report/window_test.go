package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"smiletill/payment/report/link"
)

func testWindow(size int) *window {
	return newWindow(size, link.Backoff{
		First: time.Second, Most: 8 * time.Second, Rand: rand.New(rand.NewPCG(1, 2)),
	})
}

func row(seq int64) Row { return Row{Seq: seq, ID: fmt.Sprintf("e-%d", seq)} }

func TestWindowWaitsLongerForEachSilence(t *testing.T) {
	w, now := testWindow(1), time.Unix(0, 0)
	w.add(row(1), nil, now)
	for try, most := range []time.Duration{1, 2, 4, 8, 8, 8} {
		most *= time.Second
		due := w.due(now)
		if len(due) != 1 {
			t.Fatalf("try %d: %d rows due, want 1", try, len(due))
		}
		w.sent(due[0], nil, now)
		if got := w.due(now.Add(most/2 - 1)); len(got) != 0 {
			t.Errorf("try %d: due after less than %v", try, most/2)
		}
		now = now.Add(most)
	}
}

func TestWindowWakesTheOthersWhenTheCloudAnswers(t *testing.T) {
	w, now := testWindow(3), time.Unix(0, 0)
	for seq := int64(1); seq <= 3; seq++ {
		w.add(row(seq), nil, now)
	}
	for range 5 { // a long silence
		for _, f := range w.flights {
			w.sent(f, nil, now)
		}
	}
	w.remove(w.find("e-2"), now)
	at, ok := w.next()
	if !ok || at.After(now.Add(time.Second)) {
		t.Errorf("the others are due at %v, want within a second of %v", at, now)
	}
	var seqs []int64
	for _, f := range w.due(at.Add(time.Hour)) {
		seqs = append(seqs, f.row.Seq)
	}
	if !slices.Equal(seqs, []int64{1, 3}) {
		t.Errorf("due %v, want [1 3] in this order", seqs)
	}
}

func TestWindowRemembersOnlyTheLastClosed(t *testing.T) {
	w, now := testWindow(2), time.Unix(0, 0)
	for seq := int64(1); seq <= 100; seq++ {
		w.add(row(seq), nil, now)
		w.remove(w.find(fmt.Sprintf("e-%d", seq)), now)
	}
	if len(w.closed) != 8 || !w.wasClosed("e-100") || w.wasClosed("e-1") {
		t.Errorf("closed = %v, want the last 8", w.closed)
	}
	if _, ok := w.next(); ok {
		t.Error("an empty window has something due")
	}
}

func TestWindowKeepsItsPlaceInTheOutbox(t *testing.T) {
	w, now := testWindow(4), time.Unix(0, 0)
	w.add(row(5), nil, now)
	w.skip(row(9))
	w.skip(row(7))
	if w.after != 9 || w.room() != 3 {
		t.Errorf("after %d, room %d, want 9 and 3", w.after, w.room())
	}
}
