package control_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/payment"
)

// Who loses the terminal in the middle of a payment is told to ask by its id, not what became of a
// connection.
func TestClientLosesTheTerminal(t *testing.T) {
	dir, err := os.MkdirTemp("", "c") // a path short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for i, answer := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"id\""} {
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096)) // the request
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close() // as a process does that is killed
		}()
		_, err := control.NewClient(socket).Wait(t.Context(), "order-7", time.Second)
		if err == nil || !strings.Contains(err.Error(), "the terminal was lost before it answered") ||
			!strings.Contains(payment.HintOf(err), "--id order-7") {
			t.Errorf("answer %d: %v, hint %q", i, err, payment.HintOf(err))
		}
	}
}

// Who stops waiting for a terminal that has the message is told that it may be done all the same, and with
// which command to ask: typed again without the id it would be done twice.
func TestClientStopsWaiting(t *testing.T) {
	dir, err := os.MkdirTemp("", "c") // a path short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket) // as of a process that stands still: the kernel takes what is sent
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := control.NewClient(socket)
	interrupted, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, interrupt)
	late, stop := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer stop()
	for _, how := range []struct {
		ctx  context.Context
		text string
	}{{interrupted, "interrupted"}, {late, "it took too long"}} {
		for want, ask := range map[string]func() error{
			"smiletill reverse --id r-1 --reference 'it'\\''s one of two' order-7 1.00": func() error {
				_, err := c.Reverse(how.ctx, control.ReversalRequest{ID: "r-1", PaymentID: "order-7", Amount: "1.00",
					Reference: "it's one of two"})
				return err
			},
			"smiletill pay --id order-8 1.50 EUR": func() error {
				_, err := c.Begin(how.ctx, control.PaymentRequest{ID: "order-8", Amount: "1.50", Currency: "EUR"})
				return err
			},
			"smiletill pay --id order-8 ": func() error {
				_, err := c.Cancel(how.ctx, "order-8", payment.ByOperator)
				return err
			},
		} {
			err := ask()
			if err == nil || !control.Lost(err) || !strings.Contains(payment.HintOf(err), "`"+want) ||
				!strings.Contains(err.Error(), "may have done it") || !strings.Contains(err.Error(), how.text) {
				t.Errorf("%s: %v, hint %q", want, err, payment.HintOf(err))
			}
		}
	}
}
