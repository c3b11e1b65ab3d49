package setup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment"
)

// doors are the terminal's own, by the names of their addresses in its configuration.
func doors() []string { return []string{"counter.listen", "register.listen", "screen.listen"} }

// firewall has the kernel drop all that comes in but what the configuration opens. What can't be opened, or
// is refused by the kernel, leaves ssh and mDNS: who can mend it gets in, and nobody else.
func (t Target) firewall(ctx context.Context) error {
	keys, err := os.Stat(t.at(sshRun + "/" + sshKeys))
	ssh := err == nil && keys.Size() > 0
	open, wrong := t.open()
	if wrong == nil {
		if wrong = nft(ctx, rules(ssh, open)); wrong == nil {
			return nil
		}
	}
	const hint = "until it is mended ssh and mDNS alone are open: mend the settings, then restart the terminal"
	if err := nft(ctx, rules(ssh, nil)); err != nil {
		return payment.WithHint(errors.Join(wrong, err),
			"the firewall is NOT in force: what listens on this terminal can be reached. Is nftables installed?")
	}
	if payment.HintOf(wrong) != "" {
		return fmt.Errorf("firewall (ssh and mDNS alone are open): %w", wrong)
	}
	return payment.WithHint(wrong, hint)
}

// open are the rules of the doors that the configuration opens to the network.
func (t Target) open() ([]string, error) {
	text, err := t.configuration()
	if err != nil {
		return nil, err
	}
	values, _, err := config.Current(t.config(), text)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range doors() {
		if rule, err := door(values[name]); err != nil {
			return nil, payment.WithHint(fmt.Errorf("%s = %q: %w", name, values[name], err), "write ADDRESS:PORT")
		} else if rule != "" {
			all = append(all, rule)
		}
	}
	return all, nil
}

// door is the rule of an address that is listened on; none of one that nobody else reaches. Port 0, any free
// one, opens none: a test takes it, no shop.
func door(listen string) (string, error) {
	if listen == "" || config.OnlyHere(listen) {
		return "", nil
	}
	host, name, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	port, err := net.LookupPort("tcp", name)
	if err != nil || port == 0 {
		return "", err
	}
	at := "tcp dport " + strconv.Itoa(port) + " accept"
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil, ip.IsUnspecified() && ip.Is6(): // a name, or all of this machine's
		return at, nil
	case ip.IsUnspecified():
		return "meta nfproto ipv4 " + at, nil
	case ip.Unmap().Is4():
		return "ip daddr " + ip.Unmap().String() + " " + at, nil
	}
	return "ip6 daddr " + ip.WithZone("").String() + " " + at, nil
}

// rules are a table for nft, in place of the one before in one step: at no time there is none. What answers
// a question of this machine's own passes, and what a network needs to work: neighbours and routers of IPv6
// (RFC 4890), DHCP in both, names by multicast (RFC 6762). A ping is answered: it is a technician's first
// question. What is dropped is told a few times a minute; broadcasts, of which networks are full, are not.
func rules(ssh bool, open []string) string {
	var b strings.Builder
	b.WriteString(`table inet smiletill
delete table inet smiletill
table inet smiletill {
	chain in {
		type filter hook input priority filter; policy drop;
		iif lo accept
		ct state established,related accept
		ct state invalid drop
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept
		icmpv6 type { mld-listener-query, mld-listener-report, mld2-listener-report } ip6 saddr fe80::/10 accept
		icmp type echo-request limit rate 10/second accept
		icmpv6 type echo-request limit rate 10/second accept
		udp sport 67 udp dport 68 accept
		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
		udp dport 5353 accept
`)
	if ssh {
		b.WriteString("\t\ttcp dport 22 accept\n")
	}
	for _, rule := range open {
		b.WriteString("\t\t" + rule + "\n")
	}
	b.WriteString(`		meta pkttype { broadcast, multicast } drop
		limit rate 6/minute burst 3 packets log prefix "firewall: dropped " level info
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
`)
	return b.String()
}

// nft puts rules in force, all or none.
func nft(ctx context.Context, rules string) error {
	cmd := exec.CommandContext(ctx, "/usr/sbin/nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("put the firewall in force: %w %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
