package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"smiletill/payment"
)

const (
	// DefaultOutboxMax is how many approvals may wait for the cloud before new payments are refused. At one
	// kilobyte a fact it is some 10 MB of disk, and days of a busy till.
	DefaultOutboxMax = 10_000

	// lastLinks is how much of the chain is checked at every start at least; Verify checks all of it.
	lastLinks = 100

	// quickCheckMax is the size of a journal, in bytes, up to which every start has SQLite look at all of
	// its pages, in some 50 ms on a Pi. Of a larger one the start reads what the checkpoint leaves open,
	// and Verify the rest.
	quickCheckMax = 16 << 20

	// busyTimeout is how long a write waits for a lock. Writers are kept out by the lock file and readers
	// don't block in WAL, so only the moments of opening and recovering the -wal are left to wait for.
	busyTimeout = 5 * time.Second
)

// Reader reads a journal, also while another process writes it.
type Reader struct {
	db   *sql.DB
	path string
}

// Journal is the one writer of a journal. Its methods may be called from any goroutine; they take turns.
type Journal struct {
	Reader
	options Options
	lock    *os.File
	added   chan struct{}
	suspect atomic.Bool // the last write failed: what the files say may not be on the disk
	keeper  keeper

	compiling sync.Mutex
	compiled  map[string]*sql.Stmt // replaced, never changed; guarded by compiling
}

// Open opens the journal at path, or makes it (mode 0600, in an existing folder). It checks the file:
// SQLite's quick_check, the schema, the head and the last links of the chain. Errors: ErrInUse,
// *DamagedError, *BehindError, *RenamedError, ErrNewer, ErrFull, ErrIO. Call Recover next.
func Open(ctx context.Context, path string, o Options) (*Journal, error) {
	if o.OutboxMax <= 0 {
		o.OutboxMax = DefaultOutboxMax
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnFailure == nil {
		o.OnFailure = func(error) {}
	}
	if o.OnFact == nil {
		o.OnFact = func(string, string, int64) {}
	}
	if o.Uptime == nil {
		o.Uptime = uptimeOf()
	}
	if o.Rewrite == nil {
		o.Rewrite = Rewrite
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{Reader: Reader{path: path}, options: o, lock: lock, added: make(chan struct{}, 1),
		compiled: map[string]*sql.Stmt{}}
	if err := j.open(ctx); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	j.keeper.start(j)
	if err := j.checkName(ctx); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return j, nil
}

func (j *Journal) open(ctx context.Context) error {
	if err := begun(j.path); err != nil {
		return err
	}
	info, err := os.Stat(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(ctx, j.path, j.options.VFS, nil); err != nil {
			return wrap(j.path, "create journal", err)
		}
		j.options.Log.Info("journal created", "path", j.path)
	case err != nil:
		return fmt.Errorf("open journal: %w", err)
	case info.Size() == 0:
		return &DamagedError{Path: j.path, What: "the file is empty"}
	case !hasMagic(j.path):
		// SQLite would write what is left in the -wal file over it, and with that over the evidence.
		return &DamagedError{Path: j.path, What: "the file does not begin as a database does"}
	case info.Mode().Perm() != 0o600:
		if err := os.Chmod(j.path, 0o600); err != nil {
			return fmt.Errorf("open journal: %w", err)
		}
	}
	// An earlier process may have met a disk that failed; what it left in the kernel's memory is read here.
	if err := j.options.Rewrite(j.path + "-wal"); err != nil {
		return failed(j.path, "open journal", err)
	}
	// recursive_triggers: without it a REPLACE removes rows behind the triggers' backs.
	j.db, err = connect(j.path, j.options.VFS, url.Values{"_txlock": {"immediate"}, "psow": {"0"}, "_pragma": {
		"synchronous(FULL)", "wal_autocheckpoint(0)", "foreign_keys(1)", "recursive_triggers(1)",
	}})
	if err != nil {
		return wrap(j.path, "open journal", err)
	}
	if err := j.check(ctx, j.migrate); err != nil {
		return err
	}
	if err := j.dropCopies(ctx); err != nil {
		return wrap(j.path, "open journal", err)
	}
	var mode string // after the check, since it is written into the file
	if err := j.db.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode); err != nil ||
		mode != "wal" {
		return wrap(j.path, "open journal in mode "+mode, errors.Join(err, ErrIO))
	}
	if err := j.checkpoint(ctx); err != nil {
		return err
	}
	return j.checkBehind(ctx)
}

// hasMagic tells whether the file begins as every SQLite database does (SQLite file format, 1.3.1). Only the
// writer may ask, before it connects: closing a descriptor drops the locks that this process has on the file.
func hasMagic(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // connect says what is wrong
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	begin := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(f, begin); err != nil {
		return errors.Is(err, syscall.EIO) // connect says so; too short is no database
	}
	// Behind the magic: two bytes of the page's size, then who may write and who may read, 2 in WAL.
	return string(begin[:len(magic)]) == magic && begin[len(magic)+2] <= 2
}

// OpenReader opens a journal to read it. It makes no file and changes nothing. Errors as Open's.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := begun(path); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		err = fmt.Errorf("open journal: %w", err)
		return nil, payment.WithHint(err, "the terminal makes it at its first start")
	}
	if info.Size() == 0 {
		return nil, &DamagedError{Path: path, What: "the file is empty"}
	}
	r := &Reader{path: path}
	if r.db, err = connect(path, "", url.Values{"mode": {"ro"}}); err != nil {
		return nil, wrap(path, "open journal", err)
	}
	if err := r.check(ctx, nil); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close closes the reader.
