package control_test

import (
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
