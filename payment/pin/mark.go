package pin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// markOf tells a PIN that was set from any other, the same digits set once more too. It is of the salt,
// which is random: it tells nothing of the digits.
func markOf(salt []byte) string {
	sum := sha256.Sum256(salt)
	return hex.EncodeToString(sum[:8])
}

// Marks gives the mark of each PIN that is set, 16 hexadecimal digits, by customer;
// clerks' as ClerkOf knows them, of the one without a name under "".
func (s *Store) Marks(ctx context.Context) (map[string]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT customer, salt FROM pin`)
	if err != nil {
		return nil, fmt.Errorf("list PINs: %w", err)
	}
	defer func() { _ = rows.Close() }()
	marks := map[string]string{}
	for rows.Next() {
		var customer string
		var salt []byte
		if err := rows.Scan(&customer, &salt); err != nil {
			return nil, fmt.Errorf("list PINs: %w", err)
		}
		if customer == clerk {
			customer = ""
		}
		marks[customer] = markOf(salt)
	}
	return marks, rows.Err()
}
