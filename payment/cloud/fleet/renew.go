package fleet

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"smiletill/payment/report/claim"
	"smiletill/payment/report/signature"
)

// renew gives a terminal that is known another certificate, or the one that it was given just now.
func (d *Door) renew(w http.ResponseWriter, q *http.Request, body []byte) error {
	r, err := claim.ParseRenewal(body)
	if err != nil {
		return err
	}
	ctx, source := q.Context(), r.Name.Source()
	if err := d.fleet.signed(ctx, d.fleet.db, r); err != nil {
		return err
	}
	request, err := claim.ParseRequest(r.Request)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	text, err := d.fleet.lately(ctx, source, request)
	if err == nil && text == "" {
		text, err = d.another(context.WithoutCancel(ctx), r, request)
	}
	if err != nil {
		return err
	}
	return say(w, claim.Grant{Certificate: text})
}

// signed refuses what no key has signed that is trusted for the terminal now.
func (f *Fleet) signed(ctx context.Context, q Querier, r claim.Renewal) error {
	source := r.Name.Source()
	keys, err := Keys(ctx, q, source)
	if err != nil {
		return err
	}
	if err := signature.Verify(keys, claim.Renewing(source, r.Request), r.Signature); err != nil {
		return &refusal{http.StatusForbidden, "this cloud does not know the terminal, or not by this key"}
	}
	return nil
}

func (d *Door) another(ctx context.Context, r claim.Renewal, of *x509.CertificateRequest) (string, error) {
	name := r.Name
	c, text, err := d.o.Authority.issue(of, name.Source(), nameOf(name))
	if err != nil {
		return "", err
	}
	err = d.fleet.write(ctx, func(tx *sql.Tx) error {
		if err := d.fleet.signed(ctx, tx, r); err != nil { // it may have been revoked meanwhile
			return err
		}
		return keep(ctx, tx, name.Source(), c, text, time.Now())
	})
	if err != nil {
		return "", fmt.Errorf("keep a renewed certificate: %w", err)
	}
	d.o.Log.Info("a terminal's certificate is renewed", "source", name.Source(),
		"ends", c.NotAfter.Format(time.DateOnly))
	return text, nil
}

// lately gives the certificate of a key that was issued within the day, or "": a terminal that did not hear
// of it asks again, and a request that somebody repeats makes no row.
func (f *Fleet) lately(
	ctx context.Context, source string, r *x509.CertificateRequest,
) (text string, err error) {
	of, now := sha256.Sum256(r.RawSubjectPublicKeyInfo), time.Now()
	err = f.db.QueryRowContext(ctx, `SELECT pem FROM certificate WHERE source = ? AND request = ?
		AND revoked = '' AND issued BETWEEN ? AND ? AND ends > ? ORDER BY issued DESC LIMIT 1`, source, of[:],
		now.Add(-24*time.Hour).Unix(), now.Unix(), now.Unix()).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for a certificate: %w", err)
	}
	return text, nil
}
