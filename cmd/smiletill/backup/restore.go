package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"filippo.io/age"

	"smiletill/cmd/smiletill/witness"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// Target is what a backup is restored into.
type Target struct {
	Data     string
	Gallery  string // where faces are; they are restored only into the data folder's own gallery
	Terminal string // its name by the settings in force
	Replace  bool   // take over a backup of another name: this machine takes that terminal's place
	Older    bool   // put back a copy that is older than what is here
	Now      time.Time
}

// What can speak against a restore.
var (
	errOther = errors.New("this is a backup of another terminal")
	errOlder = errors.New("what is here is newer than the backup")
)

// Restored is what a terminal is that came out of a backup, until that is known to be the newest.
type Restored struct {
	Manifest
	At time.Time `json:"at"`
}

const (
	restoredName  = "restored.json"
	restoringName = "restoring.json"
)

// restoring is how far a restore is, on the disk before each step.
type restoring struct {
	From  string `json:"from"`  // the folder in the data folder that has the files
	Aside string `json:"aside"` // the folder that takes those of before
	Faces bool   `json:"faces"` // faces are among the files; else those that are here stay
	Moved bool   `json:"moved"` // those of before are all there
}

// restoreInto puts a backup in the place of a stopped terminal's data. What was there is kept in a folder
// of the data folder, which it names. Errors: errDamaged, errOther, errOlder, journal.ErrInUse.
func restoreInto(
	ctx context.Context, r io.Reader, id age.Identity, to Target,
) (m Manifest, aside string, err error) {
	return restoreSteps(ctx, r, id, to, func() error { return nil })
}

// restoreSteps is restoreInto, with cut called between any two of its steps.
func restoreSteps(
	ctx context.Context, r io.Reader, id age.Identity, to Target, cut func() error,
) (m Manifest, aside string, err error) {
	lock, err := journal.Hold(filepath.Join(to.Data, databases[0]))
	if err != nil {
		return m, "", payment.WithHint(err, "stop the terminal first: `systemctl stop smiletill`")
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := owned(filepath.Join(to.Data, databases[0]+".lock"), to.Data); err != nil {
		return m, "", fmt.Errorf("restore: %w", err)
	}
	if err := finish(to.Data); err != nil { // one that was cut short
		return m, "", err
	}
	from, err := os.MkdirTemp(to.Data, ".restore-")
	if err != nil {
		return m, "", fmt.Errorf("restore: %w", err)
	}
	if err := owned(from, to.Data); err != nil {
		return m, "", errors.Join(fmt.Errorf("restore: %w", err), os.Remove(from))
	}
	begun := false
	defer func() {
		if !begun { // else it is what the next start goes on with, or empty
			err = errors.Join(err, os.RemoveAll(from))
		}
	}()
	if m, err = unpack(ctx, r, id, from); err != nil {
		return m, "", err
	}
	if err := to.allows(ctx, m); err != nil {
		return m, "", err
	}
	text, err := json.Marshal(Restored{Manifest: m, At: to.Now.UTC()})
	if err == nil {
		err = replaceFile(filepath.Join(from, restoredName), text, 0o600)
	}
	if err == nil {
		err = owned(from, to.Data)
	}
	if err != nil {
		return m, "", fmt.Errorf("restore: %w", err)
	}
	s := restoring{From: filepath.Base(from), Faces: m.Faces,
		Aside: "before-restore-" + to.Now.UTC().Format("20060102T150405Z")}
	if err = cut(); err == nil {
		begun = true
		err = s.keep(to.Data)
	}
	if err != nil {
		return m, "", fmt.Errorf("restore: %w", err)
	}
	return m, filepath.Join(to.Data, s.Aside), finishSteps(to.Data, cut)
}

// allows looks whether the backup may take the place of what is here.
func (to Target) allows(ctx context.Context, m Manifest) error {
	if m.Terminal != to.Terminal && !to.Replace {
		return payment.WithHint(fmt.Errorf("%w: %s, and this one is %s", errOther, m.Terminal, to.Terminal),
			"if this machine takes that terminal's place, give it that name (`smiletill setup`), or add --replace")
	}
	if to.Older {
		return nil
	}
	j, err := journal.OpenReader(ctx, filepath.Join(to.Data, databases[0]))
	if damaged := (*journal.DamagedError)(nil); errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
		return nil // there is none that could be newer
	}
	var h journal.Head
	if err == nil {
		h, err = j.Head(ctx)
		err = errors.Join(err, j.Close())
	}
	if err != nil {
		return payment.WithHint(fmt.Errorf("compare with what is here: %w", err),
			"--older puts the backup back all the same, and what is here aside")
	}
	if h.Seq > m.Head.Seq {
		return payment.WithHint(fmt.Errorf("%w: its journal ends with fact %d, the backup of %s with %d", errOlder,
			h.Seq, m.Made.Local().Format("2006-01-02 15:04"), m.Head.Seq),
			"keep what is here; --older puts the backup back all the same, and what is here aside")
	}
	return nil
}

