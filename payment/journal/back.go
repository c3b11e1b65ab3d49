package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"smiletill/payment"
)

// The way back to an older program. A migration can't be undone in place, so the journal is copied before
// it, and a note beside it says which program it was. The copy counts as long as it ends with the same fact
// as the journal: then nothing is lost by it. One fact more, and putting it back would forget a payment,
// charge its id again and give back what was given back. So Back refuses from then on, and the next start
// removes the copy.

// ErrWouldLose is why Back refuses: payments were taken or given back since the copy was made.
var ErrWouldLose = errors.New("payments were written since the copy was made")

// migration is the note beside a journal about the last one.
type migration struct {
	From    int       `json:"from_schema"`
	To      int       `json:"to_schema"`
	Program string    `json:"program,omitempty"` // which did it
	At      time.Time `json:"at"`
}

// Returned is what Back did.
type Returned struct {
	Schema int    // of the journal that is in force again
	Facts  int64  // seq of its last fact
	Kept   string // the newer journal, as it was
}

func copyName(path string, version int) string { return fmt.Sprintf("%s.schema%d", path, version) }
func noteName(path string) string              { return path + ".migrated.json" }

// migrate brings the journal from a version to the newest, and keeps it as it was.
func (j *Journal) migrate(ctx context.Context, version int) error {
	newest := len(migrations())
	err := j.keepBefore(ctx, version)
	if err == nil {
		err = noteMigration(j.path, migration{From: version, To: newest, Program: j.options.Program,
			At: time.Now().UTC()})
	}
	if err == nil {
		err = migrate(ctx, j.db, version, newest)
	}
	if err == nil {
		j.options.Log.Info("journal migrated", "path", j.path, "from", version, "to", newest,
			"kept", copyName(j.path, version))
	}
	return err
}

// keepBefore copies a journal that is about to be migrated. It goes through SQLite: closing another
// descriptor of the file would drop the locks of this process on it.
func (r *Reader) keepBefore(ctx context.Context, version int) error {
	kept := copyName(r.path, version)
	draft := kept + ".new"
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := r.db.ExecContext(ctx, `VACUUM INTO ?`, draft); err != nil {
		return errors.Join(err, removeDraft(draft))
	}
	f, err := os.OpenFile(draft, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, removeDraft(draft))
	}
	if err := os.Rename(draft, kept); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(r.path))
}

