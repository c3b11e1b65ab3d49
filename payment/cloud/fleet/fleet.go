package fleet

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"smiletill/payment/report"
	"smiletill/payment/report/signature"
)

// Schema has the tables of the fleet: the terminals that are trusted, by their keys; what was typed to claim
// one; certificates; what terminals said that left service.
const Schema = `CREATE TABLE IF NOT EXISTS terminal (
	source TEXT NOT NULL,
	key    TEXT NOT NULL,
	added  TEXT NOT NULL,
	PRIMARY KEY (source, key)
) STRICT;
CREATE TABLE IF NOT EXISTS claim (
	n         INTEGER PRIMARY KEY,
	plate     TEXT NOT NULL,
	code      TEXT NOT NULL, -- erased at the end
	key       TEXT NOT NULL, -- id of the key that a picture of the code held; '' where it was typed
	tenant    TEXT NOT NULL, -- '' leaves it to the terminal
	site      TEXT NOT NULL,
	terminal  TEXT NOT NULL,
	replaces  INTEGER NOT NULL,
	by        TEXT NOT NULL,
	at        TEXT NOT NULL,
	until     INTEGER NOT NULL, -- by the cloud's clock, in seconds of Unix
	state     TEXT NOT NULL,
	why       TEXT NOT NULL,
	offers    INTEGER NOT NULL,
	source    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS claim_open ON claim (plate) WHERE state = 'open';
CREATE TABLE IF NOT EXISTS certificate (
	serial  TEXT PRIMARY KEY,
	source  TEXT NOT NULL,
	request BLOB NOT NULL, -- SHA-256 of the key that it is for
	pem     TEXT NOT NULL,
	issued  INTEGER NOT NULL,
	ends    INTEGER NOT NULL,
	revoked TEXT NOT NULL -- when and by whom; '' for one that is good
) STRICT;
CREATE INDEX IF NOT EXISTS certificate_source ON certificate (source);
CREATE TABLE IF NOT EXISTS departure (
	source  TEXT NOT NULL,
	id      TEXT NOT NULL, -- of the receipt
	key     TEXT NOT NULL, -- that it holds by
	receipt TEXT NOT NULL, -- as the terminal sent it
	at      TEXT NOT NULL,
	PRIMARY KEY (source, id)
) STRICT`

// Fleet is what a cloud knows of its terminals. Its methods may be called from any goroutine, and by several
// processes at once.
type Fleet struct{ db *sql.DB }

// On is the fleet of a database that has the Schema.
func On(db *sql.DB) *Fleet { return &Fleet{db} }

// Querier is a database, or a transaction on it.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Trust lets the events of a terminal in that are signed with this key, besides those of keys that were
// trusted before: a terminal that was given a new key may still have events of the old one.
func (f *Fleet) Trust(ctx context.Context, a report.Address, key ed25519.PublicKey) error {
	if err := a.Check(); err != nil {
		return err
	}
	if err := trust(ctx, f.db, a.Source(), key, time.Now()); err != nil {
		return fmt.Errorf("trust %s: %w", a.Source(), err)
	}
	return nil
}

func trust(ctx context.Context, q Querier, source string, key ed25519.PublicKey, now time.Time) error {
	text, err := signature.EncodePublic(key)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `INSERT INTO terminal VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		source, string(text), stamp(now))
	return err
}

// Distrust takes all keys of a terminal away: its events are not acknowledged any more. It tells whether
// there were any.
func (f *Fleet) Distrust(ctx context.Context, a report.Address) (bool, error) {
	done, err := f.db.ExecContext(ctx, `DELETE FROM terminal WHERE source = ?`, a.Source())
	if err != nil {
		return false, fmt.Errorf("distrust %s: %w", a.Source(), err)
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// Keys are those that are trusted for a source.
func Keys(ctx context.Context, q Querier, source string) ([]ed25519.PublicKey, error) {
	rows, err := q.QueryContext(ctx, `SELECT key FROM terminal WHERE source = ?`, source)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var keys []ed25519.PublicKey
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		parsed, err := signature.ParsePublic([]byte(text))
		if err != nil {
			return nil, err
		}
		keys = append(keys, parsed...)
	}
	return keys, rows.Err()
}

// ErrNotKnown marks a terminal that this cloud does not know, or does not any more.
var ErrNotKnown = errors.New("this cloud does not know the terminal")

// Revoke takes a terminal's keys and certificates away: events are not acknowledged, the broker does not let
// it in. It stays in what was counted. The error is ErrNotKnown if there was nothing to take.
func (f *Fleet) Revoke(ctx context.Context, a report.Address, by string) error {
	err := f.write(ctx, func(tx *sql.Tx) error {
		keys, err := tx.ExecContext(ctx, `DELETE FROM terminal WHERE source = ?`, a.Source())
		if err != nil {
			return err
		}
		n, err := keys.RowsAffected()
		if err != nil {
			return err
		}
		m, err := revokeCertificates(ctx, tx, a.Source(), by, "")
		if err == nil && n == 0 && m == 0 {
			err = ErrNotKnown
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke %s: %w", a.Source(), err)
	}
	return nil
}

// revokeCertificates revokes those of a source but one.
func revokeCertificates(ctx context.Context, q Querier, source, by, but string) (int64, error) {
	done, err := q.ExecContext(ctx, `UPDATE certificate SET revoked = ?
		WHERE source = ? AND serial != ? AND revoked = ''`, stamp(time.Now())+" by "+by, source, but)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

// admitted tells whose certificate this is, by its serial number; ErrNotKnown if it is nobody's or revoked.
func (f *Fleet) admitted(ctx context.Context, serial string) (source string, err error) {
	err = f.db.QueryRowContext(ctx, `SELECT source FROM certificate WHERE serial = ? AND revoked = ''`,
		serial).Scan(&source)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNotKnown
	}
	return source, err
}

// write runs one transaction, which holds the database's one lock from its beginning.
func (f *Fleet) write(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
