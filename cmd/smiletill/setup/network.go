package setup

import (
	"crypto/sha1" //nolint:gosec // version 5 of a UUID is made with it; nothing is protected by that
	"fmt"
	"strings"
)

// uuid makes a connection's name for NetworkManager from what it connects with: the same each time (RFC 9562,
// version 5).
func uuid(of string) string {
	namespace := []byte("smiletill setup.") // 16 bytes
	sum := sha1.Sum(append(namespace, of...))
	sum[6] = sum[6]&0x0f | 0x50
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// keyText is text as a value of a keyfile (GKeyFile): blanks at its ends and backslashes are escaped.
func keyText(s string) string {
	s = strings.ReplaceAll(s, `\`, `\\`)
	if trimmed := strings.TrimLeft(s, " "); trimmed != s {
		s = strings.Repeat(`\s`, len(s)-len(trimmed)) + trimmed
	}
	if trimmed := strings.TrimRight(s, " "); trimmed != s {
		s = trimmed + strings.Repeat(`\s`, len(s)-len(trimmed))
	}
	return s
}

// keyfile is a connection of NetworkManager: the Wi-Fi, or the cable where there is none.
func keyfile(s Settings) string {
	var b strings.Builder
	kind, id := "ethernet", "smiletill-cable"
	if s.WiFi.SSID != "" {
		kind, id = "wifi", "smiletill-wifi"
	}
	fmt.Fprintf(&b, "# Written by smiletill setup.\n[connection]\nid=%s\nuuid=%s\ntype=%s\nautoconnect=true\n",
		id, uuid(id), kind)
	if w := s.WiFi; w.SSID != "" {
		// As bytes: text that looks like a list of numbers would be read as one.
		b.WriteString("\n[wifi]\nmode=infrastructure\nssid=")
		for _, c := range []byte(w.SSID) {
			fmt.Fprintf(&b, "%d;", c)
		}
		b.WriteString("\n")
		if w.Hidden {
			b.WriteString("hidden=true\n")
		}
		if !w.Open {
			fmt.Fprintf(&b, "\n[wifi-security]\nkey-mgmt=wpa-psk\npsk=%s\n", keyText(string(w.Password)))
		}
	}
	return b.String() + addressesOf(s.Network)
}

// addressesHead is where a connection's addresses begin.
const addressesHead = "\n[ipv4]\n"

// addressesOf are the last sections of a connection.
func addressesOf(n Network) string {
	four, six := "method=auto\n", "method=auto\n"
	if n.Address.IsValid() {
		text := fmt.Sprintf("method=manual\naddress1=%s", n.Address)
		if n.Gateway.IsValid() {
			text += "," + n.Gateway.String()
		}
		text += "\n"
		if n.Address.Addr().Is4() {
			four = text
		} else {
			six = text
		}
	}
	for _, d := range n.DNS {
		if d.Is4() {
			four += "dns=" + d.String() + ";\n"
		} else {
			six += "dns=" + d.String() + ";\n"
		}
	}
	return addressesHead + merged(four) + "\n[ipv6]\n" + merged(six)
}

// merged puts the servers of several dns lines on one.
func merged(lines string) string {
	var out, dns string
	for line := range strings.Lines(lines) {
		if servers, ok := strings.CutPrefix(line, "dns="); ok {
			dns += strings.TrimSpace(servers)
			continue
		}
		out += line
	}
	if dns != "" {
		out += "dns=" + dns + "\n"
	}
	return out
}

// networkd is the cable's fixed address where there is no NetworkManager.
func networkd(n Network) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by smiletill setup.\n[Match]\nType=ether\n\n[Network]\nAddress=%s\n", n.Address)
	if n.Gateway.IsValid() {
		fmt.Fprintf(&b, "Gateway=%s\n", n.Gateway)
	}
	for _, d := range n.DNS {
		fmt.Fprintf(&b, "DNS=%s\n", d)
	}
	return b.String()
}
