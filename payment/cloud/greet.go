package cloud

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"smiletill/payment/cloud/fleet"
	"smiletill/payment/report"
)

// greetings are the sessions of terminals that were answered on one connection, by source. Only those that
// are trusted are, so that whoever may publish can't make it grow.
type greetings map[string]string

// greet answers a terminal that has connected with the acknowledgement of the latest fact that is stored of
// it, once a session. A terminal whose journal holds it takes no notice; one whose journal was lost or set
// back takes no payment until a person has looked. It says nothing that was not said before, and a journal
// only grows: whoever sends it again later does no harm.
func (r *Receiver) greet(
	ctx context.Context, l report.Link, greeted greetings, a report.Address, payload []byte,
) {
	var s struct{ Status, Session string }
	if len(payload) > maxStatus || json.Unmarshal(payload, &s) != nil || s.Status != "online" ||
		s.Session == "" {
		return
	}
	source := a.Source()
	if greeted[source] == s.Session {
		return
	}
	keys, err := fleet.Keys(ctx, r.store.db, source)
	if err == nil && len(keys) == 0 {
		return
	}
	var latest *Event
	if err == nil {
		latest, err = r.store.latest(ctx, a)
	}
	if err == nil && latest != nil {
		err = r.acknowledge(ctx, l, *latest, "")
	}
	if err != nil {
		if ctx.Err() == nil {
			r.o.Log.Warn("cannot tell a terminal what is stored of it", "source", source, "err", err)
		}
		return
	}
	greeted[source] = s.Session
}

// remind acknowledges once more the event whose place in the journal another has taken.
func (r *Receiver) remind(ctx context.Context, l report.Link, e Event) error {
	before, err := r.store.before(ctx, e)
	if err != nil || before == nil {
		return err
	}
	return r.acknowledge(ctx, l, *before, "")
}

// latest is the event with the highest seq of a terminal under any of its names, nil if there is none: as
// much of it as is acknowledged. A new name doesn't hide from the terminal that older data were put back.
func (s *store) latest(ctx context.Context, a report.Address) (*Event, error) {
	return s.acked(ctx, a, `SELECT id, hash, seq FROM (
			SELECT id, hash, seq, n FROM event WHERE source IN `+names+`
			UNION ALL SELECT id, hash, seq, n FROM audit WHERE source IN `+names+`)
		ORDER BY seq DESC, n LIMIT 1`, a.Source())
}

// before is the first event that had the place of another.
func (s *store) before(ctx context.Context, e Event) (*Event, error) {
	return s.acked(ctx, e.Address, `SELECT id, hash, seq FROM (
			SELECT id, hash, seq, n FROM event WHERE source IN `+names+` AND seq = ?2 AND id != ?3
			UNION ALL SELECT id, hash, seq, n FROM audit WHERE source IN `+names+`
				AND seq = ?2 AND id != ?3)
		ORDER BY n LIMIT 1`, e.Source, e.Seq, e.ID)
}

func (s *store) acked(ctx context.Context, a report.Address, query string, args ...any) (*Event, error) {
	e := Event{Address: a, Source: a.Source()}
	err := s.db.QueryRowContext(ctx, query, args...).Scan(&e.ID, &e.Hash, &e.Seq)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &e, nil
}
