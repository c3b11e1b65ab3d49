package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// doorRetry is the time between attempts to listen.
const doorRetry = 2 * time.Second

// keepServing calls serve again and again until ctx ends. What is wrong is told to failed each time, and
// logged with what that means when it is new.
func (t *terminal) keepServing(
	ctx context.Context, means string, serve func(context.Context) error, failed func(error),
) {
	told := ""
	for ctx.Err() == nil {
		if err := serve(ctx); err != nil && ctx.Err() == nil {
			failed(err)
			if told != err.Error() {
				told = err.Error()
				t.log.Error(means, "err", err, "hint", hintOf(err))
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(doorRetry):
		}
	}
}

// listenFor listens at the address that an option says.
func listenFor(whom, address, option string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		err = fmt.Errorf("listen for %s: %w", whom, err)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = withHint(err, "another program uses this port: stop it, or choose another with %s", option)
		}
		return nil, err
	}
	return l, nil
}

// onlyHere reports an address to listen on that only this machine reaches.
func onlyHere(listen string) bool {
	host, _, _ := net.SplitHostPort(listen)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// fromTheShop is where others find what listens at an address: one that stands for all is no place to send
// to.
func fromTheShop(addr string) string {
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
