package report_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"smiletill/payment/cloud"
	"smiletill/payment/cloud/broker"
	"smiletill/payment/report"
	"smiletill/payment/report/link"
	"smiletill/payment/report/signature"
)

// patience bounds every wait of these tests. The longest, 2,000 fsyncs, takes 2 s on an idle machine; a
// shared disk was seen to take 30 s.
const patience = 3 * time.Minute

func here() report.Address {
	return report.Address{Tenant: "acme", Site: "kiosk-1", Terminal: "till_2"}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// outbox is a table of rows in a real database.
type outbox struct {
	t  testing.TB
	db *sql.DB
}

func newOutbox(t testing.TB) *outbox {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "outbox.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.Exec(`CREATE TABLE outbox (
		seq INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT, payment TEXT, at TEXT, body TEXT, hash TEXT,
		closes INTEGER NOT NULL DEFAULT 0, parked TEXT NOT NULL DEFAULT '') STRICT`)
	if err != nil {
		t.Fatal(err)
	}
	return &outbox{t, db}
}

// add appends n approvals.
func (o *outbox) add(n int) {
	o.t.Helper()
	tx, err := o.db.Begin()
	if err != nil {
		o.t.Fatal(err)
	}
	var seq int64
	if err := tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM outbox`).Scan(&seq); err != nil {
		o.t.Fatal(err)
	}
	for range n {
		seq += 3 // other facts lie between
		_, err := tx.Exec(`INSERT INTO outbox (seq, id, kind, payment, at, body, hash) VALUES (?,?,?,?,?,?,?)`,
			seq, fmt.Sprintf("event-%d", seq), "approved", fmt.Sprintf("order-%d", seq), "2026-03-01T12:00:00Z",
			fmt.Sprintf(`{"amount_minor":%d,"currency":"EUR","seq":%d}`, 100+seq, seq), fmt.Sprintf("hash-%d", seq))
		if err != nil {
			o.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		o.t.Fatal(err)
	}
}

