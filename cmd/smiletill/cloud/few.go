package cloud

import (
	"net"
	"sync"
)

// few is a listener with a bound on the connections that are open: one too many is closed at once, so that
// those that wait are not kept from being served.
type few struct {
	net.Listener
	free chan struct{} // holds a place for each that is open
}

// Accept gives the next connection for which there is a place.
func (l *few) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &placed{Conn: c, leave: sync.OnceFunc(func() { <-l.free })}, nil
		default:
			_ = c.Close() // it was served nothing
		}
	}
}

type placed struct {
	net.Conn
	leave func()
}

// Close frees the place.
func (c *placed) Close() error {
	c.leave()
	return c.Conn.Close()
}
