package journal

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"smiletill/payment"
)

// ErrBehind marks a journal that lacks what the cloud has acknowledged: an older copy of it was put back, or
// it was lost and began anew.
var ErrBehind = errors.New("journal lacks what the cloud has of this terminal")

// ErrInStep is Reconcile's answer to a journal of which nothing else is known.
var ErrInStep = errors.New("journal is in step with the cloud: it stays as it is")

// BehindError is ErrBehind with what the cloud has, or the terminal itself had written.
type BehindError struct {
	Path string
	Own  bool  // the terminal had written it, whatever the cloud has
	Seq  int64 // of the fact that the cloud acknowledged, or that was written
	Head int64 // of the journal's last fact
}

func (e *BehindError) Error() string {
	if e.Own {
		return fmt.Sprintf("older data were put back: this terminal has written fact %d, which %s does not have: "+
			"it ends with %d", e.Seq, e.Path, e.Head)
	}
	if e.Seq > e.Head {
		return fmt.Sprintf("%s: the cloud has fact %d, and %s ends with %d", ErrBehind, e.Seq, e.Path, e.Head)
	}
	return fmt.Sprintf("%s: the cloud has another fact %d than %s", ErrBehind, e.Seq, e.Path)
}

// Unwrap gives ErrBehind.
func (*BehindError) Unwrap() error { return ErrBehind }

// Hint says what to do next.
func (*BehindError) Hint() string {
	return "put back the newest copy of the data folder, with the terminal stopped. If there is none, run " +
		"`smiletill journal reconcile --because WHY`, and compare the payments with the cloud's page: those that " +
		"only the cloud has can't be given back here, and their ids would be charged again"
}

// behind is what the cloud acknowledged and the journal does not hold, in a file beside it: whoever opens the
// journal next has to know, with or without a connection.
type behind struct {
	Own   bool      `json:"own,omitempty"`
	ID    string    `json:"id"`
	Hash  string    `json:"hash"`
	Seq   int64     `json:"seq"`
	Heard time.Time `json:"heard"`
}

func behindName(path string) string { return path + ".behind" }

// readBehind gives what is known to be missing; nil: nothing.
func readBehind(path string) (*behind, error) {
	text, err := os.ReadFile(behindName(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var b behind
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		err = fmt.Errorf("read what the cloud has: %w", err)
		return nil, payment.WithHint(err, "put "+behindName(path)+
			" away: the terminal learns it anew from the cloud")
	}
	return &b, nil
}

// Holds tells whether the journal holds a fact that the cloud has acknowledged, by id, hash (64 hex digits)
// and seq. Of facts up to the anchor, which were removed when they had been kept long enough or stand before
// a chain that was begun anew, it believes so.
func (r *Reader) Holds(ctx context.Context, id, hash string, seq int64) (bool, error) {
	anchor, err := readMark(ctx, r.db, "anchor")
	if err != nil || seq <= anchor.seq {
		return err == nil, wrap(r.path, "look for a fact", err)
	}
	var here string
	var sum []byte
	err = r.db.QueryRowContext(ctx, `SELECT id, hash FROM fact WHERE seq = ?`, seq).Scan(&here, &sum)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return here == id && hex.EncodeToString(sum) == hash, wrap(r.path, "look for a fact", err)
}

// Behind notes that the cloud acknowledged a fact that the journal does not hold. From then on Open refuses
// it with a *BehindError, until the fact is there or Reconcile was called. The caller has checked the
// acknowledgement's signature; an old one that is told again says nothing that is not so.
func (j *Journal) Behind(ctx context.Context, id, hash string, seq int64) error {
	return j.lacks(ctx, behind{ID: id, Hash: hash, Seq: seq})
}

// Written compares with the last fact that this terminal is known to have written: nil if the journal holds
// it, else it does as Behind, and so does Open from then on.
func (j *Journal) Written(ctx context.Context, id, hash string, seq int64) error {
	held, err := j.Holds(ctx, id, hash, seq)
	if err != nil || held {
		return err
	}
	return j.lacks(ctx, behind{Own: true, ID: id, Hash: hash, Seq: seq})
}

func (j *Journal) lacks(ctx context.Context, b behind) error {
	h, err := readHead(ctx, j.db)
	if err != nil {
		return wrap(j.path, "compare with the cloud", err)
	}
	b.Heard = time.Now().UTC()
	text, err := json.Marshal(b)
	if err == nil {
		err = replaceFile(behindName(j.path), text)
	}
	if err != nil {
		err = wrap(j.path, "note what the cloud has", err)
		j.failed(ctx, err)
		return err
	}
	return &BehindError{Path: j.path, Own: b.Own, Seq: b.Seq, Head: h.seq}
}

// checkBehind refuses a journal that lacks what the cloud has, and forgets about it when that is there.
func (j *Journal) checkBehind(ctx context.Context) error {
	b, err := readBehind(j.path)
	if err != nil || b == nil {
		return err
	}
	held, err := j.Holds(ctx, b.ID, b.Hash, b.Seq)
	if err != nil {
		return err
	}
	if !held {
		h, err := readHead(ctx, j.db)
		if err != nil {
			return wrap(j.path, "compare with the cloud", err)
		}
		return &BehindError{Path: j.path, Own: b.Own, Seq: b.Seq, Head: h.seq}
	}
	j.options.Log.Info("the journal holds what the cloud has", "seq", b.Seq)
	if err := os.Remove(behindName(j.path)); err != nil {
		return failed(j.path, "compare with the cloud", err)
	}
	return syncFolder(filepath.Dir(j.path))
}

// Reconcile lets a journal go on that lacks what the cloud has, when no newer copy of it is to be had: as
// Quarantine does with a damaged one, it keeps the files beside it, takes over every fact, which are reported
// once more, and goes on with numbers above all that the cloud has. Errors: ErrInStep, ErrInUse, ErrNewer,
// ErrFull, ErrIO.
func Reconcile(
	ctx context.Context, path string, now time.Time, progress func(done, total int64),
) (Quarantined, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Quarantined{}, fmt.Errorf("reconcile journal: %w", err)
	}
	return renew(ctx, path, "reconcile journal", func() error {
		b, err := readBehind(path)
		if err != nil {
			return err
		}
		if b != nil && !passes(ctx, path, b) {
			return nil
		}
		return payment.WithHint(fmt.Errorf("%s: %w", path, ErrInStep), "nothing is to be done here, or it is "+
			"done: start the terminal; it says so when the cloud has more than it")
	}, path+".older-"+now.UTC().Format(foldersTime), progress)
}

// passes tells whether a journal holds what the cloud has, or goes on above it: it was reconciled, and no
// terminal has opened it since. One that can't be read doesn't.
func passes(ctx context.Context, path string, b *behind) bool {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return false
	}
	held, err := r.Holds(ctx, b.ID, b.Hash, b.Seq)
	return errors.Join(err, r.Close()) == nil && held
}

// replaceFile writes a file of mode 0600 under another name, syncs it and renames it.
func replaceFile(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
