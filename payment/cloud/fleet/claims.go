package fleet

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"smiletill/payment/report"
	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// State is how far a claim has come.
type State string

// The states. All but Open are ends.
const (
	Open    State = "open"    // typed; no terminal with this code has come yet, or a run was cut short
	Done    State = "done"    // the terminal is known
	Wrong   State = "wrong"   // the terminal shows another code
	Refused State = "refused" // by the terminal, or because of its name
	Expired State = "expired" // nobody came in time
)

const (
	// claimFor is how long a typed code is good: as long as a terminal shows one.
	claimFor = 15 * time.Minute
	// offersMax is how many runs a typed code is good for: whoever is between may try a guess in each.
	offersMax = 5
	// certificatesKept is how many certificates of a terminal are kept: the one in force, and those whose
	// answer was lost.
	certificatesKept = 10
	// claimsKept is how many ended claims are kept to be looked at.
	claimsKept = 200
)

// ErrClaim marks a claim that can't be begun. Its text says why.
var ErrClaim = errors.New("the terminal can't be claimed")

// Wish is what a person typed.
type Wish struct {
	Code claim.Code
	Key  string // id of the key that the code's picture held; "" where it was typed
	// Name is what the terminal is to be called; parts that are empty are taken from its own settings, else
	// tenant and site from the terminal that was claimed last.
	Name    report.Address
	Replace bool   // the name is another's, which is refused from then on
	By      string // who typed it, as far as that is known
}

// Claim is a claim as it stands.
type Claim struct {
	ID     int64
	Plate  string
	By     string
	At     time.Time
	State  State
	Why    string // of an end that is none that was wanted
	Offers int
	Source string // the terminal's name, once it is known
}

