package screen

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"
)

// statusStreams is how many technician's pages are kept true at once; a further one ends the longest of them,
// which comes again by itself.
const statusStreams = 8

// statusRetry tells the technician's page when to come back after a lost stream.
const statusRetry = 5 * time.Second

// serveStatusEvents tells a technician's page when what it shows has changed, so that it is renewed then and
// no screen reader has to start anew for nothing; between, how old it is.
func (s *Server) serveStatusEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return
	}
	end := make(chan struct{})
	s.joinStatus(end)
	defer s.leaveStatus(end)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // as in serveEvents
	put := func(format string, args ...any) error {
		_ = rc.SetWriteDeadline(time.Now().Add(s.patience))
		if _, err := fmt.Fprintf(w, format, args...); err != nil {
			return err
		}
		return rc.Flush()
	}
	err := put("retry: %d\n\n", statusRetry.Milliseconds())
	beat := time.NewTicker(s.heart)
	defer beat.Stop()
	for was := ""; err == nil; {
		now, age := s.statusDigest(r)
		name := "beat"
		if now != was {
			was, name = now, "change"
		}
		err = put("event: %s\ndata: {\"version\":%q,\"age\":%d}\n\n", name, now, age)
		select {
		case <-r.Context().Done():
			return
		case <-end:
			return
		case <-beat.C:
		}
	}
	s.log.Debug("screen: a technician's page was dropped", "remote", r.RemoteAddr, "err", err)
}

// statusDigest names what the page shows but for its age, which is beside it, in seconds.
func (s *Server) statusDigest(r *http.Request) (digest string, age any) {
	page := s.statusPage(r)
	age = page["Age"]
	page["Age"], page["AgeText"] = 0, ""
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, "status.html", page); err != nil {
		return "", age // the page itself logs it
	}
	return fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))[:16], age
}

func (s *Server) joinStatus(end chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses = append(s.statuses, end)
	if len(s.statuses) > statusStreams {
		close(s.statuses[0])
		s.statuses = s.statuses[1:]
	}
}

func (s *Server) leaveStatus(end chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.statuses {
		if one == end {
			s.statuses = append(s.statuses[:i:i], s.statuses[i+1:]...)
			return
		}
	}
}
