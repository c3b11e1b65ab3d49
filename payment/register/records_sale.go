package register

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Session is where a register's session stands.
type Session int

// The sessions. A register that has never logged in or out needs no login.
const (
	NoSession Session = iota
	LoggedIn
	LoggedOff
)

// ErrForeignSale says that a SaleID is another register's: the key that used it first is not the one that
// sealed the message.
var ErrForeignSale = errors.New("the SaleID is another register's")

const (
	// salesMax is how many SaleIDs of one key are remembered: the one that was used least lately goes.
	salesMax = 256
	// salesAll is the same of all keys together, paired today or once.
	salesAll = 4096
)

const saleSchema = `
CREATE TABLE IF NOT EXISTS sale (
	sale    TEXT PRIMARY KEY,
	owner   TEXT NOT NULL,
	session INTEGER NOT NULL,
	used    INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS sale_owner ON sale (owner, used);
CREATE INDEX IF NOT EXISTS sale_used ON sale (used);
`

// useSale makes a SaleID its key's, notes the session, and forgets those that were not used for the longest
// time.
func useSale(ctx context.Context, tx *sql.Tx, rec Record) error {
	if rec.Key == "" && rec.Session == NoSession {
		return nil // nothing to remember
	}
	sale := rec.Header.SaleID
	var owner string
	err := tx.QueryRowContext(ctx, `SELECT owner FROM sale WHERE sale = ?`, sale).Scan(&owner)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	case owner != "" && rec.Key != "" && owner != rec.Key:
		return ErrForeignSale
	case owner == "":
		owner = rec.Key
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO sale (sale, owner, session, used)
		VALUES (?1, ?2, ?3, (SELECT ifnull(max(used), 0) + 1 FROM sale))
		ON CONFLICT (sale) DO UPDATE SET owner = ?2, used = excluded.used,
			session = CASE ?3 WHEN 0 THEN session ELSE ?3 END`, sale, owner, rec.Session)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM sale WHERE sale IN
		(SELECT sale FROM sale WHERE owner = ? ORDER BY used DESC LIMIT -1 OFFSET ?)`, owner, salesMax)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM sale WHERE sale IN
			(SELECT sale FROM sale ORDER BY used DESC LIMIT -1 OFFSET ?)`, salesAll)
	}
	return err
}

// Sale tells whose a SaleID is (the KeyIdentifier that used it first; "": nobody's) and where its session
// stands.
func (r *Records) Sale(ctx context.Context, sale string) (owner string, session Session, err error) {
	row := r.db.QueryRowContext(ctx, `SELECT owner, session FROM sale WHERE sale = ?`, sale)
	err = row.Scan(&owner, &session)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", NoSession, fmt.Errorf("look for the register: %w", err)
	}
	return owner, session, nil
}

// Free makes the SaleIDs of a key nobody's: it is not paired any more.
func (r *Records) Free(ctx context.Context, owner string) error {
	if _, err := r.db.ExecContext(ctx, `UPDATE sale SET owner = '' WHERE owner = ?`, owner); err != nil {
		return fmt.Errorf("free a register's name: %w", err)
	}
	return nil
}

// LoggedIn lists the SaleIDs that have logged in, in order.
func (r *Records) LoggedIn(ctx context.Context) (sales []string, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT sale FROM sale WHERE session = ? ORDER BY sale`, LoggedIn)
	if err != nil {
		return nil, fmt.Errorf("list the registers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var sale string
		if err := rows.Scan(&sale); err != nil {
			return nil, fmt.Errorf("list the registers: %w", err)
		}
		sales = append(sales, sale)
	}
	return sales, rows.Err()
}
