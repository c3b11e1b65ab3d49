package screen

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// connectionsMax bounds the connections of other machines to a door: some browsers, each with a handful.
	connectionsMax = 64
	// ownConnectionsMax bounds this machine's own, which have places that nobody else takes.
	ownConnectionsMax = 32
	// requestBodyMax is above everything that a page sends.
	requestBodyMax = 16 << 10
)

// doors are the connections that are open at an address. One too many closes another that only holds its
// place: of the machine that has the most of them the one that waits longest. A connection on which a whole
// request has come is not closed while that is answered. The same is done at the registers' door
// (payment/register), which must not be imported here.
type doors struct {
	mu   sync.Mutex
	open map[net.Conn]*door
}

// door is one connection.
type door struct {
	host  string
	own   bool // from this machine
	since time.Time
	busy  int // requests that are answered
}

type doorKey struct{}

// ofThisMachine reports an address of loopback, with its port.
func ofThisMachine(addr string) bool {
	at, err := netip.ParseAddrPort(addr)
	return err == nil && at.Addr().Unmap().IsLoopback()
}

// context is called for each new connection before its state is told.
func (d *doors) context(ctx context.Context, c net.Conn) context.Context {
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	one := &door{host: host, own: ofThisMachine(c.RemoteAddr().String()), since: time.Now()}
	d.mu.Lock()
	d.open[c] = one
	out := d.tooMany(one.own, c)
	delete(d.open, out)
	d.mu.Unlock()
	if out != nil {
		closeRaw(out)
	}
	return context.WithValue(ctx, doorKey{}, one)
}

// tooMany is the connection that has to go, or nil. The caller holds mu.
func (d *doors) tooMany(own bool, latest net.Conn) net.Conn {
	limit := connectionsMax
	if own {
		limit = ownConnectionsMax
	}
	count, waiting := 0, map[string]int{}
	for _, one := range d.open {
		if one.own != own {
			continue
		}
		count++
		if one.busy == 0 {
			waiting[one.host]++
		}
	}
	if count <= limit {
		return nil
	}
	var out net.Conn
	for c, one := range d.open {
		if one.own != own || one.busy > 0 || c == latest {
			continue
		}
		if out == nil || waiting[one.host] > waiting[d.open[out].host] ||
			waiting[one.host] == waiting[d.open[out].host] && one.since.Before(d.open[out].since) {
			out = c
		}
	}
	if out == nil {
		return latest // all others are being answered
	}
	return out
}

func (d *doors) state(c net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		d.mu.Lock()
		delete(d.open, c)
		d.mu.Unlock()
	}
}

// enter marks a connection as busy, until leave is called.
func (d *doors) enter(one *door) (leave func()) {
	d.mu.Lock()
	one.busy++
	d.mu.Unlock()
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		one.busy--
		one.since = time.Now() // whoever asked something lately is not the first to go
	}
}

// whole reads a request to its end before its connection counts as busy and h answers it.
func (d *doors) whole(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		one, ok := r.Context().Value(doorKey{}).(*door)
		if !ok {
			h.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBodyMax))
		if err != nil {
			status := http.StatusBadRequest
			if errors.As(err, new(*http.MaxBytesError)) {
				status = http.StatusRequestEntityTooLarge
			}
			http.Error(w, http.StatusText(status), status)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		defer d.enter(one)()
		h.ServeHTTP(w, r)
	})
}

// closeRaw closes the connection below TLS: the goodbye of TLS could wait for a reader who is not there.
func closeRaw(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close() // it is to go, whatever it says
}
