package cloud

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// schema: one row an event, in the order of commitment. STRICT refuses values of another type.
const schema = `CREATE TABLE IF NOT EXISTS event (
	n        INTEGER PRIMARY KEY,
	source   TEXT NOT NULL,
	id       TEXT NOT NULL,
	seq      INTEGER NOT NULL,
	hash     TEXT NOT NULL,
	digest   BLOB NOT NULL,
	topic    TEXT NOT NULL,
	payload  BLOB NOT NULL,
	received TEXT NOT NULL,
	UNIQUE (source, id)
) STRICT`

// verdict is what became of one event of a batch.
type verdict int

const (
	stored verdict = iota
	duplicate
	contradiction
)

type store struct{ db *sql.DB }

func openStore(ctx context.Context, path string) (*store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	f, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600) // before SQLite, which would let the group read
	if err != nil {
		return nil, fmt.Errorf("open event store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open event store: %w", err)
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)",
	}}
	dsn := url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, fmt.Errorf("open event store: %w", err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("open event store %s: %w", abs, err), db.Close())
	}
	return &store{db}, nil
}

// commit stores a batch in one transaction: after it returns without error, each verdict is durable.
func (s *store) commit(ctx context.Context, batch []Event) ([]verdict, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	out := make([]verdict, len(batch))
	for i := range batch {
		if out[i], err = put(ctx, tx, &batch[i]); err != nil {
			return nil, fmt.Errorf("store event %s: %w", batch[i].ID, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return out, nil
}

func put(ctx context.Context, tx *sql.Tx, e *Event) (verdict, error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO event (source, id, seq, hash, digest, topic, payload, received)
		VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (source, id) DO NOTHING`,
		e.Source, e.ID, e.Seq, e.Hash, e.digest[:], e.Address.Topic("payment"), e.Payload,
		time.Now().UTC().Format(time.RFC3339Nano))
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, err
	}
	if n == 1 {
		return stored, nil
	}
	var same bool
	err = tx.QueryRowContext(ctx, `SELECT seq = ? AND hash = ? AND digest = ? FROM event
		WHERE source = ? AND id = ?`, e.Seq, e.Hash, e.digest[:], e.Source, e.ID).Scan(&same)
	if err != nil {
		return 0, err
	}
	if !same {
		return contradiction, nil
	}
	return duplicate, nil
}

func (s *store) count(ctx context.Context) (int, error) {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM event`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}

// list gives up to limit events after the first skip, in the order of commitment.
func (s *store) list(ctx context.Context, skip, limit int) ([]Event, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT topic, payload FROM event ORDER BY n LIMIT ? OFFSET ?`,
		limit, skip)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Event
	for rows.Next() {
		var topic string
		var payload json.RawMessage
		if err := rows.Scan(&topic, (*[]byte)(&payload)); err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		e, err := Decode(topic, payload)
		if err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return out, nil
}
