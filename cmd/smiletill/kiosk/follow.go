package kiosk

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	// silence is how long the terminal may say nothing: three of its heartbeats and a little.
	silence = 5 * time.Second
	// loading is how long a browser may take until the page is there: one that draws by software on an
	// emulated machine took 100 s.
	loading = 4 * time.Minute
	// missing is how long a page that was there may be gone while the terminal answers.
	missing = 20 * time.Second
)

// told is what the terminal says of its page; not Linked: it says nothing.
type told struct {
	Linked bool   `json:"-"`
	State  string `json:"state"`
	Pages  int    `json:"pages"`
}

// follower hears what the terminal shows.
type follower struct {
	at      string        // where
	changed chan struct{} // one place: something changed

	mu  sync.Mutex
	now told
}

func newFollower(page string) *follower {
	at, err := url.JoinPath(page, "display")
	if err != nil {
		at = page // which is no stream: it stays not linked
	}
	return &follower{at: at, changed: make(chan struct{}, 1)}
}

func (f *follower) state() told {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *follower) set(now told) {
	f.mu.Lock()
	same := f.now == now
	f.now = now
	f.mu.Unlock()
	if same {
		return
	}
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// run listens until ctx ends.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		f.listen(ctx)
		f.set(told{})
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// listen returns when the terminal falls silent.
func (f *follower) listen(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	quiet := time.AfterFunc(silence, stop)
	defer quiet.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.at, nil)
	if err != nil {
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return
	}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		quiet.Reset(silence)
		now := told{}
		if json.Unmarshal(lines.Bytes(), &now) != nil {
			return
		}
		now.Linked = true
		f.set(now)
	}
}

// lost is closed when the terminal has answered for long and a browser that begins now does not show its
// page, or shows it no more.
func (f *follower) lost(ctx context.Context) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		patience, since := loading, time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
			switch now := f.state(); {
			case !now.Linked:
				since = time.Now()
			case now.Pages > 0:
				patience, since = missing, time.Now()
			case time.Since(since) > patience:
				close(gone)
				return
			}
		}
	}()
	return gone
}
