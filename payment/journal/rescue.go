package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"smiletill/payment"
)

// seqStep is what the sequence of a new journal is ahead of the damaged one's: nobody can tell how many
// facts were lost behind the last that is left. 2^53, the largest whole number of JavaScript's, is nine
// million steps away.
const seqStep = 1_000_000_000

// candidateSchema holds the facts that were found until it is clear which of them the chain had. They may
// be many more than fit into memory.
const candidateSchema = `
CREATE TABLE candidate (
	seq  INTEGER NOT NULL,
	hash BLOB NOT NULL,
	prev BLOB NOT NULL,
	text TEXT NOT NULL,
	taken INTEGER NOT NULL DEFAULT 1,
	PRIMARY KEY (seq, hash)
) STRICT, WITHOUT ROWID`

// rescue takes over what is left of a damaged journal.
type rescue struct {
	ctx      context.Context
	work     string // folder of the damaged files
	above    int64  // the highest seq that the cloud is known to have beyond them; 0: none
	progress func(done, total int64)

	db    *sql.DB // of candidates
	sum   [sha256.Size]byte
	said  said
	lost  map[string]bool // payments of facts that were found and not taken
	found Quarantined
}

// said is what the damaged tables say, as far as SQLite can read them. Nothing of it is proved: it makes
// nothing true, only unsure.
type said struct {
	head, anchor chainHead
	payments     map[string]string // state by id
	unsure       map[string]string
	closings     int64 // the number of the last one
}

const candidatesName = "candidates.db"

func (r *rescue) close() error {
	if r.db == nil {
		return nil
	}
	return r.db.Close()
}

