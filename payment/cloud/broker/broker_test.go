package broker

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"smiletill/payment/report/link"
)

func TestStartRefusesWhatOthersCanReach(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"} {
		if b, err := Start(addr, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrNotLoopback) {
			t.Errorf("%s: %v, %v, want ErrNotLoopback", addr, b, err)
		}
	}
	for _, addr := range []string{"", ":0", ":1883", "localhost:0", "127.0.0.1", "127.0.0.1:x"} {
		if b, err := Start(addr, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q: listens on %s", addr, b.Addr())
		}
	}
}

func TestStartOnATakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	if _, err := Start(ln.Addr().String(), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("two listen on one port")
	}
}

func TestBrokerServesQuietlyAndCloses(t *testing.T) {
	var log strings.Builder
	b, err := Start("127.0.0.1:0", slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.Dial(t.Context(), link.Options{Broker: b.URL(), ClientID: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Subscribe(t.Context(), "a/+"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Publish(t.Context(), "a/b", false, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-l.Inbox():
		if m.Topic != "a/b" || string(m.Payload) != "hello" {
			t.Errorf("%+v", m)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no message")
	}
	l.Close()
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if c, err := net.DialTimeout("tcp", b.Addr(), time.Second); err == nil {
		_ = c.Close()
		t.Error("still listens")
	}
	if log.Len() != 0 {
		t.Errorf("said %s", log.String())
	}
}
