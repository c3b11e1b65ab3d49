package register_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/payment/register"
)

// java is a process that sends messages with Adyen's library for Java, testdata/java/Drive.java.
type java struct {
	t    *testing.T
	in   io.Writer
	errs *bytes.Buffer
	mu   sync.Mutex
	wait []chan told // by the number of the message
}

// told is what the library made of an answer.
type told struct {
	N     int
	Reply struct {
		SaleToPOIResponse map[string]json.RawMessage
	}
	Error string
}

func newJava(t *testing.T) *java {
	t.Helper()
	jars := filepath.Join("..", "..", ".build", "register-java", "lib")
	if _, err := os.Stat(jars); err != nil {
		t.Skip("Adyen's library for Java is not installed: make register-java")
	}
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("there is no Java to run Adyen's library with: install Maven, which brings it")
	}
	cmd := exec.Command("java", "-XX:TieredStopAtLevel=1", "-cp", jars+"/*", "testdata/java/Drive.java")
	j := &java{t: t, errs: &bytes.Buffer{}}
	cmd.Stderr = j.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	j.in = in
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
		t.Fatalf("java says %q: %s", lines.Text(), j.errs)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() {
			var a told
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				a.Error = fmt.Sprintf("%v: %s", err, lines.Text())
			}
			j.mu.Lock()
			j.wait[a.N] <- a
			j.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		<-ended
		_ = cmd.Wait() // says that it was killed
	})
	return j
}

// javaTill is a register that sends with it, plain or sealed.
type javaTill struct {
	*java
	url, pem, sale string
	key            map[string]any // nil: plain
}

