package register

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CopyRecords writes a file of records as it is at one moment into a new file, while others go on using it.
func CopyRecords(ctx context.Context, from, to string) error {
	still := func(context.Context) (time.Duration, error) { return recordsAge, nil }
	r, err := OpenRecords(ctx, from, still)
	if err != nil {
		return err
	}
	_, err = r.db.ExecContext(ctx, `VACUUM INTO ?`, to)
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("copy the register's records: %w", err)
	}
	return nil
}

// recordsAge is later than any record: opening for a copy changes none.
const recordsAge = 1 << 62
