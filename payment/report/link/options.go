package link

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"
)

// Defaults of Options.
const (
	defaultTimeout   = 10 * time.Second // a mobile link's worst round trips, several times over
	defaultKeepAlive = 30 * time.Second // half of the shortest idle limit met in NAT gateways (60 s)
	defaultInbox     = 64
)

// ErrOptions marks an Options value that cannot work.
var ErrOptions = errors.New("bad connection settings")

// Secret is a password that does not print: String, Format verbs, JSON and slog all give [redacted].
type Secret string

// redacted is the printed form of every Secret.
const redacted = "[redacted]"

// String gives [redacted].
func (Secret) String() string { return redacted }

// GoString gives [redacted].
func (Secret) GoString() string { return redacted }

// LogValue gives [redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON gives "[redacted]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Options says where and as whom to connect.
type Options struct {
	Broker    string // mqtts://host[:8883], or mqtt://127.0.0.1[:1883] on this machine alone
	ClientID  string // 1 to 65535 bytes; a second connection with the same id ends the first
	Username  string // may be empty
	Password  Secret
	TLS       *tls.Config   // nil: the system's authorities and no client certificate; see TLSFiles
	Files     Files         // read at each Dial, in place of TLS and Password where they name something
	ALPN      string        // the protocol to ask for in the TLS handshake; "": none
	Once      bool          // subscribe with QoS 0, not 1: for brokers that keep a queue for each subscription
	Will      *Will         // nil: none
	Inbox     int           // messages that wait for the owner, > 0; default 64
	Timeout   time.Duration // of connecting, writing, a SUBACK and a ping; default 10 s
	KeepAlive time.Duration // default 30 s
}

func (o Options) withDefaults() Options {
	if o.Inbox <= 0 {
		o.Inbox = defaultInbox
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = defaultKeepAlive
	}
	return o
}

// Check tells whether the settings can work, without connecting. Its error is an ErrOptions with a Hint.
func (o Options) Check() error {
	_, err := o.check()
	return err
}

type target struct {
	addr   string // host:port
	host   string // the name in the server's certificate
	secure bool
}

func (o Options) check() (target, error) {
	bad := func(what, advice string) (target, error) {
		return target{}, &Trouble{Op: "check the broker's settings", What: what, Advice: advice, Err: ErrOptions}
	}
	u, err := url.Parse(o.Broker)
	if err != nil || u.Hostname() == "" {
		return bad(fmt.Sprintf("%q is not an address", o.Broker), "write it as mqtts://host:8883")
	}
	if u.User != nil {
		return bad("the address holds a user or password", "give them as settings of their own: this one is logged")
	}
	if o.ClientID == "" {
		return bad("the client id is empty", "name the terminal")
	}
	port := u.Port()
	switch u.Scheme {
	case "mqtts":
		if port == "" {
			port = "8883"
		}
		return target{addr: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), secure: true}, nil
	case "mqtt":
		if !loopback(u.Hostname()) {
			return bad("mqtt:// is clear text to "+u.Hostname(), "use mqtts://; mqtt:// is for loopback")
		}
		if port == "" {
			port = "1883"
		}
		return target{addr: net.JoinHostPort(u.Hostname(), port), host: u.Hostname()}, nil
	default:
		return bad(fmt.Sprintf("unknown scheme %q", u.Scheme), "write the address as mqtts://host:8883")
	}
}

// loopback takes addresses alone, not names: what "localhost" means is the resolver's to say.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
