package register

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// headTimeout is the time for a handshake and for a request's header, bodyTimeout for its body and for
	// taking the answer: a register on the shop's network needs milliseconds.
	headTimeout = 5 * time.Second
	bodyTimeout = 5 * time.Second
	// idleTimeout is how long a connection may stay open between two messages.
	idleTimeout = 5 * time.Minute
	// connectionsMax bounds connections: some registers, each with one that waits and one that asks.
	connectionsMax = 64
)

// Serve answers registers over TLS until ctx ends, and closes the listener. There are at most 64 connections:
// one more closes the oldest of those on which no whole message has come, so that connections which only hold
// their place stop nobody. A payment that runs then goes on.
func (s *Server) Serve(ctx context.Context, l net.Listener, certificate *Certificate) error {
	d := &doors{max: connectionsMax, open: map[net.Conn]*door{}}
	config := certificate.TLS()
	config.NextProtos = []string{"http/1.1", "http/1.0"} // who offers the older alone is no stranger
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headTimeout, // of the handshake too
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    16 << 10,
		ConnState:         d.state,
		ConnContext:       d.context,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          log.New(slogWriter{s.log}, "", 0),
		TLSConfig:         config,
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){}, // the protocol is HTTP/1.1
	}
	done := make(chan error, 1)
	go func() { done <- srv.ServeTLS(l, "", "") }()
	select {
	case err := <-done:
		return fmt.Errorf("serve registers: %w", err)
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := srv.Shutdown(bye); err != nil {
		_ = srv.Close() // what didn't end by itself is cut
	}
	<-done
	return nil
}

// door is a connection: busy while a whole message is being answered.
type door struct {
	since time.Time
	mu    sync.Mutex
	busy  int
}

type doorKey struct{}

// enter marks the connection of a request's context as busy; it is called when the whole message is there.
func enter(ctx context.Context) (leave func()) {
	d, ok := ctx.Value(doorKey{}).(*door)
	if !ok {
		return func() {}
	}
	d.mu.Lock()
	d.busy++
	d.mu.Unlock()
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.busy--
		d.since = time.Now() // whoever asked something lately is not the first to go
	}
}

// waiting tells since when a connection has held its place for nothing, and whether it does.
func (d *door) waiting() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.since, d.busy == 0
}

// doors are the open connections.
type doors struct {
	max  int
	mu   sync.Mutex
	open map[net.Conn]*door
}

// context is called for each new connection before its state is told.
func (d *doors) context(ctx context.Context, c net.Conn) context.Context {
	one := &door{since: time.Now()}
	d.mu.Lock()
	d.open[c] = one
	var oldest net.Conn
	var since time.Time
	if len(d.open) > d.max {
		for other, door := range d.open {
			if at, idle := door.waiting(); idle && other != c && (oldest == nil || at.Before(since)) {
				oldest, since = other, at
			}
		}
		if oldest == nil {
			oldest = c // all others are being answered
		}
		delete(d.open, oldest)
	}
	d.mu.Unlock()
	if oldest != nil {
		closeRaw(oldest)
	}
	return context.WithValue(ctx, doorKey{}, one)
}

// closeRaw closes the connection below TLS: the goodbye of TLS could wait for a reader who is not there.
func closeRaw(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	_ = c.Close() // it is to go, whatever it says
}

func (d *doors) state(c net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		d.mu.Lock()
		delete(d.open, c)
		d.mu.Unlock()
	}
}

// slogWriter takes what net/http has to say of single connections: for a technician who looks closer.
type slogWriter struct{ log *slog.Logger }

func (w slogWriter) Write(text []byte) (int, error) {
	w.log.Debug("a register's connection", "says", string(text))
	return len(text), nil
}
