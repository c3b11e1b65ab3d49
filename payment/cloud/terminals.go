package cloud

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"

	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
)

// maxStatus bounds a terminal's status message, in bytes; a birth with an alarm has some 300.
const maxStatus = 4 << 10

// maxStrangers is how many terminals that are not trusted are remembered by their status.
const maxStrangers = 100

// Trust lets the events of a terminal in that are signed with this key, besides those of keys that were
// trusted before: a terminal that was given a new key may still have events of the old one.
func (r *Receiver) Trust(ctx context.Context, a report.Address, key ed25519.PublicKey) error {
	return r.fleet.Trust(ctx, a, key)
}

// Distrust takes all keys of a terminal away: its events are not acknowledged any more. It tells whether
// there were any.
func (r *Receiver) Distrust(ctx context.Context, a report.Address) (bool, error) {
	return r.fleet.Distrust(ctx, a)
}

// Fleet is the terminals that are known, and how they come to be.
func (r *Receiver) Fleet() *fleet.Fleet { return r.fleet }

// Key is the public half of the key that acknowledgements are signed with.
func (r *Receiver) Key() ed25519.PublicKey { return r.o.Key.Public() }

// Terminal is what the page shows of one.
type Terminal struct {
	Source  string
	Keys    int // that are trusted; 0: its events are not taken
	Events  int // committed
	LastSeq int64
	Online  bool   // by its own birth and the broker's word
	Version string // of its software
	Alarm   string // what it says is wrong with it, or that it has left service
	Since   time.Time
}

// noteStatus keeps the newest status of a terminal. It is advice for people: whoever may publish could
// fake it.
func (r *Receiver) noteStatus(ctx context.Context, a report.Address, payload []byte) {
	var s struct{ Status string }
	if len(payload) > maxStatus || json.Unmarshal(payload, &s) != nil {
		return
	}
	// A terminal that is trusted later was heard before; of those that never are, only the latest are kept.
	_, err := r.store.db.ExecContext(ctx, `INSERT INTO status VALUES (?1, ?2, ?3)
		ON CONFLICT (source) DO UPDATE SET payload = ?2, at = ?3`, a.Source(), string(payload), stamp(time.Now()))
	if err == nil {
		_, err = r.store.db.ExecContext(ctx, `DELETE FROM status WHERE source IN (SELECT source FROM status
			WHERE source NOT IN (SELECT source FROM terminal) ORDER BY at DESC LIMIT -1 OFFSET ?)`, maxStrangers)
	}
	if err != nil && ctx.Err() == nil {
		r.o.Log.Warn("cannot note a terminal's status", "source", a.Source(), "err", err)
	}
}

// Terminals lists those that are trusted or were heard, by name.
func (r *Receiver) Terminals(ctx context.Context) ([]Terminal, error) {
	rows, err := r.store.db.QueryContext(ctx, `SELECT t.source,
			(SELECT count(*) FROM terminal k WHERE k.source = t.source),
			coalesce(n.events, 0), coalesce(n.last_seq, 0), coalesce(s.payload, ''), coalesce(s.at, ''),
			coalesce((SELECT max(d.at) FROM departure d WHERE d.source = t.source), '')
		FROM (SELECT source FROM terminal UNION SELECT source FROM tally UNION SELECT source FROM departure) t
		LEFT JOIN tally n ON n.source = t.source
		LEFT JOIN status s ON s.source = t.source ORDER BY t.source`)
	if err != nil {
		return nil, fmt.Errorf("list terminals: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Terminal
	for rows.Next() {
		var t Terminal
		var payload, at, gone string
		if err := rows.Scan(&t.Source, &t.Keys, &t.Events, &t.LastSeq, &payload, &at, &gone); err != nil {
			return nil, fmt.Errorf("list terminals: %w", err)
		}
		var s struct{ Status, Version, Alarm string }
		if payload != "" && json.Unmarshal([]byte(payload), &s) == nil {
			t.Online, t.Version, t.Alarm = s.Status == "online", s.Version, s.Alarm
			t.Since, _ = time.Parse(time.RFC3339Nano, at) // our own writing
		}
		if gone != "" && t.Keys == 0 { // else another has its name
			t.Online, t.Alarm = false, "left service on "+gone[:len(time.DateOnly)]
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// Noted is an alarm as it is kept: once for an event and a reason.
type Noted struct {
	Source, ID  string
	Why         Verdict
	Seq         int64
	Hash        string
	First, Last time.Time
	Count       int
}

// Alarms gives up to limit alarms, the latest first.
func (r *Receiver) Alarms(ctx context.Context, limit int) ([]Noted, error) {
	rows, err := r.store.db.QueryContext(ctx, `SELECT source, id, why, seq, hash, first, last, count FROM alarm
		ORDER BY last DESC, rowid DESC LIMIT ?`, limit)
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Noted
	for rows.Next() {
		var n Noted
		var first, last string
		err := rows.Scan(&n.Source, &n.ID, &n.Why, &n.Seq, &n.Hash, &first, &last, &n.Count)
		if err != nil {
			return nil, fmt.Errorf("list alarms: %w", err)
		}
		n.First, _ = time.Parse(time.RFC3339Nano, first) // our own writing
		n.Last, _ = time.Parse(time.RFC3339Nano, last)
		all = append(all, n)
	}
	return all, rows.Err()
}
