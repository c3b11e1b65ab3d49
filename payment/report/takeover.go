package report

import (
	"encoding/json"
	"slices"
	"time"

	"smiletill/payment/report/link"
)

const (
	// mostSessions bounds what is remembered of own sessions: a minute between attempts makes a day of them.
	mostSessions = 1440
	// takeoverLasts is how long a foreign session stays a problem after it was last heard.
	takeoverLasts = 15 * time.Minute
)

// watch is what the reporter knows of who reports under this terminal's name. Two clients of one name are
// never connected together: the broker ends the older connection. But each leaves its session in the
// retained status message, and the other finds it there when it returns.
type watch struct {
	session string   // of this connection
	known   []string // sessions that are ours, or were there before this process
	heard   bool     // this connection's birth came back: what was retained before it is known by then
	first   bool     // a connection has been so far, and ended: what is foreign from now on is a takeover
	alarm   []string // foreign sessions that were told
	at      time.Time
}

// own names the session of the connection that begins.
func (t *watch) own(session string) {
	t.session, t.heard = session, false
	t.remember(session)
}

func (t *watch) remember(session string) {
	t.known = append(t.known, session)
	if len(t.known) > mostSessions {
		t.known = slices.Delete(t.known, 0, len(t.known)-mostSessions)
	}
}

// ended notes that a connection is over.
func (t *watch) ended() { t.first = t.first || t.heard }

// foreign reports whether a status message shows that somebody else was connected as this terminal.
func (t *watch) foreign(s status, retained bool) bool {
	switch {
	case s.Session == "":
		return false
	case slices.Contains(t.known, s.Session):
		t.heard = t.heard || s.Session == t.session
		return false
	case t.first:
		return true
	case retained, s.Status != "online":
		// What the process before this one left: its last birth, or its will, which comes when we connect.
		t.remember(s.Session)
		return false
	}
	return true
}

// heard takes a message of the own status topic.
func (r *Reporter) heard(m link.Message) {
	var s status
	if json.Unmarshal(m.Payload, &s) != nil || len(s.Session) > 64 || !r.watch.foreign(s, m.Retained) {
		return
	}
	r.watch.at = time.Now()
	if slices.Contains(r.watch.alarm, s.Session) {
		return
	}
	if r.watch.alarm = append(r.watch.alarm, s.Session); len(r.watch.alarm) > 64 {
		r.watch.alarm = r.watch.alarm[1:]
	}
	r.update(func(s *State) { s.Counts.Takeovers++ })
	r.o.Log.Error(
		"another device reports under this terminal's name",
		"session",
		s.Session,
		"version",
		s.Version,
	)
	r.o.OnTakeover(s.Session)
}

// takeover is the problem of a foreign session, nil if there was none lately.
func (r *Reporter) takeover() *link.Trouble {
	if r.watch.at.IsZero() || time.Since(r.watch.at) > takeoverLasts {
		return nil
	}
	return &link.Trouble{
		Op: "report as " + r.o.Address.Source(), What: "another device connects under this terminal's name",
		Advice: "look for a second terminal with the same terminal.id, a copied card say; else change this one's " +
			"password or certificate at the broker",
	}
}
