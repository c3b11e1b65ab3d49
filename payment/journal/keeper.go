package journal

import (
	"context"
	"sync"
	"time"
)

// When commits are moved from the -wal file into the main file.
const (
	// quiet is how long nothing must have been committed: a customer's approval is then told, and the fsyncs of
	// the move are in nobody's way.
	quiet = 20 * time.Millisecond

	// longest is how long a till without such a pause goes on before the next commit has to wait for the move.
	longest = time.Second
)

// keeper moves what was committed into the main file soon after Commit has returned.
type keeper struct {
	wake chan struct{} // something was committed
	end  context.CancelFunc
	done sync.WaitGroup
}

func (k *keeper) start(j *Journal) {
	ctx, end := context.WithCancel(context.Background())
	k.wake, k.end = make(chan struct{}, 1), end
	k.done.Go(func() { k.run(ctx, j) })
}

func (k *keeper) committed() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// stop ends the keeper. What it has not moved SQLite moves when the connection is closed.
func (k *keeper) stop() {
	if k.end != nil {
		k.end()
		k.done.Wait()
	}
}

func (k *keeper) run(ctx context.Context, j *Journal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		k.settle(ctx)
		if err := j.move(ctx); err != nil && ctx.Err() == nil {
			// The commits are on the disk, in the -wal file; the next move takes them along.
			j.options.Log.Warn("new entries of the journal stay in its -wal file for now", "err", err)
		}
	}
}

// settle returns when nothing has been committed for a while, or when that takes too long.
func (k *keeper) settle(ctx context.Context) {
	limit := time.NewTimer(longest)
	defer limit.Stop()
	pause := time.NewTimer(quiet)
	defer pause.Stop()
	for {
		select {
		case <-k.wake:
			pause.Reset(quiet)
		case <-pause.C:
			return
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// move copies what was committed into the main file. A reader that looks at older entries just then keeps
// the newer ones back, until the next move.
func (j *Journal) move(ctx context.Context) error {
	if j.suspect.Load() {
		return nil // the next write sees to it first
	}
	var busy, inWAL, moved int
	err := j.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &inWAL, &moved)
	if err != nil {
		// The first thing a move does is to sync the -wal. If that fails, the end of it (bytes that pad the last
		// sector, which no commit waits for) may be lost, and with it all commits behind.
		j.suspect.Store(true)
		j.failed(ctx, err)
	}
	return wrap(j.path, "move entries of the journal", err)
}
