package screen

import (
	"encoding/json"
	"net/http"
	"time"
)

// displayStreams is how many programs may look after the terminal's own display at a time; a further one is
// told to come again.
const displayStreams = 4

// displayLine is what such a program is told: nothing of a payment but that there is one.
type displayLine struct {
	State State `json:"state"` // of the customer's page
	Pages int   `json:"pages"` // customer's pages that are open on this machine
}

// displayed returns what a program that looks after the display is told now.
func (s *Server) displayed() displayLine {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := displayLine{State: s.view.State}
	if line.State == starting {
		line.State = "starting"
	}
	for c := range s.clients {
		if c.own {
			line.Pages++
		}
	}
	return line
}

// serveDisplay tells the program that looks after the terminal's own display, on this machine alone, what its
// page shows and whether it is there: a line of JSON at each change, and as a sign of life at each heartbeat.
func (s *Server) serveDisplay(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !ofThisMachine(r.RemoteAddr) {
		http.Error(w, "this is for the terminal's own display alone", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if r.Method == http.MethodHead {
		return
	}
	wake := make(chan struct{}, 1)
	if !s.joinDisplay(wake) {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many programs look after the display", http.StatusServiceUnavailable)
		return
	}
	defer s.leaveDisplay(wake)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // as in serveEvents
	beat := time.NewTicker(s.heart)
	defer beat.Stop()
	for was, due := (displayLine{}), true; ; {
		if now := s.displayed(); due || now != was {
			_ = rc.SetWriteDeadline(time.Now().Add(s.patience))
			if err := json.NewEncoder(w).Encode(now); err != nil {
				return
			}
			if err := rc.Flush(); err != nil {
				return
			}
			was = now
		}
		select {
		case <-r.Context().Done():
			return
		case <-wake:
			due = false
		case <-beat.C:
			due = true
		}
	}
}

func (s *Server) joinDisplay(wake chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.displays) >= displayStreams {
		return false
	}
	s.displays[wake] = struct{}{}
	return true
}

func (s *Server) leaveDisplay(wake chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.displays, wake)
}

// wakeDisplays has the display's programs look what is shown, and where. The caller holds mu.
func (s *Server) wakeDisplays() {
	for wake := range s.displays {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}
