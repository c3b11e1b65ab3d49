package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/net/netutil"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/register"
)

// counterConnections bounds those of the counter's page: some browsers, each with a handful.
const counterConnections = 64

// counterDoor shows the counter's page to other machines, over TLS. What is wrong with it stops no payment.
type counterDoor struct {
	t *terminal

	mu   sync.Mutex
	addr string // where it listens; empty while it doesn't
	err  error  // what is wrong
	cert *register.Certificate
}

// ownNames are what this machine may be called in an address.
func ownNames(cfg Config) []string {
	_, names := certificateNames(cfg)
	if host, err := os.Hostname(); err == nil {
		names = append(names, host+".local") // by multicast DNS
	}
	return names
}

// run shows the page until ctx ends.
func (c *counterDoor) run(ctx context.Context) {
	if c.t.cfg.Counter.Listen == "" {
		return
	}
	c.t.keepServing(ctx, "the counter's page can't be shown to other machines", c.serve,
		func(err error) { c.set("", nil, err) })
}

func (c *counterDoor) serve(ctx context.Context) error {
	certificate, err := openCertificate(c.t.cfg)
	if err != nil {
		return err
	}
	l, err := listenFor("the counter's page", c.t.cfg.Counter.Listen, "counter.listen")
	if err != nil {
		return err
	}
	c.set(l.Addr().String(), certificate, nil)
	c.t.log.Info("the counter's page is shown to other machines", "address",
		"https://"+l.Addr().String()+"/counter")
	return c.t.page.ServeCounter(ctx, netutil.LimitListener(l, counterConnections), certificate.TLS())
}

func (c *counterDoor) set(addr string, cert *register.Certificate, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addr, c.cert, c.err = addr, cert, err
}

// address is where the page is shown, or "".
func (c *counterDoor) address() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.addr
}

// row is the technician's line.
func (c *counterDoor) row(ctx context.Context) screen.StatusRow {
	c.mu.Lock()
	addr, cert, err := c.addr, c.cert, c.err
	c.mu.Unlock()
	row := screen.StatusRow{Name: "counter", Level: screen.LevelOK}
	info := register.Info{}
	if err == nil && addr != "" {
		info, err = cert.Info()
	}
	switch {
	case err != nil:
		row.Level, row.Value, row.Do = screen.LevelFault, err.Error(), hintOf(err)
		return row
	case addr == "":
		row.Level, row.Value = screen.LevelUnknown, "starting"
		return row
	}
	link := "https://" + fromTheShop(addr) + "/counter"
	row.Value = fmt.Sprintf("%s; certificate SHA-256 %s", link, grouped4(info.Fingerprint))
	row.Code = codeOf(link)
	if p, err := c.t.opened(); err == nil && errors.Is(p.pins.Clerk().Ready(ctx), payment.ErrPINNotSet) {
		row.Level, row.Value, row.Do = screen.LevelWarning, row.Value+"; off: the clerk has no PIN",
			"`smiletill counter pin` sets it"
	}
	return row
}
