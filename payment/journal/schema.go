package journal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// applicationID marks the file as ours in its header (offset 68): "smti".
const applicationID = 0x736d7469

// migrations are applied in order; a file of version n (PRAGMA user_version) has had the first n. One that
// was released is never edited.
func migrations() []string {
	return []string{schema1}
}

const schema1 = `
CREATE TABLE fact (
	seq       INTEGER PRIMARY KEY CHECK (seq > 0),
	id        TEXT NOT NULL UNIQUE,
	payment   TEXT NOT NULL,
	kind      TEXT NOT NULL CHECK (kind IN ('opened', 'approved', 'declined', 'cancelled', 'expired')),
	time      TEXT NOT NULL,
	body      TEXT NOT NULL,
	prev_hash BLOB NOT NULL CHECK (length(prev_hash) = 32),
	hash      BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE UNIQUE INDEX fact_opening ON fact (payment) WHERE kind = 'opened';
CREATE UNIQUE INDEX fact_end ON fact (payment) WHERE kind <> 'opened';
CREATE TRIGGER fact_is_not_changed BEFORE UPDATE ON fact
	BEGIN SELECT raise(ABORT, 'facts do not change'); END;
CREATE TRIGGER fact_is_appended BEFORE INSERT ON fact WHEN NEW.seq <> (SELECT seq + 1 FROM head)
	BEGIN SELECT raise(ABORT, 'facts are appended'); END;
CREATE TRIGGER fact_is_not_removed BEFORE DELETE ON fact
	BEGIN SELECT raise(ABORT, 'facts are not removed'); END;

CREATE TABLE payment (
	id           TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
	seq          INTEGER NOT NULL UNIQUE REFERENCES fact (seq),
	state        TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'declined', 'cancelled', 'expired')),
	amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
	currency     TEXT NOT NULL CHECK (length(currency) = 3),
	reference    TEXT NOT NULL,
	reason       TEXT NOT NULL,
	detail       TEXT NOT NULL,
	customer     TEXT NOT NULL,
	match_frames INTEGER NOT NULL,
	smile_frames INTEGER NOT NULL,
	opened_at    TEXT NOT NULL,
	closed_at    TEXT,
	time_trusted INTEGER NOT NULL CHECK (time_trusted IN (0, 1)),
	CHECK ((state = 'waiting') = (closed_at IS NULL))
) STRICT;
CREATE INDEX payment_open ON payment (id) WHERE state = 'waiting';
CREATE TRIGGER payment_ends_once BEFORE UPDATE ON payment WHEN OLD.state <> 'waiting'
	OR OLD.id <> NEW.id OR OLD.amount_minor <> NEW.amount_minor OR OLD.currency <> NEW.currency
	OR OLD.reference <> NEW.reference OR OLD.opened_at <> NEW.opened_at
	BEGIN SELECT raise(ABORT, 'payments end once and keep their content'); END;
CREATE TRIGGER payment_is_not_removed BEFORE DELETE ON payment
	BEGIN SELECT raise(ABORT, 'payments are not removed'); END;

CREATE TABLE outbox (
	seq      INTEGER PRIMARY KEY REFERENCES fact (seq),
	acked_at TEXT CHECK (length(acked_at) >= 20)
) STRICT;
CREATE INDEX outbox_open ON outbox (seq) WHERE acked_at IS NULL;
CREATE TRIGGER outbox_closes_once BEFORE UPDATE ON outbox
	WHEN OLD.acked_at IS NOT NULL OR NEW.acked_at IS NULL OR OLD.seq <> NEW.seq
	BEGIN SELECT raise(ABORT, 'outbox rows close once'); END;
CREATE TRIGGER outbox_is_not_removed BEFORE DELETE ON outbox
	BEGIN SELECT raise(ABORT, 'outbox rows are not removed'); END;

-- The end of the chain once more, in another page: a chain can't tell that its own tail is gone.
CREATE TABLE head (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	seq  INTEGER NOT NULL,
	hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO head VALUES (1, 0, zeroblob(32));

-- Written and emptied by Probe.
CREATE TABLE scratch (one INTEGER PRIMARY KEY CHECK (one = 1), filler BLOB) STRICT;
`

// migrate brings a database from one version to another, one transaction a step.
func migrate(ctx context.Context, db *sql.DB, from, to int) error {
	for i, step := range migrations() {
		if i < from || i >= to {
			continue
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("migrate to version %d: %w", i+1, err)
		}
		// PRAGMA takes no parameters; both numbers are ours.
		script := fmt.Sprintf("%s; PRAGMA user_version = %d; PRAGMA application_id = %d",
			step, i+1, applicationID)
		if _, err := tx.ExecContext(ctx, script); err != nil {
			_ = tx.Rollback()
			return fmt.Errorf("migrate to version %d: %w", i+1, err)
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("migrate to version %d: %w", i+1, err)
		}
	}
	return nil
}

// schemaOf gives the text of all tables, indexes and triggers.
func schemaOf(ctx context.Context, db *sql.DB) (string, error) {
	rows, err := db.QueryContext(ctx,
		`SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1`)
	if err != nil {
		return "", fmt.Errorf("read schema: %w", err)
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return "", fmt.Errorf("read schema: %w", err)
		}
		all.WriteString(one + "\n")
	}
	return all.String(), rows.Err()
}

// expectedSchema is schemaOf a fresh database of a version: a trigger that lost a letter no longer guards.
func expectedSchema(ctx context.Context, version int) (string, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return "", fmt.Errorf("make expected schema: %w", err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, 0, version); err != nil {
		return "", err
	}
	return schemaOf(ctx, db)
}
