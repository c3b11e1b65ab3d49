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

// memoryFile is the file's form, the latest last.
type memoryFile struct {
	Unconfirmed []memorised `json:"unconfirmed"`
}

// memorised is a payment by its id, or what was to be given back of one.
type memorised struct {
	ID      string `json:"id"`
	Payment string `json:"payment,omitempty"` // of which Amount is given back; empty: ID is a payment
	Amount  string `json:"amount,omitempty"`
}

// read gives what is remembered. The caller holds mu.
func (m *memory) read() ([]memorised, error) {
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

// add remembers one that is not there yet.
func (m *memory) add(one memorised) error {
	err := m.change(func(all []memorised) []memorised {
		if slices.ContainsFunc(all, func(o memorised) bool { return o.ID == one.ID }) {
			return all
		}
		return append(all, one)
	})
	if err != nil {
		return &screen.CounterError{Why: screen.RefusedJournal, What: err.Error(),
			Do: "free the disk if it is full; a damaged file is to be put away"}
	}
	return nil
}

// change writes the file as a whole or not at all, before it returns.
func (m *memory) change(f func([]memorised) []memorised) error {
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

// all is what is remembered, the latest first.
func (m *memory) all() ([]memorised, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all, err := m.read()
	slices.Reverse(all)
	return all, err
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
	return c.memory.add(memorised{ID: id})
}

// RememberReversal notes what is to be given back before it is.
func (c counter) RememberReversal(_ context.Context, id, paymentID, amount string) error {
	return c.memory.add(memorised{ID: id, Payment: paymentID, Amount: amount})
}

// Confirm forgets a payment whose end was read, or a reversal whose outcome was heard.
func (c counter) Confirm(_ context.Context, id string) error {
	return c.memory.change(func(all []memorised) []memorised {
		return slices.DeleteFunc(all, func(one memorised) bool { return one.ID == id })
	})
}

// Unconfirmed tells those whose end no page has confirmed. One that never began is none.
func (c counter) Unconfirmed(ctx context.Context) ([]screen.CounterPayment, error) {
	var all []screen.CounterPayment
	err := c.remembered(ctx, func(one memorised, p screen.CounterPayment) {
		if one.Payment == "" {
			all = append(all, p)
		}
	})
	return all, err
}

// Reversals tells those whose outcome no page has heard.
func (c counter) Reversals(ctx context.Context) ([]screen.CounterReversal, error) {
	var all []screen.CounterReversal
	err := c.remembered(ctx, func(one memorised, p screen.CounterPayment) {
		if one.Payment != "" {
			all = append(all, screen.CounterReversal{ID: one.ID, Payment: one.Payment, Amount: one.Amount,
				Currency: p.Currency})
		}
	})
	return all, err
}

// remembered calls use with each and the payment that it is about, the latest first.
func (c counter) remembered(ctx context.Context, use func(memorised, screen.CounterPayment)) error {
	all, err := c.memory.all()
	if err != nil {
		return err
	}
	for _, one := range all {
		id := one.Payment
		if id == "" {
			id = one.ID
		}
		p, err := c.Payment(ctx, id)
		switch {
		case errors.Is(err, screen.ErrCounterUnknown):
		case err != nil:
			return err
		default:
			use(one, p)
		}
	}
	return nil
}
