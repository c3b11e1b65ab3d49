package register_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/payment/register"
)

// TestNotTheProtocol: what is no message at all.
func TestNotTheProtocol(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		name, method, path, body string
		header                   [2]string
		want                     int
	}{
		{"another path", "POST", "/", "{}", [2]string{}, http.StatusNotFound},
		{"below", "POST", "/nexo/x", "{}", [2]string{}, http.StatusNotFound},
		{"GET", "GET", "/nexo", "", [2]string{}, http.StatusMethodNotAllowed},
		{"too large", "POST", "/nexo", strings.Repeat(" ", register.BodyMax+1), [2]string{},
			http.StatusRequestEntityTooLarge},
		{"a web page", "POST", "/nexo", "{}", [2]string{"Origin", "https://evil.example"}, http.StatusForbidden},
		{"a web page's fetch", "POST", "/nexo", "{}", [2]string{"Sec-Fetch-Site", "cross-site"},
			http.StatusForbidden},
		{"the question before it", "OPTIONS", "/nexo", "", [2]string{"Access-Control-Request-Method", "POST"},
			http.StatusForbidden},
		{"a browser's parts without a page", "POST", "/nexo", "{}", [2]string{"Sec-Fetch-Site", "none"},
			http.StatusOK},
		{"compressed", "POST", "/nexo", "\x1f\x8b", [2]string{"Content-Encoding", "gzip"},
			http.StatusUnsupportedMediaType},
		{"as it is, and said so", "POST", "/nexo", "{}", [2]string{"Content-Encoding", "identity"}, http.StatusOK},
		{"with a slash", "POST", "/nexo/", "{}", [2]string{}, http.StatusOK},
		{"without", "POST", "/nexo", "{}", [2]string{}, http.StatusOK},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, strings.TrimSuffix(d.url, "/nexo")+c.path,
			strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		resp, err := d.http().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s", c.name, resp.Status)
		}
		if c.want == http.StatusUnsupportedMediaType && resp.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("%s: what is taken is not told: %v", c.name, resp.Header)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRejected: what is JSON, or nearly, and no message that can be answered.
func TestRejected(t *testing.T) {
	d := newDesk(t)
	const good = `{"MessageClass":"Service","MessageCategory":"Diagnosis","MessageType":"Request",` +
		`"SaleID":"S","ServiceID":"1","POIID":"` + poiID + `","ProtocolVersion":"3.0"}`
	with := func(old, new string) string {
		return `{"SaleToPOIRequest":{"MessageHeader":` + strings.Replace(good, old, new, 1) +
			`,"DiagnosisRequest":{}}}`
	}
	if code, answer := d.raw(with("", "")); code != 200 || !strings.Contains(answer, "DiagnosisResponse") {
		t.Fatalf("%d %s", code, answer)
	}
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", "it is empty"},
		{"words", "hello", "not JSON from byte 1 on: hello"},
		{"cut", with("", "")[:60], "it ends before its last bracket"},
		{"broken in the middle", strings.Replace(with("", ""), ",", ";", 1), `from byte 63 on: ;"MessageCategory"`},
		{"two", with("", "") + with("", ""), "not JSON from byte"},
		{"a list", "[]", `it is no object; send {"SaleToPOIRequest"`},
		{"nothing in it", "{}", "no SaleToPOIRequest"},
		{"an answer", `{"SaleToPOIResponse":{}}`, "no SaleToPOIRequest"},
		{"no header", `{"SaleToPOIRequest":{"DiagnosisRequest":{}}}`, "MessageHeader"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "not UTF-8: byte 7 is FF; send UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "it is UTF-16; send UTF-8"},
		{"compressed", "\x1f\x8b\x08\x00", "it is compressed; send it as it is"},
		{"a key twice", with(`"SaleID":"S"`, `"SaleID":"S","SaleID":"T"`), "twice"},
		{"a key twice in another case", with(`"SaleID":"S"`, `"SaleID":"S","saleid":"T"`), "twice"},
		{"a key twice with a long s", with(`"SaleID":"S"`, `"SaleID":"S","ſaleID":"T"`), "twice"},
		{"deep", strings.Repeat("[", 40) + strings.Repeat("]", 40), "deeper"},
		{"an event", with("Diagnosis\"", "Event\""), `MessageHeader.MessageCategory: "Event" is not taken`},
		{"no category", with(`"Diagnosis"`, `""`), "MessageHeader.MessageCategory: it is missing"},
		{"a category that is none", with(`"Diagnosis"`, `"</script>"`), "MessageHeader.MessageCategory"},
	} {
		code, answer := d.raw(c.body)
		if text := rejection(t, code, answer, c.body); !strings.Contains(text, c.want) {
			t.Errorf("%s: %s, want %q", c.name, text, c.want)
		}
	}
}

