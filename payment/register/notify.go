package register

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Event is what a terminal tells unasked.
type Event string

// The events that are sent.
const (
	EventInitialised      Event = "Initialised"      // ready for the first time
	EventOutOfOrder       Event = "OutOfOrder"       // no payment can be taken; the details say why
	EventBeginMaintenance Event = "BeginMaintenance" // the terminal opens its files anew
	EventEndMaintenance   Event = "EndMaintenance"   // payments can be taken again
	EventSecurityAlarm    Event = "SecurityAlarm"    // the case was opened
	EventShutdown         Event = "Shutdown"         // switched off
)

const (
	// notesMax is how many events wait for their receiver; a newer one then takes the oldest one's place.
	notesMax = 16
	// notePatience is the time for one attempt, noteTries how often it is tried, notePause the pause after the
	// first, doubled each time.
	notePatience = 5 * time.Second
	noteTries    = 4
	notePause    = time.Second
)

// Notifier posts events to a URL. They are a courtesy: a receiver that is away for long misses them, and asks
// by Diagnosis.
type Notifier struct {
	server *Server
	url    string
	http   *http.Client
	queue  chan *message
	pause  time.Duration
}

// NewNotifier gives a Notifier that posts while Run does.
func (s *Server) NewNotifier(url string, c *http.Client) *Notifier {
	return &Notifier{server: s, url: url, http: c, queue: make(chan *message, notesMax), pause: notePause}
}

// Notify queues an event; it never blocks.
func (n *Notifier) Notify(e Event, details string) {
	text := ""
	if details != "" {
		text = "message=" + url.QueryEscape(oneLine(details))
	}
	m := n.server.notification(string(e), text, "")
	for {
		select {
		case n.queue <- m:
			return
		default:
		}
		select {
		case old := <-n.queue:
			n.server.log.Warn("an event was not sent: its receiver is too slow", "event", old.Request.Event.Event)
		default:
		}
	}
}

// Run posts until ctx ends, and then what is left, once each.
func (n *Notifier) Run(ctx context.Context) {
	var left *message // what the end came upon
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case left = <-n.queue:
			if n.deliver(ctx, left) {
				left = nil
			}
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), notePatience)
	defer cancel()
	if left != nil {
		n.log(left, n.post(last, left))
	}
	for {
		select {
		case m := <-n.queue:
			n.log(m, n.post(last, m))
		default:
			return
		}
	}
}

// deliver tries until it works or has failed often enough; false: ctx ended before either.
func (n *Notifier) deliver(ctx context.Context, m *message) bool {
	pause := n.pause
	for try := 1; ; try++ {
		one, cancel := context.WithTimeout(ctx, notePatience)
		err := n.post(one, m)
		cancel()
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case try == noteTries:
			n.log(m, err)
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func (n *Notifier) log(m *message, err error) {
	if err != nil {
		n.server.log.Warn("an event did not reach its receiver", "event", m.Request.Event.Event, "err", err,
			"hint", "look at register.events_url and its receiver")
	}
}

func (n *Notifier) post(ctx context.Context, m *message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := n.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	return err
}
