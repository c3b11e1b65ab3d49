package doctor

import (
	"bufio"
	"context"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
)

// Network is how a machine is reached, and reaches others.
type Network struct {
	Addresses []string // of this machine, loopback and link-local ones left out
	Route     bool     // there is a way out of its own network
	Servers   []string // that it asks for names
	Needed    bool     // payments are reported to another machine
}

// network reads what the kernel and the resolver say. The terminal's own service may not ask the kernel for
// its addresses; by the route that a packet would take it learns the one that matters.
func (p Probe) network() (n Network) {
	n.Route = p.routed()
	if all, err := net.InterfaceAddrs(); err == nil && p.Root == "" {
		for _, a := range all {
			if one, ok := a.(*net.IPNet); ok && one.IP.IsGlobalUnicast() {
				n.Addresses = append(n.Addresses, one.IP.String())
			}
		}
	}
	if len(n.Addresses) == 0 && n.Route {
		n.Addresses = sourceAddress()
	}
	file, err := os.Open(p.at("/etc/resolv.conf"))
	if err != nil {
		return n
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) > 1 && f[0] == "nameserver" {
			n.Servers = append(n.Servers, f[1])
		}
	}
	return n
}

// sourceAddress is the address by which this machine would reach one far away. Nothing is sent.
func sourceAddress() []string {
	conn, err := net.Dial("udp4", "192.0.2.1:9") // TEST-NET-1 of RFC 5737
	if err != nil {
		return nil
	}
	defer conn.Close()
	at, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil || at.Addr().IsLoopback() {
		return nil
	}
	return []string{at.Addr().String()}
}

// routed tells whether the kernel has a default route, of IPv4 or IPv6, that is no loopback.
func (p Probe) routed() bool {
	v4, _ := os.ReadFile(p.at("/proc/net/route")) // what can't be read has no route
	for line := range strings.Lines(string(v4)) {
		if f := strings.Fields(line); len(f) > 7 && f[1] == "00000000" && f[7] == "00000000" && f[0] != "lo" {
			return true
		}
	}
	v6, _ := os.ReadFile(p.at("/proc/net/ipv6_route")) // likewise
	for line := range strings.Lines(string(v6)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.Trim(f[0], "0") == "" && f[1] == "00" && f[9] != "lo" {
			return true
		}
	}
	return false
}

func (n Network) finding() Finding {
	f := Finding{Part: "network", Level: fine, What: strings.Join(n.Addresses, ", ")}
	switch {
	case !n.Needed && len(n.Addresses) == 0:
		f.What = "this machine has no address; payments are reported to no other"
	case !n.Needed:
	case len(n.Addresses) == 0:
		f.Level, f.What = warning, "this machine has no address"
		f.Do = "look at the cable or the Wi-Fi: `nmcli device` says what each does"
	case !n.Route:
		f.Level = warning
		f.What += "; no way out of its own network (no default route)"
		f.Do = "look at the router, or set gateway under [network] of setup.toml"
	case len(n.Servers) == 0:
		f.Level = warning
		f.What += "; nobody is asked for names (no DNS server)"
		f.Do = "set dns under [network] of setup.toml, or have the router say it"
	}
	return f
}

// brokerAt is the host and port of the broker, "" without one.
func brokerAt(cfg config.Config) string {
	u, err := url.Parse(cfg.MQTT.Broker)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = "8883"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// lookupFor is how long a name may take.
const lookupFor = 2 * time.Second

// named tells whether the host of a broker has an address; "" if so, or if it is one.
func named(ctx context.Context, host string) string {
	if _, err := netip.ParseAddr(host); host == "" || err == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, lookupFor)
	defer cancel()
	all, err := net.DefaultResolver.LookupHost(ctx, host)
	if err == nil && slices.ContainsFunc(all, func(a string) bool { return a != "" }) {
		return ""
	}
	return "the broker's name " + host + " has no address here"
}
