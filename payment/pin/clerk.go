package pin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"smiletill/payment"
)

// clerk is the row of the PIN of the clerk that has no name, clerkPrefix begins those of the others. No
// customer's id has a slash (payment.ValidID), and the customers' methods refuse what is no such id: neither
// can be taken for the other.
const (
	clerk       = "/clerk"
	clerkPrefix = clerk + "/"
)

// Unnamed is what the clerk without a name is called, of whom a shop needs no other: Store.Clerk.
const Unnamed = "counter"

// ownerRole is the role of which one person stays: without it nobody could change the clerks by a PIN.
const ownerRole = "owner"

// nameMax is how many characters the name of a clerk has at most.
const nameMax = 40

// clerks are people who have a role at this terminal, by name. Roles are the caller's words but for owner.
const clerkSchema = `CREATE TABLE IF NOT EXISTS clerk (
	name TEXT PRIMARY KEY,
	role TEXT NOT NULL
) STRICT`

// What is wrong about a clerk.
var (
	ErrClerkName    = errors.New("not a usable name for a clerk")
	ErrUnknownClerk = errors.New("no such clerk")
	ErrLastOwner    = errors.New("the last owner stays")
)

// Clerk is the PIN of one who works at the counter. Hash, count of wrong ones and locks are those of a
// customer's.
type Clerk struct {
	store *Store
	row   string
}

// Clerk gives the PIN of the clerk that has no name.
func (s *Store) Clerk() Clerk { return Clerk{s, clerk} }

// ClerkNamed gives a clerk's PIN; of Unnamed and of no name that of the one who has none.
func (s *Store) ClerkNamed(name string) Clerk {
	if name == "" || name == Unnamed {
		return s.Clerk()
	}
	return Clerk{s, clerkPrefix + name}
}

// ClerkOf gives whose row of Marks it is: a clerk's name, empty of the one that has none, or no clerk's.
func ClerkOf(row string) (name string, ok bool) {
	if row == "" {
		return "", true
	}
	return strings.CutPrefix(row, clerkPrefix)
}

// RowOf is the other way, of a clerk with a name.
func RowOf(name string) string { return clerkPrefix + name }

// Set gives the clerk a PIN in place of any before, and ends its lock.
func (c Clerk) Set(ctx context.Context, pin string) error { return c.store.set(ctx, c.row, pin, nil) }

// SetAfter is as Store.SetAfter, of the clerk's PIN.
func (c Clerk) SetAfter(ctx context.Context, pin string, before func(mark string) error) error {
	return c.store.set(ctx, c.row, pin, before)
}

// Remove takes the clerk's PIN away. It is no error if there is none.
func (c Clerk) Remove(ctx context.Context) error { return c.store.remove(ctx, c.row) }

// IsSet tells whether there is a PIN, whether it may be tried now or not.
func (c Clerk) IsSet(ctx context.Context) (set bool, err error) {
	const query = `SELECT EXISTS (SELECT 1 FROM pin WHERE customer = ?)`
	err = c.store.db.QueryRowContext(ctx, query, c.row).Scan(&set)
	if err != nil {
		return false, fmt.Errorf("look for a PIN: %w", err)
	}
	return set, nil
}

// Ready is nil if there is a PIN that may be tried, else payment.ErrPINNotSet or a *LockedError.
func (c Clerk) Ready(ctx context.Context) error { return c.store.ready(ctx, c.row) }

// Try is as Store.Try, for the clerk's PIN.
func (c Clerk) Try(ctx context.Context, pin string) error { return c.store.try(ctx, c.row, pin) }

// Named is somebody who has a role at the terminal.
type Named struct {
	Name string
	Role string
	PIN  bool // is set
}

