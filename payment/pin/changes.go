package pin

import (
	"context"
	"database/sql"
	"fmt"
)

// changesSchema counts each change in the file itself, by whichever program it is made.
const changesSchema = `BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS changes (
	one   INTEGER PRIMARY KEY CHECK (one = 1),
	count INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO changes VALUES (1, 0);
CREATE TRIGGER IF NOT EXISTS pin_set AFTER INSERT ON pin
	BEGIN UPDATE changes SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS pin_tried AFTER UPDATE ON pin
	BEGIN UPDATE changes SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS pin_taken AFTER DELETE ON pin
	BEGIN UPDATE changes SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS clerk_set AFTER INSERT ON clerk
	BEGIN UPDATE changes SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS clerk_taken AFTER DELETE ON clerk
	BEGIN UPDATE changes SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS block_set AFTER INSERT ON blocked
	BEGIN UPDATE changes SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS block_taken AFTER DELETE ON blocked
	BEGIN UPDATE changes SET count = count + 1; END;
COMMIT`

// countChanges has a file count its changes that does not yet. One that does is only read: a PIN can be
// looked up on a disk that can't be written.
func countChanges(ctx context.Context, db *sql.DB) error {
	var counted bool
	err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'changes')`).
		Scan(&counted)
	if err == nil && !counted {
		_, err = db.ExecContext(ctx, changesSchema)
	}
	return err
}

// Changes is how often the file was changed since it was made: a file with fewer than there were is an older
// copy. Tries of a PIN are changes.
func (s *Store) Changes(ctx context.Context) (count int64, err error) {
	if err := s.db.QueryRowContext(ctx, `SELECT count FROM changes`).Scan(&count); err != nil {
		return 0, fmt.Errorf("count changes of PINs: %w", err)
	}
	return count, nil
}

// OnChange names who is told the count of changes after each one, on the goroutine that makes it: of a try,
// before the PIN is looked at. Its error is that of the change, which stays. Call it before the store is
// used.
func (s *Store) OnChange(saw func(count int64) error) { s.saw = saw }

// changed tells of a change that is on the disk.
func (s *Store) changed(ctx context.Context) error {
	if s.saw == nil {
		return nil
	}
	count, err := s.Changes(ctx)
	if err != nil {
		return err
	}
	return s.saw(count)
}