func removeCandidates(work string) error {
	err := os.Remove(filepath.Join(work, candidatesName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// collect finds all facts and decides which of them the chain had.
func (r *rescue) collect() (err error) {
	if err := removeCandidates(r.work); err != nil {
		return err
	}
	r.lost = map[string]bool{}
	r.db, err = connect(
		filepath.Join(r.work, candidatesName),
		"",
		url.Values{"_pragma": {"journal_mode(OFF)", "synchronous(OFF)"}},
	)
	if err != nil {
		return err
	}
	if _, err := r.db.ExecContext(r.ctx, candidateSchema); err != nil {
		return err
	}
	if err := r.carveAll(); err != nil {
		return err
	}
	r.said = ask(r.ctx, filepath.Join(r.work, mainName))
	if err := r.dropRemoved(); err != nil {
		return err
	}
	return r.choose()
}

// carveAll fills the table of candidates from the journal and its -wal.
func (r *rescue) carveAll() error {
	tx, err := r.db.BeginTx(r.ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	insert, err := tx.PrepareContext(
		r.ctx,
		`INSERT OR IGNORE INTO candidate (seq, hash, prev, text) VALUES (?, ?, ?, ?)`,
	)
	if err != nil {
		return err
	}
	files := []string{filepath.Join(r.work, mainName), filepath.Join(r.work, mainName+"-wal")}
	var total, before int64
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			total += info.Size()
		}
	}
	sum := sha256.New()
	for _, file := range files {
		size, err := carveFile(file, sum, func(l link) error {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			_, err := insert.ExecContext(r.ctx, l.body.Seq, l.hash[:], l.prev[:], string(l.text))
			return err
		}, func(done int64) { r.progress(before+done, total) })
		if err != nil {
			return err
		}
		before += size
	}
	sum.Sum(r.sum[:0])
	return tx.Commit()
}

// claim is a fact that was found, and its seq, which another may claim too.
type claim struct {
	seq        int64
	hash, prev [sha256.Size]byte
	payment    string
}

// choose takes the facts that the chain had, from the last to the first, and leaves the others out.
func (r *rescue) choose() error {
	rows, err := r.db.QueryContext(
		r.ctx,
		`SELECT seq, hash, prev, coalesce(json_extract(text, '$.payment_id'), '') FROM candidate
		ORDER BY seq DESC`,
	)
	if err != nil {
		return err
	}
	defer rows.Close()
	var same, out []claim
	var next claim
	for rows.Next() {
		var c claim
		var hash, prev []byte
		if err := rows.Scan(&c.seq, &hash, &prev, &c.payment); err != nil {
			return err
		}
		copy(c.hash[:], hash)
		copy(c.prev[:], prev)
		if len(same) > 0 && same[0].seq != c.seq {
			next, out = r.decide(same, next, out)
			same = same[:0]
		}
		same = append(same, c)
	}
	if len(same) > 0 {
		_, out = r.decide(same, next, out)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, c := range out {
		if _, err := r.db.ExecContext(r.ctx, `UPDATE candidate SET taken = 0 WHERE seq = ? AND hash = ?`,
			c.seq, c.hash[:]); err != nil {
			return err
		}
	}
	return nil
}

// decide takes one of the facts that claim a seq: the one whose hash the next fact names, if that was
// taken. Behind a gap there is nobody to ask: two facts of one seq (the other is of a commit that was cut
// off) are both left out then, unless the damaged head names one of them. It gives the fact taken, or what
// it was given.
func (r *rescue) decide(same []claim, next claim, out []claim) (claim, []claim) {
	var fit []claim
	for _, c := range same {
		if next.seq != c.seq+1 || next.prev == c.hash {
			fit = append(fit, c)
		}
	}
	for _, c := range fit {
		if r.said.head == (chainHead{seq: c.seq, hash: c.hash}) {
			fit = []claim{c}
			break
		}
	}
	for _, c := range same {
		if len(fit) == 1 && c == fit[0] {
			continue
		}
		out = append(out, c)
		r.lose(c.payment)
	}
	if len(fit) == 1 {
		next = fit[0]
	}
	return next, out
}

// lose notes that a fact of a payment was found and not taken; an audit fact is none's.
func (r *rescue) lose(paymentID string) {
	if paymentID != "" {
		r.lost[paymentID] = true
	}
}

// dropRemoved leaves out what had been removed and lies about in pages that are free, if the damaged
// anchor is proved by the fact behind it.
func (r *rescue) dropRemoved() error {
	var proved bool
	err := r.db.QueryRowContext(r.ctx, `SELECT EXISTS (SELECT 1 FROM candidate WHERE seq = ? AND prev = ?)`,
		r.said.anchor.seq+1, r.said.anchor.hash[:]).Scan(&proved)
	if err != nil {
		return err
	}
	// What was taken over at an earlier quarantine stands before that one's anchor, and stays.
	if !proved || r.said.anchor.seq%seqStep == 0 {
		r.said.anchor = chainHead{}
		return nil
	}
	_, err = r.db.ExecContext(r.ctx, `DELETE FROM candidate WHERE seq <= ?`, r.said.anchor.seq)
	return err
}

// ask reads what SQLite can of the damaged file, without touching it: it is opened as if on a disk that can't
// change.
func ask(ctx context.Context, path string) said {
	s := said{payments: map[string]string{}, unsure: map[string]string{}}
	db, err := connect(path, "", url.Values{"mode": {"ro"}, "immutable": {"1"}})
	if err != nil {
		return s
	}
	defer func() { _ = db.Close() }() // nothing is written
	if h, err := readHead(ctx, db); err == nil {
		s.head = h.chainHead
	}
	if a, err := readMark(ctx, db, "anchor"); err == nil && a.seq < s.head.seq {
		s.anchor = a
	}
	// Once by the table and once by its index: damage seldom hits both.
	for _, query := range []string{
		`SELECT id, state FROM payment NOT INDEXED`, `SELECT id, '' FROM payment ORDER BY id`,
	} {
		askPairs(ctx, db, query, s.payments)
	}
	askPairs(ctx, db, `SELECT payment, said FROM unsure`, s.unsure)
	s.closings = lastNumber(ctx, db)
	return s
}

// askPairs collects pairs until SQLite gives up.
func askPairs(ctx context.Context, db *sql.DB, query string, into map[string]string) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id, state string
		if rows.Scan(&id, &state) != nil {
			return
		}
		if !payment.ValidID(id) {
			continue // damage, and nobody's id
		}
		if _, err := kindOf(payment.State(state)); err != nil {
			state = ""
		}
		if into[id] == "" {
			into[id] = state
		}
	}
}

func (r *rescue) sumText() string { return hex.EncodeToString(r.sum[:]) }
