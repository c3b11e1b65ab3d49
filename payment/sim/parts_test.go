package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/report"
)

// zero is randomness that has none: what is drawn by lot is always the same.
type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// fresh is the file of an empty journal, made once: the days begin with a copy.
var fresh = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "journal.db")
	j, err := journal.Open(context.Background(), path, journal.Options{Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = j.Close()
	}
	data, rerr := os.ReadFile(path)
	if err != nil || rerr != nil {
		panic("make an empty journal")
	}
	return data
})

// skewed is the journal on a machine whose wall clock is wrong.
type skewed struct {
	*journal.Journal
	d *day
}

func (s skewed) Commit(ctx context.Context, p payment.Payment) error {
	p.OpenedAt = s.d.clock.wall(p.OpenedAt)
	if !p.VendedAt.IsZero() {
		p.VendedAt = s.d.clock.wall(p.VendedAt)
	}
	if !p.ClosedAt.IsZero() {
		p.ClosedAt = s.d.clock.wall(p.ClosedAt)
	}
	return s.Journal.Commit(ctx, p)
}

func (s skewed) Reverse(ctx context.Context, r payment.Reversal) error {
	r.At = s.d.clock.wall(r.At)
	return s.Journal.Reverse(ctx, r)
}

// pins gives every customer but the last the same PIN.
type pins struct{}

func (pins) Ready(_ context.Context, customer string) error {
	if customer == "c3" {
		return payment.ErrPINNotSet
	}
	return nil
}

func (pins) Try(_ context.Context, _, pin string) error {
	switch pin {
	case rightPIN:
		return nil
	case "locked":
		return payment.ErrPINLocked
	}
	return payment.ErrPINWrong
}

// outbox is the glue of cmd/smiletill.
type outbox struct{ o *journal.Outbox }

func (o outbox) Pending(ctx context.Context, after int64, limit int) ([]report.Row, error) {
	rows, err := o.o.Pending(ctx, after, limit)
	out := make([]report.Row, len(rows))
	for i, r := range rows {
		out[i] = report.Row{Seq: r.Seq, ID: r.ID, Kind: r.Kind, PaymentID: r.PaymentID, Time: r.Time, Body: r.Body,
			Hash: r.Hash}
	}
	return out, err
}

func (o outbox) Close(ctx context.Context, id, hash string, seq int64) error {
	return o.o.Close(ctx, id, hash, seq)
}

func (o outbox) Park(ctx context.Context, seq int64, why string) error {
	return o.o.Park(ctx, seq, why)
}

// patience bounds how long a question to the engine may take; in bubble time nothing does.
const patience = time.Minute

// clock is what the machine knows of the time: a wall clock that may be wrong, and may be trusted, and an
// uptime.
type clock struct {
	mu      sync.Mutex
	boots   int
	up      time.Duration // at the moment at
	at      time.Time
	trusted bool
	skew    time.Duration // of the wall clock while it is not trusted
}

func (c *clock) uptime() (string, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint("boot", c.boots), c.up + time.Since(c.at)
}

func (c *clock) trust() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trusted
}

func (c *clock) wall(t time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trusted {
		return t
	}
	return t.Add(c.skew)
}

func (c *clock) set(trusted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trusted = trusted
}

// reboot is what the clocks do over a restart of the machine.
func (c *clock) reboot(r *rand.Rand) {
	time.Sleep(time.Duration(r.Int64N(int64(time.Hour))))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boots++
	c.at, c.up = time.Now(), time.Duration(r.Int64N(int64(time.Minute)))
	if c.trusted = r.IntN(2) == 0; !c.trusted {
		c.skew = time.Duration(r.Int64N(int64(1000*time.Hour))) - 500*time.Hour
	}
}