// TestFromAnotherMachine: plain messages are taken from this machine alone, sealed ones from anywhere.
func TestFromAnotherMachine(t *testing.T) {
	d := newDesk(t)
	key := d.pair("correct horse")
	post := func(remote string, m any) string {
		t.Helper()
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/nexo", strings.NewReader(string(body)))
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		d.server.ServeHTTP(w, r)
		return w.Body.String()
	}
	h := register.Header{ProtocolVersion: "3.0", MessageClass: "Service", MessageType: "Request",
		MessageCategory: register.CategoryDiagnosis, ServiceID: "1", SaleID: "POS 1 (front)", POIID: poiID}
	plain := map[string]any{"SaleToPOIRequest": register.Request{Header: h}}
	sealed := map[string]any{"SaleToPOIRequest": register.SealRequest(key, poiID, diagnosis())}
	for remote, here := range map[string]bool{"127.0.0.1:9": true, "[::1]:9": true, "[::ffff:127.0.0.1]:9": true,
		"192.0.2.7:9": false, "[2001:db8::1]:9": false, "": false} {
		answer := post(remote, plain)
		if strings.Contains(answer, "DiagnosisResponse") != here ||
			!here && !strings.Contains(answer, "pair+the+register") {
			t.Errorf("plain from %q: %s", remote, answer)
		}
		if answer := post(remote, sealed); !strings.Contains(answer, "NexoBlob") || strings.Contains(answer,
			"Global") {
			t.Errorf("sealed from %q: %s", remote, answer)
		}
	}
}

// TestSlowConnections: connections that only hold their place (no handshake, half a header, half a body,
// idle) don't stop a payment, and each is closed in the end.
func TestSlowConnections(t *testing.T) {
	d := newDesk(t)
	address := strings.TrimSuffix(strings.TrimPrefix(d.url, "https://"), "/nexo")
	var slow []net.Conn
	for i := range 160 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		slow = append(slow, conn)
		if i%4 == 0 {
			continue // not even a handshake
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
		if err := c.Handshake(); err != nil {
			continue // its place was taken while it shook hands
		}
		text := []string{"", "POST /nexo HTTP/1.1\r\nHost: x\r\n",
			"POST /nexo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", ""}[i%4]
		if text == "" {
			text = "GET /nexo HTTP/1.1\r\nHost: x\r\n\r\n" // answered, and then idle
		}
		_, _ = io.WriteString(c, text) // it may have been closed by now: that is the point
	}
	r := d.pay(paymentOf("s1", "17", "1", "EUR"), d.smiles)
	d.is("payment among them", r.Response, register.Success, "")
	// While it waits for its customer, a payment's connection is never the one that goes.
	answers := d.start(paymentOf("s2", "18", "1", "EUR"))
	p := d.running()
	crowd := make([]net.Conn, 200)
	for i := range crowd {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		crowd[i] = conn
	}
	// Long before their time is up there are as many as there are places, at most.
	bounded := time.Now().Add(3 * time.Second)
	for n := openOf(crowd); n > 64; n = openOf(crowd) {
		if time.Now().After(bounded) {
			t.Fatalf("%d connections are open", n)
		}
	}
	slow = append(slow, crowd...)
	d.smiles(p)
	d.is("payment before them", d.take(answers).Response, register.Success, "")
	for i, conn := range slow {
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && isTimeout(err) && i%4 != 3 {
			t.Fatalf("connection %d is still open", i)
		}
	}
}

// openOf counts connections that the other side has not closed.
func openOf(conns []net.Conn) int {
	open := make(chan bool)
	for _, c := range conns {
		go func() {
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			_, err := c.Read(make([]byte, 1))
			open <- err == nil || isTimeout(err)
		}()
	}
	n := 0
	for range conns {
		if <-open {
			n++
		}
	}
	return n
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// TestCertificate: made once, kept, replaced while it serves, and refused with a hint when it can't be read.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "r.crt"), filepath.Join(dir, "r.key")
	c, err := register.MakeCertificate(cert, key, "X-Y.example", []string{"till"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Info()
	if err != nil || first.Name != "X-Y.example" || len(first.Fingerprint) != 64 || !first.Own {
		t.Fatal(first, err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	again, err := register.MakeCertificate(cert, key, "other", nil)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := again.Info(); err != nil || info != first {
		t.Error("made anew:", info, err)
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Info(); err != nil || info != first {
		t.Error("half replaced:", info, err) // what is loaded serves on
	}
	if _, err := register.OpenCertificate(cert, key); err == nil || !strings.Contains(fmt.Sprint(err),
		"certificate") {
		t.Error(err)
	}
	// a key without a certificate, as a power cut leaves it
	if _, err := register.MakeCertificate(cert, key, "X-Y.example", nil); err != nil {
		t.Fatal(err)
	}
	if info, err := c.Info(); err != nil || info.Fingerprint == first.Fingerprint {
		t.Error("not read again:", info, err)
	}
}

// TestCertificateSignsNothing: whoever trusts the terminal's certificate trusts no other that its key signed.
func TestCertificateSignsNothing(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "r.crt"), filepath.Join(dir, "r.key")
	c, err := register.MakeCertificate(cert, key, "till.example", []string{"till.example"})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(pair.Leaf)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: "till.example", Roots: trusted}); err != nil {
		t.Errorf("a register that was given the certificate refuses it: %v", err)
	}
	forged, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1),
		DNSNames: []string{"bank.example"}, NotBefore: pair.Leaf.NotBefore, NotAfter: pair.Leaf.NotAfter},
		pair.Leaf, &pair.PrivateKey.(*ecdsa.PrivateKey).PublicKey, pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	bank, err := x509.ParseCertificate(forged)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bank.Verify(x509.VerifyOptions{DNSName: "bank.example", Roots: trusted}); err == nil {
		t.Error("its key signed for another name, and was believed")
	}
	info, err := c.Info()
	years := time.Until(info.NotAfter).Hours() / 24 / 365
	if err != nil || info.Signs || !info.Own || years < 9.9 || years > 10.1 || info.Advice(time.Now()) != "" {
		t.Errorf("%+v, %.1f years, %v", info, years, err)
	}
	late := info.NotAfter.Add(-80 * 24 * time.Hour)
	if said := info.Ending(late); !strings.Contains(said, "--renew") {
		t.Errorf("80 days before its end: %q", said)
	}
}

