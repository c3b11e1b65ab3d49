package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
)

// sharedListeners finds addresses to listen on of which one takes the other's.
func (c *Config) sharedListeners(add func(name, what, instead string)) {
	all := []struct{ name, listen, like string }{
		{"screen.listen", c.Screen.Listen, "127.0.0.1:8080"},
		{"register.listen", c.Register.Listen, "127.0.0.1:8443"},
		{"counter.listen", c.Counter.Listen, "0.0.0.0:8444"},
	}
	for i, mine := range all {
		for _, other := range all[:i] {
			if _, port, _ := net.SplitHostPort(mine.listen); samePort(mine.listen, other.listen) {
				add(mine.name, "port "+port+" is that of "+other.name, "choose another, for example "+mine.like)
			}
		}
	}
}

// samePort tells whether one program could not listen at both addresses.
func samePort(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	if portA != portB || portA == "" || portA == "0" {
		return false
	}
	hostA, hostB = plainHost(hostA), plainHost(hostB)
	return hostA == "" || hostB == "" || hostA == hostB
}

// plainHost is a host in one spelling; empty where it stands for all addresses.
func plainHost(host string) string {
	if host == "localhost" {
		return "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return strings.ToLower(host)
	case ip.IsUnspecified():
		return ""
	}
	return ip.Unmap().String()
}

// takenPaths finds places that the terminal writes to, or removes what is there from, and that are another
// file's: one of the data folder, which hold money and faces, or one that the settings name. The places are
// chosen by then.
func (c *Config) takenPaths(add func(name, what, instead string)) {
	named := map[string]string{}
	for _, o := range c.options() {
		if text, ok := o.value.(*string); ok && filepath.IsAbs(*text) {
			named[o.name] = filepath.Clean(*text)
		}
	}
	for _, written := range []struct{ name, like string }{
		{"paths.control_socket", "name a place of its own, or leave it empty"},
		{"terminal.watchdog", `write "/dev/watchdog", or leave it empty`},
	} {
		path := named[written.name]
		if path == "" {
			continue
		}
		if c.ownFile(path) {
			add(written.name, path+" is a file of the terminal's data", written.like)
			continue
		}
		for _, o := range c.options() {
			if o.name != written.name && named[o.name] == path {
				add(written.name, path+" is "+o.name, written.like)
			}
		}
	}
}

// ownFile tells whether a path is one of the data folder that the terminal keeps something in.
func (c *Config) ownFile(path string) bool {
	for _, dir := range []string{c.GalleryDir(), c.InstalledModels()} {
		if rest, err := filepath.Rel(dir, path); err == nil && rest != ".." && !strings.HasPrefix(rest, "../") {
			return true
		}
	}
	certFile, keyFile := c.RegisterCertificate()
	for _, own := range []string{c.JournalPath(), c.PINsPath(), c.RecordsPath(), c.PairingsPath(),
		c.CounterPath(), c.SettingsSeenPath(), c.TamperPath(), c.TerminalKeyPath(),
		c.CloudKeyPath(), certFile, keyFile} {
		own = filepath.Clean(own)
		// A database has files beside it: -wal, -shm, .lock, .behind.
		if path == own || strings.HasPrefix(path, own+"-") || strings.HasPrefix(path, own+".") {
			return true
		}
	}
	return false
}
