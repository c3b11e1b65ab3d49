package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"rsc.io/qr"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

// cashDesk is the terminal's side that cash registers talk to. What is wrong with it stops no other payment.
type cashDesk struct {
	t        *terminal
	server   *register.Server
	notifier *register.Notifier // nil: events go nowhere

	mu       sync.Mutex
	addr     string // where it listens; empty while it doesn't
	off      string // why it doesn't, if that is as it should be
	err      error  // what is wrong
	cert     *register.Certificate
	pairings register.Pairings
	pairErr  error     // why they can't be read
	stamp    time.Time // of the file that they were read from
}

// deskRetry is the time between looks at the paired registers.
const deskRetry = 2 * time.Second

func pairingsPath(cfg Config) string { return filepath.Join(cfg.Paths.DataDir, "registers.json") }
func recordsPath(cfg Config) string  { return filepath.Join(cfg.Paths.DataDir, "register.db") }

// registerCertificate are the files of the certificate for registers.
func registerCertificate(cfg Config) (certFile, keyFile string) {
	if cfg.Register.CertFile != "" {
		return cfg.Register.CertFile, cfg.Register.KeyFile
	}
	return filepath.Join(cfg.Paths.DataDir, "register.crt"), filepath.Join(cfg.Paths.DataDir, "register.key")
}

func poiIDOf(cfg Config) string {
	if cfg.Register.POIID != "" {
		return cfg.Register.POIID
	}
	return "smiletill-" + cfg.Terminal.ID
}

// openCertificate gives the certificate for registers; the terminal's own is made where there is none.
func openCertificate(cfg Config) (*register.Certificate, error) {
	certFile, keyFile := registerCertificate(cfg)
	if cfg.Register.CertFile != "" {
		return register.OpenCertificate(certFile, keyFile)
	}
	if err := prepareDataDir(cfg); err != nil {
		return nil, err
	}
	name, hosts := certificateNames(cfg)
	return register.MakeCertificate(certFile, keyFile, name, hosts)
}

// certificateNames are what the terminal's own certificate is made for.
func certificateNames(cfg Config) (name string, hosts []string) {
	if name = cfg.Register.CommonName; name == "" {
		name = poiIDOf(cfg)
	}
	hosts = []string{name}
	if host, err := os.Hostname(); err == nil && host != name {
		hosts = append(hosts, host)
	}
	return name, hosts
}

// prepareDataDir is preparePrivateDir of the data folder, except that root may work in the folder of the user
// that runs the terminal: what registers need is written so that its owner can read it.
func prepareDataDir(cfg Config) error {
	if info, err := os.Stat(cfg.Paths.DataDir); err == nil && info.IsDir() && os.Geteuid() == 0 {
		return nil
	}
	return preparePrivateDir(cfg.Paths.DataDir)
}

func newCashDesk(t *terminal) *cashDesk {
	c := &cashDesk{t: t}
	log := t.log.With("room", "register")
	c.server = register.NewServer(register.Options{
		POIID: poiIDOf(t.cfg), Merchant: t.cfg.Terminal.Name, Tenant: t.cfg.Terminal.Tenant,
		Site: t.cfg.Terminal.Site, Version: version,
		Till: c.till, Pairings: c.paired, Health: c.health, Display: t.front.note, Log: log,
	})
	if to := t.cfg.Register.EventsURL; to != "" {
		c.notifier = c.server.NewNotifier(to, &http.Client{})
	}
	return c
}

// till gives the parts that take payments.
func (c *cashDesk) till() (*register.Till, error) {
	p, err := c.t.opened()
	if err != nil {
		return nil, err
	}
	if p.records == nil {
		return nil, p.recordsErr
	}
	return &register.Till{Engine: p.engine, Journal: p.journal, Books: books{p.journal}, Records: p.records,
		Limit: p.limit}, nil
}

// openRecords opens what registers asked for. Without it they are refused and everybody else is served.
func (p *parts) openRecords(ctx context.Context, cfg Config) {
	if cfg.Register.Listen == "" {
		p.recordsErr = errors.New("no register is configured")
		return
	}
	r, err := register.OpenRecords(ctx, recordsPath(cfg), p.journal.Elapsed)
	if err != nil {
		p.log.Error("registers can't be served", "err", err, "hint", hintOf(err))
		p.recordsErr = err
		return
	}
	p.records = r
	p.closers = append(p.closers, r.Close)
}

// books adds up the journal for registers.
type books struct{ j *journal.Journal }

func (b books) Last(ctx context.Context) (int64, error) { return b.j.Last(ctx) }

func (b books) Sums(ctx context.Context, after, upto int64) ([]register.Sum, error) {
	days, err := b.j.Totals(ctx, journal.Range{After: after, Upto: upto}, time.UTC)
	if err != nil {
		return nil, err
	}
	sums := make([]register.Sum, 0, len(days))
	for _, d := range days {
		sums = append(sums, register.Sum{Result: d.Result, Count: d.Count,
			Amount: payment.Amount{Minor: d.Minor, Currency: d.Currency}})
	}
	return sums, nil
}

// paired gives the registers that are let in, read again when their file has changed.
func (c *cashDesk) paired() register.Pairings {
	c.mu.Lock()
	defer c.mu.Unlock()
	path := pairingsPath(c.t.cfg)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		c.pairings, c.pairErr, c.stamp = nil, nil, time.Time{}
	case info.ModTime() != c.stamp || c.pairErr != nil: // a mode that is set right leaves the time as it is
		all, err := register.LoadPairings(path)
		if err != nil && (c.pairErr == nil || c.pairErr.Error() != err.Error()) {
			c.t.log.Error("registers can't be let in", "err", err, "hint", hintOf(err))
		}
		c.pairings, c.pairErr, c.stamp = all, err, info.ModTime()
	}
	return c.pairings
}

