package cloud

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// changesEvery is how often a page is told whether something has changed.
	changesEvery = time.Second
	// changesPatience is how long a browser may take to accept that.
	changesPatience = 5 * time.Second
	// changesMost is how many pages are told at once; a further one ends the longest, which comes again by
	// itself.
	changesMost = 16
)

// changes tells a page, as server-sent events, what the newest is, so that it renews itself when that has
// changed, and knows that the cloud is there. The database is asked, and not this process: other commands
// write in it too.
func (r *Receiver) changes(w http.ResponseWriter, q *http.Request) {
	end := make(chan struct{})
	r.joinPage(end)
	defer r.leavePage(end)
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // nothing more is read; what can't be set doesn't block either
	put := func(format string, args ...any) error {
		_ = rc.SetWriteDeadline(time.Now().Add(changesPatience))
		if _, err := fmt.Fprintf(w, format, args...); err != nil {
			return err
		}
		return rc.Flush()
	}
	err := put("retry: %d\n\n", (5 * time.Second).Milliseconds())
	beat := time.NewTicker(changesEvery)
	defer beat.Stop()
	for err == nil {
		var version string
		if version, err = r.store.version(q.Context()); err != nil {
			break
		}
		err = put("event: beat\ndata: %s%s\n\n", version, r.waitingVersion())
		select {
		case <-q.Context().Done():
			return
		case <-end:
			return
		case <-beat.C:
		}
	}
	r.o.Log.Debug("a page is told no more", "remote", q.RemoteAddr, "err", err)
}

func (r *Receiver) joinPage(end chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pages = append(r.pages, end)
	if len(r.pages) > changesMost {
		close(r.pages[0])
		r.pages = r.pages[1:]
	}
}

func (r *Receiver) leavePage(end chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, one := range r.pages {
		if one == end {
			r.pages = append(r.pages[:i:i], r.pages[i+1:]...)
			return
		}
	}
}
