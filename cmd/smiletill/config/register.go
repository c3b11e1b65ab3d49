package config

import (
	"errors"
	"net"
	"net/url"
	"strconv"

	"smiletill/payment"
)

// CheckText says what is wrong with a short text for people, such as a name.
func CheckText(text string) error { return shortText(text).err() }

// CheckID says what is wrong with an identifier that registers and the terminal know a thing by.
func CheckID(text string) error {
	return matches(`[A-Za-z0-9._-]{1,60}`, "1 to 60 letters, digits, points, - or _")(text).err()
}

func (m *mistake) err() error {
	if m == nil {
		return nil
	}
	return payment.WithHint(errors.New(m.what), m.instead)
}

func poiID(v any) *mistake {
	return matches(`([A-Za-z0-9_.-]{1,60})?`,
		`1 to 60 letters, digits, points, - or _, like "smiletill-till-1"`)(v)
}

func commonName(v any) *mistake {
	return matches(`([A-Za-z0-9.-]{1,64})?`, `a host name, like "till.example"`)(v)
}

func eventsURL(v any) *mistake {
	const like = `write "https://HOST/PATH", "http://127.0.0.1:PORT/PATH", or "" for no events`
	if v == "" {
		return nil
	}
	u, err := url.Parse(v.(string))
	if err != nil || u.User != nil {
		return &mistake{"isn't a URL without a password", like}
	}
	ip := net.ParseIP(u.Hostname())
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || ip == nil || !ip.IsLoopback()) {
		return &mistake{strconv.Quote(u.Redacted()) + " won't do", like}
	}
	return nil
}

// doorOptions are those of the doors by which payments are asked for.
func (c *Config) doorOptions() []option {
	r := &c.Register
	return []option{
		{"counter.listen", &c.Counter.Listen, "host:port of the counter's page for other machines; empty is off",
			listenOrOff},
		{"register.listen", &r.Listen, "host:port for cash registers; empty is off", listenOrOff},
		{"register.plain", &r.Plain, "take messages that are not encrypted from any user of this machine", nil},
		{"register.poi_id", &r.POIID, "this terminal's name for registers; empty: smiletill-ID", poiID},
		{"register.cert_file", &r.CertFile, "certificate for registers; empty: the terminal's own", absolute},
		{"register.key_file", &r.KeyFile, "its private key", absolute},
		{"register.common_name", &r.CommonName, "name in the terminal's own certificate; empty: the POIID",
			commonName},
		{"register.events_url", &r.EventsURL, "where events are posted; empty: nowhere", eventsURL},
	}
}
