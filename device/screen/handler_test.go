package screen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func get(s http.Handler, change func(*http.Request)) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080/", nil)
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func TestHosts(t *testing.T) {
	local := newServer(t, Options{Hosts: []string{"Till-2.shop.example"}})
	remote := newServer(t, Options{AllowRemote: true})
	for _, c := range []struct {
		s    *Server
		host string
		want int
	}{
		{local, "evil.example", 421},
		{local, "evil.example:8080", 421},
		{local, "127.0.0.1.evil.example", 421},
		{local, "localhost.evil.example", 421},
		{local, "192.168.1.4:8080", 421},
		{local, "0.0.0.0:8080", 421},
		{local, "", 421},
		{local, "[::1", 200}, // as good as [::1]: nothing that resolves
		{remote, "evil.example", 421},
		{remote, "192.168.1.5:8080", 421}, // not the address that was connected to
		{remote, "192.168.1.4:8080", 200},
		{local, "127.0.0.1:8080", 200},
		{local, "127.0.0.1", 200},
		{local, "[::1]:8080", 200},
		{local, "LOCALHOST:1234", 200},
		{local, "till-2.shop.example:8080", 200},
	} {
		at := &net.TCPAddr{IP: net.IPv4(192, 168, 1, 4), Port: 8080}
		res := get(c.s, func(r *http.Request) {
			r.Host = c.host
			*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
		})
		if res.StatusCode != c.want {
			t.Errorf("remote %t, host %q: %d, want %d", c.s.opt.AllowRemote, c.host, res.StatusCode, c.want)
		}
	}
}

func TestRefusesOtherPages(t *testing.T) {
	s := newServer(t, Options{})
	for _, c := range []struct {
		path, site, mode string
		want             int
	}{
		{"/events", "cross-site", "cors", 403},
		{"/events", "same-site", "cors", 403},
		{"/app.js", "cross-site", "no-cors", 403},
		{"/", "cross-site", "navigate", 200},
		{"/app.js", "same-origin", "no-cors", 200},
		{"/app.js", "", "", 200},
	} {
		res := get(s, func(r *http.Request) {
			r.URL.Path = c.path
			r.Header.Set("Sec-Fetch-Site", c.site)
			r.Header.Set("Sec-Fetch-Mode", c.mode)
		})
		if res.StatusCode != c.want {
			t.Errorf("%+v: %d", c, res.StatusCode)
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	s := newServer(t, Options{})
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/", 405}, {"PUT", "/events", 405}, {"DELETE", "/status", 405}, {"OPTIONS", "/", 405},
		{"GET", "/nothing", 404}, {"GET", "/en.json", 404}, {"GET", "/page/app.js", 404},
		{"GET", "/../server.go", 307},
		{"HEAD", "/", 200}, {"HEAD", "/events", 200}, {"GET", "/app.css", 200}, {"GET", "/app.js", 200},
		{"GET", "/light.css", 200}, {"GET", "/light.js", 200}, {"GET", "/light", 405},
		{"GET", "/status.css", 200}, {"GET", "/icon.svg", 200}, {"GET", "/status", 200},
	} {
		res := get(s, func(r *http.Request) { r.Method, r.URL.Path = c.method, c.path })
		if res.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, res.StatusCode, c.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newServer(t, Options{})
	for _, path := range []string{"/", "/events", "/status", "/app.js", "/healthz", "/nothing"} {
		res := get(s, func(r *http.Request) { r.URL.Path, r.Method = path, "HEAD" })
		csp := res.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: no %s in the policy %q", path, part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy allows something unsafe: %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	for _, c := range []struct{ path, from, opener string }{
		{"/", "127.0.0.1:4", ""}, {"/status", "127.0.0.1:4", "same-origin"}, {"/", "192.168.1.9:4", "same-origin"},
	} {
		res := get(s, func(r *http.Request) { r.URL.Path, r.RemoteAddr = c.path, c.from })
		if got := res.Header.Get("Cross-Origin-Opener-Policy"); got != c.opener {
			t.Errorf("%s from %s: Cross-Origin-Opener-Policy is %q, want %q", c.path, c.from, got, c.opener)
		}
	}
	for path, want := range map[string]string{"/": "no-store", "/events": "no-store", "/status": "no-store",
		"/healthz": "no-store", "/app.js": "no-cache"} {
		res := get(s, func(r *http.Request) { r.URL.Path, r.Method = path, "HEAD" })
		if got := res.Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
		}
	}
	first := get(s, func(r *http.Request) { r.URL.Path = "/app.js" })
	res := get(s, func(r *http.Request) {
		r.URL.Path = "/app.js"
		r.Header.Set("If-None-Match", first.Header.Get("ETag"))
	})
	if res.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged file: %d", res.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	s := newServer(t, Options{})
	for _, c := range []struct {
		show State
		want string
		code int
	}{
		{"", "starting", 503}, {OutOfOrder, "out_of_order", 503}, {"nonsense", "out_of_order", 503},
		{Idle, "ok", 200}, {Declined, "ok", 200},
	} {
		if c.show != "" {
			s.Show(View{State: c.show})
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/healthz", nil))
		if w.Code != c.code || w.Body.String() != c.want+"\n" {
			t.Errorf("%q: %d %q", c.show, w.Code, w.Body)
		}
	}
}

func TestMetricsAreForThisMachine(t *testing.T) {
	numbers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("one 1\n"))
	})
	for _, c := range []struct {
		from    string
		numbers http.Handler
		want    int
	}{
		{"127.0.0.1:4000", numbers, 200}, {"[::1]:4000", numbers, 200}, {"192.168.1.9:4000", numbers, 403},
		{"[2001:db8::9]:4000", numbers, 403}, {"", numbers, 403}, {"127.0.0.1:4000", nil, 404},
	} {
		s := newServer(t, Options{Metrics: c.numbers})
		res := get(s, func(r *http.Request) { r.URL.Path, r.RemoteAddr = "/metrics", c.from })
		if res.StatusCode != c.want {
			t.Errorf("from %q: %d, want %d", c.from, res.StatusCode, c.want)
		}
	}
}

