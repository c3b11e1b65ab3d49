package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"smiletill/payment"
)

// till is a journal of a shop's day: 25 payments, or 60 with CRASH_ALL, every fifth refused, every fifth a
// machine's, some given back, the first reports acknowledged, one payment open and one in a machine's hand.
func till(t testing.TB) (text []byte, want contents) {
	t.Helper()
	path := newPath(t)
	j := open(t, path, Options{})
	for i := range pick(60, 25) {
		id := fmt.Sprintf("pay-%02d", i)
		if i%5 == 4 {
			p := waiting(t, id)
			commit(t, j, p, next(t, p, payment.Unknown{}))
			continue
		}
		if i%5 == 3 { // a machine's
			v := vend(t, id)
			commit(t, j, v[0], v[1], v[2+i%2])
			continue
		}
		approve(t, j, id)
		if i%10 == 2 {
			reverse(t, j, "back-"+id, id, 50)
		}
	}
	commit(t, j, waiting(t, "open"))
	v := vend(t, "vending")
	commit(t, j, v[0], v[1])
	want, err := read(t, j)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range want.rows[:10] {
		if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return text, want
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestQuarantineOfEachPage empties the pages of a journal one at a time, the first among them, and some
// together. Whatever SQLite can still read, every approval on a page that is left comes out, once, as it
// was.
func TestQuarantineOfEachPage(t *testing.T) {
	long(t)
	text, want := till(t)
	pages := len(text) / 4096
	sound := 0
	for page := -1; page < pages; page += pick(1, 3) {
		t.Run(fmt.Sprint("page ", page), func(t *testing.T) {
			harmed := append([]byte(nil), text...)
			for i := range pages {
				if i == page || page < 0 && i < pages/2 {
					clear(harmed[i*4096 : (i+1)*4096])
				}
			}
			path := newPath(t)
			write(t, path, harmed)
			q, err := Quarantine(t.Context(), path, noon, nil)
			if errors.Is(err, ErrSound) {
				sound++ // a page that nothing uses
				if after, err := os.ReadFile(path); err != nil || string(after) != string(harmed) {
					t.Errorf("a sound journal was changed: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			evidence(t, q, harmed)
			rescued(t, path, harmed, want, q)
		})
	}
	if sound > 3 {
		t.Errorf("%d of %d pages can be lost and nothing is wrong: the test has lost its sense", sound, pages)
	}
}

// evidence checks that the damaged file is kept as it was.
func evidence(t *testing.T, q Quarantined, harmed []byte) {
	t.Helper()
	kept, err := os.ReadFile(filepath.Join(q.Folder, "journal.db"))
	sum := sha256.Sum256(harmed)
	if err != nil || string(kept) != string(harmed) || q.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("the damaged file was changed: %v", err)
	}
	entries, err := os.ReadDir(q.Folder)
	if err != nil || len(entries) > 4 {
		t.Errorf("%v, %v", entries, err)
	}
}

// rescued holds a journal that Quarantine made against what was in the damaged one.
func rescued(t *testing.T, path string, harmed []byte, want contents, q Quarantined) {
	t.Helper()
	j := open(t, path, Options{OutboxMax: 1 << 20})
	report := verify(t, &j.Reader)
	if report.TakenOver != q.Facts || report.Unsure != len(q.Unsure) || report.Approved != q.Approved ||
		report.Open != 0 {
		t.Errorf("%+v, but told %+v", report, q)
	}
	got := map[string]Row{}
	for _, r := range pending(t, j, 0, 999) {
		if _, twice := got[r.ID]; twice {
			t.Errorf("%s is reported twice", r.PaymentID)
		}
		got[r.ID] = r
	}
	for _, r := range want.rows {
		whole := strings.Contains(string(harmed), string(r.Body))
		found, ok := got[r.ID]
		delete(got, r.ID)
		if ok != whole || ok && !reflect.DeepEqual(found, r) {
			t.Errorf("%s %s: readable %v, rescued %v: %+v", r.PaymentID, r.Kind, whole, ok, found)
		}
		p, err := j.Find(t.Context(), r.PaymentID)
		switch {
		case r.Kind == kindApproved && whole && (err != nil || p.State != payment.StateApproved):
			t.Errorf("%s: %+v, %v", r.PaymentID, p, err)
		case r.Kind == kindApproved && !whole && err == nil:
			t.Errorf("%s: its approval is lost, and it is %s", r.PaymentID, p.State)
		}
	}
	if len(got) != 0 {
		t.Errorf("reports of what never was: %v", got)
	}
	for _, e := range want.entries {
		p, err := j.Find(t.Context(), e.Payment.ID)
		if err == nil && (p.State != e.Payment.State || p.Amount != e.Payment.Amount) {
			t.Errorf("%s was %s, and is %s", e.Payment.ID, e.Payment.State, p.State)
		}
		if (e.Payment.ID == "open" || e.Payment.ID == "vending") && err == nil {
			t.Errorf("nobody knows what became of the open payment, and it is %s", p.State)
		}
	}
	goesOn(t, j, q, want)
}

// givesBack tries to give back what was taken over: where facts behind the approval are missing, a
// reversal may be among them.
func givesBack(t *testing.T, j *Journal, want contents, q Quarantined) {
	t.Helper()
	lost := int64(0)
	for _, g := range q.Gaps {
		lost = g.Last
	}
	if q.Tail {
		lost = q.First
	}
	for i, e := range want.entries {
		p, err := j.Find(t.Context(), e.Payment.ID)
		if err != nil || p.State != payment.StateApproved || p.ID == "between" {
			continue
		}
		r, err := payment.OpenReversal(
			payment.ReversalRequest{ID: fmt.Sprint("again-", i), PaymentID: p.ID, Minor: 1}, p, noon)
		if err != nil {
			t.Fatal(err)
		}
		err = j.Reverse(t.Context(), r)
		if unsure := errors.Is(err, payment.ErrUnsure); unsure != (e.Seq < lost) || !unsure && err != nil {
			t.Errorf("%s, fact %d, facts lost up to %d, is given back: %v", p.ID, e.Seq, lost, err)
		}
	}
}

// goesOn pays and gives back with the new journal.
func goesOn(t *testing.T, j *Journal, q Quarantined, want contents) {
	t.Helper()
	if n, err := j.Recover(t.Context(), noon, true); err != nil || n != 0 {
		t.Errorf("%d recovered, %v", n, err)
	}
	approve(t, j, "after")
	reverse(t, j, "back-after", "after", 50)
	rows := pending(t, j, q.First-1, 9)
	if len(rows) != 2 || rows[0].Seq != q.First+1 || q.First%seqStep != 1 {
		t.Errorf("%+v", rows)
	}
	givesBack(t, j, want, q)
	for _, u := range q.Unsure {
		p := waiting(t, u.PaymentID)
		if err := j.Commit(t.Context(), p); !errors.Is(err, payment.ErrUnsure) || hint(err) == "" {
			t.Errorf("%s: the id of an unsure payment is taken again: %v", u.PaymentID, err)
		}
	}
	verify(t, &j.Reader)
	if err := j.CheckTail(t.Context()); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	verify(t, &open(t, j.path, Options{OutboxMax: 1 << 20}).Reader)
}

// TestQuarantineAgain damages a journal, quarantines it, pays, and damages the new one in each of its
// pages: what was taken over first is taken over again.
func TestQuarantineAgain(t *testing.T) {
	long(t)
	text, want := till(t)
	path := newPath(t)
	clear(text[:4096])
	write(t, path, text)
	first, err := Quarantine(t.Context(), path, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	j := open(t, path, Options{OutboxMax: 1 << 20})
	approve(t, j, "between")
	want.rows = append(want.rows, pending(t, j, first.First, 9)...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	for page := 0; page < len(text)/4096; page += pick(1, 3) {
		harmed := append([]byte(nil), text...)
		clear(harmed[page*4096 : (page+1)*4096])
		path := newPath(t)
		write(t, path, harmed)
		second, err := Quarantine(t.Context(), path, noon, nil)
		if errors.Is(err, ErrSound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if second.First != first.First+seqStep {
			t.Errorf("page %d: the sequence goes on at %d", page, second.First)
		}
		rescued(t, path, harmed, want, second)
	}
}

// TestQuarantineCutShort kills Quarantine, or fails its calls, at each write, sync, rename and removal:
// until it is done nothing opens the journal, and done again it takes over all.
func TestQuarantineCutShort(t *testing.T) {
	text, want := till(t)
	for page := range len(text) / 4096 { // one that holds facts
		if strings.Contains(string(text[page*4096:(page+1)*4096]), "pay-20") {
			clear(text[page*4096 : (page+1)*4096])
			break
		}
	}
	damaged := func(t *testing.T, path string) { write(t, path, text) }
	faultAtEverySyscall(t, "quarantine", damaged, func(t *testing.T, name, path, said string) {
		if _, err := os.Stat(workName(path)); err == nil {
			_, err := Open(t.Context(), path, Options{})
			if !errors.Is(err, ErrDamaged) || hint(err) == "" {
				t.Errorf("%s: the work is not done, and the journal opens: %v\n%s", name, err, said)
			}
		}
		q, err := Quarantine(t.Context(), path, noon, nil)
		if errors.Is(err, ErrSound) && !strings.Contains(said, "whole") {
			kept, _ := filepath.Glob(path + ".damaged-*/" + reportName)
			if len(kept) != 1 {
				t.Errorf("%s: %v", name, kept)
				return
			}
			if q, err = readReport(filepath.Dir(kept[0])); err == nil {
				q.Folder = filepath.Dir(kept[0])
			}
		}
		if strings.Contains(said, "whole") {
			if !errors.Is(err, ErrSound) {
				t.Errorf("%s: done, and again: %v", name, err)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, said)
			return
		}
		evidence(t, q, text)
		rescued(t, path, text, want, q)
	})
}

// TestDamageFoundWhileRunning has a fact change under a journal that is open.
func TestDamageFoundWhileRunning(t *testing.T) {
	path := newPath(t)
	j := open(t, path, Options{})
	for i := range 3 {
		approve(t, j, fmt.Sprint("p", i))
	}
	if err := j.CheckTail(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mark, err := readMark(t.Context(), j.db, "checkpoint"); err != nil || mark.seq != 6 {
		t.Errorf("checked up to %d, %v", mark.seq, err)
	}
	alter(
		t,
		path,
		`DROP TRIGGER fact_is_not_changed; UPDATE fact SET body = replace(body, '150', '151') WHERE seq = 4`,
	)
	if err := j.CheckTail(t.Context()); !errors.Is(err, ErrDamaged) || hint(err) == "" {
		t.Errorf("a changed fact: %v", err)
	}
}

// TestPruneAfterQuarantine removes what was taken over when it is old and acknowledged, and not before;
// what a reversal of today gives back stays with it.
func TestPruneAfterQuarantine(t *testing.T) {
	text, _ := till(t)
	clear(text[:100])
	path := newPath(t)
	write(t, path, text)
	if _, err := Quarantine(t.Context(), path, noon, nil); err != nil {
		t.Fatal(err)
	}
	alter(t, path, `DROP TRIGGER gap_stays; DELETE FROM gap; CREATE TRIGGER gap_stays BEFORE DELETE ON gap
	BEGIN SELECT raise(ABORT, 'what is missing stays missing'); END`) // or nothing could be given back
	m := &machine{boot: "a", up: time.Hour}
	j := open(t, path, Options{Uptime: m.Uptime})
	prune := func(want bool) {
		t.Helper()
		n, err := j.Prune(t.Context(), payment.MinKeep)
		if err != nil || (n > 0) != want {
			t.Fatalf("%d removed: %v", n, err)
		}
		_, err = j.Find(t.Context(), "pay-00")
		if gone := errors.Is(err, payment.ErrNotFound); gone != want {
			t.Errorf("gone: %v, %v", gone, err)
		}
		verify(t, &j.Reader)
	}
	approve(t, j, "new")
	m.up += payment.MinKeep + time.Hour
	reverse(t, j, "late", "pay-01", 50)
	prune(false) // nothing is acknowledged
	for _, r := range pending(t, j, 0, 999) {
		if err := j.Outbox().Close(t.Context(), r.ID, r.Hash, r.Seq); err != nil {
			t.Fatal(err)
		}
	}
	prune(false) // the reversal is of today
	m.up += payment.MinKeep + time.Hour
	approve(t, j, "newest")
	prune(true)
}
