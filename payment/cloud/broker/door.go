package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// door is the server's listener. Unlike the server's own it knows its connections: when Close returns, none
// is left, nor a goroutine that serves one. How a connection ended is the client's to tell; the server's own
// warns of each.
type door struct {
	ln   net.Listener
	busy sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

var _ listeners.Listener = (*door)(nil)

// NewListener is the broker's listener, for a server with hooks of its own. The module's own TCP listener may
// count a client that has just come while Close waits for all to be gone, which is a data race.
func NewListener(ln net.Listener) listeners.Listener {
	return &door{ln: ln, conns: map[net.Conn]bool{}}
}

func (d *door) Init(*slog.Logger) error { return nil }
func (d *door) ID() string              { return "loopback" }
func (d *door) Address() string         { return d.ln.Addr().String() }
func (d *door) Protocol() string        { return "tcp" }

func (d *door) Serve(establish listeners.EstablishFn) {
	for {
		conn, err := d.ln.Accept()
		if errors.Is(err, net.ErrClosed) || err != nil && d.over() {
			return
		}
		if err != nil { // no more files may be open: some will be closed
			time.Sleep(acceptAgain)
			continue
		}
		if !d.enter(conn) {
			_ = conn.Close() // closed, or too many: the next Accept tells
			continue
		}
		go func() {
			defer d.leave(conn)
			if !shaken(conn) {
				return
			}
			_ = establish(d.ID(), conn) // its error is how the connection ended
		}()
	}
}

// shaken ends TLS's handshake, which must not take for ever, before the server reads.
func shaken(conn net.Conn) bool {
	t, ok := conn.(*tls.Conn)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeFor)
	defer cancel()
	return t.HandshakeContext(ctx) == nil
}

func (d *door) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

func (d *door) enter(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.conns) >= connsMax {
		return false
	}
	d.conns[conn] = true
	d.busy.Add(1)
	return true
}

const (
	// connsMax is how many connections are open at once, also of those who have not said yet who they are.
	connsMax = 2 * clientsMax
	// acceptAgain is the time between attempts to take a connection after one has failed.
	acceptAgain = 50 * time.Millisecond
)

func (d *door) leave(conn net.Conn) {
	_ = conn.Close()
	d.mu.Lock()
	delete(d.conns, conn)
	d.mu.Unlock()
	d.busy.Done()
}

func (d *door) Close(closeClients listeners.CloseFn) {
	_ = d.ln.Close()
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	closeClients(d.ID())
	d.mu.Lock()
	for conn := range d.conns {
		_ = conn.Close() // those that the server does not count as clients yet, or any more
	}
	d.mu.Unlock()
	d.busy.Wait()
}
