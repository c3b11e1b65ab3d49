package pin

import (
	"context"
	"fmt"

	"smiletill/payment"
)

// blocked are customers of whom the shop takes no payment, with a PIN or without.
const blockedSchema = `CREATE TABLE IF NOT EXISTS blocked (customer TEXT PRIMARY KEY) STRICT`

// Block has no payment taken of a customer, until Unblock. It is no error if none was.
func (s *Store) Block(ctx context.Context, customer string) error {
	if !payment.ValidID(customer) {
		return noCustomer("block", customer)
	}
	_, err := s.db.ExecContext(ctx, `INSERT OR IGNORE INTO blocked (customer) VALUES (?)`, customer)
	if err != nil {
		return s.failed(ctx, fmt.Errorf("block a customer: %w", err))
	}
	return s.changed(ctx)
}

// Unblock ends it. It is no error if the customer was not blocked.
func (s *Store) Unblock(ctx context.Context, customer string) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM blocked WHERE customer = ?`, customer); err != nil {
		return s.failed(ctx, fmt.Errorf("unblock a customer: %w", err))
	}
	return s.changed(ctx)
}

// Blocked tells whether a customer is.
func (s *Store) Blocked(ctx context.Context, customer string) (blocked bool, err error) {
	const query = `SELECT EXISTS (SELECT 1 FROM blocked WHERE customer = ?)`
	if err := s.db.QueryRowContext(ctx, query, customer).Scan(&blocked); err != nil {
		return false, fmt.Errorf("look for a blocked customer: %w", err)
	}
	return blocked, nil
}

// AllBlocked gives all who are.
func (s *Store) AllBlocked(ctx context.Context) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT customer FROM blocked`)
	if err != nil {
		return nil, fmt.Errorf("list blocked customers: %w", err)
	}
	defer func() { _ = rows.Close() }()
	all := map[string]bool{}
	for rows.Next() {
		var customer string
		if err := rows.Scan(&customer); err != nil {
			return nil, fmt.Errorf("list blocked customers: %w", err)
		}
		all[customer] = true
	}
	return all, rows.Err()
}
