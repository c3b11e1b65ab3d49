package gallery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Remove deletes a customer, also one that Stale lists, or a record that Damaged lists, and returns after it
// is gone from disk. A locked gallery removes too: nothing is read for it. ErrUnknownCustomer if there is
// none.
func (g *Gallery) Remove(id string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lock == nil {
		return fmt.Errorf("remove %s: %w", id, ErrClosed)
	}
	at, enrolled := g.find(id)
	old := g.findStale(id)
	left := slices.IndexFunc(g.damaged, func(d Damage) bool { return d.ID == id && id != "" })
	there, err := removeFiles(g.dir, id)
	if err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	if !there && !enrolled && old < 0 && left < 0 {
		return nobodyToRemove(id)
	}
	// Out of memory even if the folder can't be synced: the customer asked for it.
	switch {
	case enrolled:
		g.records = slices.Delete(g.records, at, at+1)
		g.renew()
	case old >= 0:
		g.dropStale(old)
		g.renew()
	case left >= 0:
		g.damaged = slices.Delete(g.damaged, left, left+1)
	}
	delete(g.sums, id)
	delete(g.consents, id)
	if err := syncDir(g.dir); err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	return nil
}

// RemoveFrom deletes a customer from the gallery in folder dir, of which nothing is opened: it needs neither
// model nor key, and no room on the disk. Errors: ErrUnknownCustomer, and ErrInUse while somebody has the
// gallery open.
func RemoveFrom(dir, id string) error {
	l, err := lock(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nobodyToRemove(id)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	defer l.Close()
	there, err := removeFiles(dir, id)
	if err == nil && !there {
		return nobodyToRemove(id)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	return nil
}

func nobodyToRemove(id string) error {
	return hint(fmt.Errorf("remove %q: %w", id, ErrUnknownCustomer), "list the customers for their ids")
}

// erase removes a file at once and whole, by another name, and then what it holds: see wipe.
func erase(path string) error {
	gone := filepath.Join(filepath.Dir(path), tempMark+"gone-"+filepath.Base(path))
	if err := os.Rename(path, gone); err != nil {
		return err
	}
	return wipe(gone)
}

// wipe writes zeros over what a file holds and removes it: where the file system writes in place they are
// gone from the disk too, not only from the folder. What can't be written is removed all the same.
func wipe(path string) error {
	if f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0); err == nil {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() <= int64(recordMax) {
			_, err = f.Write(make([]byte, info.Size()))
			_ = errors.Join(err, f.Sync()) // the removal counts
		}
		_ = f.Close() // as above
	}
	return remove(path)
}

// removeFiles deletes what there is of a customer, the face first: a smile or a consent that is left alone
// goes when the gallery is opened.
func removeFiles(dir, id string) (there bool, err error) {
	if !validID(id) {
		return false, nil
	}
	for _, ext := range []string{recordExt, smileExt, consentExt} {
		err := erase(filepath.Join(dir, id+ext))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return there, err
		}
		there = there || err == nil
	}
	return there, nil
}
