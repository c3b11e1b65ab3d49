package screen

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// town is a listener whose connections come from other machines while far is set.
type town struct {
	net.Listener
	far *atomic.Bool
}

func (l town) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil && l.far.Load() {
		return nearConn{farConn{c}}, nil
	}
	return c, err
}

// TestIdleConnectionsHoldNoDoor fills the counter's door with TLS connections that ask nothing: the tablet
// and this machine's own browser come through, and each of the idle ones has to make room.
func TestIdleConnectionsHoldNoDoor(t *testing.T) {
	s := newServer(t, Options{Counter: newShopTill(), Hosts: []string{"till"}})
	s.Show(View{State: Idle})
	borrowed := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate
	defer borrowed.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	far := &atomic.Bool{}
	far.Store(true)
	go func() { done <- s.ServeCounter(ctx, town{l, far}, borrowed.TLS.Clone()) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	open := func(n int) (conns []net.Conn) {
		for range n {
			c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				continue // it made room while it shook hands
			}
			t.Cleanup(func() { _ = c.Close() })
			conns = append(conns, c)
		}
		return conns
	}
	asks := func(host string) {
		t.Helper()
		web := borrowed.Client()
		web.Timeout = 3 * time.Second
		web.Transport.(*http.Transport).DisableKeepAlives = true
		r, _ := http.NewRequest(http.MethodGet, "https://"+l.Addr().String()+"/counter", nil)
		r.Host = host
		resp, err := web.Do(r)
		if err != nil {
			t.Fatalf("as %s among idle connections: %v", host, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("as %s: %s", host, resp.Status)
		}
	}
	strangers := open(2 * connectionsMax)
	asks("till:8444")
	far.Store(false)
	asks("localhost:8444")
	closed := 0
	for _, c := range strangers {
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err == io.EOF || err != nil && !isTimeout(err) {
			closed++
		}
	}
	if left := len(strangers) - closed; left > connectionsMax {
		t.Errorf("%d idle connections are open, of %d at most", left, connectionsMax)
	}
	// This machine's own have places of their own, which it can fill for itself alone.
	open(2 * ownConnectionsMax)
	asks("localhost:8444")
	far.Store(true)
	asks("till:8444")
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}
