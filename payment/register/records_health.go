package register

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// OnFailure names who is told of each write that failed, but for those that the caller broke off. It must not
// wait. Call it before the records are used.
func (r *Records) OnFailure(told func(error)) { r.told = told }

// failed tells of a write that failed, if err is one, and gives it back. A refusal of our own is none.
func (r *Records) failed(ctx context.Context, err error) error {
	if errors.As(err, new(*sqlite.Error)) && r.told != nil && ctx.Err() == nil {
		r.told(err)
	}
	return err
}

// Probe writes what is there once more, to learn whether writing works.
func (r *Records) Probe(ctx context.Context) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("write the register's records: %w", err)
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
		return fmt.Errorf("write the register's records: %w", err)
	}
	return nil
}