// owned gives all of a folder to the owner of another.
func owned(dir, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil // whoever restores as the terminal's user owns them
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}

func (s restoring) keep(data string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	path := filepath.Join(data, restoringName)
	return errors.Join(replaceFile(path, text, 0o600), owned(path, data))
}

// Resume is finish for a terminal that is about to open its files.
func Resume(data string) (err error) {
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, err := journal.Hold(filepath.Join(data, databases[0]))
	if err != nil {
		return err
	}
	return errors.Join(finish(data), lock.Close())
}

// finish ends a restore that was begun, from wherever it was cut off. Without one it removes what was
// unpacked and never put in place. The caller holds the journal.
func finish(data string) error { return finishSteps(data, func() error { return nil }) }

func finishSteps(data string, cut func() error) error {
	var s restoring
	text, err := os.ReadFile(filepath.Join(data, restoringName))
	if errors.Is(err, fs.ErrNotExist) {
		_ = clean(data) // what stays is tried at the next start
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && !s.Moved {
		if err = s.moveAside(data, cut); err == nil {
			s.Moved = true
			err = s.keep(data)
		}
	}
	if err == nil {
		err = s.moveIn(data, cut)
	}
	if err == nil {
		err = cut()
	}
	if err == nil {
		err = witness.Forget(data) // the cloud, or a person, is asked about what is there now
	}
	if err == nil {
		err = os.Remove(filepath.Join(data, restoringName))
	}
	if err != nil {
		return payment.WithHint(fmt.Errorf("end a restore that was begun: %w", err),
			"see what is named, and start again: it goes on from where it is")
	}
	return syncFolder(data)
}

// clean removes folders that a restore or a backup left which was killed. A backup that runs is younger.
func clean(data string) (err error) {
	for pattern, age := range map[string]time.Duration{".restore-*": 0, ".backup-*": time.Hour} {
		dirs, _ := filepath.Glob(filepath.Join(data, pattern)) // the pattern is good
		for _, dir := range dirs {
			if info, gone := os.Stat(dir); gone == nil && time.Since(info.ModTime()) >= age {
				err = errors.Join(err, os.RemoveAll(dir))
			}
		}
	}
	return err
}

// moveAside moves all that was there into a folder, but what belongs to the machine.
func (s restoring) moveAside(data string, cut func() error) error {
	aside := filepath.Join(data, s.Aside)
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	if err := owned(aside, data); err != nil {
		return err
	}
	entries, err := os.ReadDir(data)
	if err != nil {
		return err
	}
	stay := []string{s.From, s.Aside, restoringName, "rauc.status", "lost+found", "setup", "update",
		"tamper.json",
		databases[0] + ".lock"}
	if !s.Faces {
		stay = append(stay, "gallery")
	}
	for _, e := range entries {
		if slices.Contains(stay, e.Name()) || strings.HasPrefix(e.Name(), "before-restore-") ||
			strings.HasPrefix(e.Name(), "models") { // the one in force is a link to one of them
			continue
		}
		if err := cut(); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(data, e.Name()), filepath.Join(aside, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(syncFolder(aside), syncFolder(data))
}

// moveIn moves the backup's files to where they belong. The settings stay in their folder: they are looked at
// by a person.
func (s restoring) moveIn(data string, cut func() error) error {
	from := filepath.Join(data, s.From)
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := cut(); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(data, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(syncFolder(data), os.Remove(from))
}

// ReadRestored tells whether a terminal came out of a backup of which nothing is known yet.
func ReadRestored(data string) (r Restored, is bool, err error) {
	text, err := os.ReadFile(filepath.Join(data, restoredName))
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, true, fmt.Errorf("read what was restored: %w", err)
	}
	return r, true, nil
}

// Settled ends that: the cloud has said that nothing is missing, or a person has.
func Settled(data string) error {
	if err := os.Remove(filepath.Join(data, restoredName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("end what was restored: %w", err)
	}
	return syncFolder(data)
}
