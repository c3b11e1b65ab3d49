package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"smiletill/payment"
)

// ErrSound is Quarantine's answer to a journal that is not damaged.
var ErrSound = errors.New("journal is sound: it stays as it is")

// Quarantined is what Quarantine did.
type Quarantined struct {
	Folder    string `json:"-"` // where the damaged files are, as they were
	SHA256    string // of them, the -wal behind the journal: 64 hex digits; the new chain begins with it
	Facts     int    // that were taken over
	Approved  int    // of these, all reported once more
	Reversals int    // the same
	Gaps      []Gap  // of facts that could not be read, the first seq found to the last
	Tail      bool   // nothing tells whether there were facts after the last that was found
	Unsure    []Unsure
	First     int64 // the seq of the new journal's first fact
}

// Gap is a run of facts that are missing, both ends included.
type Gap struct{ First, Last int64 }

// Unsure is a payment whose outcome was lost.
type Unsure struct {
	PaymentID string
	Said      payment.State // what the damaged table of payments said, which nothing proves; may be empty
}

// workName is the folder into which damaged files are moved. While it has this name nothing else opens the
// journal: the work is not done.
func workName(path string) string { return path + ".quarantine" }

// begun refuses to open a journal whose quarantine was cut short: an empty one would be made in its place.
func begun(path string) error {
	_, err := os.Stat(workName(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return failed(path, "open journal", err)
	}
	return &DamagedError{Path: path, What: "its quarantine was begun and not finished"}
}

// Quarantine moves the files of a damaged journal into a folder beside it, unchanged, and makes a new
// journal of every fact that can be proved to be whole. All approvals and reversals among them are
// reported once more, with their old id, hash and seq, of which the cloud counts each once: what the
// damaged files say of acknowledgements is not believed. A payment whose outcome is missing is neither
// paid nor unpaid: payment.ErrUnsure. The chain goes on a thousand million numbers later, above all that
// may have been used.
//
// What was cut short is finished by the next call. progress is told bytes of files, and may be nil.
// Errors: ErrSound, ErrInUse, ErrNewer, ErrFull, ErrIO.
func Quarantine(
	ctx context.Context,
	path string,
	now time.Time,
	progress func(done, total int64),
) (Quarantined, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Quarantined{}, fmt.Errorf("quarantine journal: %w", err)
	}
	return renew(ctx, path, "quarantine journal", func() error { return wantsQuarantine(ctx, path) },
		path+".damaged-"+now.UTC().Format(foldersTime), progress)
}

// foldersTime is the time in the name of a folder with files that were moved aside.
const foldersTime = "20060102T150405Z"

// renew makes a new journal of what is whole in an old one, whose files are kept in a folder. wanted refuses
// one that is to stay as it is; what was cut short is finished without asking.
func renew(
	ctx context.Context, path, operation string, wanted func() error, kept string,
	progress func(done, total int64),
) (Quarantined, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return Quarantined{}, failed(path, operation, err)
	}
	lock, err := acquireSoon(ctx, path)
	if err != nil {
		return Quarantined{}, err
	}
	q, err := quarantine(ctx, path, wanted, kept, progress)
	if err = wrap(path, operation, err); errors.Is(err, ErrFull) {
		err = payment.WithHint(err, "free as much space as the journal has and run the same "+
			"command again; nothing is lost meanwhile, and nothing opens the journal")
	}
	return q, errors.Join(err, lock.Close())
}

// acquireSoon waits a little for the lock: a terminal whose journal is damaged looks at it every few seconds.
func acquireSoon(ctx context.Context, path string) (lock *os.File, err error) {
	for range 40 {
		if lock, err = acquire(path); !errors.Is(err, ErrInUse) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, err
}

func quarantine(
	ctx context.Context, path string, wanted func() error, kept string, progress func(done, total int64),
) (Quarantined, error) {
	if err := begun(path); err == nil {
		if err := wanted(); err != nil {
			return Quarantined{}, err
		}
	}
	kept, err := freeName(kept)
	if err != nil {
		return Quarantined{}, err
	}
	work := workName(path)
	if err := moveIn(path, work); err != nil {
		return Quarantined{}, err
	}
	var q Quarantined
	_, err = os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		q, err = rebuild(ctx, path, work, progress)
	case err == nil: // the new journal is there, and only the end was cut off
		q, err = readReport(work)
	}
	if err := errors.Join(err, removeCandidates(work)); err != nil {
		return Quarantined{}, err
	}
	if err := os.Rename(work, kept); err != nil {
		return Quarantined{}, err
	}
	q.Folder = kept
	return q, syncFolder(filepath.Dir(path))
}

