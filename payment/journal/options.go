package journal

import (
	"io"
	"log/slog"
	"time"
)

// Options of a Journal. Zero values are replaced by the defaults named.
type Options struct {
	Tenant, Site, Terminal string // what the terminal is called; what is empty is in no fact, and not compared

	Program string            // name and version of this program, for one that is older; may be empty
	Models  map[string]string // versions of the models by task, named in approvals; may be nil
	Rand    io.Reader         // for the ids of facts; default crypto/rand
	Log     *slog.Logger      // default none

	// Before new payments are refused (payment.ErrBacklog):
	OutboxMax     int           // so many facts may be unacknowledged; default DefaultOutboxMax
	OwedMax       int64         // so much money may be, this payment included, in minor units; 0: no limit
	UnreportedMax time.Duration // and the oldest for so long, on the terminal's own clock; 0: no limit

	// OnFailure is told of each write that failed, but for those that the caller broke off. It is called from
	// whatever goroutine wrote, and must not wait; default nobody.
	OnFailure func(error)

	// OnFact is told the last fact of each write, when it is on stable storage. It must not wait; default
	// nobody.
	OnFact func(id, hash string, seq int64)

	// For simulations:
	Uptime  func() (boot string, since time.Duration) // default Linux's boot_id and CLOCK_BOOTTIME
	Rewrite func(path string) error                   // default Rewrite
	VFS     string                                    // name of SQLite's way to the files; default the system's
}
