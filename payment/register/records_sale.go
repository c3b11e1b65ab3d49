package register

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
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
func (r *Records) useSale(ctx context.Context, tx *sql.Tx, rec Record) error {
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

const selectSale = `SELECT owner, session FROM sale WHERE sale = ?`

// sales is what was read of the registers since anything was written: most messages only want to know.
type sales struct {
	mu      sync.Mutex
	written uint64 // how often something was
	known   map[string]sale
	in      []string // who has logged in; nil: not read
}

// sale is what is kept of a SaleID.
type sale struct {
	owner   string
	session Session
}

// forget is called after each change.
func (s *sales) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written, s.known, s.in = s.written+1, nil, nil
}

// Sale tells whose a SaleID is (the KeyIdentifier that used it first; "": nobody's) and where its session
// stands.
func (r *Records) Sale(ctx context.Context, name string) (owner string, session Session, err error) {
	r.sales.mu.Lock()
	one, known := r.sales.known[name]
	at := r.sales.written
	r.sales.mu.Unlock()
	if known {
		return one.owner, one.session, nil
	}
	err = r.compiled[selectSale].QueryRowContext(ctx, name).Scan(&one.owner, &one.session)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", NoSession, fmt.Errorf("look for the register: %w", err)
	}
	r.sales.mu.Lock()
	defer r.sales.mu.Unlock()
	if r.sales.written == at && len(r.sales.known) < salesMax {
		if r.sales.known == nil {
			r.sales.known = map[string]sale{}
		}
		r.sales.known[name] = one
	}
	return one.owner, one.session, nil
}

// Free makes the SaleIDs of a key nobody's: it is not paired any more.
func (r *Records) Free(ctx context.Context, owner string) error {
	defer r.sales.forget()
	if _, err := r.db.ExecContext(ctx, `UPDATE sale SET owner = '' WHERE owner = ?`, owner); err != nil {
		_ = r.failed(ctx, err)
		return fmt.Errorf("free a register's name: %w", err)
	}
	return nil
}

// LoggedIn lists the SaleIDs that have logged in, in order.
func (r *Records) LoggedIn(ctx context.Context) ([]string, error) {
	r.sales.mu.Lock()
	in, at := slices.Clone(r.sales.in), r.sales.written
	r.sales.mu.Unlock()
	if in != nil {
		return in, nil
	}
	rows, err := r.db.QueryContext(ctx, `SELECT sale FROM sale WHERE session = ? ORDER BY sale`, LoggedIn)
	if err != nil {
		return nil, fmt.Errorf("list the registers: %w", err)
	}
	defer rows.Close()
	in = []string{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list the registers: %w", err)
		}
		in = append(in, name)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list the registers: %w", err)
	}
	r.sales.mu.Lock()
	defer r.sales.mu.Unlock()
	if r.sales.written == at {
		r.sales.in = slices.Clone(in)
	}
	return in, nil
}
