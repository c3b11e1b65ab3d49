package pin

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"

	"smiletill/payment"
)

// Sealer keeps a secret so that this machine alone reads it. Its errors carry their own hint.
type Sealer interface {
	Seal(plain []byte) (sealed []byte, err error)
	Unseal(sealed []byte) (plain []byte, err error)
}

// errForeign is a hash that was not written with the file's pepper: by another terminal, or by hand.
var errForeign = errors.New("this PIN was not set on this terminal")

// errNoSealer is a file that is sealed, and nobody to open it.
var errNoSealer = errors.New("the PINs are sealed to a machine's TPM")

// pepperBytes is the length of the key that hashes are encrypted with, AES-256's.
const pepperBytes = 32

const (
	pepperSchema = `CREATE TABLE pepper (
	one    INTEGER PRIMARY KEY CHECK (one = 1),
	sealed BLOB NOT NULL
) STRICT`
	isSealed = `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'pepper')`
)

// seal is what a store knows of its pepper, the key that hashes are encrypted with where there is one: it
// stands in the file, sealed, and so is copied with what it has encrypted.
type seal struct {
	by     Sealer
	sealed []byte // as it was opened last
	box    cipher.AEAD
}

// SealedBy names who opens what Seal has sealed. Call it before the store is used.
func (s *Store) SealedBy(m Sealer) { s.seal.by = m }

// Seal has hashes encrypted with a pepper from now on, those that are there too, so that a copy of the file
// tells nothing of a PIN where the pepper can't be opened. Of a file that is sealed it opens the pepper. All
// of it is done or none, whenever the power goes.
func (s *Store) Seal(ctx context.Context) error {
	if box, err := s.pepper(ctx, s.db); err != nil || box != nil {
		return err
	}
	key := make([]byte, pepperBytes)
	rand.Read(key) //nolint:errcheck // it never fails (crypto/rand)
	sealed, err := s.seal.by.Seal(key)
	if err != nil {
		return fmt.Errorf("seal PINs: %w", err)
	}
	if again, err := s.seal.by.Unseal(sealed); err != nil || !bytes.Equal(again, key) {
		return fmt.Errorf("seal PINs: what was sealed does not open: %w", err)
	}
	box, err := boxOf(key)
	if err != nil {
		return fmt.Errorf("seal PINs: %w", err)
	}
	err = s.rewrite(ctx, pepperSchema+`; INSERT INTO pepper VALUES (1, ?)`, []any{sealed},
		func(customer string, salt, hash []byte) ([]byte, error) {
			return box.Seal(nil, nil, hash, bound(customer, salt)), nil
		})
	if err != nil {
		return s.failed(ctx, fmt.Errorf("seal PINs: %w", err))
	}
	return s.changed(ctx)
}

// Unseal takes it back: hashes are as they were, and the file has no pepper. It is no error if there is
// none. A hash that nobody has encrypted with the pepper goes, since it counted for nothing: foreign are
// those whose PIN it was, as Marks has them. They have to be set again.
func (s *Store) Unseal(ctx context.Context) (foreign []string, err error) {
	box, err := s.pepper(ctx, s.db)
	if err != nil || box == nil {
		return nil, err
	}
	err = s.rewrite(ctx, `DROP TABLE pepper`, nil, func(customer string, salt, hash []byte) ([]byte, error) {
		hash, err := decrypted(box, customer, salt, hash)
		if errors.Is(err, errForeign) {
			if customer == clerk {
				customer = "" // as Marks has it
			}
			foreign = append(foreign, customer)
			return nil, nil
		}
		return hash, err
	})
	if err != nil {
		return nil, s.failed(ctx, fmt.Errorf("unseal PINs: %w", err))
	}
	return foreign, s.changed(ctx)
}

// Sealed tells whether hashes are encrypted with a pepper; it opens none.
func (s *Store) Sealed(ctx context.Context) (is bool, err error) {
	if err := s.db.QueryRowContext(ctx, isSealed).Scan(&is); err != nil {
		return false, fmt.Errorf("look whether PINs are sealed: %w", err)
	}
	return is, nil
}

// rewrite does a script and writes each hash anew, in one transaction; a row whose hash is nil then goes.
func (s *Store) rewrite(
	ctx context.Context, script string, args []any,
	anew func(customer string, salt, hash []byte) ([]byte, error),
) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, script, args...); err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT customer, salt, hash FROM pin`)
	if err != nil {
		return err
	}
	type row struct {
		customer   string
		salt, hash []byte
	}
	var all []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.customer, &r.salt, &r.hash); err != nil {
			return errors.Join(err, rows.Close())
		}
		all = append(all, r)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, r := range all {
		hash, err := anew(r.customer, r.salt, r.hash)
		if err != nil {
			return err
		}
		if hash == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM pin WHERE customer = ?`, r.customer)
		} else {
			_, err = tx.ExecContext(ctx, `UPDATE pin SET hash = ? WHERE customer = ?`, hash, r.customer)
		}
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// pepper opens the file's pepper; nil: it has none.
func (s *Store) pepper(ctx context.Context, q queryer) (cipher.AEAD, error) {
	var is bool
	if err := q.QueryRowContext(ctx, isSealed).Scan(&is); err != nil || !is {
		return nil, err
	}
	var sealed []byte
	err := q.QueryRowContext(ctx, `SELECT sealed FROM pepper`).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, payment.WithHint(errors.New("the key of the PINs is missing"), "put the file of PINs back "+
			"from a copy, or restore a backup; without one, put it away: customers with a PIN have to set it again")
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seal.box != nil && bytes.Equal(sealed, s.seal.sealed) {
		return s.seal.box, nil
	}
	if s.seal.by == nil {
		return nil, errNoSealer
	}
	key, err := s.seal.by.Unseal(sealed)
	if err != nil {
		return nil, fmt.Errorf("open the key of the PINs: %w", err)
	}
	box, err := boxOf(key)
	if err != nil {
		return nil, fmt.Errorf("open the key of the PINs: %w", err)
	}
	s.seal.sealed, s.seal.box = sealed, box
	return box, nil
}

func boxOf(key []byte) (cipher.AEAD, error) {
	if len(key) != pepperBytes {
		return nil, fmt.Errorf("it has %d bytes", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound has a hash count for its customer and its salt alone.
func bound(customer string, salt []byte) []byte { return append([]byte(customer+"\x00"), salt...) }

// decrypted decrypts a hash where box is not nil. One that nobody has encrypted is refused then: whoever can
// write the file could set a PIN by it.
func decrypted(box cipher.AEAD, customer string, salt, hash []byte) ([]byte, error) {
	if box == nil {
		return hash, nil
	}
	hash, err := box.Open(nil, nil, hash, bound(customer, salt))
	if err != nil {
		return nil, payment.WithHint(errForeign, "set it again; and find out who has changed the terminal's "+
			"files")
	}
	return hash, nil
}
