package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// Trouble is a failure that a technician can do something about.
type Trouble struct {
	Op     string // what was attempted
	What   string // what happened, in plain words
	Advice string // what to do next
	Err    error  // the cause, may be nil
}

// Error gives operation, plain words and cause.
func (t *Trouble) Error() string {
	if t.Err == nil {
		return t.Op + ": " + t.What
	}
	return t.Op + ": " + t.What + ": " + t.Err.Error()
}

// Unwrap gives the cause.
func (t *Trouble) Unwrap() error { return t.Err }

// Hint says what to do next.
func (t *Trouble) Hint() string { return t.Advice }

// explain puts plain words on what the network, TLS or the broker said. The first cause that fits wins; the
// order goes from the most particular to the vaguest.
func explain(broker string, err error) error {
	what, advice := explainTLS(err)
	if what == "" {
		what, advice = explainMQTT(err)
	}
	if what == "" {
		what, advice = explainNetwork(err)
	}
	return &Trouble{Op: "connect to " + broker, What: what, Advice: advice, Err: err}
}

func explainTLS(err error) (what, advice string) {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		remote   *net.OpError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the broker's certificate is not valid at this time",
			"check this terminal's clock first; if it is right, the broker needs a new certificate"
	case errors.As(err, &unknown):
		return "the broker's certificate is not signed by the authority that this terminal knows",
			"check the configured authority file; do not go on if the broker's certificate was not meant to change"
	case errors.As(err, &hostname):
		return "the broker's certificate is for another name", "check the broker's name in the configuration"
	case errors.As(err, &record), errors.Is(err, errHandshake) && errors.Is(err, io.EOF):
		return "the broker does not speak TLS on this port", "check the port: 8883 is usual for TLS"
	case errors.As(err, &alert), errors.As(err, &remote) && remote.Op == "remote error":
		return "the broker ended the TLS handshake",
			"check this terminal's certificate: whether it is given, in date, and known to the broker"
	case errors.As(err, &invalid):
		return "the broker's certificate is not usable", "ask for a certificate meant for servers"
	}
	return "", ""
}

func explainMQTT(err error) (what, advice string) {
	switch {
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword),
		errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return "the broker refuses this terminal's credentials",
			"check user name, password and certificate, and that the broker knows this terminal"
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return "the broker refuses this terminal's client id", "check tenant, site and terminal name"
	case errors.Is(err, packets.ErrorRefusedServerUnavailable):
		return "the broker says that it is unavailable", "wait; it is tried again by itself"
	case errors.Is(err, packets.ErrorRefusedBadProtocolVersion):
		return "the broker does not speak MQTT 3.1.1", "use a broker that does"
	}
	return "", ""
}

func explainNetwork(err error) (what, advice string) {
	var dns *net.DNSError
	const safe = "; payments go on, and are sent when the broker is back"
	switch {
	case errors.As(err, &dns):
		return "the broker's name is not found", "check the name and this terminal's network" + safe
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the broker refuses connections", "check that the broker runs and listens on this port" + safe
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no way to the broker", "check the network cable or radio" + safe
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "the broker does not answer in time", "check the network and the broker's address" + safe
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the broker closed the connection",
			"if it repeats: another device may use this terminal's name, or the port expects TLS" + safe
	default:
		return "broker unreachable", "check the network and the broker" + safe
	}
}