func (c *cashDesk) health(ctx context.Context) register.Health {
	h := register.Health{Tampered: c.t.tamper.raised()}
	p, err := c.t.opened()
	if err != nil {
		h.OutOfOrder = err.Error()
		return h
	}
	h.Reachable = p.reporter != nil && p.reporter.State().Connected
	s, err := p.engine.Status(ctx)
	if err != nil {
		h.OutOfOrder = err.Error()
		return h
	}
	if h.OutOfOrder = strings.Join(s.OutOfOrder, ", "); h.OutOfOrder != "" {
		if why := c.t.front.trouble(); why != "" { // says more than the name of the part
			h.OutOfOrder = why
		}
	}
	if b, err := p.journal.Backlog(ctx); err == nil {
		h.Unreported = b.Count
	} else {
		h.OutOfOrder = err.Error()
	}
	return h
}

// run listens for registers until ctx ends, and tries again when it can't.
func (c *cashDesk) run(ctx context.Context) {
	if c.t.cfg.Register.Listen == "" {
		c.set("", "register.listen is empty", nil)
		return
	}
	c.t.keepServing(ctx, "registers can't be served", func(ctx context.Context) error {
		if off := c.shut(); off != "" {
			c.set("", off, nil)
			return nil
		}
		return c.serve(ctx)
	}, func(err error) { c.set("", "", err) })
}

// shut says why no address is listened on, or "".
func (c *cashDesk) shut() string {
	if onlyHere(c.t.cfg.Register.Listen) || len(c.paired()) > 0 {
		return ""
	}
	return "no register is paired, so that " + c.t.cfg.Register.Listen + " is not listened on"
}

func (c *cashDesk) serve(ctx context.Context) error {
	certificate, err := openCertificate(c.t.cfg)
	if err != nil {
		return err
	}
	info, err := certificate.Info()
	if err != nil {
		return err
	}
	l, err := listenFor("registers", c.t.cfg.Register.Listen, "register.listen")
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.cert = certificate
	c.mu.Unlock()
	c.set(l.Addr().String(), "", nil)
	c.t.log.Info("registers are served", "address", "https://"+l.Addr().String()+"/nexo", "poiid",
		poiIDOf(c.t.cfg),
		"certificate_sha256", info.Fingerprint)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // the last paired register was removed: the door is closed again
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(deskRetry):
				if c.shut() != "" {
					stop()
				}
			}
		}
	}()
	return c.server.Serve(ctx, l, certificate)
}

func (c *cashDesk) set(addr, off string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.addr, c.off, c.err = addr, off, err
}

// address is where registers are served, or "".
func (c *cashDesk) address() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.addr
}

// row is the technician's line.
func (c *cashDesk) row() screen.StatusRow {
	paired := len(c.paired())
	c.mu.Lock()
	defer c.mu.Unlock()
	row := screen.StatusRow{Name: "register", Level: screen.LevelOK}
	err, info := errors.Join(c.err, c.pairErr), register.Info{}
	if err == nil && c.addr != "" {
		info, err = c.cert.Info() // of the file as it is now: it may have been renewed
	}
	switch {
	case err != nil:
		row.Level, row.Value, row.Do = screen.LevelFault, err.Error(), hintOf(err)
	case c.addr == "" && c.off != "":
		row.Value = "off: " + c.off
		row.Do = "`smiletill register pair NAME` pairs a register"
		if c.t.cfg.Register.Listen == "" {
			row.Do = "for registers, set it and start the terminal again"
		}
	case c.addr == "":
		row.Level, row.Value = screen.LevelUnknown, "starting"
	default:
		row.Value = fmt.Sprintf("https://%s/nexo, POIID %s, %d paired; certificate SHA-256 %s", c.addr,
			poiIDOf(c.t.cfg), paired, grouped4(info.Fingerprint))
		row.Code = registerLink(c.addr, poiIDOf(c.t.cfg), info.Fingerprint)
	}
	if p := c.t.parts.Load(); p != nil && p.recordsErr != nil && c.t.cfg.Register.Listen != "" {
		row.Level, row.Value, row.Do = screen.LevelFault, p.recordsErr.Error(), hintOf(p.recordsErr)
	}
	return row
}

// grouped4 writes a fingerprint as people compare it.
func grouped4(hex string) string {
	var b strings.Builder
	for i := 0; i < len(hex); i += 4 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex[i:min(i+4, len(hex))])
	}
	return b.String()
}

// registerLink is what the code on the technician's page says: where to send messages, and what certificate
// is found there.
func registerLink(addr, poiID, fingerprint string) screen.Code {
	return codeOf("https://" + fromTheShop(addr) + "/nexo#poiid=" + url.QueryEscape(poiID) + "&sha256=" +
		fingerprint)
}

// codeOf is a text as a QR code.
func codeOf(text string) screen.Code {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil // the text beside it says the same
	}
	rows := make(screen.Code, code.Size)
	for y := range rows {
		rows[y] = make([]bool, code.Size)
		for x := range rows[y] {
			rows[y][x] = code.Black(x, y)
		}
	}
	return rows
}
