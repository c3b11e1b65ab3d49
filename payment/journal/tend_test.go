package journal

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"smiletill/payment"
)

// TestTendFindsDamage changes an entry under a terminal that runs: it does not go on with it.
func TestTendFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ended := make(chan error, 1)
	go func() { ended <- j.Tend(t.Context(), payment.MinKeep, 10*time.Millisecond) }()
	select {
	case err := <-ended:
		t.Fatalf("a sound journal: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`UPDATE head SET seq = 1`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, ErrDamaged) || payment.HintOf(err) == "" {
			t.Errorf("damage: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the damage is not found")
	}
}
