package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"smiletill/payment"
	"smiletill/payment/journal"
)

// errDamaged is a backup that was cut off or changed, or that is none.
var errDamaged = errors.New("this is no whole backup")

// unpack opens a backup into an empty folder: each file, then the journal in it, is looked at.
func unpack(ctx context.Context, r io.Reader, id age.Identity, into string) (m Manifest, err error) {
	damaged := func(why error) error {
		err := fmt.Errorf("%w: %w", errDamaged, why)
		return payment.WithHint(err, "nothing was changed: take another copy of it")
	}
	open, err := age.Decrypt(r, id)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return m, payment.WithHint(errors.New("these words do not open this backup"),
			"it was sealed to another recovery key: take the words that were shown when that was made")
	}
	if err != nil {
		return m, damaged(err)
	}
	packed, err := gzip.NewReader(open)
	if err != nil {
		return m, damaged(err)
	}
	t := tar.NewReader(packed)
	for first := true; ; first = false {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, damaged(err)
		}
		if first {
			if err := manifest(t, h, &m); err != nil {
				return m, err
			}
			continue
		}
		if err := extract(t, h, into); err != nil {
			return m, damaged(err)
		}
	}
	// The archive's end is not the file's: only age's last piece says that nothing was cut off.
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return m, damaged(err)
	}
	if _, err := io.Copy(io.Discard, open); err != nil {
		return m, damaged(err)
	}
	if m.Version == 0 {
		return m, damaged(errors.New("it is empty"))
	}
	path := filepath.Join(into, databases[0])
	// One of an older program is brought to this one's form.
	old, err := journal.Open(ctx, path, journal.Options{})
	if err == nil {
		err = errors.Join(old.Close(), os.Remove(path+".lock"))
	}
	var j *journal.Reader
	if err == nil {
		j, err = journal.OpenReader(ctx, path)
	}
	if err != nil {
		return m, damaged(err)
	}
	_, err = j.Verify(ctx, nil)
	if err = errors.Join(err, j.Close()); err != nil {
		return m, damaged(err)
	}
	return m, nil
}

func manifest(t io.Reader, h *tar.Header, m *Manifest) error {
	text, err := io.ReadAll(io.LimitReader(t, 1<<16))
	if err == nil && h.Name != manifestName {
		err = errors.New("it does not begin with what it is of")
	}
	if err == nil {
		err = json.Unmarshal(text, m)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", errDamaged, err)
		return payment.WithHint(err, "nothing was changed: is it a backup of smiletill?")
	}
	if m.Version != manifestVersion {
		return payment.WithHint(fmt.Errorf("the backup is of form %d, and this program knows %d (it was made by "+
			"%s)", m.Version, manifestVersion, m.Program), "restore it with the program that made it, or a newer one")
	}
	return nil
}

// extract writes a file that the archive names by up to two plain parts.
func extract(t io.Reader, h *tar.Header, into string) error {
	parts := strings.Split(h.Name, "/")
	for _, p := range parts {
		if p == "" || strings.HasPrefix(p, ".") || len(parts) > 2 || h.Typeflag != tar.TypeReg {
			return fmt.Errorf("it has an entry %q that belongs into none", h.Name)
		}
	}
	path := filepath.Join(into, filepath.Join(parts...))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, t)
	return errors.Join(err, f.Sync(), f.Close())
}
