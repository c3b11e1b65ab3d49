package pin

import "context"

// clerk is the row of the clerk's PIN. No customer's id has a slash (payment.ValidID), and the customers'
// methods refuse what is no such id: neither can be taken for the other.
const clerk = "/clerk"

// Clerk is the PIN of whoever stands behind the counter. Hash, count of wrong ones and locks are those of a
// customer's.
type Clerk struct{ store *Store }

// Clerk gives the clerk's PIN.
func (s *Store) Clerk() Clerk { return Clerk{s} }

// Set gives the clerk a PIN in place of any before, and ends its lock.
func (c Clerk) Set(ctx context.Context, pin string) error { return c.store.set(ctx, clerk, pin, nil) }

// SetAfter is as Store.SetAfter, of the clerk's PIN.
func (c Clerk) SetAfter(ctx context.Context, pin string, before func(mark string) error) error {
	return c.store.set(ctx, clerk, pin, before)
}

// Remove takes the clerk's PIN away. It is no error if there is none.
func (c Clerk) Remove(ctx context.Context) error { return c.store.remove(ctx, clerk) }

// Ready is nil if there is a PIN that may be tried, else payment.ErrPINNotSet or a *LockedError.
func (c Clerk) Ready(ctx context.Context) error { return c.store.ready(ctx, clerk) }

// Try is as Store.Try, for the clerk's PIN.
func (c Clerk) Try(ctx context.Context, pin string) error { return c.store.try(ctx, clerk, pin) }
