package screen

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// counterClient is a browser on the terminal, as far as requests go.
type counterClient struct {
	t     *testing.T
	s     *Server
	token string
}

// send gives status and body, and keeps the cookie as a browser does.
func (c *counterClient) send(method, path, body string, change ...func(*http.Request)) (int, string) {
	c.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: c.token})
	}
	for _, f := range change {
		if f != nil {
			f(r)
		}
	}
	w := httptest.NewRecorder()
	c.s.ServeHTTP(w, r)
	for _, k := range w.Result().Cookies() {
		if c.token = k.Value; k.MaxAge < 0 {
			c.token = ""
		}
	}
	if strings.Contains(w.Body.String(), "2580") {
		c.t.Errorf("%s %s repeats the PIN: %s", method, path, w.Body)
	}
	return w.Code, w.Body.String()
}

func (c *counterClient) want(status int, says, method, path, body string, change ...func(*http.Request)) {
	c.t.Helper()
	got, answer := c.send(method, path, body, change...)
	if got != status || !strings.Contains(answer, says) {
		c.t.Errorf("%s %s %.60s: %d %s; want %d %s", method, path, body, got, answer, status, says)
	}
}

func (c *counterClient) unlock() {
	c.t.Helper()
	c.want(200, "", "POST", "/counter/unlock", `{"pin":"2580"}`)
	if c.token == "" {
		c.t.Fatal("no session")
	}
}

func newCounter(t *testing.T) (*counterClient, *shopTill) {
	l := newShopTill()
	s := newServer(t, Options{Counter: l, AllowRemote: true, Hosts: []string{"till"}})
	s.Show(View{State: Idle})
	return &counterClient{t: t, s: s}, l
}

func TestNoCounter(t *testing.T) {
	c := &counterClient{t: t, s: newServer(t, Options{})}
	for _, path := range []string{"/counter", "/counter/desk", "/counter/payments"} {
		c.want(404, "", "GET", path, "")
	}
	for _, path := range []string{"unlock", "lock", "stay", "pay", "cancel", "reverse", "confirm"} {
		c.want(404, "", "POST", "/counter/"+path, "{}")
	}
}

func TestCounterUnlock(t *testing.T) {
	c, l := newCounter(t)
	const right = `{"pin":"2580"}`
	unlock := func(status int, says, body string, change ...func(*http.Request)) {
		t.Helper()
		c.token = ""
		before := l.heard("unlock")
		c.want(status, says, "POST", "/counter/unlock", body, change...)
		if (c.token != "") != (status == 200) {
			t.Errorf("%d with a session %t", status, c.token != "")
		}
		if taken := l.heard("unlock") > before; taken != (status == 200 || says == `"lock":"pin"`) {
			t.Errorf("%d: the PIN was tried: %t", status, taken)
		}
	}
	unlock(200, "", right)
	unlock(422, `"lock":"pin"`, `{"pin":"2581"}`)
	for _, body := range []string{`{"pin":""}`, `{"pin":"25a0"}`, `{"pin":"1234567890123"}`, `{}`,
		`pin=2580`, ``,
		`{"pin":2580}`, `{"pin":"2580","id":"x"}`, `{"pin":"2580"}{}`,
		`{"pin":"` + strings.Repeat("1", 2000) + `"}`} {
		unlock(400, "", body)
	}
	unlock(415, "", right, with("Content-Type", "text/plain"))
	unlock(403, "", right, with("Origin", "http://evil.example"))
	unlock(403, "", right, with("Sec-Fetch-Site", "cross-site"))
	unlock(403, "", right, with("Sec-Fetch-Site", "none"))
	unlock(403, "https", right, from("192.168.1.9:5"))
	l.change(func() { l.locked = 14*time.Minute + 100*time.Millisecond })
	unlock(422, `"lock":"wait","left_s":841`, right)
	c.want(401, `"lock":"wait","left_s":841`, "GET", "/counter/desk", "")
	l.change(func() { l.pin = "" })
	unlock(422, `"lock":"off"`, right)
	c.want(401, `"lock":"off"`, "GET", "/counter/desk", "")
	l.change(func() { l.trouble = &CounterError{What: "the disk is full", Do: "free it"} })
	unlock(422, `"what":"the disk is full","do":"free it"`, right)
}

