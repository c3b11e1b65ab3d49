package fleet

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"sync/atomic"

	"smiletill/payment/report"
)

// Rules are those of a broker for a fleet (payment/report/testdata/mosquitto.acl are the same for
// mosquitto): a terminal is known by its certificate, has its own client id, and reads and writes its own
// topics alone; the cloud reads what terminals say, and answers.
type Rules struct {
	fleet atomic.Pointer[Fleet]
	cloud [sha256.Size]byte
}

// NewRules are those of a cloud that shows the broker this certificate. Nobody else is let in before Open.
func NewRules(cloud *tls.Certificate) *Rules { return &Rules{cloud: Fingerprint(cloud)} }

// Open lets the terminals of a fleet in.
func (r *Rules) Open(f *Fleet) { r.fleet.Store(f) }

// who is whose a certificate is: the cloud's, or a terminal's.
func (r *Rules) who(c *x509.Certificate) (a report.Address, cloud bool, err error) {
	if sha256.Sum256(c.Raw) == r.cloud {
		return a, true, nil
	}
	if len(c.URIs) != 1 {
		return a, false, ErrNotKnown
	}
	a, err = report.ParseSource(c.URIs[0].String())
	return a, false, err
}

// Keeps tells whether the certificate of one that is connected is still good.
func (r *Rules) Keeps(ctx context.Context, c *x509.Certificate) bool { return r.good(ctx, c, true) }

func (r *Rules) good(ctx context.Context, c *x509.Certificate, connected bool) bool {
	a, cloud, err := r.who(c)
	f := r.fleet.Load()
	if err != nil || cloud || f == nil {
		return err == nil && cloud
	}
	source, err := f.admitted(ctx, serial(c))
	if err != nil && !errors.Is(err, ErrNotKnown) {
		return connected // the database does not answer: nobody is put out by that, and nobody let in
	}
	return err == nil && source == a.Source()
}

// Admits lets a terminal in under its own id, with a will in its own name: it must not throw another out, nor
// leave words behind for it.
func (r *Rules) Admits(ctx context.Context, c *x509.Certificate, clientID, will string) bool {
	if !r.good(ctx, c, false) {
		return false
	}
	a, cloud, err := r.who(c)
	return err == nil && (cloud || clientID == a.ClientID() &&
		(will == "" || will == a.Topic(report.ChannelStatus)))
}

// May holds everybody to their topics.
func (r *Rules) May(c *x509.Certificate, topic string, write bool) bool {
	own, cloud, err := r.who(c)
	if err != nil {
		return false
	}
	if cloud && !write && slices.Contains([]string{"v1/+/+/+/" + string(report.ChannelPayment),
		"v1/+/+/+/" + string(report.ChannelStatus)}, topic) {
		return true
	}
	a, channel, err := report.ParseTopic(topic)
	switch {
	case err != nil:
		return false
	case cloud:
		return write == (channel == report.ChannelAck)
	case a != own:
		return false
	case channel == report.ChannelStatus: // it reads its own to notice a second device of its name
		return true
	}
	return write == (channel == report.ChannelPayment)
}
