package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// applicationID marks the file as ours in its header (offset 68): "smti".
const applicationID = 0x736d7469

// migrations are applied in order; a file of version n (PRAGMA user_version) has had the first n. One that
// was released is never edited.
func migrations() []string {
	return []string{schema1, schema2, schema3, schema4, schema5, schema6, schema7}
}

// Schema is the version of the journals that this program writes: it brings older ones to it, and does not
// open newer ones.
func Schema() int { return len(migrations()) }

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

// migrate brings a database from one version to another, one transaction a step. Foreign keys rest
// meanwhile, as SQLite wants it where a table is made anew, and are checked before the step is committed.
func migrate(ctx context.Context, db *sql.DB, from, to int) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var keys int
	if err := conn.QueryRowContext(ctx, `PRAGMA foreign_keys`).Scan(&keys); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := conn.ExecContext(ctx, `PRAGMA foreign_keys = OFF`); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for i, step := range migrations() {
		if i < from || i >= to {
			continue
		}
		if err := migrateStep(ctx, conn, i+1, step); err != nil {
			return fmt.Errorf("migrate to version %d: %w", i+1, err)
		}
	}
	_, err = conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA foreign_keys = %d`, keys))
	return err
}

func migrateStep(ctx context.Context, conn *sql.Conn, version int, step string) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	// PRAGMA takes no parameters; both numbers are ours.
	script := fmt.Sprintf(
		"%s; PRAGMA user_version = %d; PRAGMA application_id = %d",
		step,
		version,
		applicationID,
	)
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return err
	}
	var broken int
	err = tx.QueryRowContext(ctx, `SELECT count(*) FROM pragma_foreign_key_check`).Scan(&broken)
	if err != nil {
		return err
	}
	if broken > 0 {
		return fmt.Errorf("%d rows name others that are not there", broken)
	}
	return tx.Commit()
}

// schemaOf gives the text of all tables, indexes and triggers.
func schemaOf(ctx context.Context, db *sql.DB) (string, error) {
	rows, err := db.QueryContext(
		ctx,
		`SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1`,
	)
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

// fingerprints are the first 16 hex digits of the SHA-256 of schemaOf a fresh database, by version: a
// trigger that lost a letter no longer guards. Written down, because making one at each start takes longer
// than all the rest of the start; TestFingerprints makes them again.
func fingerprints() []string {
	return []string{"", "8ee95eda457df8a2", "a4bd887eb255851a", "abd3314e81d3df97", "5e02938be1b4b22f",
		"ab1853ed6f45c933", "59d75002eb29fd88", "5105c2283768b22b"}
}

func fingerprint(schema string) string {
	sum := sha256.Sum256([]byte(schema))
	return hex.EncodeToString(sum[:8])
}
