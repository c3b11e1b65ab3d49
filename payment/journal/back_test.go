package journal

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBackToTheOlderProgram migrates a journal of the first version and goes back to a program that knows
// only that.
func TestBackToTheOlderProgram(t *testing.T) {
	path := version1(t)
	before, _, err := endOfFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	j := open(t, path, Options{Program: "smiletill v9"})
	if _, err := back(t.Context(), path, 1, time.Now()); !errors.Is(err, ErrInUse) {
		t.Errorf("under a terminal that runs: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Back(t.Context(), path, time.Now())
	if err == nil || !strings.Contains(hint(err), "start the terminal") {
		t.Errorf("back from what this program writes: %v", err)
	}
	newest, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	done, err := back(t.Context(), path, 1, time.Now())
	if err != nil || done.Schema != 1 || done.Facts != 13 {
		t.Fatalf("%+v, %v", done, err)
	}
	if end, version, err := endOfFile(t.Context(), path); err != nil || version != 1 || end != before {
		t.Errorf("in force again: schema %d, fact %d, %v", version, end.seq, err)
	}
	if kept, err := os.ReadFile(done.Kept); err != nil || string(kept) != string(newest) {
		t.Errorf("the newer journal was not kept as it was: %v", err)
	}
	// And forward once more: the old program's payment is there.
	j = open(t, path, Options{})
	if report := verify(t, &j.Reader); report.Facts != 13 || report.Approved != 3 {
		t.Errorf("%+v", report)
	}
	approve(t, j, "later")
}

// TestBackLosesNoPayment refuses the copy as soon as one fact more was written, keeps all files as they
// are, and the next start removes what nobody may put back.
func TestBackLosesNoPayment(t *testing.T) {
	path := version1(t)
	j := open(t, path, Options{Program: "smiletill v9"})
	approve(t, j, "h")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = back(t.Context(), path, 1, time.Now())
	if !errors.Is(err, ErrWouldLose) || !strings.Contains(err.Error(), "fact 13") ||
		!strings.Contains(hint(err), "install smiletill v9 again") {
		t.Errorf("%v; %s", err, hint(err))
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(was) {
		t.Errorf("the journal was changed: %v", err)
	}
	if err := open(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(copyName(path, 1)); err == nil {
		t.Error("a copy that would lose a payment is still there")
	}
	// Without a copy an older program would begin an empty journal.
	if _, err = back(t.Context(), path, 1, time.Now()); !errors.Is(err, ErrWouldLose) {
		t.Errorf("without a copy: %v", err)
	}
}

// TestNewerJournalNamesItsProgram shows what an older program says of a journal that it doesn't know.
func TestNewerJournalNamesItsProgram(t *testing.T) {
	path := newPath(t)
	if err := open(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := connect(path, "", url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	err = noteMigration(path, migration{From: 3, To: 99, Program: "smiletill v99.1", At: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path, Options{})
	if !errors.Is(err, ErrNewer) || !strings.Contains(hint(err), "smiletill v99.1") ||
		!strings.Contains(hint(err), "smiletill journal back") {
		t.Errorf("%v; %s", err, hint(err))
	}
}

// TestNoMigrationWithoutACopy has the copy fail: the journal stays of its version, and the hint says what
// to do.
func TestNoMigrationWithoutACopy(t *testing.T) {
	path := version1(t)
	if err := os.MkdirAll(filepath.Join(copyName(path, 1)+".new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); err == nil {
		t.Fatal("it was migrated without a way back")
	}
	if _, version, err := endOfFile(t.Context(), path); err != nil || version != 1 {
		t.Errorf("schema %d, %v", version, err)
	}
}