func (o *outbox) Pending(ctx context.Context, after int64, limit int) ([]report.Row, error) {
	rows, err := o.db.QueryContext(ctx, `SELECT seq, id, kind, payment, at, body, hash FROM outbox
		WHERE closes = 0 AND parked = '' AND seq > ? ORDER BY seq LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []report.Row
	for rows.Next() {
		var r report.Row
		var at, body string
		if err := rows.Scan(&r.Seq, &r.ID, &r.Kind, &r.PaymentID, &at, &body, &r.Hash); err != nil {
			return nil, err
		}
		r.Body = json.RawMessage(body)
		if r.Time, err = time.Parse(time.RFC3339, at); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Close counts how often a row is closed: more than once is a fault that the tests look for.
func (o *outbox) Close(ctx context.Context, id, hash string, seq int64) error {
	res, err := o.db.ExecContext(ctx, `UPDATE outbox SET closes = closes + 1
		WHERE id = ? AND hash = ? AND seq = ?`, id, hash, seq)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(fmt.Errorf("no such row: %s", id), err)
	}
	return nil
}

func (o *outbox) Park(ctx context.Context, seq int64, why string) error {
	_, err := o.db.ExecContext(ctx, `UPDATE outbox SET parked = ? WHERE seq = ?`, why, seq)
	return err
}

func (o *outbox) one(query string, args ...any) (n int) {
	o.t.Helper()
	if err := o.db.QueryRow(query, args...).Scan(&n); err != nil {
		o.t.Fatal(err)
	}
	return n
}

func (o *outbox) open() int { return o.one(`SELECT count(*) FROM outbox WHERE closes = 0`) }

func (o *outbox) mostCloses() int { return o.one(`SELECT coalesce(max(closes), 0) FROM outbox`) }

// run starts something with a Run method; the returned stop ends it and waits.
func run(t testing.TB, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			t.Error("run does not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// options are quick ones, so that tests need not wait for a minute.
func options(url string, o report.Outbox) report.Options {
	return report.Options{
		Broker: url, Address: here(), Version: "test", Outbox: o, Signer: report.KeySigner{Key: key(1)},
		Verifier: report.CloudKeys{key(2).Public()},
		Log:      quiet(), Rand: seeded(), AckTimeout: 300 * time.Millisecond, MinDelay: 10 * time.Millisecond,
		MaxDelay: 500 * time.Millisecond, Poll: 50 * time.Millisecond,
	}
}

func startReporter(t testing.TB, o report.Options) (*report.Reporter, func()) {
	t.Helper()
	r, err := report.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r, run(t, r.Run)
}

func openCloud(t testing.TB, o cloud.Options) *cloud.Receiver {
	t.Helper()
	o.Key = key(2)
	o.Log, o.Rand, o.MinDelay, o.MaxDelay = quiet(), seeded(), 10*time.Millisecond, 100*time.Millisecond
	c, err := cloud.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.Trust(context.Background(), here(), key(1).Public()); err != nil {
		t.Fatal(err)
	}
	return c
}

// key is the same for the same number: 1 is the terminal's, 2 the cloud's.
func key(n byte) *signature.Key {
	k, err := signature.NewKey(bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		panic(err)
	}
	return k
}

// ackOf is what the cloud would say of a row.
func ackOf(t testing.TB, by *signature.Key, a report.Ack) []byte {
	t.Helper()
	var err error
	if a.Sig, err = signature.Sign(by, a.Signed(here().Source())); err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func startCloud(t testing.TB, url, file string) (*cloud.Receiver, func()) {
	t.Helper()
	c := openCloud(t, cloud.Options{Broker: url, File: file})
	stop := run(t, c.Run)
	select {
	case <-c.Ready():
	case <-time.After(patience):
		t.Fatal("the cloud never subscribed")
	}
	return c, stop
}

func count(t testing.TB, c *cloud.Receiver) int {
	t.Helper()
	n, err := c.Count(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// brokerKind starts a broker at addr and gives its address and a stop without grace.
type brokerKind func(t testing.TB, addr string) (at string, kill func())

// everyBroker runs a test against the embedded broker and against mosquitto.
func everyBroker(t *testing.T, test func(t *testing.T, start brokerKind)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded) })
	t.Run("mosquitto", func(t *testing.T) {
		if _, err := exec.LookPath(mosquitto); err != nil {
			t.Skip("mosquitto is not installed: apt-get install mosquitto mosquitto-clients")
		}
		test(t, startMosquitto)
	})
}

// loopback is an address whose port is free and not one that the system hands out by itself: tests that stop
// a broker and start it again must find the port as they left it.
func loopback(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(10000))
		if ln, err := net.Listen("tcp", addr); err == nil {
			_ = ln.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func embedded(t testing.TB, addr string) (string, func()) {
	t.Helper()
	b, err := broker.Start(addr, quiet())
	if err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = b.Close() }
	t.Cleanup(kill)
	return b.Addr(), kill
}

const mosquitto = "/usr/sbin/mosquitto"

func startMosquitto(t testing.TB, addr string) (string, func()) {
	t.Helper()
	return startMosquittoWith(t, addr, "allow_anonymous true\npersistence false\n")
}

// startMosquittoWith starts one with settings of the test's.
func startMosquittoWith(t testing.TB, addr, settings string) (string, func()) {
	t.Helper()
	_, port, _ := net.SplitHostPort(addr)
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	// As root it would become a user who can't read the test's files.
	text := "user root\nlog_dest stderr\nlistener " + port + " 127.0.0.1\n" + settings
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(mosquitto, "-c", conf)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		for s := bufio.NewScanner(stderr); s.Scan(); {
			fmt.Fprintln(&all, s.Text())
		}
		said <- all.String()
		close(said)
	}()
	kill := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		<-said
		_ = cmd.Wait()
	})
	t.Cleanup(kill)
	eventually(t, "mosquitto listens", func() bool {
		if len(said) > 0 {
			t.Fatal("mosquitto ended: ", <-said)
		}
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	return addr, kill
}

// peer is a client of the test's own.
func peer(t testing.TB, url, id string, filters ...string) *link.Link {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := link.Dial(ctx, link.Options{Broker: url, ClientID: id, Inbox: 4096})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	for _, f := range filters {
		if err := l.Subscribe(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func receive(t testing.TB, l *link.Link) link.Message {
	t.Helper()
	select {
	case m := <-l.Inbox():
		return m
	case <-l.Lost():
		t.Fatal(l.Err())
	case <-time.After(patience):
		t.Fatal("no message")
	}
	return link.Message{}
}

func say(t testing.TB, l *link.Link, topic string, payload []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	receipt, err := l.Publish(ctx, topic, false, payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := receipt.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// wire is a TCP relay that can be cut, without a word, as a cable can.
type wire struct {
	ln    net.Listener
	to    string
	mu    sync.Mutex
	conns []net.Conn
	limit func() int64 // bytes that a new connection carries towards the broker before it breaks; nil: no end
}

func newWire(t testing.TB, to string) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{ln: ln, to: to}
	t.Cleanup(func() { _ = ln.Close(); w.cut() })
	go w.serve()
	return w
}

func (w *wire) url() string { return "mqtt://" + w.ln.Addr().String() }

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

func (w *wire) setLimit(f func() int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit = f
}

func (w *wire) serve() {
	for {
		in, err := w.ln.Accept()
		if err != nil {
			return
		}
		out, err := net.DialTimeout("tcp", w.to, time.Second)
		if err != nil {
			_ = in.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, in, out)
		limit := int64(1 << 40)
		if w.limit != nil {
			limit = w.limit()
		}
		w.mu.Unlock()
		go relay(out, in, limit)
		go relay(in, out, limit)
	}
}

func relay(to, from net.Conn, limit int64) {
	_, _ = io.CopyN(to, from, limit)
	_ = to.Close()
	_ = from.Close()
}
