package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
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
	"time"

	"filippo.io/age"

	"smiletill/cmd/smiletill/vault"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
	"smiletill/vision/gallery"
)

// Manifest is the first entry of a backup: what it is of.
type Manifest struct {
	Version  int          `json:"version"` // of this form
	Terminal string       `json:"terminal"`
	Program  string       `json:"program"`
	Made     time.Time    `json:"made"`
	Head     journal.Head `json:"head"`
	Faces    bool         `json:"faces"`
	Told     []string     `json:"-"` // what whoever makes it has to know
}

const (
	manifestName    = "backup.json"
	manifestVersion = 1
	// settingsName is the settings' file in it, which lies elsewhere in a terminal.
	settingsName = "smiletill.toml"
	// keyFile is the terminal's key in a data folder.
	keyFile = "terminal.key"
	// fileMax bounds a file that is no database, in bytes: models of one's own are fetched again, not kept.
	fileMax = 8 << 20
)

// Source is what a backup is made of.
type Source struct {
	Data     string // the data folder
	Gallery  string // the folder of faces
	Settings string // the file; "" for none
	Terminal string // its name in reports
	Program  string
	Faces    bool         // keep customers' faces, and the key that opens them
	Vault    *vault.Vault // what the keys are sealed to: in a backup they are not
}

// databases are copied at one moment; whatever else SQLite has beside them belongs to the original.
var databases = []string{"journal.db", "pins.db", "register.db"}

// left are files of the data folder that are of this machine at this moment alone.
var left = []string{"witness.json", "generation.json", "older.json", "restored.json", "restoring.json",
	"rauc.status", "unsealed"}

// write makes a backup into w, sealed to a recovery key.
func write(
	ctx context.Context, w io.Writer, s Source, to age.Recipient, now time.Time,
) (m Manifest, err error) {
	tmp, err := os.MkdirTemp(s.Data, ".backup-")
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := owned(tmp, s.Data); err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	m = Manifest{Version: manifestVersion, Terminal: s.Terminal, Program: s.Program, Made: now.UTC(),
		Faces: s.Faces}
	if m.Head, err = copies(ctx, s.Data, tmp); err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	// Open to who has them, unlike all else: they never come to the disk.
	pins, told, err := s.pins(ctx)
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	m.Told = told
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	packed := gzip.NewWriter(sealed)
	t := tar.NewWriter(packed)
	text, err := json.MarshalIndent(m, "", " ")
	if err == nil {
		err = entry(t, manifestName, int64(len(text)), now, bytes.NewReader(text))
	}
	if err == nil {
		err = s.files(t, tmp, pins)
	}
	// All ends are written, and the last one says that the file is whole.
	if err = errors.Join(err, t.Close(), packed.Close(), sealed.Close()); err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	return m, nil
}

// copies puts copies of the databases into a folder.
func copies(ctx context.Context, data, into string) (h journal.Head, err error) {
	j, err := journal.OpenReader(ctx, filepath.Join(data, databases[0]))
	if err != nil {
		return h, err
	}
	// The head may be older than the copy by what is written meanwhile, never newer.
	h, err = j.Head(ctx)
	if err == nil {
		err = j.CopyTo(ctx, filepath.Join(into, databases[0]))
	}
	if err = errors.Join(err, j.Close()); err != nil {
		return h, err
	}
	if there(filepath.Join(data, databases[2])) {
		return h, register.CopyRecords(ctx, filepath.Join(data, databases[2]), filepath.Join(into, databases[2]))
	}
	return h, nil
}

// pins gives the file of PINs as it is at one moment, unsealed, and what is to be told of it; nil: there is
// none.
func (s Source) pins(ctx context.Context) (text []byte, told []string, err error) {
	if !there(filepath.Join(s.Data, databases[1])) {
		return nil, nil, nil
	}
	const memory = "/dev/shm" // of the machine: its files are on no disk
	dir := memory
	if !there(memory) {
		dir = s.Data
	}
	tmp, err := os.MkdirTemp(dir, ".backup-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	path := filepath.Join(tmp, databases[1])
	if told, err = s.Vault.CopyPINs(ctx, path); err == nil {
		text, err = os.ReadFile(path)
	}
	return text, told, err
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// files puts the copies, what else the data folder has, faces if they are asked for, and settings into t.
func (s Source) files(t *tar.Writer, copied string, pins []byte) error {
	if pins != nil {
		err := entry(t, databases[1], int64(len(pins)), time.Now(), bytes.NewReader(pins))
		if err != nil {
			return err
		}
	}
	for _, name := range databases {
		if err := add(t, filepath.Join(copied, name), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	entries, err := os.ReadDir(s.Data)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !s.keeps(e) {
			continue
		}
		put := add
		if e.Name() == keyFile {
			put = s.opened(vault.Reports)
		}
		if err := put(t, filepath.Join(s.Data, e.Name()), e.Name()); err != nil {
			return err
		}
	}
	if s.Faces {
		faces, err := os.ReadDir(s.Gallery)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range faces {
			if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			// Who is removed meanwhile is not there any more.
			put := add
			if e.Name() == filepath.Base(gallery.KeyPath("")) {
				put = s.opened(vault.Faces)
			}
			err := put(t, filepath.Join(s.Gallery, e.Name()), "gallery/"+e.Name())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if s.Settings == "" {
		return nil
	}
	err = add(t, s.Settings, "settings/"+settingsName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// keeps tells whether a file of the data folder belongs into a backup as it is.
func (s Source) keeps(e fs.DirEntry) bool {
	name := e.Name()
	of := func(db string) bool { return strings.HasPrefix(name, db) } // with -wal, -shm, .lock
	if !e.Type().IsRegular() || strings.HasPrefix(name, ".") || slices.Contains(left, name) ||
		slices.ContainsFunc(databases, of) || strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, ".new") {
		return false
	}
	info, err := e.Info()
	return err == nil && info.Size() <= fileMax
}

// opened gives what adds a file that may be sealed, unsealed.
func (s Source) opened(purpose string) func(t *tar.Writer, path, name string) error {
	return func(t *tar.Writer, path, name string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			text, err = s.Vault.For(purpose).Unseal(text)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return entry(t, name, int64(len(text)), info.ModTime(), bytes.NewReader(text))
	}
}

func add(t *tar.Writer, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return entry(t, name, info.Size(), info.ModTime(), io.LimitReader(f, info.Size()))
}

func entry(t *tar.Writer, name string, size int64, at time.Time, from io.Reader) error {
	err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: at, Format: tar.FormatPAX})
	if err == nil {
		_, err = io.Copy(t, from)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// save makes a backup into a new file of mode 0600, whole or not at all: it has its name when it is on the
// disk.
func save(ctx context.Context, path string, s Source, now time.Time) (m Manifest, err error) {
	to, err := recoveryKey(s.Data)
	if err != nil {
		return m, err
	}
	if there(path) {
		return m, payment.WithHint(fmt.Errorf("back up: %s is there already", path),
			"give another name, or put that one away")
	}
	f, err := os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return m, payment.WithHint(fmt.Errorf("back up: %w", err), "give a file that this user may make")
	}
	m, err = write(ctx, f, s, to, now)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return m, errors.Join(err, os.Remove(path+".part"))
	}
	return m, syncFolder(filepath.Dir(path))
}
