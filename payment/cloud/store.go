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

	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report/signature"
)

// schema: the fleet's; one row an event, in the order of commitment, those about terminals in a table of
// their own, so that whoever counts payments doesn't meet them; what a person should look at. STRICT refuses
// values of another type.
const schema = fleet.Schema + `;
CREATE TABLE IF NOT EXISTS event (
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
) STRICT;
CREATE INDEX IF NOT EXISTS event_seq ON event (source, seq);
CREATE INDEX IF NOT EXISTS event_id ON event (id);
CREATE TABLE IF NOT EXISTS audit (
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
) STRICT;
CREATE INDEX IF NOT EXISTS audit_seq ON audit (source, seq);
CREATE INDEX IF NOT EXISTS audit_id ON audit (id);
CREATE TABLE IF NOT EXISTS status (
	source  TEXT PRIMARY KEY,
	payload TEXT NOT NULL,
	at      TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS alarm (
	source TEXT NOT NULL,
	id     TEXT NOT NULL,
	why    TEXT NOT NULL,
	seq    INTEGER NOT NULL,
	hash   TEXT NOT NULL,
	first  TEXT NOT NULL,
	last   TEXT NOT NULL,
	count  INTEGER NOT NULL,
	PRIMARY KEY (source, id, why)
) STRICT;
-- What is counted of each terminal, kept with each event: a view of the page walks through none.
CREATE TABLE IF NOT EXISTS tally (
	source   TEXT PRIMARY KEY,
	events   INTEGER NOT NULL,
	last_seq INTEGER NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS event_counts AFTER INSERT ON event BEGIN
	INSERT INTO tally VALUES (NEW.source, 1, NEW.seq) ON CONFLICT (source)
		DO UPDATE SET events = events + 1, last_seq = max(last_seq, NEW.seq);
END;
CREATE TRIGGER IF NOT EXISTS audit_counts AFTER INSERT ON audit BEGIN
	INSERT INTO tally VALUES (NEW.source, 0, NEW.seq) ON CONFLICT (source)
		DO UPDATE SET last_seq = max(last_seq, NEW.seq);
END;
INSERT INTO tally SELECT source, sum(events), max(seq)
	FROM (SELECT source, 1 AS events, seq FROM event UNION ALL SELECT source, 0, seq FROM audit)
	WHERE NOT EXISTS (SELECT 1 FROM tally) GROUP BY source`

// maxAlarms bounds the table of alarms, which whoever may publish can fill: the oldest go.
const maxAlarms = 1000

// Verdict is what became of one event.
type Verdict string

