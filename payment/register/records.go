package register

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"smiletill/payment"
)

// KeepRecords is how long a message is remembered at least, by time that provably passed: the protocol's
// users expect 48 hours, and a shop that was closed on the day between must not be the exception.
const KeepRecords = 72 * time.Hour

const recordsSchema = `
CREATE TABLE IF NOT EXISTS message (
	sale      TEXT NOT NULL,
	service   TEXT NOT NULL,
	category  TEXT NOT NULL,
	id        TEXT NOT NULL,
	header    TEXT NOT NULL,
	sale_data TEXT NOT NULL,
	original  TEXT NOT NULL,
	tip_minor INTEGER NOT NULL,
	period    INTEGER NOT NULL,
	digest    BLOB NOT NULL,
	refused   TEXT NOT NULL DEFAULT '',
	clock_ms  INTEGER NOT NULL,
	PRIMARY KEY (sale, service, category)
) STRICT;
CREATE INDEX IF NOT EXISTS message_id ON message (id);
CREATE INDEX IF NOT EXISTS message_clock ON message (clock_ms);
CREATE TABLE IF NOT EXISTS period (
	number INTEGER PRIMARY KEY,
	after  INTEGER NOT NULL,
	upto   INTEGER
) STRICT;
INSERT OR IGNORE INTO period (number, after) VALUES (1, 0);
PRAGMA user_version = 1`

// Record is a Payment or Reversal message that was accepted. Nothing in it says how it went: the journal
// does.
type Record struct {
	Header   Header          // of the request
	ID       string          // of the payment or the reversal
	SaleData json.RawMessage // to be copied into the response
	Original string          // id of the payment that a reversal gives back
	Tip      int64           // minor units of the payment's currency
	Period   int64           // number of the reconciliation period in which it came
	Digest   [sha256.Size]byte
	Refused  *Response // the answer, if nothing was begun
}

// Period is the span between two reconciliations: the journal's facts with After < seq <= Upto; Upto is 0
// while it is open.
type Period struct{ Number, After, Upto int64 }

// Records is an open file of records. Its methods may be called from any goroutine.
type Records struct {
	db    *sql.DB
	clock func(context.Context) (time.Duration, error)
}

// OpenRecords opens the file at path, or makes it (mode 0600). clock tells how much time has provably passed
// on this terminal; see journal.Journal.Elapsed. A file that can't be read is an error with a hint.
func OpenRecords(
	ctx context.Context, path string, clock func(context.Context) (time.Duration, error),
) (*Records, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // before SQLite, which would let the group read
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("open the register's records: %w", err)
	}
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(1)",
	}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open the register's records: %w", err)
	}
	db.SetMaxOpenConns(1)
	var version int
	if err = db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err == nil {
		if version > 1 {
			err = fmt.Errorf("it is of version %d, and this program knows version 1", version)
		} else {
			_, err = db.ExecContext(ctx, recordsSchema)
		}
	}
	// A journal that began anew has an earlier clock: records must not outlive it by far, nor end early.
	if err == nil {
		var now time.Duration
		if now, err = clock(ctx); err == nil {
			_, err = db.ExecContext(ctx, `UPDATE message SET clock_ms = ?1 WHERE clock_ms > ?1`, now.Milliseconds())
		}
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("open the register's records %s: %w", path, err), db.Close())
		return nil, payment.WithHint(err, "put "+path+" and its -wal away, and start again: "+
			"the payments of the last three days can't be asked for by ServiceID then; none is charged twice")
	}
	return &Records{db: db, clock: clock}, nil
}

// Close closes the file.
func (r *Records) Close() error { return r.db.Close() }

// PaymentID is the payment's id of a message: what the register calls the message and the transaction. The
// same message has the same id even if no record of it is left.
func PaymentID(h Header, t TransactionID) string {
	return "nexo-" + digestID("payment", h.SaleID, h.ServiceID, t.TransactionID, t.TimeStamp)
}

// reversalID is the reversal's id of a message.
func reversalID(h Header, paymentID, amount string, t TransactionID) string {
	return "nexo-" + digestID("reversal", h.SaleID, h.ServiceID, paymentID, amount, t.TransactionID, t.TimeStamp)
}

// digestID is 26 characters (130 bits) of a hash in which no two lists of parts look alike.
func digestID(parts ...string) string {
	sum := digest(parts...)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:26])
}

func digest(parts ...string) [sha256.Size]byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// Begin writes a record to the disk unless there is one of the same message, which it gives back instead with
// known true. Records older than KeepRecords are removed.
func (r *Records) Begin(ctx context.Context, rec Record) (_ Record, known bool, err error) {
	now, err := r.clock(ctx)
	if err != nil {
		return Record{}, false, err
	}
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return Record{}, false, fmt.Errorf("note the register's message: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("note the register's message: %w", err), tx.Rollback())
		}
	}()
	old := (now - KeepRecords).Milliseconds()
	if _, err = tx.ExecContext(ctx, `DELETE FROM message WHERE clock_ms < ?`, old); err != nil {
		return Record{}, false, err
	}
	h := rec.Header
	before, err := scanRecord(tx.QueryRowContext(ctx, selectRecord+
		` WHERE sale = ? AND service = ? AND category = ?`, h.SaleID, h.ServiceID, h.MessageCategory))
	switch {
	case err == nil:
		return before, true, tx.Rollback()
	case !errors.Is(err, sql.ErrNoRows):
		return Record{}, false, err
	}
	header, err := json.Marshal(rec.Header)
	if err != nil {
		return Record{}, false, err
	}
	if err = tx.QueryRowContext(ctx, `SELECT max(number) FROM period`).Scan(&rec.Period); err != nil {
		return Record{}, false, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO message
		(sale, service, category, id, header, sale_data, original, tip_minor, period, digest, clock_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, h.SaleID, h.ServiceID, h.MessageCategory, rec.ID, string(header),
		string(rec.SaleData), rec.Original, rec.Tip, rec.Period, rec.Digest[:], now.Milliseconds())
	if err != nil {
		return Record{}, false, err
	}
	return rec, false, tx.Commit()
}

