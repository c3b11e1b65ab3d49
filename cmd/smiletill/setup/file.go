package setup

import (
	"fmt"
	"net/netip"
	"strings"

	"smiletill/cmd/smiletill/config"
)

// FileName is what the settings' file is called on a stick and on a card's first partition.
const FileName = "setup.toml"

// Settings are the first settings of a terminal; what is empty stays as it is.
type Settings struct {
	// Name is TENANT/SITE/ID: whose terminal it is, the shop it stands in, its name there; or the last alone.
	Name string
	// Cloud is the address of the cloud that claims the terminal; Claim is kept.
	Cloud, Claim string
	WiFi         WiFi
	Network      Network
	Servers      []string // of time
	// Keys are of who may log in by ssh, as their .pub files have them; empty takes all away, nil leaves them.
	Keys []string
	// Values are the terminal's own, by their names in its configuration: "mqtt.broker".
	Values map[string]string
	// Files lie beside the file of settings, on a card's first partition, and are named by it.
	Files []File
}

// File is what a card gets beside its settings.
type File struct {
	Name string
	Data []byte
}

// WiFi is a network of radio. The zero value is none.
type WiFi struct {
	SSID string
	// Password is a secret. Empty with Open unset stands for one that was taken over and erased.
	Password     Secret
	Country      string // two letters, or empty
	Open, Hidden bool
}

// Network is a fixed address; the zero value asks the network for one.
type Network struct {
	Address netip.Prefix
	Gateway netip.Addr
	DNS     []netip.Addr
}

// Secret is text that is not printed.
type Secret string

// String hides it.
func (Secret) String() string { return "[redacted]" }

// GoString hides it.
func (Secret) GoString() string { return "[redacted]" }

// allowed are the terminal's values that the file may have: what a place needs. What protects customers and
// the shop (liveness, limits by PIN, doors) is not for a stick.
var allowed = []string{
	"terminal.tenant", "terminal.site", "terminal.id", "terminal.name", "terminal.currency", "terminal.language",
	"camera.source", "camera.rotate", "camera.region", "board.kind", "payment.amount_max", "screen.sound",
	"mqtt.broker", "mqtt.username", "mqtt.ca_file", "mqtt.cloud_key_file",
}

// Lines says what is set, a line each, without secrets.
func (s Settings) Lines() []string {
	var all []string
	add := func(what, text string) {
		if text != "" {
			all = append(all, what+" "+text)
		}
	}
	add("name", s.Name)
	for _, name := range allowed {
		if v, ok := s.Values[name]; ok {
			all = append(all, fmt.Sprintf("%s = %q", name, v))
		}
	}
	if s.WiFi.SSID != "" {
		how := "with its password"
		switch {
		case s.WiFi.Open:
			how = "without a password"
		case s.WiFi.Password == "":
			how = "with the password that it has already"
		}
		add("Wi-Fi", fmt.Sprintf("%q, %s", s.WiFi.SSID, how))
	}
	if s.Network.Address.IsValid() {
		text := s.Network.Address.String()
		if s.Network.Gateway.IsValid() {
			text += " by way of " + s.Network.Gateway.String()
		}
		for _, d := range s.Network.DNS {
			text += ", DNS " + d.String()
		}
		add("address", text)
	}
	add("time from", strings.Join(s.Servers, ", "))
	all = append(all, keyLines(s.Keys)...)
	add("cloud", s.Cloud)
	if s.Claim != "" {
		all = append(all, "a claim code, kept for the cloud")
	}
	return all
}

// parts are the tenant, site and id of a name; the first two are empty where it is the id alone.
func parts(name string) (tenant, site, id string, ok bool) {
	switch p := strings.Split(name, "/"); len(p) {
	case 1:
		return "", "", p[0], p[0] != ""
	case 3:
		return p[0], p[1], p[2], p[0] != "" && p[1] != "" && p[2] != ""
	}
	return "", "", "", false
}

// values are all of the terminal's values that the settings name.
func (s Settings) values() map[string]string {
	all := map[string]string{}
	if tenant, site, id, ok := parts(s.Name); ok {
		all["terminal.id"] = id
		if tenant != "" {
			all["terminal.tenant"], all["terminal.site"] = tenant, site
		}
	}
	for name, v := range s.Values {
		all[name] = v
	}
	return all
}

// host is the machine's name for a terminal's: till-3 for "till-3", "3" and "acme/berlin/till_3".
func host(id string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(id) {
		if r == '_' {
			r = '-'
		}
		b.WriteRune(r)
	}
	name := strings.Trim(b.String(), "-")
	if !strings.HasPrefix(name, "till-") {
		name = "till-" + name
	}
	const most = 63 // of a label in DNS
	return strings.TrimRight(name[:min(len(name), most)], "-")
}

// problem is one thing that is wrong: where it stands, what is wrong, and what to write instead.
type problem struct{ Where, What, Instead string }

// mistakes lists all that is wrong with settings.
type mistakes struct {
	of       string
	problems []problem
}

func asError(of string, problems []problem) error {
	if len(problems) == 0 {
		return nil
	}
	return config.Usage(&mistakes{of, problems})
}

func (m *mistakes) Error() string {
	if len(m.problems) == 1 {
		return m.of + ": " + m.problems[0].Where + ": " + m.problems[0].What
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d things are wrong", m.of, len(m.problems))
	for _, p := range m.problems {
		fmt.Fprintf(&b, "\n  %s: %s (%s)", p.Where, p.What, p.Instead)
	}
	return b.String()
}

// Hint says what to write instead.
func (m *mistakes) Hint() string {
	if len(m.problems) == 1 {
		return m.problems[0].Instead
	}
	return "mend the lines above; nothing was changed"
}