// The verdicts. The first five are acknowledged; a Contradiction is refused.
const (
	Stored          Verdict = "stored"
	Duplicate       Verdict = "duplicate"        // committed before, with the same content
	Rewound         Verdict = "rewound"          // stored; its seq was another's: an older journal was put back
	Renamed         Verdict = "renamed"          // committed before under another of the terminal's names
	Borrowed        Verdict = "borrowed"         // stored; its id is also of a terminal with other keys
	Contradiction   Verdict = "contradiction"    // committed before, with another content
	Forged          Verdict = "forged"           // not signed by its terminal
	UnknownTerminal Verdict = "unknown_terminal" // the terminal's key is not known
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
	tx, err := db.BeginTx(ctx, nil) // nobody may store between the trigger that counts and the first count
	if err == nil {
		if _, err = tx.ExecContext(ctx, schema); err == nil {
			err = tx.Commit()
		} else {
			err = errors.Join(err, tx.Rollback())
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open event store %s: %w", abs, err), db.Close())
	}
	return &store{db}, nil
}

// commit stores a batch in one transaction: after it returns without error, each verdict is durable.
func (s *store) commit(ctx context.Context, batch []Event) ([]Verdict, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	out := make([]Verdict, len(batch))
	for i := range batch {
		e := &batch[i]
		if out[i], err = judge(ctx, tx, e); err != nil {
			return nil, fmt.Errorf("store event %s: %w", e.ID, err)
		}
		if out[i] == Stored || out[i] == Duplicate {
			continue
		}
		if err := raise(ctx, tx, e, out[i]); err != nil {
			return nil, fmt.Errorf("note alarm of event %s: %w", e.ID, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return out, nil
}

// judge checks who signed an event, and stores it.
func judge(ctx context.Context, tx *sql.Tx, e *Event) (Verdict, error) {
	keys, err := fleet.Keys(ctx, tx, e.Source)
	switch {
	case err != nil:
		return "", err
	case len(keys) == 0:
		return UnknownTerminal, nil
	}
	if err := signature.Verify(keys, e.signed(), e.Signature); err != nil {
		return Forged, nil
	}
	return put(ctx, tx, e)
}

// table is where an event is kept.
func (e *Event) table() string {
	if e.OfTerminal() {
		return "audit"
	}
	return "event"
}

func put(ctx context.Context, tx *sql.Tx, e *Event) (Verdict, error) {
	elsewhere, err := underAnotherName(ctx, tx, e)
	if err != nil || elsewhere == Renamed || elsewhere == Contradiction {
		return elsewhere, err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO `+e.table()+`
		(source, id, seq, hash, digest, topic, payload, received)
		VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (source, id) DO NOTHING`,
		e.Source, e.ID, e.Seq, e.Hash, e.digest[:], e.Address.Topic("payment"), e.Payload, stamp(e.Received))
	if err != nil {
		return "", err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return "", err
	}
	if n == 1 {
		if v, err := storedAs(ctx, tx, e); err != nil || v != Stored {
			return v, err
		}
		return elsewhere, nil
	}
	var same bool
	err = tx.QueryRowContext(ctx, `SELECT seq = ? AND hash = ? AND digest = ? FROM `+e.table()+`
		WHERE source = ? AND id = ?`, e.Seq, e.Hash, e.digest[:], e.Source, e.ID).Scan(&same)
	if err != nil {
		return "", err
	}
	if !same {
		return Contradiction, nil
	}
	return Duplicate, nil
}

// names selects the names of the terminal ?1: those that a key of it is trusted for. A terminal that was
// given another name keeps its key and its journal, whose numbers go on.
const names = `(SELECT ?1 UNION SELECT source FROM terminal
	WHERE key IN (SELECT key FROM terminal WHERE source = ?1))`

// underAnotherName looks for an event's id under other sources: Stored if it is under none. The same fact
// under a name of the same terminal is Renamed, and counts no more: a report was open when the terminal was
// renamed. A terminal with other keys can't keep this one's events from being counted.
func underAnotherName(ctx context.Context, tx *sql.Tx, e *Event) (Verdict, error) {
	var same, own bool
	err := tx.QueryRowContext(ctx, `SELECT seq = ?3 AND hash = ?4, source IN `+names+` AS own
		FROM `+e.table()+` WHERE id = ?2 AND source != ?1 ORDER BY own DESC LIMIT 1`,
		e.Source, e.ID, e.Seq, e.Hash).Scan(&same, &own)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Stored, nil
	case err != nil:
		return "", err
	case !own:
		return Borrowed, nil
	case !same:
		return Contradiction, nil
	}
	var counted bool // under this name too, by an earlier program: what was acknowledged stays so
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+e.table()+` WHERE source = ? AND id = ?)`,
		e.Source, e.ID).Scan(&counted)
	if err == nil && counted {
		return Stored, nil
	}
	return Renamed, err
}

// storedAs tells whether an event's place in the terminal's journal was another's before, under whichever of
// its names. A journal only grows: a copy of an earlier day must have been put back, and what was sold since
// is forgotten there. The transaction holds the database's one lock from its beginning on (_txlock), so that
// of two receivers on one file, each with an event of one place, the later sees the earlier's.
func storedAs(ctx context.Context, tx *sql.Tx, e *Event) (Verdict, error) {
	var taken bool
	err := tx.QueryRowContext(ctx, `SELECT
			EXISTS (SELECT 1 FROM event WHERE source IN `+names+` AND seq = ?2 AND id != ?3)
			OR EXISTS (SELECT 1 FROM audit WHERE source IN `+names+` AND seq = ?2 AND id != ?3)`,
		e.Source, e.Seq, e.ID).Scan(&taken)
	if err != nil || !taken {
		return Stored, err
	}
	return Rewound, nil
}

// raise keeps an alarm, once for each event and reason.
func raise(ctx context.Context, tx *sql.Tx, e *Event, why Verdict) error {
	at := stamp(e.Received)
	_, err := tx.ExecContext(ctx, `INSERT INTO alarm VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)
		ON CONFLICT (source, id, why) DO UPDATE SET last = ?6, count = count + 1, seq = ?4, hash = ?5`,
		e.Source, e.ID, string(why), e.Seq, e.Hash, at)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM alarm WHERE rowid IN
		(SELECT rowid FROM alarm ORDER BY last DESC, rowid DESC LIMIT -1 OFFSET ?)`, maxAlarms)
	return err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (s *store) count(ctx context.Context) (int, error) {
	var n int
	if err := s.db.QueryRowContext(ctx, `SELECT coalesce(sum(events), 0) FROM tally`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}

// version names what the page would show: it is another when that is.
func (s *store) version(ctx context.Context) (string, error) {
	var v string
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT coalesce(max(n), 0) FROM event) || '-' ||
		(SELECT coalesce(max(n), 0) FROM audit) || '-' ||
		(SELECT coalesce(sum(count), 0) FROM alarm) || '-' || (SELECT count(*) FROM terminal) || '-' ||
		(SELECT coalesce(max(at), '') FROM status) || '-' ||
		(SELECT coalesce(max(n), 0) FROM claim) || '-' ||
		(SELECT count(*) FROM claim WHERE state = 'open') || '-' ||
		(SELECT count(*) FROM certificate WHERE revoked = '')`).Scan(&v)
	if err != nil {
		return "", fmt.Errorf("look for changes: %w", err)
	}
	return v, nil
}

// list gives up to limit events after the first skip, in the order of commitment.
func (s *store) list(ctx context.Context, skip, limit int) ([]Event, error) {
	return s.events(ctx, `SELECT topic, payload, received FROM event ORDER BY n LIMIT ? OFFSET ?`, limit, skip)
}

// newest gives up to limit events, the one that was committed last first.
func (s *store) newest(ctx context.Context, limit int) ([]Event, error) {
	return s.events(ctx, `SELECT topic, payload, received FROM event ORDER BY n DESC LIMIT ?`, limit)
}

// audits gives up to limit events about terminals, the one that was committed last first.
func (s *store) audits(ctx context.Context, limit int) ([]Event, error) {
	return s.events(ctx, `SELECT topic, payload, received FROM audit ORDER BY n DESC LIMIT ?`, limit)
}

func (s *store) events(ctx context.Context, query string, args ...any) ([]Event, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []Event
	for rows.Next() {
		var topic, received string
		var payload json.RawMessage
		if err := rows.Scan(&topic, (*[]byte)(&payload), &received); err != nil {
			return nil, fmt.Errorf("list events: %w", err)
		}
		e, err := Decode(topic, payload)
		if err == nil {
			e.Received, err = time.Parse(time.RFC3339Nano, received)
		}
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
