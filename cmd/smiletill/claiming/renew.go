package claiming

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smiletill/payment/report/claim"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// keepRenewed renews the certificate when two thirds of its time are over, until ctx ends.
func (c *Claim) keepRenewed(ctx context.Context) {
	for {
		if now := time.Now(); c.ends.Sub(now) < renewBefore {
			c.say(ctx, c.renew(ctx, now))
		}
		if !link.Sleep(ctx, renewEvery) {
			return
		}
	}
}

const (
	// renewBefore is how long before its end a certificate is renewed: a third of the year for which the cloud
	// gives it.
	renewBefore = 122 * 24 * time.Hour
	// renewEvery is the time between attempts, and between looks at the clock.
	renewEvery = time.Hour
)

// renew gets another certificate for the same key.
func (c *Claim) renew(ctx context.Context, now time.Time) error {
	body, err := c.renewal()
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(c.kept.terms.Signers))
	if began := c.kept.cert.NotBefore; now.Before(began) { // a clock that was never set
		now = began.Add(time.Second)
	}
	// Whoever shows a certificate of the cloud's authority is the cloud, by whichever name it is reached.
	web := client(&tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		return err
	}})
	defer web.CloseIdleConnections()
	said, err := post(ctx, web, c.kept.cloud, claim.PathRenew, body, answerFor)
	if err != nil {
		return fmt.Errorf("renew the certificate: %w", err)
	}
	grant, cert, err := claim.ParseGrant(said.text)
	if err != nil {
		return fmt.Errorf("renew the certificate: %w", err)
	}
	if k, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !k.Equal(&c.kept.private.PublicKey) {
		return errors.New("renew the certificate: the cloud's is for another key")
	}
	next := *c.kept
	next.cert, next.text = cert, grant.Certificate
	if err := next.write(c.cfg.ClaimedPath(), func(string) error { return nil }); err != nil {
		return fmt.Errorf("renew the certificate: %w", err)
	}
	c.mu.Lock()
	c.kept, c.ends = &next, cert.NotAfter
	c.mu.Unlock()
	c.log.Info("the certificate for the broker is renewed", "ends", cert.NotAfter.Format(time.DateOnly))
	return nil
}

// renewal is the request for it, signed with the key that the cloud knows.
func (c *Claim) renewal() ([]byte, error) {
	key, err := signature.OpenKey(c.cfg.TerminalKeyPath(), rand.Reader)
	if err != nil {
		return nil, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, c.kept.private)
	if err != nil {
		return nil, fmt.Errorf("request a certificate: %w", err)
	}
	name := c.kept.terms.Name
	signed, err := signature.Sign(key, claim.Renewing(name.Source(), request))
	if err != nil {
		return nil, err
	}
	return json.Marshal(claim.Renewal{Name: name, Request: request, Signature: signed})
}
