package screen

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// heartbeat is the time between signs of life. Proxies close streams that are silent for 30 to 60 s;
	// it is this short because the page's own patience, lostAfter, is counted in it.
	heartbeat = 1500 * time.Millisecond
	// lostAfter is how long a page keeps showing a View without a sign of life: three heartbeats and a
	// little, so that one late timer on a busy board does not blank the screen in front of a customer.
	lostAfter = 5 * time.Second
	// writePatience is how long a browser may take to accept one event before it is dropped. The events
	// are small and fit in the socket's buffer many times over: only a browser that has stopped reading
	// gets here.
	writePatience = 3 * time.Second
	// retry tells the browser when to come back after a lost stream.
	retry = time.Second
	// displacedRetry is for one that was put out for another: at once it would only put out the next.
	displacedRetry = 10 * time.Second
)

// errDisplaced ends the stream that was put out for another.
var errDisplaced = errors.New("another screen has taken its place")

// message is the wire form of a View for one reader.
type message struct {
	Seq       uint64            `json:"seq"`
	Version   string            `json:"version"`
	Lang      string            `json:"lang"`
	State     State             `json:"state"`
	Act       Instruction       `json:"act"` // what the face on the page acts out
	Amount    string            `json:"amount"`
	Currency  string            `json:"currency"`
	Progress  float64           `json:"progress"`
	Asked     string            `json:"asked,omitempty"`
	Number    bool              `json:"number,omitempty"`
	Light     *lightMessage     `json:"light,omitempty"`
	Offer     uint64            `json:"offer,omitempty"`  // of a light: sent back to decline it; 0: none
	LeftMS    int64             `json:"left_ms"`          // -1: no deadline
	StayMS    int64             `json:"stay_ms"`          // how long what is read stays without a touch
	Forget    bool              `json:"forget,omitempty"` // somebody can be forgotten on this page
	Sound     bool              `json:"sound"`
	Simulated bool              `json:"simulated"`
	Lamps     map[string]bool   `json:"lamps,omitempty"`
	Buzzer    float64           `json:"buzzer"`
	Words     map[string]string `json:"words"`
	Fixed     map[string]string `json:"fixed"`
	Scan      *scan             `json:"scan,omitempty"`
}

// scan is what a phone can take a picture of: the dark modules as the data of an SVG path, and how many there
// are across.
type scan struct {
	Path string `json:"path"`
	Size int    `json:"size"`
	Name string `json:"name"`
}

// message makes v ready for a reader of a language. What has no place in a state is left out here, once,
// so that the page can simply show what it is sent.
func (s *Server) message(v View, seq uint64, lang string, now time.Time) message {
	m := message{
		Seq: seq, Version: s.version, Lang: lang, State: v.State, LeftMS: -1, Sound: v.Sound,
		StayMS:    s.opt.ForgetFor.Milliseconds(),
		Simulated: v.Simulated, Words: s.words.words(v, lang), Fixed: s.words.fixed(lang),
	}
	if m.State == starting {
		m.State = "starting"
	}
	if v.State.paying() || v.State.result() || v.State == Vending {
		m.Amount, m.Currency = v.Amount, v.Currency
	}
	if v.State.paying() {
		m.Act, m.Progress, m.Light = v.Instruction, v.Progress, v.Light.message()
		if !v.Deadline.IsZero() {
			m.LeftMS = max(0, v.Deadline.Sub(now).Milliseconds())
		}
	}
	if v.State == EnterPIN {
		m.Act, m.Asked, m.Number = "", v.Asked, v.Number
	}
	if v.State == OutOfOrder && v.Detail.Scan != "" {
		code := CodeOf(v.Detail.Scan)
		m.Scan = &scan{Path: code.path(), Size: code.size(), Name: s.words[lang]["claim.scan"]}
	}
	if v.Simulated {
		m.Lamps, m.Buzzer = v.Lamps, v.Buzzer
	}
	return m
}

// client is an open stream.
type client struct {
	wake  chan struct{} // one place: there is something newer
	out   chan struct{} // closed: another takes its place
	own   bool          // of this machine: the terminal's own display
	since time.Time
}

// join enters a new stream. When there are too many the one that is open longest gives way: another
// machine's, and one of this machine for this machine alone, so that nobody in the network blinds the
// terminal's own display. false: all are this machine's, and the new one is not.
func (s *Server) join(own bool) (*client, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.clients) >= s.opt.MaxClients {
		var oldest *client
		for c := range s.clients {
			if c.own && !own {
				continue
			}
			if oldest == nil || oldest.own && !c.own || oldest.own == c.own && c.since.Before(oldest.since) {
				oldest = c
			}
		}
		if oldest == nil {
			return nil, false
		}
		close(oldest.out)
		delete(s.clients, oldest)
	}
	c := &client{wake: make(chan struct{}, 1), out: make(chan struct{}), own: own, since: time.Now()}
	c.wake <- struct{}{} // the current View goes out at once
	s.clients[c] = struct{}{}
	s.wakeDisplays()
	return c, true
}

func (s *Server) leave(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	s.wakeDisplays()
}

// serveEvents sends the current View and then every newer one, the newest first and older ones not at
// all, with heartbeats between. The heartbeat is an event and not a comment, because the page must notice
// when it stops.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	c, ok := s.join(ofThisMachine(r.RemoteAddr))
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many screens are connected", http.StatusServiceUnavailable)
		return
	}
	defer s.leave(c)
	rc := http.NewResponseController(w)
	// The server's read time-out is for requests; this stream is read from no more. A writer without
	// deadlines (a test recorder) is as good: it doesn't block.
	_ = rc.SetReadDeadline(time.Time{})
	if err := s.stream(r, w, rc, c); err != nil {
		s.log.Debug("screen: a browser was dropped", "remote", r.RemoteAddr, "err", err)
	}
}

// stream writes events until the reader goes away (nil) or fails to take one in time.
func (s *Server) stream(r *http.Request, w http.ResponseWriter, rc *http.ResponseController,
	c *client,
) error {
	put := func(format string, args ...any) error {
		_ = rc.SetWriteDeadline(time.Now().Add(s.patience))
		if _, err := fmt.Fprintf(w, format, args...); err != nil {
			return err
		}
		return rc.Flush()
	}
	if err := put("retry: %d\n\n", retry.Milliseconds()); err != nil {
		return err
	}
	beat := time.NewTicker(s.heart)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-c.out:
			return errors.Join(errDisplaced, put("retry: %d\n\n", displacedRetry.Milliseconds()))
		case <-beat.C:
			if err := put("event: beat\ndata:\n\n"); err != nil {
				return err
			}
		case <-c.wake:
			v, seq, offer := s.viewFor(c)
			m := s.message(v, seq, s.language(r, v), time.Now())
			m.Offer, m.Forget = offer, c.own && s.opt.Forget != nil
			raw, err := json.Marshal(m)
			if err != nil {
				return fmt.Errorf("encode view: %w", err)
			}
			if err := put("id: %d\nevent: view\ndata: %s\n\n", seq, raw); err != nil {
				return err
			}
		}
	}
}
