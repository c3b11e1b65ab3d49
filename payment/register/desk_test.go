package register_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/payment/register"
)

const (
	poiID    = "smiletill-1"
	customer = "c-grace"
	rightPIN = "2580"
)

// desk is a till with a register before it: the real engine, journal, records and TLS server. Its camera is
// the test.
type desk struct {
	t      testing.TB
	dir    string
	policy payment.Policy
	limit  payment.Amount
	clock  func(context.Context) (time.Duration, error) // of the records; nil: the journal's
	wrap   func(payment.Journal) payment.Journal
	owed   int64

	sealedOnly bool   // plain messages are refused, as by default
	commonName string // of the certificate

	mu       sync.Mutex
	till     *register.Till
	opening  error
	health   register.Health
	pairings register.Pairings
	unread   error // in their place
	shown    []string

	engine  *payment.Engine
	journal *journal.Journal
	server  *register.Server
	url     string
	close   func()
}

func newDesk(t testing.TB, change ...func(*desk)) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), limit: payment.Amount{Minor: 5000, Currency: "EUR"},
		commonName: poiID}
	for _, c := range change {
		c(d)
	}
	d.open()
	d.serve()
	return d
}

// open opens the parts of the till, as after a start.
func (d *desk) open() {
	d.t.Helper()
	ctx := context.Background()
	j, err := journal.Open(ctx, filepath.Join(d.dir, "journal.db"), journal.Options{Terminal: "1",
		OwedMax: d.owed})
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := j.Recover(ctx, time.Now(), true); err != nil {
		d.t.Fatal(err)
	}
	clock := d.clock
	if clock == nil {
		clock = j.Elapsed
	}
	records, err := register.OpenRecords(ctx, filepath.Join(d.dir, "register.db"), clock)
	if err != nil {
		d.t.Fatal(err)
	}
	var behind payment.Journal = j
	if d.wrap != nil {
		behind = d.wrap(j)
	}
	engine := payment.NewEngine(behind, payment.Options{Timeout: time.Minute, Policy: d.policy, PINs: pins{},
		ProbeEvery: 50 * time.Millisecond})
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- engine.Run(running) }()
	d.mu.Lock()
	d.till = &register.Till{Engine: engine, Journal: j, Books: books{j}, Records: records, Limit: d.limit}
	d.mu.Unlock()
	d.engine, d.journal = engine, j
	d.close = sync.OnceFunc(func() {
		d.mu.Lock()
		d.till, d.opening = nil, fmt.Errorf("%w: starting", payment.ErrOutOfOrder)
		d.mu.Unlock()
		stop()
		if err := errors.Join(<-done, records.Close(), j.Close()); err != nil {
			d.t.Error(err)
		}
	})
	d.t.Cleanup(func() { d.close() })
}

// reopen is a restart of the till; its door stays open.
func (d *desk) reopen() {
	d.t.Helper()
	d.close()
	d.open()
}

// forget is a restart without the records of messages.
func (d *desk) forget() {
	d.t.Helper()
	d.close()
	for _, end := range []string{"", "-wal", "-shm"} {
		err := os.Remove(filepath.Join(d.dir, "register.db"+end))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			d.t.Fatal(err)
		}
	}
	d.open()
}

func (d *desk) serve() {
	d.t.Helper()
	certificate, err := register.MakeCertificate(filepath.Join(d.dir, "r.crt"), filepath.Join(d.dir, "r.key"),
		d.commonName, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.server = register.NewServer(register.Options{
		POIID: poiID, Merchant: "Corner Café", Tenant: "demo", Site: "shop", Version: "1.2.3", Zone: time.UTC,
		Plain: !d.sealedOnly,
		Till: func() (*register.Till, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.till == nil {
				return nil, d.opening
			}
			return d.till, nil
		},
		Pairings: func() (register.Pairings, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.pairings, d.unread
		},
		Health: func(context.Context) register.Health { d.mu.Lock(); defer d.mu.Unlock(); return d.health },
		Display: func(lines []string, long time.Duration) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.shown = append(d.shown, fmt.Sprintf("%s for %v", strings.Join(lines, "|"), long))
		},
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	d.url = "https://" + l.Addr().String() + "/nexo"
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.server.Serve(ctx, l, certificate) }()
	d.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
}

// books adds up the journal, as the glue in cmd does.
type books struct{ j *journal.Journal }

func (b books) Last(ctx context.Context) (int64, error) { return b.j.Last(ctx) }

func (b books) Sums(ctx context.Context, after, upto int64) ([]register.Sum, error) {
	days, err := b.j.Totals(ctx, journal.Range{After: after, Upto: upto}, time.UTC)
	sums := make([]register.Sum, 0, len(days))
	for _, d := range days {
		sums = append(sums, register.Sum{Result: d.Result, Count: d.Count,
			Amount: payment.Amount{Minor: d.Minor, Currency: d.Currency}})
	}
	return sums, err
}

// pins knows one PIN.
type pins struct{}

func (pins) Ready(_ context.Context, who string) error {
	if who != customer {
		return payment.ErrPINNotSet
	}
	return nil
}

func (pins) Try(_ context.Context, _, pin string) error {
	switch pin {
	case rightPIN:
		return nil
	case "0000":
		return payment.ErrPINLocked
	}
	return payment.ErrPINWrong
}

// http trusts the desk's certificate without looking: what is between is not what is tested.
func (d *desk) http() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: 30 * time.Second}
}

