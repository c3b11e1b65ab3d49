package config

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"smiletill/payment"
)

// RegisterCertificate are the files of the certificate for registers.
func (c *Config) RegisterCertificate() (certFile, keyFile string) {
	if c.Register.CertFile != "" {
		return c.Register.CertFile, c.Register.KeyFile
	}
	return filepath.Join(c.Paths.DataDir, "register.crt"), filepath.Join(c.Paths.DataDir, "register.key")
}

// POIID is the name by which registers call the terminal.
func (c *Config) POIID() string {
	if c.Register.POIID != "" {
		return c.Register.POIID
	}
	return "smiletill-" + c.Terminal.ID
}

// CertificateNames are what the terminal's own certificate is made for.
func (c *Config) CertificateNames() (name string, hosts []string) {
	if name = c.Register.CommonName; name == "" {
		name = c.POIID()
	}
	hosts = []string{name}
	if host, err := os.Hostname(); err == nil && host != name {
		hosts = append(hosts, host)
	}
	return name, hosts
}

// OwnNames are what this machine may be called in an address.
func (c *Config) OwnNames() []string {
	_, names := c.CertificateNames()
	if host, err := os.Hostname(); err == nil {
		names = append(names, host+".local") // by multicast DNS
	}
	return names
}

// OnlyHere reports an address to listen on that only this machine reaches.
func OnlyHere(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// FromTheShop is where others find what listens at an address: one that stands for all is no place to send
// to.
func FromTheShop(addr string) string {
	host, port, _ := net.SplitHostPort(addr)
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort(reachable(), port)
	}
	return addr
}

// reachable is an address of this machine in the shop's network, or its name.
func reachable() string {
	all, _ := net.InterfaceAddrs() // without any, the name has to do
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsPrivate() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	host, _ := os.Hostname() // as above
	return host
}

// ReachesOthers reports that the terminal listens for registers on other machines.
func (c *Config) ReachesOthers() bool {
	return c.Register.Listen != "" && !OnlyHere(c.Register.Listen)
}

// ShopAddress is the host and port at which the terminal's configuration lets registers find it.
func (c *Config) ShopAddress() (string, error) {
	host, port, err := net.SplitHostPort(c.Register.Listen)
	switch {
	case c.Register.Listen == "" || err != nil:
		return "", payment.WithHintf(errors.New("this terminal serves no registers: register.listen is empty"),
			"set register.listen = \"127.0.0.1:8443\", or \"0.0.0.0:8443\" for the shop's network")
	case port == "0":
		return "", payment.WithHintf(errors.New("the terminal takes any free port for registers (register.listen)"),
			"its technician's page shows which: name it with --url https://127.0.0.1:PORT/nexo")
	}
	return FromTheShop(net.JoinHostPort(host, port)), nil
}

// OwnURL is where registers send messages, for people.
func (c *Config) OwnURL() string {
	address, err := c.ShopAddress()
	if err != nil {
		return "the technician's page shows it"
	}
	return "https://" + address + "/nexo"
}

// LoopbackOf is where this machine reaches what listens at an address.
func LoopbackOf(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil || !ip.IsUnspecified():
		return net.JoinHostPort(host, port)
	case ip.Is6():
		return net.JoinHostPort("::1", port)
	}
	return net.JoinHostPort("127.0.0.1", port)
}
