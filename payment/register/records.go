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
	"syscall"
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
	answer    TEXT NOT NULL DEFAULT '',
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
PRAGMA user_version = 1;
`

// Record is a message that changed something, or was refused when it would have. Of a Payment or a Reversal
// nothing in it says how it went: the journal does.
type Record struct {
	Header   Header          // of the request
	Key      string          // KeyIdentifier that sealed it; "": none did. Not kept with the message.
	Session  Session         // what becomes of the register's session, if anything does. Nor is this.
	ID       string          // of the payment or the reversal; else ""
	SaleData json.RawMessage // to be copied into the response; not of a refusal
	Answer   json.RawMessage // body of the response, where the journal does not tell it
	Original string          // id of the payment that a reversal gives back
	Tip      int64           // minor units of the payment's currency
	Period   int64           // number of the reconciliation period in which it came, or that it closed
	Digest   [sha256.Size]byte
	Refused  *Response // the answer, if nothing was begun
}

// Records is an open file of records. Its methods may be called from any goroutine.
type Records struct {
	db    *sql.DB
	clock func(context.Context) (time.Duration, error)
	told  func(error)       // of writes that fail; nil: nobody
	saw   func(count int64) // see OnChange; nil: nobody
	room  room
	// compiled are the statements of every message: it takes longer to compile them than to run them.
	compiled map[string]*sql.Stmt
	sales    sales
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
	if errors.Is(err, syscall.EISDIR) {
		return nil, payment.WithHint(fmt.Errorf("open the register's records: %w", err),
			"put the folder away, and the file back from a copy; without one it is made anew")
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
			err = makeTables(ctx, db)
		}
	}
	// A journal that began anew has an earlier clock: records must not outlive it by far, nor end early.
	if err == nil {
		var now time.Duration
		if now, err = clock(ctx); err == nil {
			_, err = db.ExecContext(ctx, `UPDATE message SET clock_ms = ?1 WHERE clock_ms > ?1`, now.Milliseconds())
		}
	}
	r := &Records{db: db, clock: clock, room: room{recordsMax, recordsMaxBytes}}
	if err == nil {
		err = r.compile(ctx)
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("open the register's records %s: %w", path, err), r.Close())
		return nil, payment.WithHint(err, "put "+path+" and its -wal away, start again, and say so: "+
			"`smiletill journal reconcile --because WHY`; the payments of the last three days can't be asked for "+
			"by ServiceID then; none is charged twice")
	}
	return r, nil
}

// compile prepares the statements that each message runs.
func (r *Records) compile(ctx context.Context) (err error) {
	r.compiled = map[string]*sql.Stmt{}
	for _, text := range []string{expireRecords, selectKnown, selectPeriod, insertRecord, selectHeld,
		selectSale} {
		if r.compiled[text], err = r.db.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the file, and with it what was compiled.
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

// makeTables makes what is not there yet. A file of an earlier program is only added to, so that the way back
// to that program is open.
func makeTables(ctx context.Context, db *sql.DB) error {
	var old bool
	err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pragma_table_info('message'))
		AND NOT EXISTS (SELECT 1 FROM pragma_table_info('message') WHERE name = 'answer')`).Scan(&old)
	if err == nil && old {
		_, err = db.ExecContext(ctx, `ALTER TABLE message ADD COLUMN answer TEXT NOT NULL DEFAULT ''`)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, recordsSchema+saleSchema+heldSchema+changesSchema)
	}
	return err
}

// Begin writes a record to the disk unless there is one of the same message, which it gives back instead with
// known true: then nothing changes. Records older than KeepRecords are removed. The SaleID becomes the key's
// if it was nobody's; ErrForeignSale if it is another's.
func (r *Records) Begin(ctx context.Context, rec Record) (_ Record, known bool, err error) {
	err = r.change(ctx, func(tx *sql.Tx, now time.Duration) error {
		var before Record
		if before, known, err = r.known(ctx, tx, rec.Header, now); known || err != nil {
			rec = before
			return err
		}
		err := tx.StmtContext(ctx, r.compiled[selectPeriod]).QueryRowContext(ctx).Scan(&rec.Period)
		if err != nil {
			return err
		}
		return r.insert(ctx, tx, rec, now)
	})
	if err != nil {
		return Record{}, false, fmt.Errorf("note the register's message: %w", err)
	}
	return rec, known, nil
}

