package broker

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// tired is a listener whose first Accepts fail, as where too many files are open.
type tired struct {
	net.Listener
	fails int
}

func (l *tired) Accept() (net.Conn, error) {
	if l.fails > 0 {
		l.fails--
		return nil, syscall.EMFILE
	}
	return l.Listener.Accept()
}

// TestDoorOutlivesAFailedAccept: what could not be taken once does not end the broker.
func TestDoorOutlivesAFailedAccept(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := NewListener(&tired{ln, 3})
	came, served := make(chan struct{}, 1), make(chan struct{})
	go func() {
		d.Serve(func(string, net.Conn) error { came <- struct{}{}; return errors.New("gone") })
		close(served)
	}()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, wait := range []chan struct{}{came, served} {
		select {
		case <-wait:
		case <-time.After(20 * time.Second):
			t.Fatal("the door does not serve, or not end")
		}
		d.Close(func(string) {})
	}
}
