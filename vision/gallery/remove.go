package gallery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// removeFiles deletes what there is of a customer, the face first: a smile that is left alone goes when the
// gallery is opened.
func removeFiles(dir, id string) (there bool, err error) {
	if !validID(id) {
		return false, nil
	}
	for _, ext := range []string{recordExt, smileExt} {
		err := os.Remove(filepath.Join(dir, id+ext))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return there, err
		}
		there = there || err == nil
	}
	return there, nil
}
