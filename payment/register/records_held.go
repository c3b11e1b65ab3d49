package register

import (
	"context"
	"database/sql"
)

// What the file of records may hold: rows of some 600 bytes each, of three busy days; the SaleData of a
// Payment takes up to [BodyMax].
const (
	recordsMax      = 50_000
	recordsMaxBytes = 32 << 20
)

// room is what fits.
type room struct{ messages, bytes int64 }

// heldSchema counts what is there, in rows and bytes, so that nobody has to add it up. The order in which
// records go is that of worth: refusals first, then what moved no money, each the oldest first.
const heldSchema = `
CREATE TABLE IF NOT EXISTS held (one INTEGER PRIMARY KEY CHECK (one = 1), messages INTEGER NOT NULL,
	bytes INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO held SELECT 1, count(*), ifnull(sum(200 + octet_length(header) +
	octet_length(sale_data) + octet_length(answer) + octet_length(refused)), 0) FROM message;
CREATE TRIGGER IF NOT EXISTS held_insert AFTER INSERT ON message BEGIN
	UPDATE held SET messages = messages + 1, bytes = bytes + 200 + octet_length(new.header) +
		octet_length(new.sale_data) + octet_length(new.answer) + octet_length(new.refused);
END;
CREATE TRIGGER IF NOT EXISTS held_delete AFTER DELETE ON message BEGIN
	UPDATE held SET messages = messages - 1, bytes = bytes - 200 - octet_length(old.header) -
		octet_length(old.sale_data) - octet_length(old.answer) - octet_length(old.refused);
END;
CREATE TRIGGER IF NOT EXISTS held_update AFTER UPDATE OF sale_data, refused ON message BEGIN
	UPDATE held SET bytes = bytes + octet_length(new.sale_data) + octet_length(new.refused) -
		octet_length(old.sale_data) - octet_length(old.refused);
END;
CREATE INDEX IF NOT EXISTS message_worth ON message ` + worth + `;
`

const selectHeld = `SELECT messages, bytes FROM held`

// worth is the expression of an index, and must be written the same wherever it is to be used.
const worth = `(CASE WHEN refused <> '' THEN 0
	WHEN category IN ('Payment', 'Reversal', 'Reconciliation') THEN 2 ELSE 1 END)`

// makeRoom removes what is worth least, until the file holds no more than it may. A payment's record may go
// too, when there is nothing else: the journal still refuses its id.
func (r *Records) makeRoom(ctx context.Context, tx *sql.Tx) error {
	for {
		var messages, bytes int64
		row := tx.StmtContext(ctx, r.compiled[selectHeld]).QueryRowContext(ctx)
		if err := row.Scan(&messages, &bytes); err != nil {
			return err
		}
		if messages <= r.room.messages && bytes <= r.room.bytes || messages == 0 {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM message WHERE rowid IN (SELECT rowid FROM message
			ORDER BY `+worth+`, rowid LIMIT 1)`); err != nil {
			return err
		}
	}
}
