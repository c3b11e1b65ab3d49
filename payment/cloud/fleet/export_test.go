package fleet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"time"

	"smiletill/payment/report"
)

// Certify makes and keeps a terminal's certificate, as a claim does.
func Certify(
	ctx context.Context, f *Fleet, a *Authority, name report.Address,
) (text string, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return "", nil, err
	}
	c, text, err := a.issue(&x509.CertificateRequest{PublicKey: key.Public()}, name.Source(), nameOf(name))
	if err != nil {
		return "", nil, err
	}
	return text, key, keep(ctx, f.db, name.Source(), c, text, time.Now())
}