func TestCounterWantsASession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newCounter(t)
		requests := []struct{ method, path, body string }{
			{"GET", "/counter/desk", ""}, {"GET", "/counter/payments", ""}, {"POST", "/counter/stay", "{}"},
			{"POST", "/counter/pay", `{"id":"counter-1","amount":"1.00"}`},
			{"POST", "/counter/cancel", `{"id":"counter-1"}`},
			{"POST", "/counter/reverse", `{"id":"counter-2","payment":"a","amount":"1.00"}`},
		}
		refused := func(why string, change ...func(*http.Request)) {
			t.Helper()
			before := len(l.asked)
			for _, r := range requests {
				c.want(401, `"lock":"pin"`, r.method, r.path, r.body, change...)
			}
			if len(l.asked) > before {
				t.Errorf("%s: the till heard %v", why, l.asked[before:])
			}
		}
		refused("missing")
		c.unlock()
		good := c.token
		c.want(200, "EUR", "GET", "/counter/desk", "")
		for _, forged := range []string{"", "x", strings.Repeat("A", 43), good[:42], good + "A",
			strings.ToLower(good)} {
			c.token = forged
			refused("forged " + forged)
		}
		c.token = good
		// Looking is no use: the page asks all the time.
		for range 16 {
			c.want(200, "", "GET", "/counter/desk", "")
			time.Sleep(sessionFor / 16)
		}
		refused("expired")
		c.token = ""
		c.unlock()
		for range 4 {
			time.Sleep(sessionFor - time.Second)
			c.want(200, "", "POST", "/counter/stay", "{}")
		}
		c.want(403, "", "POST", "/counter/lock", "{}", with("Origin", "http://evil.example"))
		c.want(200, "", "GET", "/counter/desk", "")
		c.want(200, "", "POST", "/counter/lock", "{}")
		if c.token != "" {
			t.Error("the cookie stays after the lock")
		}
		c.token = good
		refused("locked")
		c.token = ""
		c.unlock()
		c.s.LockCounter()
		refused("the PIN was changed")
	})
}

// A PIN that is taken away while it is being looked at opens nothing.
func TestSessionOfAnEarlierPIN(t *testing.T) {
	var s sessions
	epoch := s.now()
	s.endAll()
	if token, ok := s.begin(epoch, "anna"); ok || token != "" {
		t.Error("it opened a session")
	}
}

func TestSessionsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sessions
		var tokens []string
		for range sessionsMax + 1 {
			token, _ := s.begin(0, "anna")
			tokens = append(tokens, token)
			time.Sleep(time.Second)
			s.holds(tokens[0], true)
			time.Sleep(time.Second)
		}
		for i, token := range tokens {
			clerk, ok := s.holds(token, false)
			if ok != (i != 1) || ok != (clerk == "anna") { // the one unused for longest
				t.Errorf("session %d: %t", i, i == 1)
			}
		}
		seen := map[string]bool{}
		for _, token := range tokens {
			if len(token) != 43 || seen[token] {
				t.Errorf("token %q", token)
			}
			seen[token] = true
		}
	})
}

// Guards stand before the session: even its cookie is of no use elsewhere.
func TestCounterGuards(t *testing.T) {
	c, l := newCounter(t)
	c.unlock()
	const pay = `{"id":"counter-1","amount":"1.00"}`
	for _, x := range []struct {
		name, method, path, body string
		change                   func(*http.Request)
		want                     int
	}{
		{"the page from the network", "GET", "/counter", "", from("192.168.1.9:5"), 403},
		{"a link to the page", "GET", "/counter", "", func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Sec-Fetch-Mode", "navigate")
		}, 200},
		{"state from the network", "GET", "/counter/desk", "", from("192.168.1.9:5"), 403},
		{"state from another page", "GET", "/counter/payments", "", with("Sec-Fetch-Site", "same-site"), 403},
		{"state from another origin", "GET", "/counter/payments", "", with("Origin", "http://evil.example"), 403},
		{"from the network", "POST", "/counter/pay", pay, from("192.168.1.9:5"), 403},
		{"another origin", "POST", "/counter/pay", pay, with("Origin", "http://evil.example"), 403},
		{"another scheme", "POST", "/counter/pay", pay, with("Origin", "https://127.0.0.1:8080"), 403},
		{"a form", "POST", "/counter/pay", pay, with("Content-Type", "application/x-www-form-urlencoded"), 415},
		{"garbled", "POST", "/counter/pay", `{"id":"counter-1",`, nil, 400},
		{"a number for an amount", "POST", "/counter/pay", `{"id":"counter-1","amount":1}`, nil, 400},
		{"unknown fields", "POST", "/counter/pay", `{"id":"counter-1","amount":"1.00","currency":"USD"}`, nil, 400},
		{"too large", "POST", "/counter/pay", `{"id":"` + strings.Repeat("a", 2000) + `"}`, nil, 400},
		{"too large to give back", "POST", "/counter/reverse",
			`{"id":"` + strings.Repeat("a", 2000) + `"}`, nil, 400},
		{"by GET", "GET", "/counter/pay", "", nil, 405},
		{"another host", "POST", "/counter/pay", pay, func(r *http.Request) { r.Host = "evil.example" }, 421},
	} {
		c.want(x.want, "", x.method, x.path, x.body, x.change)
	}
	if n := l.heard("pay"); n > 0 {
		t.Errorf("%d payments reached the till", n)
	}
	c.want(200, `"state":"look_here"`, "POST", "/counter/pay", pay, with("Sec-Fetch-Site", "same-origin"))
}

