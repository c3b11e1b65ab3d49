package counter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Max is how many entries are kept: a counter that nobody looked after for a day, and no more.
const Max = 16

// Entry is a payment by its id, or what was to be given back of one.
type Entry struct {
	ID      string `json:"id"`
	Payment string `json:"payment,omitempty"` // of which Amount is given back; empty: ID is a payment
	Amount  string `json:"amount,omitempty"`  // decimal, in the payment's currency
	Reason  string `json:"reason,omitempty"`  // why it is given back
}

// About is the id of the payment that it is about.
func (e Entry) About() string {
	if e.Payment != "" {
		return e.Payment
	}
	return e.ID
}

// Memory is a file of entries. Its methods may be called from any goroutine.
type Memory struct {
	path string
	told func(error)
	mu   sync.Mutex
}

// At names the file; nothing is opened yet. told is told of each write that failed, and must not wait.
func At(path string, told func(error)) *Memory { return &Memory{path: path, told: told} }

// Add remembers an entry; one whose id is there stays as it is.
func (m *Memory) Add(e Entry) error {
	return m.change(func(all []Entry) []Entry {
		if slices.ContainsFunc(all, func(o Entry) bool { return o.ID == e.ID }) {
			return all
		}
		return append(all, e)
	})
}

// Forget removes the entry of an id, if it is there.
func (m *Memory) Forget(id string) error {
	return m.change(func(all []Entry) []Entry {
		return slices.DeleteFunc(all, func(o Entry) bool { return o.ID == id })
	})
}

// All gives the entries, the latest first.
func (m *Memory) All() ([]Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, err := m.read()
	slices.Reverse(all)
	return all, err
}

// file is the form of the file, the latest last.
type file struct {
	Unconfirmed []Entry `json:"unconfirmed"`
}

// read is called with mu held.
func (m *Memory) read() ([]Entry, error) {
	data, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var f file
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		return nil, fmt.Errorf("read the counter's payments %s: %w", m.path, err)
	}
	return f.Unconfirmed, nil
}

// change writes the file as a whole or not at all.
func (m *Memory) change(f func([]Entry) []Entry) error {
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
	data, err := json.Marshal(file{now[max(0, len(now)-Max):]})
	if err == nil {
		err = m.write(data)
	}
	if err != nil {
		m.told(err)
		return fmt.Errorf("write down the counter's payments: %w", err)
	}
	return nil
}

// write replaces the file, mode 0600: under another name, synced, renamed.
func (m *Memory) write(data []byte) error {
	dir := filepath.Dir(m.path)
	f, err := os.CreateTemp(dir, ".counter-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), m.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