// TestOlderCertificateStays: one that could sign is served on, since registers have pinned it, and told
// about.
func TestOlderCertificateStays(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "r.crt"), filepath.Join(dir, "r.key")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	old := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: poiID}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		NotBefore: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:  time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, old, old, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der},
		key: {Type: "PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := register.MakeCertificate(cert, key, poiID, nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info()
	if err != nil || !info.Own || !info.Signs || info.NotAfter.Year() != 2049 ||
		!strings.Contains(info.Advice(time.Now()), "--renew") {
		t.Errorf("%+v %q %v", info, info.Advice(time.Now()), err)
	}
}

// TestServesTheCertificate: by its fingerprint, with TLS 1.2 at least.
func TestServesTheCertificate(t *testing.T) {
	d := newDesk(t)
	address := strings.TrimSuffix(strings.TrimPrefix(d.url, "https://"), "/nexo")
	c, err := register.OpenCertificate(filepath.Join(d.dir, "r.crt"), filepath.Join(d.dir, "r.key"))
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Info()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	state := conn.ConnectionState()
	if got := register.Fingerprint(state.PeerCertificates[0]); got != info.Fingerprint {
		t.Errorf("%s, want %s", got, info.Fingerprint)
	}
	if err := state.PeerCertificates[0].VerifyHostname("127.0.0.1"); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true,
		MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 was taken")
	}
}

// TestOlderHTTP: a register that speaks HTTP/1.0 and says so in its handshake is answered.
func TestOlderHTTP(t *testing.T) {
	d := newDesk(t)
	address := strings.TrimSuffix(strings.TrimPrefix(d.url, "https://"), "/nexo")
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true,
		NextProtos: []string{"http/1.0"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"SaleToPOIRequest":{"MessageHeader":{"MessageClass":"Service","MessageCategory":"Diagnosis",` +
		`"MessageType":"Request","SaleID":"S","ServiceID":"1","POIID":"` + poiID + `"},"DiagnosisRequest":{}}}`
	fmt.Fprintf(conn, "POST /nexo HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 200 OK") ||
		!strings.Contains(string(answer), "DiagnosisResponse") {
		t.Errorf("%s: %v", answer, err)
	}
}

func TestNotifier(t *testing.T) {
	d := newDesk(t)
	type note struct {
		event, details string
	}
	got := make(chan note, 32)
	failures := 2
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if failures > 0 {
			failures--
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		var m struct {
			Request register.Request `json:"SaleToPOIRequest"`
		}
		if err := json.Unmarshal(body, &m); err != nil || m.Request.Event == nil ||
			m.Request.Header.MessageClass != "Event" || m.Request.Header.POIID != poiID {
			t.Errorf("%s %v", body, err)
			return
		}
		got <- note{m.Request.Event.Event, register.Message(register.Response{
			AdditionalResponse: m.Request.Event.Details})}
	}))
	t.Cleanup(hook.Close)
	n := d.server.NewNotifier(hook.URL, hook.Client())
	n.SetPause(time.Millisecond)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); n.Run(ctx) }()
	n.Notify(register.EventOutOfOrder, "no camera & no light")
	if e := <-got; e != (note{"OutOfOrder", "no camera & no light"}) {
		t.Errorf("%+v", e)
	}
	stop()
	<-done
	// What is queued when the end comes is sent all the same, every time.
	for range 40 {
		ended, end := context.WithCancel(t.Context())
		go func() { n.Notify(register.EventShutdown, ""); end() }()
		n.Run(ended)
		// One whose answer the end cut off may come twice.
		e := note{}
		for len(got) > 0 {
			e = <-got
		}
		if e.event != "Shutdown" {
			t.Fatalf("%+v", e)
		}
	}
	// A receiver that is away never blocks; the newest events are kept, and sent at the end.
	for range 40 {
		n.Notify(register.EventInitialised, "")
	}
	n.Notify(register.EventShutdown, "")
	n.Run(ctx)
	close(got)
	last, count := note{}, 0
	for e := range got {
		last, count = e, count+1
	}
	if last.event != "Shutdown" || count != 16 {
		t.Errorf("%d events, the last %+v", count, last)
	}
}
