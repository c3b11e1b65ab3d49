package terminal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/counter"
	"smiletill/cmd/smiletill/pairing"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/register"
)

// atCounter gives what the counter's page needs of the parts.
func (a *access) atCounter() (counter.Parts, error) {
	p, err := a.opened()
	if err != nil {
		return counter.Parts{}, err
	}
	return counter.Parts{Engine: p.engine, Journal: p.journal, PINs: p.pins, Limit: p.limit,
		Reported: p.reporter != nil, Payable: p.payable, Log: p.log}, nil
}

// counterDoor shows the counter's page to other machines, over TLS. What is wrong with it stops no payment.
type counterDoor struct {
	cfg    config.Config
	access *access
	page   *screen.Server
	till   counter.Desk
	disk   *disk
	log    *slog.Logger

	mu   sync.Mutex
	addr string // where it listens; empty while it doesn't
	err  error  // what is wrong
	cert *register.Certificate
}

// run shows the page until ctx ends.
func (c *counterDoor) run(ctx context.Context) {
	if c.cfg.Counter.Listen == "" {
		return
	}
	keepServing(ctx, c.log, "the counter's page can't be shown to other machines", c.serve,
		func(err error) {
			c.set("", nil, err)
			c.disk.OfDisk(certFile, err)
		})
}

func (c *counterDoor) serve(ctx context.Context) error {
	certificate, err := pairing.OpenCertificate(c.cfg)
	if err != nil {
		return err
	}
	l, err := listenFor("the counter's page", c.cfg.Counter.Listen, "counter.listen")
	if err != nil {
		return err
	}
	c.set(l.Addr().String(), certificate, nil)
	c.log.Info("the counter's page is shown to other machines", "address",
		"https://"+l.Addr().String()+"/counter")
	return c.page.ServeCounter(ctx, l, certificate.TLS())
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
		row.Level, row.Value, row.Do = screen.LevelFault, err.Error(), payment.HintOf(err)
		return row
	case addr == "":
		row.Level, row.Value = screen.LevelUnknown, "starting"
		return row
	}
	link := "https://" + config.FromTheShop(addr) + "/counter"
	row.Value = fmt.Sprintf("%s; certificate SHA-256 %s", link, register.Grouped(info.Fingerprint))
	row.Code = screen.CodeOf(link)
	if errors.Is(c.till.Ready(ctx), screen.ErrCounterOff) {
		row.Level, row.Value, row.Do = screen.LevelWarning, row.Value+"; off: the clerk has no PIN",
			"`smiletill counter pin` sets it"
	}
	return row
}
