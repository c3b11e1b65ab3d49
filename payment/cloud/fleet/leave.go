package fleet

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"net/http"
	"time"

	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// leave has a terminal leave service, by its own word: its keys and certificates are taken away, and what it
// said is kept. One that did not hear of it says it again, and is answered as before.
func (d *Door) leave(w http.ResponseWriter, q *http.Request, body []byte) error {
	said, name, err := claim.ParseDeparture(body)
	if err != nil {
		return err
	}
	ctx := context.WithoutCancel(q.Context())
	known := false
	err = d.fleet.write(ctx, func(tx *sql.Tx) error {
		source := name.Source()
		keys, err := Keys(ctx, tx, source)
		if err != nil {
			return err
		}
		if said.Verify(keys) != nil {
			known, err = left(ctx, tx, said)
			return err
		}
		known = true
		if err := keepDeparture(ctx, tx, said, body, keys); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM terminal WHERE source = ?`, source); err != nil {
			return err
		}
		_, err = revokeCertificates(ctx, tx, source, "the terminal itself, which was taken out of service", "")
		return err
	})
	if err != nil {
		return fmt.Errorf("take a terminal out of service: %w", err)
	}
	if !known {
		return &refusal{http.StatusForbidden, "this cloud does not know the terminal, or not by this key"}
	}
	d.o.Log.Info("a terminal has left service by its own word", "source", said.Source, "receipt", said.ID)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// left tells whether a departure is by a key of a terminal that has left: it heard no answer.
func left(ctx context.Context, tx *sql.Tx, said claim.Departure) (bool, error) {
	rows, err := tx.QueryContext(ctx, `SELECT key FROM departure WHERE source = ?`, said.Source)
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }()
	var keys []ed25519.PublicKey
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return false, err
		}
		some, err := signature.ParsePublic([]byte(text))
		if err != nil {
			return false, err
		}
		keys = append(keys, some...)
	}
	return said.Verify(keys) == nil, rows.Err()
}

// keepDeparture keeps what was said, with the key that it holds by.
func keepDeparture(
	ctx context.Context, tx *sql.Tx, said claim.Departure, body []byte, keys []ed25519.PublicKey,
) error {
	for _, k := range keys {
		if said.Verify([]ed25519.PublicKey{k}) != nil {
			continue
		}
		text, err := signature.EncodePublic(k)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO departure VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			said.Source, said.ID, string(text), string(body), stamp(time.Now()))
		return err
	}
	return nil
}
