package pin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/argon2"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"smiletill/payment"
)

// The cost of a hash that is made now; a stored one keeps its own.
const (
	memoryKiB = 19 << 10
	passes    = 2
	lanes     = 1
	hashBytes = 32
	saltBytes = 16
)

// tries is how many wrong PINs in a row lock a customer's PIN.
const tries = 3

// ErrPIN marks what can't be a PIN.
var ErrPIN = errors.New("not a usable PIN")

const schema = `CREATE TABLE IF NOT EXISTS pin (
	customer  TEXT PRIMARY KEY,
	salt      BLOB NOT NULL,
	hash      BLOB NOT NULL,
	memory    INTEGER NOT NULL,
	passes    INTEGER NOT NULL,
	lanes     INTEGER NOT NULL,
	wrong     INTEGER NOT NULL DEFAULT 0 CHECK (wrong >= 0),
	locked_ms INTEGER NOT NULL DEFAULT 0
) STRICT`

// Store is an open file of PINs. It is a payment.PINs.
type Store struct {
	db    *sql.DB
	clock func(context.Context) (time.Duration, error)
	rand  io.Reader
	mu    sync.Mutex // of seal's pepper
	seal  seal
	told  func(error)             // of writes that fail; nil: nobody
	saw   func(count int64) error // see OnChange; nil: nobody
}