func TestCounterTakesAndGivesBack(t *testing.T) {
	c, l := newCounter(t)
	c.unlock()
	const pay = `{"id":"counter-1","amount":"1.25"}`
	c.want(200, `"ended":false`, "POST", "/counter/pay", pay)
	c.want(200, `"ended":false`, "POST", "/counter/pay", pay) // its answer was lost
	c.want(409, "another payment is running: counter-1", "POST", "/counter/pay",
		`{"id":"counter-2","amount":"1.25"}`)
	c.want(409, "another amount", "POST", "/counter/pay", `{"id":"counter-1","amount":"1.26"}`)
	c.s.Show(View{State: LookHere, Amount: "1.25", Instruction: StepCloser})
	c.want(200, `"advice":"step_closer"`, "GET", "/counter/desk?id=counter-1", "")
	c.want(200, `"unknown":true`, "GET", "/counter/desk?id=counter-9", "")
	l.now(t, Approved, "")
	c.want(200, `"ended":true`, "POST", "/counter/pay", pay)
	c.want(200, `"left":"1.25"`, "GET", "/counter/payments", "")
	const back = `{"id":"counter-r","payment":"counter-1","amount":"1.00"}`
	for range 3 {
		c.want(200, "", "POST", "/counter/reverse", back)
	}
	c.want(409, "give back less", "POST", "/counter/reverse",
		`{"id":"counter-s","payment":"counter-1","amount":"1.00"}`)
	c.want(200, `"returned":"1.00","left":"0.25"`, "GET", "/counter/payments", "")
	if got := l.given(); len(got) != 1 || got[0] != "counter-1 1.00" {
		t.Errorf("given back: %v", got)
	}
	c.want(200, "", "POST", "/counter/pay", `{"id":"counter-3","amount":"2.00"}`)
	c.want(200, `"reason":"cancelled_by_operator"`, "POST", "/counter/cancel", `{"id":"counter-3"}`)
	c.want(409, `"open":false`, "POST", "/counter/cancel", `{"id":"counter-9"}`)
	l.change(func() { l.trouble = &CounterError{What: "the disk is full", Do: "free it", Open: true} })
	c.want(409, `"open":true`, "POST", "/counter/pay", `{"id":"counter-4","amount":"2.00"}`)
	c.want(200, `"trouble":{"what":"the disk is full","do":"free it","open":false}`, "GET", "/counter/desk", "")
	c.want(200, `"doubt":{"what":"the disk is full"`, "GET", "/counter/desk?id=counter-4", "")
	l.change(func() { l.trouble = nil })
	c.s.Show(View{State: OutOfOrder, Detail: Detail{What: "no camera", Do: "plug it in"}})
	c.want(200, `"trouble":{"what":"no camera","do":"plug it in"`, "GET", "/counter/desk", "")
}

// The list is bounded, and says who began what.
func TestCounterRecent(t *testing.T) {
	c, l := newCounter(t)
	c.unlock()
	for i := range 30 {
		l.put(fmt.Sprintf("order-%02d", i), "1.00", nil)
	}
	_, body := c.send("GET", "/counter/payments", "")
	var got struct{ Payments []paymentMessage }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Payments) != 20 || got.Payments[0].ID != "order-29" {
		t.Errorf("%d payments, first %v", len(got.Payments), got.Payments[0])
	}
}

// The page holds nothing that needs the PIN, and its cookie is for it alone.
func TestCounterPageAndCookie(t *testing.T) {
	c, l := newCounter(t)
	l.put("secret-order", "1.00", nil)
	code, page := c.send("GET", "/counter?lang=de", "")
	if code != 200 || strings.Contains(page, "secret-order") || !strings.Contains(page, "Letzte Zahlungen") {
		t.Errorf("%d %s", code, page)
	}
	for _, over := range []bool{false, true} {
		r := httptest.NewRequest("POST", "http://127.0.0.1/counter/unlock", strings.NewReader(`{"pin":"2580"}`))
		r.RemoteAddr = "127.0.0.1:4"
		r.Header.Set("Content-Type", "application/json")
		if over {
			r.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		c.s.ServeHTTP(w, r)
		k := w.Result().Cookies()[0]
		if !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/counter" || k.Secure != over ||
			k.Domain != "" || k.MaxAge != 0 {
			t.Errorf("TLS %t: cookie %v", over, k)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Error("the answer may be stored")
		}
	}
}

// elsewhere says that its connections come from another machine.
type elsewhere struct{ net.Listener }

func (l elsewhere) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return farConn{c}, err
}

