package terminal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/pairing"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
	"smiletill/payment/report"
)

// cashDesk is the terminal's side that cash registers talk to. What is wrong with it stops no other payment.
type cashDesk struct {
	cfg      config.Config
	access   *access
	front    *front.Front
	tamper   *tamper
	disk     *disk
	log      *slog.Logger
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

func newCashDesk(
	cfg config.Config, version string, a *access, f *front.Front, m *tamper, log *slog.Logger,
) *cashDesk {
	c := &cashDesk{cfg: cfg, access: a, front: f, tamper: m, log: log}
	c.server = register.NewServer(register.Options{
		POIID: cfg.POIID(), Merchant: cfg.Terminal.Name, Tenant: cfg.Terminal.Tenant,
		Site: cfg.Terminal.Site, Version: version, Plain: cfg.Register.Plain,
		Till: c.till, Pairings: c.paired, Health: c.health, Display: f.Note, Log: log.With("room", "register"),
	})
	if to := cfg.Register.EventsURL; to != "" {
		c.notifier = c.server.NewNotifier(to, &http.Client{})
	}
	return c
}

// till gives the parts that take payments.
func (c *cashDesk) till() (*register.Till, error) {
	p, err := c.access.opened()
	if err != nil {
		return nil, err
	}
	if p.records == nil {
		return nil, p.recordsErr
	}
	if err := c.trace(context.Background(), p); err != nil {
		return nil, err
	}
	return &register.Till{Engine: p.engine, Journal: p.journal, Books: books{p.journal}, Records: p.records,
		Limit: p.limit, Digits: func(id, digits string) {
			if err := p.numbers.Offer(id, digits); err != nil {
				c.log.Warn("the register's customer number is none: nothing is narrowed", "payment", id, "err", err)
			}
		}}, nil
}

// trace has the journal know the paired registers before one is served.
func (c *cashDesk) trace(ctx context.Context, p *parts) error {
	ctx, cancel := context.WithTimeout(ctx, deskRetry)
	defer cancel()
	return p.trail.Registers(ctx, c.paired)
}

// openRecords opens what registers asked for. Without it they are refused and everybody else is served.
func (p *parts) openRecords(ctx context.Context, cfg config.Config, failed func(error)) {
	if cfg.Register.Listen == "" {
		p.recordsErr = errors.New("no register is configured")
		return
	}
	r, err := register.OpenRecords(ctx, cfg.RecordsPath(), p.journal.Elapsed)
	if err != nil {
		p.log.Error("registers can't be served", "err", err, "hint", payment.HintOf(err))
		p.recordsErr = err
		return
	}
	r.OnFailure(failed)
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

// paired gives the registers that are let in, read again when their file has changed; an error if they can't
// be read.
func (c *cashDesk) paired() (register.Pairings, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	path := c.cfg.PairingsPath()
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.pairings, c.pairErr, c.stamp = nil, nil, time.Time{}
	case err != nil:
		c.pairings, c.pairErr, c.stamp = nil, config.ForTerminal(fmt.Errorf("read the paired registers: %w", err)),
			time.Time{}
	case info.ModTime() != c.stamp || c.pairErr != nil: // a mode that is set right leaves the time as it is
		all, err := register.LoadPairings(path)
		err = config.ForTerminal(err)
		if err != nil && (c.pairErr == nil || c.pairErr.Error() != err.Error()) {
			c.log.Error("registers can't be let in", "err", err, "hint", payment.HintOf(err))
		}
		c.pairings, c.pairErr, c.stamp = all, err, info.ModTime()
	}
	return c.pairings, c.pairErr
}

func (c *cashDesk) health(ctx context.Context) register.Health {
	h := register.Health{Tampered: c.tamper.Raised()}
	p, err := c.access.opened()
	if err != nil {
		h.OutOfOrder = err.Error()
		return h
	}
	reports := report.State{}
	if p.reporter != nil {
		reports = p.reporter.State()
	}
	h.Reachable, h.Cloud = reports.Connected, reports.Heard
	s, err := p.engine.Status(ctx)
	if err != nil {
		h.OutOfOrder = err.Error()
		return h
	}
	if h.OutOfOrder = strings.Join(s.OutOfOrder, ", "); h.OutOfOrder != "" {
		if why := c.front.Trouble(); why != "" { // says more than the name of the part
			h.OutOfOrder = why
		}
	}
	if b, err := p.journal.Backlog(ctx); err == nil {
		h.Unreported = b.Count
		if !h.Cloud && h.Reachable && b.Count == 0 { // nothing was reported since the start
			h.Cloud = acknowledgedBefore(ctx, p.journal)
		}
	} else {
		h.OutOfOrder = err.Error()
	}
	return h
}

// acknowledgedBefore tells whether the cloud has acknowledged one of the latest payments: a broker alone
// never does.
func acknowledgedBefore(ctx context.Context, j *journal.Journal) bool {
	const latest = 20
	entries, err := j.List(ctx, journal.Filter{Limit: latest})
	return err == nil && slices.ContainsFunc(entries, func(e journal.Entry) bool {
		return e.Delivery == journal.DeliveryDone
	})
}

// run listens for registers until ctx ends, and tries again when it can't.
func (c *cashDesk) run(ctx context.Context) {
	if c.cfg.Register.Listen == "" {
		c.set("", "register.listen is empty", nil)
		return
	}
	keepServing(ctx, c.log, "registers can't be served", func(ctx context.Context) error {
		if off := c.shut(); off != "" {
			c.set("", off, nil)
			return nil
		}
		return c.serve(ctx)
	}, func(err error) {
		c.set("", "", err)
		c.disk.OfDisk(certFile, err)
	})
}

// shut says why no address is listened on, or "".
func (c *cashDesk) shut() string {
	if all, _ := c.paired(); config.OnlyHere(c.cfg.Register.Listen) || len(all) > 0 {
		return ""
	}
	return "no register is paired, so that " + c.cfg.Register.Listen + " is not listened on"
}

func (c *cashDesk) serve(ctx context.Context) error {
	certificate, err := pairing.OpenCertificate(c.cfg)
	if err != nil {
		return err
	}
	info, err := certificate.Info()
	if err != nil {
		return err
	}
	l, err := listenFor("registers", c.cfg.Register.Listen, "register.listen")
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.cert = certificate
	c.mu.Unlock()
	c.set(l.Addr().String(), "", nil)
	c.log.Info("registers are served", "address", "https://"+l.Addr().String()+"/nexo", "poiid",
		c.cfg.POIID(),
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
				c.keepTrace()
			}
		}
	}()
	return c.server.Serve(ctx, l, certificate)
}

