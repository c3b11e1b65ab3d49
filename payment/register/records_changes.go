package register

import "context"

// changesSchema counts in the file itself what came in, by whichever program it was written.
const changesSchema = `
CREATE TABLE IF NOT EXISTS changes (
	one   INTEGER PRIMARY KEY CHECK (one = 1),
	count INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO changes VALUES (1, 0);
CREATE TRIGGER IF NOT EXISTS message_came AFTER INSERT ON message
	BEGIN UPDATE changes SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS period_closed AFTER INSERT ON period
	BEGIN UPDATE changes SET count = count + 1; END;
`

// Changes is how many messages and periods were written since the file was made: a file with fewer than
// there were is an older copy.
func (r *Records) Changes(ctx context.Context) (count int64, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT count FROM changes`).Scan(&count)
	return count, err
}

// OnChange names who is told the count of changes after each one. It must not wait. Call it before the
// records are used.
func (r *Records) OnChange(saw func(count int64)) { r.saw = saw }

// changed tells of a change that is on the disk.
func (r *Records) changed(ctx context.Context) error {
	if r.saw == nil {
		return nil
	}
	count, err := r.Changes(ctx)
	if err == nil {
		r.saw(count)
	}
	return err
}
