package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// chainHead is the end of the chain: seq 0 and zero bytes before the first fact.
type chainHead struct {
	seq  int64
	hash [sha256.Size]byte
}

// head is the end of the chain, and the time at which it was written.
type head struct {
	chainHead
	passed time.Duration // on the terminal's own clock, up to the last fact
	last   moment
}

// clock is how much time has provably passed at a moment after the head's.
func (h head) clock(now moment) time.Duration { return h.passed + passed(h.last, now) }

func readHead(ctx context.Context, q queryer) (head, error) {
	var h head
	var hash []byte
	var clock, uptime int64
	var wall string
	err := q.QueryRowContext(ctx, `SELECT seq, hash, clock_ms, boot, uptime_ms, wall, trusted FROM head
		WHERE one = 1`).Scan(&h.seq, &hash, &clock, &h.last.boot, &uptime, &wall, &h.last.trusted)
	if errors.Is(err, sql.ErrNoRows) || err == nil && copy(h.hash[:], hash) != len(h.hash) {
		err = errUnreadable
	}
	if err == nil && wall != "" {
		h.last.wall, err = parseStamp(wall)
	}
	if err != nil {
		return head{}, fmt.Errorf("read head: %w", err)
	}
	h.passed = time.Duration(clock) * time.Millisecond
	h.last.uptime = time.Duration(uptime) * time.Millisecond
	return h, nil
}

// readMark reads a row of seq and hash: of the table anchor or checkpoint.
func readMark(ctx context.Context, q queryer, table string) (chainHead, error) {
	var m chainHead
	var hash []byte
	err := q.QueryRowContext(ctx, `SELECT seq, hash FROM `+table+` WHERE one = 1`).Scan(&m.seq, &hash)
	if errors.Is(err, sql.ErrNoRows) || err == nil && copy(m.hash[:], hash) != len(m.hash) {
		err = errUnreadable
	}
	if err != nil {
		return chainHead{}, fmt.Errorf("read %s: %w", table, err)
	}
	return m, nil
}