// Claim keeps what was typed, for the terminal that shows the code. The error is ErrClaim if another person
// is claiming that terminal, or if there is none to be replaced.
func (f *Fleet) Claim(ctx context.Context, w Wish) (id int64, err error) {
	for _, part := range []string{w.Name.Tenant, w.Name.Site, w.Name.Terminal} {
		if part == "" {
			continue
		}
		if err := (report.Address{Tenant: part, Site: part, Terminal: part}).Check(); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrClaim, err)
		}
	}
	now := time.Now()
	err = f.write(ctx, func(tx *sql.Tx) error {
		if err := expire(ctx, tx, now); err != nil {
			return err
		}
		var by string
		err := tx.QueryRowContext(ctx, `SELECT by FROM claim WHERE plate = ? AND state = 'open'`,
			w.Code.Plate()).Scan(&by)
		if err == nil {
			return fmt.Errorf("%w: %s is claiming the one that shows %s already", ErrClaim, by, w.Code.Plate())
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		// Whether a name is another's is known when the terminal has come: it may be claimed once more.
		if w.Replace {
			if err := nameFree(ctx, tx, w.Name.Source(), w.Replace, nil); err != nil {
				return err
			}
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO claim (plate, code, key, tenant, site, terminal, replaces,
			by, at, until, state, why, offers, source) VALUES (?,?,?,?,?,?,?,?,?,?,'open','',0,'')`,
			w.Code.Plate(), w.Code.Text(), w.Key, w.Name.Tenant, w.Name.Site, w.Name.Terminal, w.Replace, w.By,
			stamp(now), now.Add(claimFor).Unix())
		if err != nil {
			return err
		}
		id, err = done.LastInsertId()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("claim: %w", err)
	}
	return id, nil
}

// nameFree refuses a name that other keys have; with replace one that nobody has.
func nameFree(ctx context.Context, q Querier, source string, replace bool, key []byte) error {
	keys, err := Keys(ctx, q, source)
	if err != nil {
		return err
	}
	others := false
	for _, k := range keys {
		others = others || string(k) != string(key)
	}
	var known bool
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM certificate WHERE source = ?)`,
		source).Scan(&known)
	switch {
	case err != nil:
		return err
	case replace && !known && len(keys) == 0:
		return fmt.Errorf("%w: there is no terminal %s to be replaced", ErrClaim, source)
	case !replace && others:
		return fmt.Errorf("%w: %s is another terminal's name; to put this one in its place: "+
			"`smiletill cloud replace`", ErrClaim, source)
	}
	return nil
}

// expire ends claims whose time is over, and forgets the oldest.
func expire(ctx context.Context, q Querier, now time.Time) error {
	_, err := q.ExecContext(ctx, `UPDATE claim SET state = 'expired', code = '', why = ?
		WHERE state = 'open' AND until < ?`,
		"no terminal with this code came in a quarter of an hour", now.Unix())
	if err == nil {
		_, err = q.ExecContext(ctx, `DELETE FROM claim WHERE n IN
			(SELECT n FROM claim WHERE state != 'open' ORDER BY n DESC LIMIT -1 OFFSET ?)`, claimsKept)
	}
	return err
}

// Look gives a claim as it stands.
func (f *Fleet) Look(ctx context.Context, id int64) (Claim, error) {
	all, err := f.claims(ctx, `WHERE n = ?`, id)
	switch {
	case err != nil:
		return Claim{}, err
	case len(all) == 0:
		return Claim{}, fmt.Errorf("look at claim %d: %w", id, sql.ErrNoRows)
	}
	return all[0], nil
}

// Latest gives up to limit claims, the latest first.
func (f *Fleet) Latest(ctx context.Context, limit int) ([]Claim, error) {
	return f.claims(ctx, `ORDER BY n DESC LIMIT ?`, limit)
}

func (f *Fleet) claims(ctx context.Context, which string, args ...any) ([]Claim, error) {
	rows, err := f.db.QueryContext(ctx, `SELECT n, plate, by, at, until, state, why, offers, source FROM claim `+
		which, args...)
	if err != nil {
		return nil, fmt.Errorf("look at claims: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Claim
	for rows.Next() {
		var c Claim
		var at string
		var until int64
		if err := rows.Scan(&c.ID, &c.Plate, &c.By, &at, &until, &c.State, &c.Why, &c.Offers,
			&c.Source); err != nil {
			return nil, fmt.Errorf("look at claims: %w", err)
		}
		c.At, _ = time.Parse(time.RFC3339Nano, at) // our own writing
		if c.State == Open && until < time.Now().Unix() {
			c.State = Expired
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Await waits until a claim has ended. Ctx ends the waiting alone.
func (f *Fleet) Await(ctx context.Context, id int64) (Claim, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		c, err := f.Look(ctx, id)
		if err != nil || c.State != Open {
			return c, err
		}
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-tick.C:
		}
	}
}

// End ends a claim that is open; one that has ended stays what it was.
func (f *Fleet) End(ctx context.Context, id int64, s State, why string) error {
	_, err := f.db.ExecContext(ctx, `UPDATE claim SET state = ?, why = ?, code = ''
		WHERE n = ? AND state = 'open'`, string(s), why, id)
	if err != nil {
		return fmt.Errorf("end claim %d: %w", id, err)
	}
	return nil
}

// typed is an open claim for the terminal that shows a plate; nil: none.
type typed struct {
	id   int64
	wish Wish
}

// open finds the claim for a plate, if there is one.
func (f *Fleet) open(ctx context.Context, plate string) (*typed, error) {
	var t typed
	var code string
	var until int64
	w := &t.wish
	err := f.db.QueryRowContext(ctx, `SELECT n, code, key, tenant, site, terminal, replaces, by, until
		FROM claim WHERE plate = ? AND state = 'open'`, plate).Scan(&t.id, &code, &w.Key, &w.Name.Tenant,
		&w.Name.Site, &w.Name.Terminal, &w.Replace, &w.By, &until)
	if errors.Is(err, sql.ErrNoRows) || err == nil && until < time.Now().Unix() {
		return nil, nil
	}
	if err == nil {
		w.Code, _, err = claim.ParseCode(code)
	}
	if err != nil {
		return nil, fmt.Errorf("look for a claim: %w", err)
	}
	return &t, nil
}

// count counts an offer before it is made. false: it is one too many, and the claim is over.
func (f *Fleet) count(ctx context.Context, id int64) (bool, error) {
	done, err := f.db.ExecContext(ctx, `UPDATE claim SET offers = offers + 1
		WHERE n = ? AND state = 'open' AND offers < ?`, id, offersMax)
	if err != nil {
		return false, fmt.Errorf("count an offer: %w", err)
	}
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		err = f.End(ctx, id, Wrong, fmt.Sprintf("the connection to the terminal broke %d times", offersMax))
	}
	return n == 1, err
}

// trying is the tenant of terminals that nobody has named.
const trying = "demo"

// name fills a wish's name up.
func (f *Fleet) name(ctx context.Context, w Wish, h claim.Hello) (report.Address, error) {
	fill := func(into *string, from string) {
		if *into == "" {
			*into = from
		}
	}
	a := w.Name
	fill(&a.Tenant, h.Name.Tenant)
	fill(&a.Site, h.Name.Site)
	fill(&a.Terminal, h.Name.Terminal)
	if h.Fixed && a != h.Name {
		return a, fmt.Errorf("%w: its own settings call it %s/%s/%s: claim it under that name, or change its "+
			"settings", ErrClaim, h.Name.Tenant, h.Name.Site, h.Name.Terminal)
	}
	if a.Tenant == "" || a.Site == "" {
		var last report.Address
		err := f.db.QueryRowContext(ctx, `SELECT tenant, site FROM claim WHERE state = 'done'
			ORDER BY n DESC LIMIT 1`).Scan(&last.Tenant, &last.Site)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return a, err
		}
		fill(&a.Tenant, last.Tenant)
		fill(&a.Site, last.Site)
	}
	if a.Tenant == trying {
		return a, fmt.Errorf("%w: the tenant %q is for trying a terminal out", ErrClaim, trying)
	}
	if err := a.Check(); err != nil {
		return a, fmt.Errorf("%w: nobody has said what it is called: give tenant, site and name", ErrClaim)
	}
	return a, nil
}

// accept makes a terminal known: its key, its certificate and the end of the claim, or nothing.
func (f *Fleet) accept(
	ctx context.Context, t typed, a report.Address, h claim.Hello, c *x509.Certificate, text string,
) error {
	source, now := a.Source(), time.Now()
	return f.write(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE claim SET state = 'done', code = '', source = ?, tenant = ?,
			site = ?, terminal = ? WHERE n = ? AND state = 'open'`, source, a.Tenant, a.Site, a.Terminal, t.id)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("%w: the claim is over", ErrClaim))
		}
		if err := nameFree(ctx, tx, source, t.wish.Replace, h.Key); err != nil {
			return err
		}
		if t.wish.Replace {
			if err := onlyKey(ctx, tx, source, h); err != nil {
				return err
			}
		}
		if err := trust(ctx, tx, source, h.Key, now); err != nil {
			return err
		}
		if err := keep(ctx, tx, source, c, text, now); err != nil {
			return err
		}
		// The same terminal, claimed again: its certificate of before is of no use to it any more.
		_, err = revokeCertificates(ctx, tx, source, t.wish.By, serial(c))
		return err
	})
}

// onlyKey takes the keys of a name away but the one of a hello.
func onlyKey(ctx context.Context, q Querier, source string, h claim.Hello) error {
	text, err := signature.EncodePublic(h.Key)
	if err == nil {
		_, err = q.ExecContext(ctx, `DELETE FROM terminal WHERE source = ? AND key != ?`, source, string(text))
	}
	return err
}

// keep keeps a certificate: only those that are kept are let in. Of a terminal the
// latest are kept: no clock decides it.
func keep(
	ctx context.Context, q Querier, source string, c *x509.Certificate, text string, now time.Time,
) error {
	of := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	_, err := q.ExecContext(ctx, `INSERT INTO certificate VALUES (?,?,?,?,?,?,'')`, serial(c), source, of[:],
		text, now.Unix(), c.NotAfter.Unix())
	if err == nil {
		_, err = q.ExecContext(ctx, `DELETE FROM certificate WHERE source = ?1 AND rowid NOT IN
			(SELECT rowid FROM certificate WHERE source = ?1 ORDER BY rowid DESC LIMIT ?2)`, source, certificatesKept)
	}
	return err
}

func serial(c *x509.Certificate) string { return c.SerialNumber.Text(16) }
