package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// dialer opens the connection for the library, which would neither follow a context nor tell why a handshake
// ended.
type dialer struct {
	ctx     context.Context // of the Dial that owns it; the library has no place to hand one through
	timeout time.Duration
	target  target
	tls     *tls.Config
	alpn    string

	mu   sync.Mutex
	conn *witness
	stop func() bool
}

func (d *dialer) open(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	var nd net.Dialer
	conn, err := nd.DialContext(ctx, "tcp", d.target.addr)
	if err != nil {
		return nil, err
	}
	if d.target.secure {
		t := tls.Client(conn, clientConfig(d.tls, d.target.host, d.alpn))
		if err := t.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("%w: %w", errHandshake, err)
		}
		conn = t
	}
	w := &witness{Conn: conn}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = w
	d.stop = context.AfterFunc(d.ctx, func() { _ = w.Close() })
	return w, nil
}

// errHandshake says that the connection was there and TLS was not.
var errHandshake = errors.New("TLS handshake")

// settle ends the hold that the context has on the connection: from now on Close ends it, with a DISCONNECT.
// It is false when there is no connection or the context came first.
func (d *dialer) settle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stop != nil && d.stop()
}

// firstError is what the network said first on this connection, or nil.
func (d *dialer) firstError() error {
	d.mu.Lock()
	w := d.conn
	d.mu.Unlock()
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first
}

// cause adds to the library's error what the network said first, unless that is in it.
func (d *dialer) cause(err error) error {
	first := d.firstError()
	if err == nil || first == nil || strings.Contains(err.Error(), first.Error()) {
		return err
	}
	return fmt.Errorf("%w (%w)", err, first)
}

// head is what came first on this connection, or nothing.
func (d *dialer) head() string {
	d.mu.Lock()
	w := d.conn
	d.mu.Unlock()
	if w == nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.head)
}

// webPatience is how long a web server has to answer.
const webPatience = time.Second

// askWeb tells what a web server answers at the same place, if there is one: it waits for the end of a line,
// which MQTT doesn't send, and so keeps silent.
func (d *dialer) askWeb() string {
	again := &dialer{ctx: d.ctx, timeout: d.timeout, target: d.target, tls: d.tls, alpn: d.alpn}
	conn, err := again.open(nil, mqtt.ClientOptions{})
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }() // nothing was agreed
	if conn.SetDeadline(time.Now().Add(webPatience)) != nil {
		return ""
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return ""
	}
	_, _ = io.ReadFull(conn, make([]byte, headMax)) // what came is the head
	return again.head()
}

// witness remembers the first error of a connection, and its first bytes: whoever is there instead of a
// broker says so in them. With TLS 1.3 a server refuses a client's certificate only after the client's
// handshake is done, so that the reason arrives with the first read and the library may report just an EOF.
type witness struct {
	net.Conn
	mu    sync.Mutex
	first error
	head  []byte
}

// headMax is how many of the first bytes tell who is there.
const headMax = 8

func (w *witness) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	if more := headMax - len(w.head); more > 0 {
		w.head = append(w.head, p[:min(n, more)]...)
	}
	w.mu.Unlock()
	w.note(err)
	return n, err
}

func (w *witness) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.note(err)
	return n, err
}

func (w *witness) note(err error) {
	if err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.first == nil {
		w.first = err
	}
}

// clientConfig is the caller's configuration for one server, never older than TLS 1.2.
func clientConfig(c *tls.Config, host, alpn string) *tls.Config {
	if c == nil {
		c = &tls.Config{MinVersion: tls.VersionTLS12}
	} else {
		c = c.Clone()
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	if c.ServerName == "" {
		c.ServerName = host
	}
	if alpn != "" {
		c.NextProtos = []string{alpn}
	}
	return c
}
