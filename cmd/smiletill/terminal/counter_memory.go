package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"smiletill/device/screen"
)

// unconfirmedMax bounds the payments of the counter whose end no page has confirmed; the oldest goes first,
// and stays in the list of the last payments.
const unconfirmedMax = 16

// memory is a file of the payments of the counter whose end no page has confirmed. What they became is the
// journal's.
type memory struct {
	path string

	mu sync.Mutex
}

// memoryFile is the file's form: ids, the latest last.
type memoryFile struct {
	Unconfirmed []string `json:"unconfirmed"`
}

// read gives the ids. The caller holds mu.
func (m *memory) read() ([]string, error) {
	data, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var f memoryFile
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("read the counter's payments %s: %w", m.path, err)
	}
	return f.Unconfirmed, nil
}

// change writes the ids as a whole or not at all, before it returns.
func (m *memory) change(f func([]string) []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	was, err := m.read()
	if err != nil {
		return err
	}
	now := f(slices.Clone(was))
	if slices.Equal(was, now) {
		return nil
	}
	data, err := json.Marshal(memoryFile{now[max(0, len(now)-unconfirmedMax):]})
	if err == nil {
		err = replace(m.path, data)
	}
	if err != nil {
		return fmt.Errorf("write down the counter's payments: %w", err)
	}
	return nil
}

// replace writes a file under another name, syncs it and renames it, mode 0600.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

func (m *memory) ids() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read()
}

// Remember notes a payment before it begins, unless it has ended: a browser may send a request twice.
func (c counter) Remember(ctx context.Context, id string) error {
	switch p, err := c.Payment(ctx, id); {
	case err == nil && !slices.Contains([]screen.State{screen.LookHere, screen.Smile, screen.EnterPIN}, p.State):
		return nil
	case err != nil && !errors.Is(err, screen.ErrCounterUnknown):
		var told *screen.CounterError
		if errors.As(err, &told) {
			told.Open = false // nothing was begun
		}
		return err
	}
	err := c.memory.change(func(ids []string) []string {
		if slices.Contains(ids, id) {
			return ids
		}
		return append(ids, id)
	})
	if err != nil {
		return &screen.CounterError{Why: screen.RefusedJournal, What: err.Error(),
			Do: "free the disk if it is full; a damaged file is to be put away"}
	}
	return nil
}

// Confirm forgets a payment whose end was read.
func (c counter) Confirm(_ context.Context, id string) error {
	return c.memory.change(func(ids []string) []string {
		return slices.DeleteFunc(ids, func(one string) bool { return one == id })
	})
}

// Unconfirmed tells those whose end no page has confirmed. One that never began is none.
func (c counter) Unconfirmed(ctx context.Context) ([]screen.CounterPayment, error) {
	ids, err := c.memory.ids()
	if err != nil {
		return nil, err
	}
	var all []screen.CounterPayment
	for _, id := range slices.Backward(ids) {
		p, err := c.Payment(ctx, id)
		switch {
		case errors.Is(err, screen.ErrCounterUnknown):
		case err != nil:
			return nil, err
		default:
			all = append(all, p)
		}
	}
	return all, nil
}