// Open opens the file at path, or makes it (mode 0600). clock tells how much time has provably passed on this
// terminal; see journal.Journal.Elapsed. random may be nil.
func Open(
	ctx context.Context, path string, clock func(context.Context) (time.Duration, error), random io.Reader,
) (*Store, error) {
	if random == nil {
		random = rand.Reader
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // before SQLite, which would let the group read
	if err == nil {
		err = f.Close()
	}
	if errors.Is(err, syscall.EISDIR) {
		return nil, payment.WithHint(fmt.Errorf("open PINs: %w", err),
			"put the folder away, and the file back from a copy; without one, customers "+
				"with a PIN have to set it again")
	}
	if err != nil {
		return nil, fmt.Errorf("open PINs: %w", err)
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(DELETE)", "synchronous(EXTRA)", "secure_delete(1)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open PINs: %w", err)
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, schema+";"+clerkSchema+";"+blockedSchema)
	if err == nil {
		err = countChanges(ctx, db)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("open PINs %s: %w", path, err), db.Close())
		return nil, payment.WithHint(err, "put "+path+" away, start, and say so: "+
			"`smiletill journal reconcile --because WHY`; customers with a PIN have to set it again")
	}
	return &Store{db: db, clock: clock, rand: random}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Check tells whether a text can be a PIN: 4 to 12 digits, not all alike and not a run up or down. Errors are
// ErrPIN with a hint.
func Check(pin string) error {
	if len(pin) < 4 || len(pin) > 12 || strings.Trim(pin, "0123456789") != "" {
		return payment.WithHint(ErrPIN, "use 4 to 12 digits")
	}
	alike, up, down := true, true, true
	for i := 1; i < len(pin); i++ {
		step := int(pin[i]) - int(pin[i-1])
		alike, up, down = alike && step == 0, up && step == 1, down && step == -1
	}
	if alike || up || down {
		return payment.WithHint(ErrPIN, "use one that is harder to guess than 0000 or 1234")
	}
	return nil
}

// Set gives a customer a PIN in place of any before, and ends its lock.
func (s *Store) Set(ctx context.Context, customer, pin string) error {
	if !payment.ValidID(customer) {
		return noCustomer("set", customer)
	}
	return s.set(ctx, customer, pin, nil)
}

// SetAfter is as Set; before is told the new PIN's mark (see Marks) when all else is well and nothing is
// changed yet, and its error ends it.
func (s *Store) SetAfter(ctx context.Context, customer, pin string, before func(mark string) error) error {
	if !payment.ValidID(customer) {
		return noCustomer("set", customer)
	}
	return s.set(ctx, customer, pin, before)
}

func (s *Store) set(ctx context.Context, customer, pin string, before func(mark string) error) error {
	if err := Check(pin); err != nil {
		return err
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(s.rand, salt); err != nil {
		return fmt.Errorf("set PIN: %w", err)
	}
	hash := argon2.IDKey([]byte(pin), salt, passes, memoryKiB, lanes, hashBytes)
	if _, err := s.pepper(ctx, s.db); err != nil { // before anybody is told
		return fmt.Errorf("set PIN: %w", err)
	}
	if before != nil {
		if err := before(markOf(salt)); err != nil {
			return err
		}
	}
	if err := s.insert(ctx, customer, salt, hash); err != nil {
		return s.failed(ctx, fmt.Errorf("set PIN: %w", err))
	}
	return s.changed(ctx)
}

// insert writes a hash down, under the pepper of that moment: another program may seal or unseal the file.
func (s *Store) insert(ctx context.Context, customer string, salt, hash []byte) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	box, err := s.pepper(ctx, tx)
	if err != nil {
		return err
	}
	if box != nil {
		hash = box.Seal(nil, nil, hash, bound(customer, salt))
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO pin (customer, salt, hash, memory, passes, lanes)
		VALUES (?, ?, ?, ?, ?, ?)`, customer, salt, hash, memoryKiB, passes, lanes)
	if err != nil {
		return err
	}
	return tx.Commit()
}

// Remove takes a customer's PIN away. It is no error if there is none.
func (s *Store) Remove(ctx context.Context, customer string) error {
	if !payment.ValidID(customer) {
		return noCustomer("remove", customer)
	}
	return s.remove(ctx, customer)
}

func noCustomer(what, name string) error {
	return payment.WithHint(fmt.Errorf("%s PIN: %q can't be a customer's id", what, name),
		"`smiletill customers list` lists them")
}

func (s *Store) remove(ctx context.Context, customer string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM pin WHERE customer = ?`, customer); err != nil {
		return s.failed(ctx, fmt.Errorf("remove PIN: %w", err))
	}
	return s.changed(ctx)
}

// Customers tells who has a PIN. The clerk is no customer.
func (s *Store) Customers(ctx context.Context) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT customer FROM pin WHERE customer NOT LIKE '/%'`)
	if err != nil {
		return nil, fmt.Errorf("list PINs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	with := map[string]bool{}
	for rows.Next() {
		var customer string
		if err := rows.Scan(&customer); err != nil {
			return nil, fmt.Errorf("list PINs: %w", err)
		}
		with[customer] = true
	}
	return with, rows.Err()
}

// Ready is nil if the customer has a PIN that may be tried, else payment.ErrPINNotSet or a *LockedError.
func (s *Store) Ready(ctx context.Context, customer string) error {
	if !payment.ValidID(customer) {
		return payment.ErrPINNotSet
	}
	return s.ready(ctx, customer)
}

func (s *Store) ready(ctx context.Context, customer string) error {
	now, err := s.clock(ctx)
	if err != nil {
		return fmt.Errorf("look for a PIN: %w", err)
	}
	_, err = s.find(ctx, s.db, customer, now)
	return err
}

// LockedError is payment.ErrPINLocked with the time that no PIN may be tried, by the terminal's own clock.
type LockedError struct{ Left time.Duration }

func (e *LockedError) Error() string { return payment.ErrPINLocked.Error() }

// Unwrap gives payment.ErrPINLocked.
func (e *LockedError) Unwrap() error { return payment.ErrPINLocked }

// Hint says when it can be tried again.
func (e *LockedError) Hint() string {
	return fmt.Sprintf("it can be tried again in %v", (e.Left + time.Minute - 1).Truncate(time.Minute))
}

type record struct {
	salt, hash            []byte
	memory, passes, lanes int64
	wrong                 int
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (s *Store) find(ctx context.Context, q queryer, customer string, now time.Duration) (record, error) {
	var r record
	var locked int64
	err := q.QueryRowContext(ctx, `SELECT salt, hash, memory, passes, lanes, wrong, locked_ms FROM pin
		WHERE customer = ?`, customer).Scan(&r.salt, &r.hash, &r.memory, &r.passes, &r.lanes, &r.wrong, &locked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if customer == clerk {
			return r, payment.WithHint(payment.ErrPINNotSet, "`smiletill counter pin` gives the clerk one")
		}
		return r, payment.WithHintf(payment.ErrPINNotSet, "`smiletill customers pin %s` gives the customer one",
			customer)
	case err != nil:
		return r, fmt.Errorf("look for a PIN: %w", err)
	case now.Milliseconds() < locked:
		return r, &LockedError{Left: time.Duration(locked)*time.Millisecond - now}
	}
	return r, nil
}

// Try is nil if it is the customer's PIN, else payment.ErrPINWrong, ErrPINNotSet, or a *LockedError when no
// further try is allowed now.
func (s *Store) Try(ctx context.Context, customer, pin string) error {
	if !payment.ValidID(customer) {
		return payment.ErrPINNotSet
	}
	return s.try(ctx, customer, pin)
}

func (s *Store) try(ctx context.Context, customer, pin string) error {
	now, err := s.clock(ctx)
	if err != nil {
		return fmt.Errorf("check PIN: %w", err)
	}
	box, err := s.pepper(ctx, s.db) // before the try is counted: none is taken that can't be looked at
	if err != nil {
		return fmt.Errorf("check PIN: %w", err)
	}
	r, err := s.count(ctx, customer, now)
	if err == nil {
		r.hash, err = decrypted(box, customer, r.salt, r.hash)
	}
	if err != nil {
		return err
	}
	hash := argon2.IDKey([]byte(pin), r.salt, uint32(r.passes), uint32(r.memory), uint8(r.lanes), hashBytes)
	if subtle.ConstantTimeCompare(hash, r.hash) == 1 {
		_, err := s.db.ExecContext(ctx, `UPDATE pin SET wrong = 0, locked_ms = 0 WHERE customer = ?`, customer)
		if err != nil {
			return s.failed(ctx, fmt.Errorf("check PIN: %w", err))
		}
		return s.changed(ctx)
	}
	if _, err := s.find(ctx, s.db, customer, now); err != nil {
		return err // that was the last one
	}
	return payment.ErrPINWrong
}

// count writes a try down as a wrong one, and locks with the last that is allowed.
func (s *Store) count(ctx context.Context, customer string, now time.Duration) (record, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return record{}, s.failed(ctx, fmt.Errorf("check PIN: %w", err))
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	r, err := s.find(ctx, tx, customer, now)
	if err != nil {
		return r, err
	}
	until := (now + lockFor(r.wrong+1)).Milliseconds()
	_, err = tx.ExecContext(
		ctx,
		`UPDATE pin SET wrong = wrong + 1, locked_ms = ? WHERE customer = ?`,
		until,
		customer,
	)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return r, s.failed(ctx, fmt.Errorf("check PIN: %w", err))
	}
	return r, s.changed(ctx)
}

// lockFor is how long no PIN may be tried after so many wrong ones in a row.
func lockFor(wrong int) time.Duration {
	if wrong%tries != 0 {
		return 0
	}
	return [...]time.Duration{15 * time.Minute, time.Hour, 24 * time.Hour}[min(wrong/tries, 3)-1]
}
