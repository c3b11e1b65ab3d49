package pin

import (
	"context"
	"fmt"
)

// CopyTo writes the PINs as they are at one moment into a new file, while others go on using them.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	if _, err := s.db.ExecContext(ctx, `VACUUM INTO ?`, path); err != nil {
		return fmt.Errorf("copy PINs: %w", err)
	}
	return nil
}