// Clerks lists who has a role, by name; the clerk without a name is not among them.
func (s *Store) Clerks(ctx context.Context) ([]Named, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, role, EXISTS (SELECT 1 FROM pin WHERE customer = ? || name)
		FROM clerk ORDER BY name`, clerkPrefix)
	if err != nil {
		return nil, fmt.Errorf("list clerks: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Named
	for rows.Next() {
		var n Named
		if err := rows.Scan(&n.Name, &n.Role, &n.PIN); err != nil {
			return nil, fmt.Errorf("list clerks: %w", err)
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// ClerksOf lists as Clerks does, of a file that it opens to read alone: it makes no file and changes nothing.
func ClerksOf(ctx context.Context, path string) ([]Named, error) {
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open PINs: %w", err)
	}
	defer func() { _ = db.Close() }() // it was only read
	return (&Store{db: db}).Clerks(ctx)
}

// Find gives a clerk by name, whatever its capitals. ErrUnknownClerk.
func (s *Store) Find(ctx context.Context, name string) (Named, error) {
	all, err := s.Clerks(ctx)
	if err != nil {
		return Named{}, err
	}
	for _, n := range all {
		if strings.EqualFold(n.Name, strings.TrimSpace(name)) {
			return n, nil
		}
	}
	return Named{}, unknownClerk(name)
}

func unknownClerk(name string) error {
	return payment.WithHint(fmt.Errorf("%w: %q", ErrUnknownClerk, name), "`smiletill clerks list` lists them")
}

// CheckName tells whether a text can be a clerk's name: letters, digits, spaces and - . ', up to 40. Errors
// are ErrClerkName with a hint.
func CheckName(name string) error {
	bad := func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune(" -.'", r)
	}
	switch {
	case name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name, bad) ||
		payment.CheckText(name, nameMax) != nil:
		return payment.WithHint(fmt.Errorf("%w: %q", ErrClerkName, name),
			fmt.Sprintf("use up to %d letters, digits, spaces and - . '", nameMax))
	case strings.EqualFold(name, Unnamed):
		return payment.WithHint(fmt.Errorf("%w: %q", ErrClerkName, name),
			"the clerk whose PIN `smiletill counter pin` sets is called so: take another")
	}
	return nil
}

// AddClerk gives somebody a role, or another one in place of that before, but for the last owner. before is
// called when all else is well and nothing is changed yet, with the name as it is known here; its error ends
// it.
func (s *Store) AddClerk(ctx context.Context, name, role string, before func(name string) error) error {
	if err := CheckName(name); err != nil {
		return err
	}
	was, err := s.Find(ctx, name)
	if err == nil {
		name = was.Name
	} else if !errors.Is(err, ErrUnknownClerk) {
		return err
	}
	return s.changeClerk(ctx, "add clerk "+name, was.Role == ownerRole && role != ownerRole, name, before,
		`INSERT OR REPLACE INTO clerk (name, role) VALUES (?1, ?2)`, name, role)
}

// RemoveClerk takes somebody's role and PIN away; before is as AddClerk's. ErrUnknownClerk, ErrLastOwner.
func (s *Store) RemoveClerk(ctx context.Context, name string, before func(name string) error) error {
	was, err := s.Find(ctx, name)
	if err != nil {
		return err
	}
	return s.changeClerk(ctx, "remove clerk "+was.Name, was.Role == ownerRole, was.Name, before,
		`DELETE FROM pin WHERE customer = ?2 || ?1; DELETE FROM clerk WHERE name = ?1`, was.Name, clerkPrefix)
}

// changeClerk does a change of the clerks in one transaction; owner says that it takes an owner away.
func (s *Store) changeClerk(
	ctx context.Context, what string, owner bool, name string, before func(string) error, script string,
	args ...any,
) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.failed(ctx, fmt.Errorf("%s: %w", what, err))
	}
	err = s.lastOwner(ctx, tx, owner, name)
	if err == nil {
		if err = before(name); err == nil {
			if _, err = tx.ExecContext(ctx, script, args...); err == nil {
				err = tx.Commit()
			}
			if err != nil {
				err = s.failed(ctx, fmt.Errorf("%s: %w", what, err))
			}
		}
	}
	if err != nil {
		_ = tx.Rollback() // does nothing after Commit; the connection goes if it fails
		return err
	}
	return s.changed(ctx)
}

// lastOwner refuses to take the last owner away, and the last one who has a PIN: nobody could open what
// owners alone may.
func (s *Store) lastOwner(ctx context.Context, tx *sql.Tx, owner bool, name string) error {
	if !owner {
		return nil
	}
	var others int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM clerk c WHERE role = ?1 AND name <> ?2 AND
		(EXISTS (SELECT 1 FROM pin WHERE customer = ?3 || c.name) OR
			NOT EXISTS (SELECT 1 FROM pin WHERE customer = ?3 || ?2))`, ownerRole, name, clerkPrefix).Scan(&others)
	if err == nil && others == 0 {
		return payment.WithHint(ErrLastOwner, "make somebody else an owner with a PIN first: "+
			"`smiletill clerks add NAME --role owner`, `smiletill clerks pin NAME`")
	}
	return err
}