func (d *desk) client() *register.Client {
	return &register.Client{URL: d.url, SaleID: "POS 1 (front)", POIID: poiID, HTTP: d.http()}
}

// say sends a request by a client and gives the reply.
func (d *desk) say(q register.Request) *register.Reply {
	d.t.Helper()
	reply, err := d.client().Send(d.t.Context(), q)
	if err != nil {
		d.t.Fatal(err)
	}
	return reply
}

// raw posts a body and gives the answer.
func (d *desk) raw(body string) (int, string) {
	d.t.Helper()
	resp, err := d.http().Post(d.url, "application/json", strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// paymentOf is a Payment message.
func paymentOf(service, transaction, number, currency string) register.Request {
	p := &register.PaymentRequest{SaleData: json.RawMessage(
		`{"OperatorID":"Ada","SaleTransactionID":{"TransactionID":"` + transaction +
			`","TimeStamp":"2026-11-20T10:00:00.000Z"}}`)}
	p.Transaction.Amounts = register.AmountsReq{Currency: currency, RequestedAmount: json.Number(number)}
	return register.Request{Header: register.Header{MessageCategory: register.CategoryPayment,
		ServiceID: service},
		Payment: p}
}

func idOf(service, transaction string) string {
	return register.PaymentID(register.Header{SaleID: "POS 1 (front)", ServiceID: service},
		register.TransactionID{TransactionID: transaction, TimeStamp: "2026-11-20T10:00:00.000Z"})
}

// pay sends a payment and does act to it once it runs.
func (d *desk) pay(q register.Request, act func(p payment.Payment)) *register.PaymentResponse {
	d.t.Helper()
	answers := d.start(q)
	act(d.running())
	return d.take(answers)
}

type answered struct {
	reply *register.Reply
	err   error
}

// start sends a message without waiting for its answer.
func (d *desk) start(q register.Request) <-chan answered {
	answers := make(chan answered, 1)
	ctx := d.t.Context()
	go func() {
		reply, err := d.client().Send(ctx, q)
		answers <- answered{reply, err}
	}()
	return answers
}

func (d *desk) take(answers <-chan answered) *register.PaymentResponse {
	d.t.Helper()
	select {
	case a := <-answers:
		if a.err != nil {
			d.t.Fatal(a.err)
		}
		if a.reply.Payment == nil {
			d.t.Fatalf("no PaymentResponse: %+v", a.reply)
		}
		return a.reply.Payment
	case <-time.After(20 * time.Second):
		d.t.Fatal("no answer")
		return nil
	}
}

// running waits until a payment runs.
func (d *desk) running() payment.Payment {
	d.t.Helper()
	var s payment.Status
	d.eventually("a running payment", func() bool {
		var err error
		if s, err = d.engine.Status(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
		return s.Payment.ID != "" && !s.Payment.State.Terminal()
	})
	return s.Payment
}

func (d *desk) eventually(what string, done func() bool) {
	d.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if done() {
			return
		}
	}
	d.t.Fatal("never came: " + what)
}

// seen has the camera see somebody.
func (d *desk) seen(id string, events ...payment.Event) {
	d.t.Helper()
	for _, e := range events {
		if err := d.engine.Handle(context.Background(), id, e); err != nil {
			d.t.Fatal(err)
		}
	}
}

// smiles has a customer recognised and smile.
func (d *desk) smiles(p payment.Payment) {
	d.t.Helper()
	d.smilesAs(p, customer)
}

func (d *desk) smilesAs(p payment.Payment, who string) {
	d.t.Helper()
	d.seen(p.ID, payment.Recognised{Customer: who})
	now := time.Now()
	d.seen(p.ID, payment.Consented{Evidence: payment.Evidence{Customer: who, MatchFrames: 4, SmileFrames: 2,
		Since: now, At: now}})
}

// approvals counts what the journal says was paid.
func (d *desk) approvals() int {
	d.t.Helper()
	all, err := d.journal.List(context.Background(), journal.Filter{State: payment.StateApproved, Limit: -1})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(all)
}

func statusOf(service string) register.Request {
	return register.Request{
		Header: register.Header{MessageCategory: register.CategoryTransactionStatus, ServiceID: "st" + service},
		TransactionStatus: &register.TransactionStatusRequest{Reprint: true, Reference: &register.MessageReference{
			MessageCategory: register.CategoryPayment, SaleID: "POS 1 (front)", ServiceID: service}},
	}
}

func (d *desk) status(service string) *register.TransactionStatusResponse {
	d.t.Helper()
	return d.say(statusOf(service)).TransactionStatus
}

func (d *desk) is(what string, r register.Response, result register.Result, c register.Condition) {
	d.t.Helper()
	if r.Result != result || r.ErrorCondition != c {
		d.t.Errorf("%s: %s %s (%s), want %s %s", what, r.Result, r.ErrorCondition, register.Message(r), result, c)
	}
	if r.Result == register.Failure && register.Message(r) == string(r.ErrorCondition) {
		d.t.Errorf("%s: no words for a person", what)
	}
}

func jsonNumber(a payment.Amount) json.Number { return json.Number(a.Decimal()) }

// benchDesk keeps its files where BENCH_DIR says: a temporary folder may lie in memory.
func benchDesk(b *testing.B) *desk {
	b.Helper()
	return newDesk(b, func(d *desk) {
		if root := os.Getenv("BENCH_DIR"); root != "" {
			dir, err := os.MkdirTemp(root, "register-")
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = os.RemoveAll(dir) })
			d.dir = dir
		}
	})
}