type farConn struct{ net.Conn }

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 9), Port: 5} }

// Over real TLS from another machine all is taken; without TLS nothing.
func TestCounterFromTheNetwork(t *testing.T) {
	for _, over := range []bool{true, false} {
		l := newShopTill()
		s := newServer(t, Options{Counter: l, AllowRemote: true})
		s.Show(View{State: Idle})
		web := httptest.NewUnstartedServer(s)
		web.Listener = elsewhere{web.Listener}
		if over {
			web.StartTLS()
		} else {
			web.Start()
		}
		defer web.Close()
		cookie := ""
		send := func(path, body string) (int, string) {
			r, _ := http.NewRequest(http.MethodPost, web.URL+path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Origin", web.URL)
			r.Header.Set("Cookie", cookie)
			resp, err := web.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answer, _ := io.ReadAll(resp.Body)
			for _, k := range resp.Cookies() {
				cookie = k.Name + "=" + k.Value
				if !k.Secure {
					t.Error("the cookie may leave in clear text")
				}
			}
			return resp.StatusCode, string(answer)
		}
		want := 403
		if over {
			want = 200
		}
		for _, q := range [][2]string{{"/counter/unlock", `{"pin":"2580"}`},
			{"/counter/pay", `{"id":"counter-1","amount":"1.00"}`}} {
			if code, answer := send(q[0], q[1]); code != want {
				t.Errorf("TLS %t, %s: %d %s", over, q[0], code, answer)
			}
		}
		resp, err := web.Client().Get(web.URL + "/counter")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("TLS %t, the page: %d", over, resp.StatusCode)
		}
	}
}

// Many at once: nothing races, and one payment begins.
func TestCounterAtOnce(t *testing.T) {
	c, l := newCounter(t)
	c.unlock()
	token := c.token
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			mine := &counterClient{t: t, s: c.s, token: token}
			mine.want(200, "", "POST", "/counter/pay", `{"id":"counter-1","amount":"1.00"}`)
			mine.want(200, "", "GET", "/counter/desk?id=counter-1", "")
			mine.want(422, "", "POST", "/counter/unlock", `{"pin":"2581"}`)
		})
	}
	all.Wait()
	if len(l.payments) != 1 {
		t.Errorf("%d payments", len(l.payments))
	}
}

// nearConn says that it was reached at an address of the shop's network.
type nearConn struct{ farConn }

func (nearConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 168, 1, 4), Port: 8444} }

type inTheShop struct{ net.Listener }

func (l inTheShop) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return nearConn{farConn{c}}, err
}

// TestServeCounter looks at what the network is shown over TLS: the counter's page, and none of the others,
// also where those are not for the network.
func TestServeCounter(t *testing.T) {
	s := newServer(t, Options{Counter: newShopTill(), Hosts: []string{"till"}})
	s.Show(View{State: Idle})
	borrowed := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate
	defer borrowed.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.ServeCounter(ctx, inTheShop{l}, borrowed.TLS.Clone()) }()
	web := borrowed.Client()
	web.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, c := range []struct {
		method, path, host string
		want               int
	}{
		{"GET", "/counter", "192.168.1.4:8444", 200}, {"GET", "/counter", "till:8444", 200},
		{"GET", "/counter.js", "till:8444", 200}, {"GET", "/", "till:8444", 302},
		{"GET", "/counter/desk", "till:8444", 401}, {"POST", "/counter/lock", "till:8444", 200},
		{"GET", "/counter", "192.168.1.5:8444", 421}, {"GET", "/counter", "evil.example", 421},
		{"GET", "/status", "till:8444", 404}, {"GET", "/events", "till:8444", 404},
		{"GET", "/healthz", "till:8444", 404}, {"POST", "/pin", "till:8444", 404},
	} {
		r, _ := http.NewRequest(c.method, "https://"+l.Addr().String()+c.path, strings.NewReader("{}"))
		r.Host = c.host
		r.Header.Set("Content-Type", "application/json")
		resp, err := web.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s %s at %s: %d, want %d", c.method, c.path, c.host, resp.StatusCode, c.want)
		}
		if c.want == 302 && resp.Header.Get("Location") != "/counter" {
			t.Errorf("leads to %q", resp.Header.Get("Location"))
		}
	}
	resp, err := http.Get("http://" + l.Addr().String() + "/counter")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("in clear text: %d", resp.StatusCode)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