func removeDraft(draft string) error {
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// noteMigration writes who brought the journal to its form, for a program that doesn't know it.
func noteMigration(path string, m migration) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".migrated-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), noteName(path))
	}
	if err != nil {
		return errors.Join(err, removeDraft(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// readNote gives the note, or an empty one: it decides nothing, it is only told.
func readNote(path string) (m migration) {
	text, err := os.ReadFile(noteName(path))
	if err != nil || json.Unmarshal(text, &m) != nil {
		return migration{}
	}
	return m
}

// newer is the error about a journal that this program doesn't know.
func newer(path string, version, known int) error {
	err := fmt.Errorf("open journal %s: %w: schema %d, known %d", path, ErrNewer, version, known)
	hint := "install the newer smiletill again; an older one must not write here"
	if m := readNote(path); m.Program != "" && m.To == version {
		hint = fmt.Sprintf("%s brought it to this form on %s: install that one again, or a newer one", m.Program,
			m.At.Local().Format(time.DateTime))
	}
	return payment.WithHint(err, hint+". If no payment was taken since, `smiletill journal back` goes back to "+
		"this one; it refuses where a payment would be lost")
}

// dropCopies removes what Back would refuse to put back: it is a journal of old payments that nobody needs.
func (r *Reader) dropCopies(ctx context.Context) error {
	for version := 1; version < len(migrations()); version++ {
		kept := copyName(r.path, version)
		if _, err := os.Stat(kept); err != nil {
			continue
		}
		now, err := endOf(ctx, r.db)
		if err != nil {
			return err
		}
		if then, _, err := endOfFile(ctx, kept); err != nil || then != now {
			if err := os.Remove(kept); err != nil {
				return fmt.Errorf("remove the journal's copy of before: %w", err)
			}
		}
	}
	return nil
}

// Returnable tells whether Back, called by the older program, would put the copy of before the last migration
// back: a fact more, and it would not. What can wait for the next start is not written while it would.
func (r *Reader) Returnable(ctx context.Context) (bool, error) {
	now, err := endOf(ctx, r.db)
	if err != nil {
		return false, wrap(r.path, "look for the way back", err)
	}
	for version := 1; version < len(migrations()); version++ {
		kept := copyName(r.path, version)
		if _, err := os.Stat(kept); err != nil {
			continue
		}
		if then, _, err := endOfFile(ctx, kept); err == nil && then == now {
			return true, nil
		}
	}
	return false, nil
}

// endOf reads the end of the chain, in any version of the schema: seq and hash of the one row of head.
func endOf(ctx context.Context, db *sql.DB) (chainHead, error) {
	return readMark(ctx, db, "head")
}

// endOfFile reads the end of the chain in a file, and which schema it has.
func endOfFile(ctx context.Context, path string) (h chainHead, version int, err error) {
	db, err := connect(path, "", url.Values{})
	if err != nil {
		return chainHead{}, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var application int
	err = db.QueryRowContext(ctx, `SELECT user_version, application_id
		FROM pragma_user_version, pragma_application_id`).Scan(&version, &application)
	if err == nil && application != applicationID {
		err = &DamagedError{Path: path, What: "this is no journal of smiletill"}
	}
	if err != nil {
		return chainHead{}, 0, err
	}
	h, err = endOf(ctx, db)
	return h, version, err
}

// Back puts the copy of before the last migration in the place of a journal that only a newer program can
// read, if both end with the same fact. The newer journal is kept beside it. Nothing is done otherwise:
// ErrWouldLose says that payments would be forgotten. Errors: ErrInUse, ErrWouldLose, *DamagedError,
// ErrFull, ErrIO.
func Back(ctx context.Context, path string, now time.Time) (Returned, error) {
	return back(ctx, path, len(migrations()), now)
}

func back(ctx context.Context, path string, known int, now time.Time) (Returned, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Returned{}, fmt.Errorf("go back: %w", err)
	}
	if err := begun(path); err != nil {
		return Returned{}, err
	}
	if _, err := os.Stat(path); err != nil {
		return Returned{}, failed(path, "go back", err)
	}
	lock, err := acquireSoon(ctx, path)
	if err != nil {
		return Returned{}, err
	}
	done, err := goBack(ctx, path, known, now)
	return done, errors.Join(wrap(path, "go back", err), lock.Close())
}

func goBack(ctx context.Context, path string, known int, now time.Time) (Returned, error) {
	end, version, err := endOfFile(ctx, path) // which moves what is in the -wal into the file
	if err != nil {
		return Returned{}, err
	}
	if version <= known {
		return Returned{}, payment.WithHint(
			fmt.Errorf("schema %d is what this program writes: nothing to go back to", version), "start the terminal")
	}
	who := readNote(path).Program
	if who == "" {
		who = "the newer smiletill"
	}
	old := known
	for ; old > 0; old-- {
		if _, err := os.Stat(copyName(path, old)); err == nil {
			break
		}
	}
	refuse := func(what string) (Returned, error) {
		return Returned{}, payment.WithHint(fmt.Errorf("%w: %s", ErrWouldLose, what),
			"install "+who+" again, or a newer one: it knows all of them. Nothing was changed here")
	}
	if old == 0 {
		return refuse("there is no copy from before, so that an older program would begin with an empty journal")
	}
	before, _, err := endOfFile(ctx, copyName(path, old))
	if err != nil {
		return Returned{}, err
	}
	if before != end {
		return refuse(fmt.Sprintf("the copy ends with fact %d, the journal with fact %d", before.seq, end.seq))
	}
	for _, suffix := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(path + suffix); err == nil && info.Size() > 0 {
			return Returned{}, payment.WithHint(errors.New("something still reads the journal"),
				"stop it, and try again")
		}
	}
	kept, err := freeName(fmt.Sprintf("%s.schema%d-%s", path, version, now.UTC().Format(foldersTime)))
	if err != nil {
		return Returned{}, err
	}
	// A name that is there in each moment: where it is missing, a terminal that starts would begin an empty
	// journal.
	if err := errors.Join(os.Link(path, kept), syncFolder(filepath.Dir(path))); err != nil {
		return Returned{}, err
	}
	if err := os.Rename(copyName(path, old), path); err != nil {
		return Returned{}, err
	}
	done := Returned{Schema: old, Facts: before.seq, Kept: kept}
	return done, errors.Join(removeLeft(path), syncFolder(filepath.Dir(path)))
}

// removeLeft removes what belonged to the newer journal.
func removeLeft(path string) error {
	var failures []string
	for _, left := range []string{path + "-wal", path + "-shm", noteName(path)} {
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err.Error())
		}
	}
	if failures != nil {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}