// keepTrace has the journal know of registers that were paired or unpaired, though none sends a message.
func (c *cashDesk) keepTrace() {
	p := c.access.load()
	if p == nil {
		return // the first message finds it, or the next look
	}
	if err := c.trace(context.Background(), p); err != nil {
		c.log.Error("the journal can't be told which registers are paired", "err", err)
	}
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
	paired, _ := c.paired() // its error is told below
	c.mu.Lock()
	defer c.mu.Unlock()
	row := screen.StatusRow{Name: "register", Level: screen.LevelOK}
	err, info := payment.Join(c.err, c.pairErr), register.Info{}
	if err == nil && c.addr != "" {
		info, err = c.cert.Info() // of the file as it is now: it may have been renewed
	}
	switch {
	case err != nil:
		row.Level, row.Value, row.Do = screen.LevelFault, err.Error(), payment.HintOf(err)
	case c.addr == "" && c.off != "":
		row.Value = "off: " + c.off
		row.Do = "`smiletill register pair NAME` pairs a register"
		if c.cfg.Register.Listen == "" {
			row.Do = "for registers, set it and start the terminal again"
		}
	case c.addr == "":
		row.Level, row.Value = screen.LevelUnknown, "starting"
	default:
		row.Value = fmt.Sprintf("https://%s/nexo, POIID %s, %d paired; certificate SHA-256 %s", c.addr,
			c.cfg.POIID(), len(paired), register.Grouped(info.Fingerprint))
		if c.cfg.Register.Plain {
			row.Value += "; any user of this machine may pay and give back by it (register.plain)"
		}
		row.Code = screen.CodeOf(register.Link(config.FromTheShop(c.addr), c.cfg.POIID(), info.Fingerprint))
		row.Do = info.Ending(time.Now())
	}
	if p := c.access.load(); p != nil && p.recordsErr != nil && c.cfg.Register.Listen != "" {
		row.Level, row.Value, row.Do = screen.LevelFault, p.recordsErr.Error(), payment.HintOf(p.recordsErr)
	}
	return row
}
