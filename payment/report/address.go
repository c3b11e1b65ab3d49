package report

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// Channel is the last part of a topic.
type Channel string

// The channels of a terminal.
const (
	ChannelPayment Channel = "payment"
	ChannelStatus  Channel = "status"
	ChannelAck     Channel = "ack"
)

// ErrAddress marks an Address or a topic of another form.
var ErrAddress = errors.New("bad terminal address")

// Address names one terminal. Each part is 1 to 64 characters of A-Z a-z 0-9 _ -, so that no part can hold a
// topic's separator or wildcard.
type Address struct {
	Tenant, Site, Terminal string
}

// Check tells which part is not of the form.
func (a Address) Check() error {
	for _, p := range []struct{ name, value string }{
		{"tenant", a.Tenant}, {"site", a.Site}, {"terminal", a.Terminal},
	} {
		if !validPart(p.value) {
			return fmt.Errorf("check %s %q: %w: use 1 to 64 letters, digits, _ or -", p.name, p.value, ErrAddress)
		}
	}
	return nil
}

func validPart(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// Topic is the terminal's topic of a channel.
func (a Address) Topic(c Channel) string {
	return "v1/" + a.Tenant + "/" + a.Site + "/" + a.Terminal + "/" + string(c)
}

// Source is the terminal's CloudEvents source.
func (a Address) Source() string {
	return "smiletill:/" + a.Tenant + "/" + a.Site + "/" + a.Terminal
}

// ParseSource takes apart what Source made.
func ParseSource(source string) (Address, error) {
	rest, ok := strings.CutPrefix(source, "smiletill:/")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return Address{}, fmt.Errorf("read source %q: %w", source, ErrAddress)
	}
	a := Address{Tenant: parts[0], Site: parts[1], Terminal: parts[2]}
	if err := a.Check(); err != nil {
		return Address{}, fmt.Errorf("read source %q: %w", source, err)
	}
	return a, nil
}

// ClientID is the terminal's MQTT client id: one connection a terminal. It is of letters, digits and - alone,
// of which no broker takes any for a separator: the terminal's name, for people, and 80 bits of a hash of all
// of the address.
func (a Address) ClientID() string {
	sum := sha256.Sum256([]byte(a.Source()))
	name := strings.ReplaceAll(a.Terminal, "_", "-")
	return "smiletill-" + name[:min(len(name), 24)] + "-" +
		strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// ParseTopic takes apart what Topic made.
func ParseTopic(topic string) (Address, Channel, error) {
	parts := strings.Split(topic, "/")
	if len(parts) != 5 || parts[0] != "v1" {
		return Address{}, "", fmt.Errorf("parse topic %q: %w", topic, ErrAddress)
	}
	a := Address{Tenant: parts[1], Site: parts[2], Terminal: parts[3]}
	if err := a.Check(); err != nil {
		return Address{}, "", fmt.Errorf("parse topic %q: %w", topic, err)
	}
	switch c := Channel(parts[4]); c {
	case ChannelPayment, ChannelStatus, ChannelAck:
		return a, c, nil
	default:
		return Address{}, "", fmt.Errorf("parse topic %q: %w: unknown channel", topic, ErrAddress)
	}
}