// Refuse notes the answer to a message that began nothing.
func (r *Records) Refuse(ctx context.Context, h Header, answer Response) error {
	text, err := json.Marshal(answer)
	if err == nil {
		_, err = r.db.ExecContext(ctx, `UPDATE message SET refused = ?
			WHERE sale = ? AND service = ? AND category = ?`, string(text), h.SaleID, h.ServiceID, h.MessageCategory)
	}
	if err != nil {
		return fmt.Errorf("note the answer to the register: %w", err)
	}
	return nil
}

// Find gives the record that a reference names, the newest if several fit. payment.ErrNotFound if there is
// none.
func (r *Records) Find(ctx context.Context, ref MessageReference) (Record, error) {
	rec, err := scanRecord(r.db.QueryRowContext(ctx, selectRecord+` WHERE (?1 = '' OR sale = ?1)
		AND (?2 = '' OR service = ?2) AND (?3 = '' OR category = ?3) ORDER BY rowid DESC LIMIT 1`,
		ref.SaleID, ref.ServiceID, ref.MessageCategory))
	return rec, found(err)
}

// FindID gives the record of a payment or reversal, or payment.ErrNotFound: it wasn't begun by a register, or
// long ago.
func (r *Records) FindID(ctx context.Context, id string) (Record, error) {
	rec, err := scanRecord(r.db.QueryRowContext(ctx, selectRecord+` WHERE id = ?`, id))
	return rec, found(err)
}

func found(err error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("find the register's message: %w", payment.ErrNotFound)
	case err != nil:
		return fmt.Errorf("find the register's message: %w", err)
	}
	return nil
}

// Current gives the period that is open.
func (r *Records) Current(ctx context.Context) (Period, error) {
	return r.period(ctx, `SELECT number, after, upto FROM period ORDER BY number DESC LIMIT 1`)
}

// Closed gives a period that was closed; 0 is the last one. payment.ErrNotFound if there is none.
func (r *Records) Closed(ctx context.Context, number int64) (Period, error) {
	return r.period(ctx,
		`SELECT number, after, upto FROM period WHERE upto IS NOT NULL AND (?1 = 0 OR number = ?1)
		ORDER BY number DESC LIMIT 1`, number)
}

func (r *Records) period(ctx context.Context, query string, args ...any) (Period, error) {
	var p Period
	var upto sql.NullInt64
	err := r.db.QueryRowContext(ctx, query, args...).Scan(&p.Number, &p.After, &upto)
	p.Upto = upto.Int64
	if errors.Is(err, sql.ErrNoRows) {
		return p, fmt.Errorf("find the period: %w", payment.ErrNotFound)
	}
	if err != nil {
		return p, fmt.Errorf("find the period: %w", err)
	}
	return p, nil
}

// CloseAt ends the open period with the fact upto and begins the next one.
func (r *Records) CloseAt(ctx context.Context, upto int64) (Period, error) {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return Period{}, fmt.Errorf("close the period: %w", err)
	}
	var p Period
	err = tx.QueryRowContext(ctx, `UPDATE period SET upto = max(?, after) WHERE upto IS NULL
		RETURNING number, after, upto`, upto).Scan(&p.Number, &p.After, &p.Upto)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO period (number, after) VALUES (?, ?)`, p.Number+1, p.Upto)
	}
	if err == nil {
		err = tx.Commit()
	} else {
		err = errors.Join(err, tx.Rollback())
	}
	if err != nil {
		return Period{}, fmt.Errorf("close the period: %w", err)
	}
	return p, nil
}

const selectRecord = `SELECT id, header, sale_data, original, tip_minor, period, digest, refused FROM message`

func scanRecord(row *sql.Row) (Record, error) {
	var rec Record
	var header, saleData, refused string
	var sum []byte
	err := row.Scan(&rec.ID, &header, &saleData, &rec.Original, &rec.Tip, &rec.Period, &sum, &refused)
	if err != nil {
		return Record{}, err
	}
	if saleData != "" {
		rec.SaleData = json.RawMessage(saleData)
	}
	if copy(rec.Digest[:], sum) != len(rec.Digest) {
		return Record{}, errors.New("a record can't be read")
	}
	if refused != "" {
		rec.Refused = new(Response)
		if err := json.Unmarshal([]byte(refused), rec.Refused); err != nil {
			return Record{}, err
		}
	}
	return rec, json.Unmarshal([]byte(header), &rec.Header)
}
