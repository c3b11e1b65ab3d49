package pin

import (
	"context"
	"errors"
	"fmt"
)

// OnFailure names who is told of each write that failed, but for those that the caller broke off. It must not
// wait. Call it before the store is used.
func (s *Store) OnFailure(told func(error)) { s.told = told }

// failed tells of a write that failed, and gives its error back.
func (s *Store) failed(ctx context.Context, err error) error {
	if s.told != nil && ctx.Err() == nil {
		s.told(err)
	}
	return err
}

// Probe writes what is there once more, to learn whether writing works.
func (s *Store) Probe(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write PINs: %w", err)
	}
	var version int
	if err = tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err == nil {
		// Takes no parameters. SQLite writes the page, and syncs it, though the number stays.
		_, err = tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, version))
	}
	if err == nil {
		err = tx.Commit()
	} else {
		err = errors.Join(err, tx.Rollback())
	}
	if err != nil {
		return fmt.Errorf("write PINs: %w", err)
	}
	return nil
}