// change does work in a transaction, which is committed if it gives no error.
func (r *Records) change(ctx context.Context, work func(tx *sql.Tx, now time.Duration) error) (err error) {
	now, err := r.clock(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = r.failed(ctx, err) }()
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer r.sales.forget() // what was noted of them may be another now
	if err := work(tx, now); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return r.changed(ctx)
}

const (
	expireRecords = `DELETE FROM message WHERE clock_ms < ?`
	selectKnown   = selectRecord + ` WHERE sale = ? AND service = ? AND category = ?`
	selectPeriod  = `SELECT max(number) FROM period`
	insertRecord  = `INSERT INTO message
		(sale, service, category, id, header, sale_data, original, tip_minor, period, digest, refused, answer,
			clock_ms)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// known looks for the record of a message, after it has removed those that are too old.
func (r *Records) known(ctx context.Context, tx *sql.Tx, h Header, now time.Duration) (Record, bool, error) {
	old := (now - KeepRecords).Milliseconds()
	if _, err := tx.StmtContext(ctx, r.compiled[expireRecords]).ExecContext(ctx, old); err != nil {
		return Record{}, false, err
	}
	before, err := scanRecord(tx.StmtContext(ctx, r.compiled[selectKnown]).QueryRowContext(ctx, h.SaleID,
		h.ServiceID, h.MessageCategory))
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, false, nil
	}
	return before, err == nil, err
}

// insert writes a record, and what it says of the register, and makes room for it.
func (r *Records) insert(ctx context.Context, tx *sql.Tx, rec Record, now time.Duration) error {
	h, refused := rec.Header, ""
	if rec.Refused != nil {
		text, err := json.Marshal(rec.Refused)
		if err != nil {
			return err
		}
		h, refused, rec.SaleData = refusedHeader(h), string(text), nil
	} else if err := r.useSale(ctx, tx, rec); err != nil {
		return err
	}
	header, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = tx.StmtContext(ctx, r.compiled[insertRecord]).ExecContext(ctx, h.SaleID, h.ServiceID,
		h.MessageCategory, rec.ID, string(header), string(rec.SaleData), rec.Original, rec.Tip, rec.Period,
		rec.Digest[:], refused, string(rec.Answer), now.Milliseconds())
	if err != nil {
		return err
	}
	return r.makeRoom(ctx, tx)
}

// Refuse notes the answer to a message that began nothing, and keeps nothing else of it.
func (r *Records) Refuse(ctx context.Context, h Header, answer Response) error {
	text, err := json.Marshal(answer)
	if err == nil {
		_, err = r.db.ExecContext(ctx, `UPDATE message SET refused = ?, sale_data = ''
			WHERE sale = ? AND service = ? AND category = ?`, string(text), h.SaleID, h.ServiceID, h.MessageCategory)
	}
	if err != nil {
		return r.failed(ctx, fmt.Errorf("note the answer to the register: %w", err))
	}
	return nil
}

// Find gives the record of the Payment or Reversal that a reference names, the newest if several fit.
// payment.ErrNotFound if there is none.
func (r *Records) Find(ctx context.Context, ref MessageReference) (Record, error) {
	rec, err := scanRecord(r.db.QueryRowContext(ctx, selectRecord+` WHERE (?1 = '' OR sale = ?1)
		AND (?2 = '' OR service = ?2) AND (?3 = '' OR category = ?3)
		AND category IN ('Payment', 'Reversal') ORDER BY rowid DESC LIMIT 1`,
		ref.SaleID, ref.ServiceID, ref.MessageCategory))
	return rec, found(err)
}

// Known gives the record of a message, if there is one.
func (r *Records) Known(ctx context.Context, h Header) (rec Record, known bool, err error) {
	rec, err = scanRecord(r.compiled[selectKnown].QueryRowContext(ctx, h.SaleID, h.ServiceID, h.MessageCategory))
	if errors.Is(err, sql.ErrNoRows) {
		return Record{}, false, nil
	}
	return rec, err == nil, found(err)
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

const selectRecord = `SELECT id, header, sale_data, original, tip_minor, period, digest, refused, answer
	FROM message`

func scanRecord(row *sql.Row) (Record, error) {
	var rec Record
	var header, saleData, refused, answer string
	var sum []byte
	err := row.Scan(&rec.ID, &header, &saleData, &rec.Original, &rec.Tip, &rec.Period, &sum, &refused, &answer)
	if err != nil {
		return Record{}, err
	}
	if saleData != "" {
		rec.SaleData = json.RawMessage(saleData)
	}
	if answer != "" {
		rec.Answer = json.RawMessage(answer)
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