func TestRefusesNetworkAddresses(t *testing.T) {
	s := newServer(t, Options{})
	for _, addr := range []string{":8080", "0.0.0.0:8080", "[::]:8080", "192.168.1.4:8080",
		"till.example:8080"} {
		err := s.ListenAndServe(t.Context(), addr)
		var hint interface{ Hint() string }
		if !errors.Is(err, ErrNotLoopback) || !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("%s: %v", addr, err)
		}
	}
	var hint interface{ Hint() string }
	if err := s.ListenAndServe(t.Context(), "8080"); !errors.As(err, &hint) {
		t.Errorf("no port: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := s.ListenAndServe(t.Context(), l.Addr().String()); !errors.As(err, &hint) ||
		!strings.Contains(hint.Hint(), "another program") {
		t.Errorf("port in use: %v", err)
	}
	if err := newServer(t, Options{AllowRemote: true}).allowed(":8080"); err != nil {
		t.Errorf("with AllowRemote: %v", err)
	}
}

func TestStatusPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{})
		s.Show(View{State: Idle, Merchant: "Fish & <Chips>"})
		page := func(lang string) string {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/status?lang="+lang, nil))
			if w.Code != 200 {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
			return w.Body.String()
		}
		expect := func(lang string, words ...string) {
			t.Helper()
			got := page(lang)
			for _, w := range words {
				if !strings.Contains(got, w) {
					t.Errorf("%s: no %q in\n%s", lang, w, got)
				}
			}
		}
		expect("en", "No status yet", "Fish &amp; &lt;Chips&gt;")
		rows := []StatusRow{
			{"camera", "<script>alert(1)</script>", LevelFault, "Check the ribbon cable.", nil},
			{"report", "3 payments wait", LevelWarning, "", nil},
			{"fan", "1200 rpm", "odd", "", nil},
		}
		s.SetStatus(Status{Rows: rows})
		rows[0].Value = "changed afterwards"
		time.Sleep(12 * time.Second)
		expect("en", "&lt;script&gt;", "Camera", "Fault", "Check the ribbon", "Attention", "fan", "Unknown",
			"12 s ago")
		expect("de", "Kamera", "Störung", "Achtung", "vor 12 s")
		expect("en", `<p class="note verdict fault" role="status"><strong>Fault:</strong> Camera: `)
		expect("de", `<strong>Störung:</strong> Kamera: `)
		if strings.Contains(page("en"), "is old") {
			t.Error("old after 12 s")
		}
		time.Sleep(staleAfter)
		expect("en", "is old")
		s.SetStatus(Status{Rows: rows[1:]})
		expect("en", `verdict warning" role="status"><strong>Look at this:</strong> Report: 3 payments wait`)
		s.SetStatus(Status{Rows: rows[2:]})
		expect("de", `verdict ok" role="status"><strong>Alles ist in Ordnung.</strong></p>`)
	})
}
