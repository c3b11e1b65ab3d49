package claiming

import (
	"context"
	"crypto/x509"
	"time"
)

// Renew renews the certificate now.
func (c *Claim) Renew(ctx context.Context, now time.Time) error { return c.renew(ctx, now) }

// Certificate is the one that is in force.
func (c *Claim) Certificate() *x509.Certificate { return c.kept.cert }

// RenewCode draws a code where none is good at a time, and gives the one that is.
func (c *Claim) RenewCode(now time.Time) (string, error) {
	err := c.renewCode(now)
	return c.code.Text(), err
}

// Try counts a wrong proof.
func (c *Claim) Try() { c.tries++ }

// DropCode has another code drawn.
func (c *Claim) DropCode() { c.dropCode() }
