package alarm

import "time"

// Store is the alarm's file, as tests stand between it and the case.
type Store = store

// Through has a case use another store around its own.
func (c *Case) Through(wrap func(Store) Store) { c.file = wrap(c.file) }

// Wrapped calls functions, if there are any, in place of a store's, which they are given.
type Wrapped struct {
	Store
	OnWrite  func(Store, time.Time) error
	OnRemove func(Store) error
}

func (w Wrapped) Write(since time.Time) error {
	if w.OnWrite == nil {
		return w.Store.Write(since)
	}
	return w.OnWrite(w.Store, since)
}

func (w Wrapped) Remove() error {
	if w.OnRemove == nil {
		return w.Store.Remove()
	}
	return w.OnRemove(w.Store)
}
