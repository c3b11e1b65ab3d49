package setup

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"smiletill/cmd/smiletill/config"
)

// checker tells what is wrong with each key of the settings.
type checker struct {
	add func(key, what, instead string)
}

func (c checker) all(s Settings) {
	c.name(s)
	for name, value := range s.Values {
		if !slices.Contains(allowed, name) {
			c.add(name, name+" is not for this file", "set it in the terminal's smiletill.toml; here are "+
				strings.Join(allowed, ", "))
			continue
		}
		if what, instead := config.Wrong(name, value); what != "" {
			c.add(name, name+": "+what, instead)
		}
	}
	c.cloud(s)
	c.access(s.Keys)
	c.wifi(s.WiFi)
	c.network(s.Network)
	for _, server := range s.Servers {
		if !regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$`).MatchString(server) {
			c.add("time.servers", "a time server can't be called that", `write names or addresses: "ptbtime1.ptb.de"`)
		}
	}
}

func (c checker) name(s Settings) {
	if s.Name == "" {
		return
	}
	const instead = `write "TENANT/SITE/ID": whose terminal, which shop, its name there; or the last alone`
	tenant, site, id, ok := parts(s.Name)
	if !ok {
		c.add("name", "it has one part or three", instead)
		return
	}
	if tenant == "demo" {
		c.add("name", "demo is nobody", "write whose terminal it is, or test to try it out")
	}
	for name, value := range map[string]string{
		"terminal.tenant": tenant, "terminal.site": site, "terminal.id": id,
	} {
		if value == "" {
			continue
		}
		if what, _ := config.Wrong(name, value); what != "" {
			c.add("name", what, instead+"; each of letters, digits, - or _")
		}
		if _, twice := s.Values[name]; twice {
			c.add(name, name+" stands in name already", "leave one of them out")
		}
	}
}

func (c checker) cloud(s Settings) {
	if s.Cloud != "" {
		u, err := url.Parse(s.Cloud)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			c.add("cloud", "it is no address of a cloud", `write "https://HOST"`)
		}
	}
	if s.Claim != "" && !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._:/+=-]{0,255}$`).MatchString(s.Claim) {
		c.add("claim", "a claim code does not look like that", "write it as the cloud showed it")
	}
}

// secretWords are not repeated in what is said of a password.
const passwordWords = "write 8 to 63 letters, digits and signs of ASCII, as they are typed on the keyboard"

func (c checker) wifi(w WiFi) {
	if w.SSID == "" {
		if w != (WiFi{}) {
			c.add("wifi.ssid", "the name of the Wi-Fi is missing", `write ssid = "NAME" under [wifi]`)
		}
		return
	}
	if len(w.SSID) > 32 || !utf8.ValidString(w.SSID) || strings.ContainsFunc(w.SSID, isControl) {
		c.add("wifi.ssid", "no Wi-Fi can be called that",
			"write its name as a telephone shows it, of at most 32 bytes")
	}
	password := string(w.Password)
	switch {
	case w.Open && password != "":
		c.add("wifi.open", "a Wi-Fi with a password is not open", "leave open out")
	case password != "" && (len(password) < 8 || len(password) > 63 || strings.ContainsFunc(password, notASCII)):
		c.add("wifi.password", "no Wi-Fi has such a password", passwordWords)
	}
	if w.Country != "" && !regexp.MustCompile(`^[A-Z]{2}$`).MatchString(w.Country) {
		c.add("wifi.country", "it is no country", `write two capital letters: "DE"`)
	}
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
func notASCII(r rune) bool  { return r < 0x20 || r > 0x7e }

func (c checker) network(n Network) {
	if !n.Address.IsValid() {
		if n.Gateway.IsValid() || len(n.DNS) > 0 {
			c.add("network.address", "gateway and dns need an address", `write address = "192.168.1.20/24"`)
		}
		return
	}
	a := n.Address
	if a.Addr().IsLoopback() || a.Addr().IsMulticast() || a.Addr().IsUnspecified() || a.Bits() == 0 {
		c.add("network.address", "a terminal can't have this address",
			`write a free one of the shop's: "192.168.1.20/24"`)
		return
	}
	if a.Addr().Is4() && a.Bits() < 31 {
		last := a.Masked().Addr().As4()
		for i := a.Bits(); i < 32; i++ {
			last[i/8] |= 1 << (7 - i%8)
		}
		if a.Addr() == a.Masked().Addr() || a.Addr().As4() == last {
			c.add("network.address", "this address stands for the whole network", "write a free one of the shop's")
		}
	}
	if g := n.Gateway; g.IsValid() && (!a.Contains(g) || g == a.Addr()) {
		c.add("network.gateway", "the gateway is not in the network of the address",
			"write the router's address; the number behind / says how large the network is, 24 mostly")
	}
}
