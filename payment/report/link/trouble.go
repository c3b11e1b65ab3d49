package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
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

// Error gives operation and plain words, and the cause where it says more.
func (t *Trouble) Error() string {
	if t.Err == nil {
		return t.Op + ": " + t.What
	}
	if what, _ := explainNetwork(t.Err); what == t.What && what != unreachable && !cutOff(t.Err) {
		return t.Op + ": " + t.What
	}
	return t.Op + ": " + t.What + ": " + t.Err.Error()
}

// Unwrap gives the cause.
func (t *Trouble) Unwrap() error { return t.Err }

// Hint says what to do next.
func (t *Trouble) Hint() string { return t.Advice }

// door is where a connection went, and what came from there first.
type door struct {
	broker string
	target target
	alpn   string
	head   string
}

// explain puts plain words on what the network, TLS or the broker said. The first cause that fits wins; the
// order goes from the most particular to the vaguest.
func explain(at door, err error) error {
	what, advice := at.explain(err)
	if what == "" {
		what, advice = explainTLS(err)
	}
	if what == "" {
		what, advice = explainMQTT(err)
	}
	if what == "" {
		what, advice = explainNetwork(err)
	}
	return &Trouble{Op: "connect to " + at.broker, What: what, Advice: advice, Err: err}
}

// explain knows who is behind a door that is not the MQTT one.
func (d door) explain(err error) (what, advice string) {
	_, port, _ := net.SplitHostPort(d.target.addr)
	const alpn = `set mqtt.alpn to the name of MQTT that its operator gives: "mqtt", at AWS IoT "x-amzn-mqtt-ca"`
	switch {
	case strings.HasPrefix(d.head, "HTTP/") && port == "443" && d.alpn == "":
		return "a web server answers on port 443, where MQTT is told from HTTPS by its name (ALPN)", alpn
	case strings.HasPrefix(d.head, "HTTP/"):
		return "this port speaks HTTP, as a WebSocket port does, and not MQTT",
			"give the broker's port for plain MQTT, 8883 is usual: MQTT over WebSocket is not spoken here"
	case strings.HasPrefix(d.head, "INFO {"):
		return "this is the port for NATS's own clients, and not that for MQTT",
			"give the port of the section mqtt in the configuration of nats-server, 1883 or 8883 as a rule"
	case err != nil && strings.Contains(err.Error(), "no application protocol"):
		what = "the broker does not take MQTT on port " + port + " under the name (ALPN) " + strconv.Quote(d.alpn)
		if d.alpn == "" {
			what = "the broker wants MQTT to be asked for by name (ALPN) on port " + port
		}
		return what, alpn
	case cutOff(err) && port == "443" && d.alpn == "":
		return "the connection was closed on port 443, where MQTT is told from HTTPS by its name (ALPN)", alpn
	}
	return "", ""
}

// cutOff tells whether the other side ended the connection without a word.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
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

// unreachable is said of what there are no better words for.
const unreachable = "broker unreachable"

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
	case cutOff(err):
		return "the broker closed the connection",
			"if it repeats: another device may use this terminal's name, or the port expects TLS or" +
				" WebSocket" + safe
	default:
		return unreachable, "check the network and the broker" + safe
	}
}
