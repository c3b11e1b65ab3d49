package screen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrNotLoopback refuses to show the till to the network unasked.
var ErrNotLoopback = errors.New("address is not a loopback address")

// hintError is an error for the operator, with what to do about it.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// Hint says what to do.
func (e *hintError) Hint() string { return e.hint }

// ListenAndServe serves on addr ("127.0.0.1:8080") until ctx is done, and then returns nil. Anything but
// a loopback address is refused with ErrNotLoopback unless AllowRemote is set.
func (s *Server) ListenAndServe(ctx context.Context, addr string) error {
	if err := s.allowed(addr); err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		err = fmt.Errorf("listen for browsers: %w", err)
		if errors.Is(err, syscall.EADDRINUSE) {
			return &hintError{err, "another program uses this port: stop it, or choose another address"}
		}
		return err
	}
	return s.Serve(ctx, l)
}

// allowed checks an address to listen on.
func (s *Server) allowed(addr string) error {
	if s.opt.AllowRemote {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return &hintError{err, "give an address and a port, for example 127.0.0.1:8080"}
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || (err == nil && ip.IsLoopback()) {
		return nil
	}
	return &hintError{ErrNotLoopback, "use 127.0.0.1, or allow remote screens in the configuration"}
}

// Serve is ListenAndServe on a listener of the caller's, which it closes.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return s.answer(ctx, l, s)
}

// ServeCounter serves the counter's page over TLS, and none of the others, on a listener of any address,
// which it closes, until ctx is done: for a clerk's tablet. It may be addressed by that address and by
// Hosts. Of this and of Serve there are at most 64 connections of other machines and 32 of this one; one
// more closes one that waits.
func (s *Server) ServeCounter(ctx context.Context, l net.Listener, c *tls.Config) error {
	mux := http.NewServeMux()
	s.routeCounter(mux)
	s.routeAssets(mux)
	mux.Handle("GET /{$}", http.RedirectHandler("/counter", http.StatusFound))
	return s.answer(ctx, tls.NewListener(l, c), s.guard(mux))
}

func (s *Server) answer(ctx context.Context, l net.Listener, h http.Handler) error {
	d := &doors{open: map[net.Conn]*door{}}
	srv := &http.Server{
		Handler:           d.whole(h),
		ConnContext:       d.context,
		ConnState:         d.state,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // of single connections
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second, // event streams set their own, event by event
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the event streams
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve browsers: %w", err)
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
