//go:build !notflite

package till_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/vision/visits"
)

// node is a process of Node that sends messages with npm's @adyen/api-library, in
// payment/register/testdata/npm/drive.cjs.
type node struct {
	t    *testing.T
	in   io.Writer
	errs *bytes.Buffer
	mu   sync.Mutex
	n    int
	wait map[int]chan heard
}

// object is JSON.
type object = map[string]any

// heard is what the library made of an answer.
type heard struct {
	N        int
	Reply    object
	Receipts map[string]string // by kind, taken apart as Odoo does
	Error    string
}

// nodeModules gives a folder in which programs for Node find the library.
func nodeModules(t *testing.T) string {
	t.Helper()
	modules := filepath.Join(terminaltest.Root(t), ".build", "register-npm", "node_modules")
	if _, err := os.Stat(modules); err != nil {
		t.Skip("npm's library is not installed: make register-npm")
	}
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newNode(t *testing.T) *node {
	t.Helper()
	cmd := exec.Command("node", "drive.cjs")
	cmd.Dir = nodeModules(t)
	drive := terminaltest.Read(
		t,
		filepath.Join(terminaltest.Root(t), "payment", "register", "testdata", "npm", "drive.cjs"),
	)
	if err := os.WriteFile(filepath.Join(cmd.Dir, "drive.cjs"), drive, 0o600); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, errs: &bytes.Buffer{}, wait: map[int]chan heard{}}
	cmd.Stderr = n.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	n.in = in
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("node says %q: %s", lines.Text(), n.errs)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() {
			var h heard
			if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
				h.Error = fmt.Sprintf("%v: %s", err, lines.Text())
			}
			n.mu.Lock()
			c := n.wait[h.N]
			delete(n.wait, h.N)
			n.mu.Unlock()
			if c != nil {
				c <- h
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		<-ended
		_ = cmd.Wait() // says that it was killed
	})
	return n
}

// npmTill is a cash register: a SaleID that talks to a terminal, plain or sealed.
type npmTill struct {
	*node
	url, poi, sale, pem string
	key                 object // of sealed messages; nil sends them plain
	patience            time.Duration
	last                int // number of the latest ServiceID
}

// id gives a new ServiceID.
func (c *npmTill) id() string {
	c.last++
	return fmt.Sprintf("%.1s%d", c.sale, c.last)
}

// message is a SaleToPOIRequest of a category; body is what its request holds.
func (c *npmTill) message(category, service string, body object) object {
	return object{"SaleToPOIRequest": object{
		"MessageHeader": object{"ProtocolVersion": "3.0", "MessageClass": "Service", "MessageCategory": category,
			"MessageType": "Request", "SaleID": c.sale, "ServiceID": service, "POIID": c.poi},
		category + "Request": body,
	}}
}

// send sends a message; its answer comes over the channel.
func (c *npmTill) send(message object) <-chan heard {
	c.t.Helper()
	answer := make(chan heard, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.wait[c.n] = answer
	line, err := json.Marshal(object{"n": c.n, "url": c.url, "key": c.key, "pem": c.pem,
		"patience_ms": c.patience.Milliseconds(), "message": message})
	if err == nil {
		_, err = c.in.Write(append(line, '\n'))
	}
	if err != nil {
		c.t.Fatalf("%v: %s", err, c.errs)
	}
	return answer
}

// hear waits for an answer.
func (c *npmTill) hear(answer <-chan heard) heard {
	c.t.Helper()
	select {
	case h := <-answer:
		return h
	case <-time.After(time.Minute):
		c.t.Fatalf("no answer within a minute: %s", c.errs)
		return heard{}
	}
}

// response gives the body of an answer that is one of a category.
func (c *npmTill) response(h heard, category string) object {
	c.t.Helper()
	r := dig(h.Reply, "SaleToPOIResponse", category+"Response")
	body, ok := r.(object)
	if h.Error != "" || !ok {
		c.t.Fatalf("no %sResponse: %s %v", category, h.Error, h.Reply)
	}
	return body
}

// ask sends a message of a category and gives the body of its answer.
func (c *npmTill) ask(category string, body object) object {
	c.t.Helper()
	return c.response(c.hear(c.send(c.message(category, c.id(), body))), category)
}

// payment is the body of a Payment. Who steps up is the first word of the reference.
func (c *npmTill) payment(reference string, amounts object) object {
	return object{
		"SaleData": object{"SaleTransactionID": object{"TransactionID": reference,
			"TimeStamp": "2026-03-01T10:11:12.000Z"}},
		"PaymentTransaction": object{"AmountsReq": amounts},
	}
}

// abort ends the payment of a message.
func (c *npmTill) abort(service string) heard {
	c.t.Helper()
	return c.hear(c.send(c.message("Abort", c.id(), object{"AbortReason": "MerchantAbort",
		"MessageReference": object{"MessageCategory": "Payment", "SaleID": c.sale, "ServiceID": service}})))
}

func eur(amount any) object { return object{"Currency": "EUR", "RequestedAmount": amount} }

// status asks how a message went, until it is not running any more, and gives the answer to it.
func (c *npmTill) status(category, service string) (answer object, repeated heard) {
	c.t.Helper()
	for range 600 {
		h := c.hear(c.send(c.message("TransactionStatus", c.id(), object{
			"MessageReference":   object{"MessageCategory": category, "SaleID": c.sale, "ServiceID": service},
			"ReceiptReprintFlag": true, "DocumentQualifier": []string{"CashierReceipt", "CustomerReceipt"},
		})))
		if h.Error != "" { // the terminal is being started
			time.Sleep(50 * time.Millisecond)
			continue
		}
		body := c.response(h, "TransactionStatus")
		if is := condition(body); is != "InProgress" && is != "UnavailableService" {
			again, _ := dig(body, "RepeatedMessageResponse", "RepeatedResponseMessageBody",
				category+"Response").(object)
			if again == nil {
				return body, h
			}
			return again, h
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatalf("%s %s runs for ever", category, service)
	return nil, heard{}
}

// dig gives what lies at a path of keys, or nil.
func dig(v any, path ...string) any {
	for _, k := range path {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[k]
	}
	return v
}

// condition is the ErrorCondition of an answer, or "Success".
func condition(body object) string {
	if dig(body, "Response", "Result") == "Success" {
		return "Success"
	}
	s, _ := dig(body, "Response", "ErrorCondition").(string)
	return s
}

// more is an answer's AdditionalResponse.
func more(body object) string {
	s, _ := dig(body, "Response", "AdditionalResponse").(string)
	return s
}

// must holds an answer against a condition and against words in its AdditionalResponse.
func must(t *testing.T, what string, body object, want string, words ...string) {
	t.Helper()
	if got := condition(body); got != want {
		t.Errorf("%s: %s, want %s: %v", what, got, want, body["Response"])
	}
	for _, w := range words {
		if !strings.Contains(more(body), w) {
			t.Errorf("%s: no %q in %q", what, w, more(body))
		}
	}
}

// filmOf is a clip as a file of frames.
func filmOf(t *testing.T, clip string) []byte {
	t.Helper()
	data, err := fs.ReadFile(visits.Files(), clip+".mjpeg")
	if err != nil {
		t.Fatal(err)
	}
	return data
}