// freeName is a name that nothing has yet: the same with -2, -3 and so on behind it where something has.
func freeName(name string) (string, error) {
	for n, free := 2, name; ; n++ {
		switch _, err := os.Lstat(free); {
		case errors.Is(err, fs.ErrNotExist):
			return free, nil
		case err != nil:
			return "", err
		}
		free = fmt.Sprintf("%s-%d", name, n)
	}
}

// wantsQuarantine is nil for a journal that is damaged, or that the disk can't read.
func wantsQuarantine(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err == nil && !hasMagic(path) {
		return nil // the terminal refuses it for this, before it asks SQLite
	}
	r, err := OpenReader(ctx, path)
	if err == nil {
		_, err = r.Verify(ctx, nil)
		err = errors.Join(err, r.Close())
	}
	switch {
	case err == nil:
		return payment.WithHint(
			fmt.Errorf("%s: %w", path, ErrSound),
			"start the terminal; nothing is to be done here",
		)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return err
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrIO) && !readable(path):
		return nil
	}
	return err // ErrOlder too: its pages are sound, and the next start brings it to the new form
}

// readable tells whether the disk gives all of a file: what SQLite calls a failing disk may also be rights,
// or a folder that is not writable.
func readable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return !errors.Is(err, syscall.EIO)
}

// rebuild makes the new journal of what is in the folder, and writes the report of it there first.
func rebuild(
	ctx context.Context,
	path, work string,
	progress func(done, total int64),
) (_ Quarantined, err error) {
	r := &rescue{ctx: ctx, work: work, progress: progress}
	if b, err := readBehind(path); err != nil {
		return Quarantined{}, err
	} else if b != nil {
		r.above = b.Seq
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.collect(); err != nil {
		return Quarantined{}, err
	}
	err = create(ctx, path, "", func(db *sql.DB) error {
		if err := errors.Join(r.fill(db), r.passNumbers(ctx, path, db)); err != nil {
			return err
		}
		owner, err := os.Stat(work)
		if err != nil {
			return err
		}
		err = errors.Join(writeReport(work, r.found), sameOwner(filepath.Join(work, reportName), owner))
		for _, suffix := range []string{".new", ".lock", ".closing"} {
			err = errors.Join(err, sameOwner(path+suffix, owner))
		}
		return err
	})
	return r.found, err
}

// mainName is the damaged journal's in its folder.
const mainName = "journal.db"

const reportName = "report.json"

func writeReport(work string, q Quarantined) error {
	text, err := json.MarshalIndent(q, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(work, reportName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

func readReport(work string) (Quarantined, error) {
	var q Quarantined
	text, err := os.ReadFile(filepath.Join(work, reportName))
	if err != nil {
		return q, err
	}
	return q, json.Unmarshal(text, &q)
}

// moveIn moves the files into the folder, the journal first: where both have one, the one outside is new.
func moveIn(path, work string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Join(work, mainName)) // moved before
	}
	if err != nil {
		return err
	}
	if err := os.Mkdir(work, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return err
	}
	for i, suffix := range []string{"", "-wal", "-shm"} {
		to := filepath.Join(work, mainName+suffix)
		if _, err := os.Stat(to); err == nil {
			continue
		}
		err := os.Rename(path+suffix, to)
		if err != nil && (i == 0 || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return errors.Join(sameOwner(work, info), syncFolder(work), syncFolder(filepath.Dir(path)))
}

// sameOwner gives a file to the owner of another: what root makes here the terminal must be able to open.
func sameOwner(path string, as fs.FileInfo) error {
	s, ok := as.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, int(s.Uid), int(s.Gid))
}