func (r *Reader) Close() error {
	if r.db == nil {
		return nil
	}
	return wrap(r.path, "close journal", r.db.Close())
}

// Close closes the journal, which moves all commits into the main file, and lets go of its lock.
//
// When the last write failed and that can't be mended, the files stay as they are, and the next Open sees
// to it.
func (j *Journal) Close() error {
	j.keeper.stop()
	if err := j.sure(context.Background()); err != nil {
		return errors.Join(wrap(j.path, "close journal", err), j.lock.Close())
	}
	return errors.Join(j.Reader.Close(), j.lock.Close())
}

// connect gives a pool of one connection: SQLite has one writer, and the payments are few.
func connect(path, vfs string, q url.Values) (*sql.DB, error) {
	if vfs != "" {
		q.Set("vfs", vfs)
	}
	q["_pragma"] = append(
		q["_pragma"],
		fmt.Sprintf(
			"busy_timeout(%d)",
			busyTimeout.Milliseconds(),
		),
		"trusted_schema(0)",
		"cell_size_check(1)",
	)
	q.Set("_dqs", "0")
	q.Set("_defensive", "1")
	name := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// acquire takes the lock of the journal for this process, until the file is closed.
func acquire(path string) (*os.File, error) {
	// A file of its own: closing a second descriptor of the journal would drop SQLite's locks on it.
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, payment.WithHint(fmt.Errorf("lock journal: %w", err),
			"make the folder "+filepath.Dir(path)+" and give it to this user")
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = payment.WithHint(fmt.Errorf("lock journal %s: %w", path, ErrInUse),
			"another smiletill runs with this journal; stop it first, or give this one its own folder")
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// create makes a complete journal under another name and renames it: what has the right name is whole. fill
// puts into it what it shall hold from the first; nil: nothing.
func create(ctx context.Context, path, vfs string, fill func(db *sql.DB) error) error {
	draft := path + ".new"
	for _, leftover := range []string{draft, draft + "-journal", draft + "-wal", draft + "-shm"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	file, err := os.OpenFile(draft, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	db, err := connect(draft, vfs, url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)"}})
	if err != nil {
		return err
	}
	err = migrate(ctx, db, 0, len(migrations()))
	if err == nil && fill != nil {
		err = fill(db)
	}
	if err == nil {
		err = moveAll(ctx, db)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// moveAll brings a draft into one file, or says why not: closing would try the same and keep silent, and a
// rename leaves a -wal behind.
func moveAll(ctx context.Context, db *sql.DB) error {
	var busy, inWAL, moved int
	err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &inWAL, &moved)
	if err == nil && busy != 0 {
		err = errors.New("another process reads the draft")
	}
	return err
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// check looks whether the file is a journal, whole, and of a version we know. Older ones are migrated; a
// reader, which gives no migrate, refuses them.
func (r *Reader) check(ctx context.Context, migrate func(context.Context, int) error) error {
	var version, application int
	err := r.db.QueryRowContext(ctx, `SELECT user_version, application_id
		FROM pragma_user_version, pragma_application_id`).Scan(&version, &application)
	newest := len(migrations())
	switch {
	case err != nil:
		return wrap(r.path, "open journal", err)
	case application != applicationID || version < 1:
		return &DamagedError{Path: r.path, What: "this is no journal of smiletill"}
	case version > newest:
		return newer(r.path, version, newest)
	}
	found, err := schemaOf(ctx, r.db)
	if err != nil {
		return wrap(r.path, "open journal", err)
	}
	if fingerprint(found) != fingerprints()[version] {
		return &DamagedError{Path: r.path, What: "its schema was changed"}
	}
	info, err := os.Stat(r.path)
	if err != nil {
		return wrap(r.path, "open journal", err)
	}
	if info.Size() <= quickCheckMax || version < newest {
		if err := r.sqliteCheck(ctx, "quick_check"); err != nil {
			return err
		}
	}
	if version < newest {
		if migrate == nil {
			err := fmt.Errorf(
				"open journal %s: %w: schema %d, this program's is %d",
				r.path,
				ErrOlder,
				version,
				newest,
			)
			return payment.WithHint(err, "start the terminal once: it brings the journal to the new form")
		}
		if err := migrate(ctx, version); err != nil {
			return wrap(r.path, "open journal", err)
		}
	}
	return r.checkTail(ctx)
}

// sqliteCheck runs quick_check or integrity_check.
func (r *Reader) sqliteCheck(ctx context.Context, pragma string) error {
	var first string
	if err := r.db.QueryRowContext(ctx, "PRAGMA "+pragma+"(1)").Scan(&first); err != nil {
		return wrap(r.path, pragma, err)
	}
	if first != "ok" {
		return &DamagedError{Path: r.path, What: first}
	}
	return nil
}
