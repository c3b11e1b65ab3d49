package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"smiletill/payment"
)

// ErrRenamed marks a journal with reports that are open under another name of its terminal.
var ErrRenamed = errors.New("reports are open under another name of this terminal")

// RenamedError is ErrRenamed with the names. The cloud may have counted those reports under the old name
// without this terminal knowing it, and tells events apart by their terminal's name: under another one they
// would be others.
type RenamedError struct {
	Path    string
	Was, Is string // TENANT/SITE/TERMINAL
	Open    int    // reports
}

func (e *RenamedError) Error() string {
	return fmt.Sprintf("journal %s: %d reports of %s are not acknowledged, and this terminal is called %s now",
		e.Path, e.Open, e.Was, e.Is)
}

// Unwrap gives ErrRenamed.
func (*RenamedError) Unwrap() error { return ErrRenamed }

// Hint says what to do next.
func (e *RenamedError) Hint() string {
	return "put the old name (" + e.Was + ") back into [terminal], start the terminal, and rename it when " +
		"`smiletill status` says that no report waits; if the data are another terminal's, give this one a " +
		"paths.data_dir of its own"
}

// sameName is the SQL of whether the body of a fact has the name ?1/?2/?3: what neither says is not compared.
const sameName = `(?1 = '' OR coalesce(json_extract(body, '$.tenant'), ?1) = ?1)
	AND (?2 = '' OR coalesce(json_extract(body, '$.site'), ?2) = ?2)
	AND (?3 = '' OR coalesce(json_extract(body, '$.terminal'), ?3) = ?3)`

// name is the terminal's, as much of it as is known.
func (o Options) name() string { return nameOf(o.Tenant, o.Site, o.Terminal) }

func nameOf(parts ...string) string {
	known := parts[:0:0]
	for _, p := range parts {
		if p != "" {
			known = append(known, p)
		}
	}
	return strings.Join(known, "/")
}

// checkName refuses a journal that has reports open under another name than the terminal's. One that has none
// goes on under the new name, and says so in a fact.
func (j *Journal) checkName(ctx context.Context) error {
	o := j.options
	const openReports = `FROM outbox JOIN fact USING (seq)
		WHERE acked_at IS NULL AND parked IS NULL AND audit = 0`
	// The oldest alone: nothing is committed under another name while one is open, and there may be a million.
	was, open, err := j.otherName(ctx, `SELECT json_extract(body, '$.tenant'), json_extract(body, '$.site'),
		json_extract(body, '$.terminal'), (SELECT count(*) `+openReports+`)
		FROM (SELECT body `+openReports+` ORDER BY seq LIMIT 1) WHERE NOT (`+sameName+`)`)
	if err == nil && open > 0 {
		return &RenamedError{Path: j.path, Was: was, Is: o.name(), Open: open}
	}
	if err == nil {
		was, open, err = j.otherName(ctx, `SELECT json_extract(body, '$.tenant'), json_extract(body, '$.site'),
			json_extract(body, '$.terminal'), 1 FROM (SELECT body FROM fact ORDER BY seq DESC LIMIT 1)
			WHERE NOT (`+sameName+`)`)
	}
	if err != nil {
		return wrap(j.path, "compare the terminal's name", err)
	}
	if open == 0 {
		return nil
	}
	o.Log.Warn("this terminal was given another name", "was", was, "is", o.name())
	return j.Note(ctx, Audit{What: TerminalRenamed, Formerly: was, Offline: true, At: time.Now(),
		TimeTrusted: ClockSet()})
}

// otherName gives the name that a query finds, with how often; 0 if nowhere.
func (j *Journal) otherName(ctx context.Context, query string) (name string, n int, err error) {
	var tenant, site, terminal sql.NullString
	o := j.options
	err = j.db.QueryRowContext(ctx, query, o.Tenant, o.Site, o.Terminal).Scan(&tenant, &site, &terminal, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return nameOf(tenant.String, site.String, terminal.String), n, err
}

// checkRow refuses to have a row reported that was made under another name.
func (j *Journal) checkRow(ctx context.Context, q queryer, seq int64) error {
	var same bool
	o := j.options
	err := q.QueryRowContext(ctx, `SELECT `+sameName+` FROM fact WHERE seq = ?4 AND kind <> 'audit'`,
		o.Tenant, o.Site, o.Terminal, seq).Scan(&same)
	if errors.Is(err, sql.ErrNoRows) || err == nil && same {
		return nil
	}
	if err == nil {
		err = payment.WithHint(fmt.Errorf("%w: fact %d", ErrRenamed, seq),
			"put the terminal's old name back into [terminal] (`smiletill journal audit` tells it), then try again")
	}
	return err
}