// send sends a message; its answer comes over the channel.
func (c *javaTill) send(category, service string, body any) <-chan told {
	c.t.Helper()
	answer := make(chan told, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	line, err := json.Marshal(map[string]any{"n": len(c.wait), "url": c.url, "pem": c.pem, "key": c.key,
		"message": map[string]any{"SaleToPOIRequest": map[string]any{
			"MessageHeader": map[string]any{"ProtocolVersion": "3.0", "MessageClass": "Service", "SaleID": c.sale,
				"MessageCategory": category, "MessageType": "Request", "ServiceID": service, "POIID": poiID},
			category + "Request": body}}})
	c.wait = append(c.wait, answer)
	if err == nil {
		_, err = c.in.Write(append(line, '\n'))
	}
	if err != nil {
		c.t.Fatalf("%v: %s", err, c.errs)
	}
	return answer
}

func (c *javaTill) hear(answer <-chan told) told {
	c.t.Helper()
	select {
	case a := <-answer:
		return a
	case <-time.After(time.Minute):
		c.t.Fatalf("no answer within a minute: %s", c.errs)
		return told{}
	}
}

// response reads the body of an answer that is one of a category.
func (c *javaTill) response(a told, category string, into any) {
	c.t.Helper()
	raw := a.Reply.SaleToPOIResponse[category+"Response"]
	if raw == nil || a.Error != "" {
		c.t.Fatalf("no %sResponse: %s %s", category, a.Error, a.Reply.SaleToPOIResponse)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		c.t.Fatalf("%s: %v", raw, err)
	}
}

// TestAdyenJavaLibrary has Adyen's library for Java pay, ask, reverse and abort, each plain and sealed, and
// send what is refused: it must find the reason in the answer (adyen-java-api-library#1430).
func TestAdyenJavaLibrary(t *testing.T) {
	j := newJava(t)
	d := newDesk(t, func(d *desk) { d.commonName = "P400Plus-123456789.test.terminal.adyen.com" })
	d.pair("correct horse")
	plain := &javaTill{java: j, url: strings.TrimSuffix(d.url, "/nexo") + "/nexo", sale: "plain"}
	sealed := &javaTill{java: j, url: plain.url, sale: "sealed [POS 2]", pem: filepath.Join(d.dir, "r.crt"),
		key: map[string]any{"Passphrase": "correct horse", "KeyIdentifier": "front-key", "KeyVersion": 1}}
	for _, c := range []*javaTill{plain, sealed} {
		t.Run(c.sale, func(t *testing.T) {
			d.t, j.t = t, t
			javaPays(d, c)
			javaIsRefused(d, c)
		})
	}
	d.t, j.t = t, t
	stranger := *sealed
	stranger.key = map[string]any{"Passphrase": "another one", "KeyIdentifier": "front-key", "KeyVersion": 1}
	if a := j.hearOf(&stranger); a.Error == "" { // nothing could be opened, so nothing can be told under a key
		t.Errorf("a wrong passphrase was answered with %s", a.Reply.SaleToPOIResponse)
	}
}

func (j *java) hearOf(c *javaTill) told { return c.hear(c.send("Diagnosis", "dx", map[string]any{})) }

// javaPayment asks for some euros.
func javaPayment(amount any) map[string]any {
	return map[string]any{
		"SaleData": map[string]any{"SaleTransactionID": map[string]any{"TransactionID": "receipt 17",
			"TimeStamp": "2026-03-01T10:11:12.000Z"}},
		"PaymentTransaction": map[string]any{"AmountsReq": map[string]any{"Currency": "EUR",
			"RequestedAmount": amount}},
	}
}

func javaPays(d *desk, c *javaTill) {
	var paid, asked register.PaymentResponse
	answer := c.send("Payment", "p1", javaPayment(4.2))
	d.smiles(d.running())
	c.response(c.hear(answer), "Payment", &paid)
	d.is("payment", paid.Response, register.Success, "")
	if paid.Result == nil || paid.Result.Amounts.Authorized != "4.20" || len(paid.Receipts) != 2 {
		d.t.Errorf("payment: %+v", paid)
	}
	var status register.TransactionStatusResponse
	c.response(c.hear(c.send("TransactionStatus", "st1", map[string]any{"MessageReference": map[string]any{
		"MessageCategory": "Payment", "SaleID": c.sale, "ServiceID": "p1"}})), "TransactionStatus", &status)
	d.is("status", status.Response, register.Success, "")
	if status.Repeated == nil || status.Repeated.Body.Payment == nil {
		d.t.Fatalf("status: %+v", status)
	}
	asked = *status.Repeated.Body.Payment
	if asked.POIData.TransactionID != paid.POIData.TransactionID {
		d.t.Errorf("status: %+v, paid %+v", asked, paid)
	}
	var back register.ReversalResponse
	c.response(c.hear(c.send("Reversal", "r1", map[string]any{"ReversalReason": "MerchantCancel",
		"OriginalPOITransaction": map[string]any{"POITransactionID": paid.POIData.TransactionID},
		"ReversedAmount":         1.2})), "Reversal", &back)
	d.is("reversal", back.Response, register.Success, "")
	if back.Amount != "1.20" {
		d.t.Errorf("reversal: %+v", back)
	}
	c.response(c.hear(c.send("Reversal", "r2", map[string]any{"ReversalReason": "MerchantCancel",
		"OriginalPOITransaction": map[string]any{"POITransactionID": paid.POIData.TransactionID},
		"ReversedAmount":         3.01})), "Reversal", &back)
	d.is("too much", back.Response, register.Failure, register.NotAllowed)
	c.response(c.hear(c.send("TransactionStatus", "st2", map[string]any{"MessageReference": map[string]any{
		"MessageCategory": "Reversal", "SaleID": c.sale, "ServiceID": "r2"}})), "TransactionStatus", &status)
	d.is("its status", status.Repeated.Body.Reversal.Response, register.Failure, register.NotAllowed)
	answer = c.send("Payment", "p2", javaPayment(1))
	d.running()
	aborted := c.hear(c.send("Abort", "a1", map[string]any{"AbortReason": "MerchantAbort",
		"MessageReference": map[string]any{"MessageCategory": "Payment", "SaleID": c.sale, "ServiceID": "p2"}}))
	if aborted.Error != "" || aborted.Reply.SaleToPOIResponse != nil {
		d.t.Errorf("an abort has no answer: %+v", aborted)
	}
	c.response(c.hear(answer), "Payment", &paid)
	d.is("aborted", paid.Response, register.Failure, register.Aborted)
}

func javaIsRefused(d *desk, c *javaTill) {
	for _, one := range []struct {
		category, service string
		body              any
		words             string
	}{
		{"Payment", "12345678901", javaPayment(1), "MessageHeader.ServiceID: it has 11 characters"},
		{"Print", "x1", map[string]any{}, `MessageHeader.MessageCategory: "Print" is not taken`},
		{"Payment", "x2", javaPayment(1.001), "RequestedAmount: 1.001 has more decimals"},
		{"Payment", "x3", javaPayment(nil), "RequestedAmount: it is missing"},
		{"Reversal", "x4", map[string]any{}, "ReversalRequest.ReversalReason: it is missing"},
	} {
		var said struct{ Response register.Response }
		c.response(c.hear(c.send(one.category, one.service, one.body)), one.category, &said)
		d.is(one.words, said.Response, register.Failure, register.MessageFormat)
		if got := register.Message(said.Response); !strings.Contains(got, one.words) {
			d.t.Errorf("%q, want %q", got, one.words)
		}
	}
}
