package screen

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A secret is taken from this machine or over TLS, and from a page of this server alone.
func TestRefusesSecret(t *testing.T) {
	for _, c := range []struct {
		name, host, remote, origin, site string
		tls                              bool
		want                             int
	}{
		{"here", "127.0.0.1:8080", "127.0.0.1:4", "http://127.0.0.1:8080", "same-origin", false, 0},
		{"here, without a browser's headers", "127.0.0.1:8080", "127.0.0.1:4", "", "", false, 0},
		{"here, mapped", "127.0.0.1:8080", "[::ffff:127.0.0.1]:4", "", "", false, 0},
		{"here, IPv6", "[::1]:8080", "[::1]:4", "http://[::1]:8080", "", false, 0},
		{"the usual port", "localhost:80", "127.0.0.1:4", "http://localhost", "", false, 0},
		{"the usual port, IPv6", "[::1]:80", "[::1]:4", "http://[::1]", "", false, 0},
		{"here, over TLS", "localhost:8443", "127.0.0.1:4", "https://localhost:8443", "same-origin", true, 0},
		{"network", "192.168.1.4:8080", "192.168.1.9:4", "http://192.168.1.4:8080", "same-origin", false, 403},
		{"network, link-local", "192.168.1.4:8080", "[fe80::1%eth0]:4", "", "", false, 403},
		{"nowhere", "127.0.0.1:8080", "", "", "", false, 403},
		{"network, over TLS", "till:8443", "192.168.1.9:4", "https://till:8443", "same-origin", true, 0},
		{"network, over TLS, usual port", "till:443", "192.168.1.9:4", "https://till", "", true, 0},
		{"over TLS from a page in clear text", "till:8443", "192.168.1.9:4", "http://till:8443", "", true, 403},
		{"in clear text from a page over TLS", "till:8443", "127.0.0.1:4", "https://till:8443", "", false, 403},
		{"another page over TLS", "till:8443", "192.168.1.9:4", "https://evil.example", "", true, 403},
		{"another site over TLS", "till:8443", "192.168.1.9:4", "", "cross-site", true, 403},
		{"another port", "127.0.0.1:8080", "127.0.0.1:4", "http://127.0.0.1:9", "", false, 403},
		{"no origin at all", "127.0.0.1:8080", "127.0.0.1:4", "null", "", false, 403},
		{"the same site", "127.0.0.1:8080", "127.0.0.1:4", "", "same-site", false, 403},
		{"a link", "127.0.0.1:8080", "127.0.0.1:4", "", "none", false, 403},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader("{}"))
		r.Host, r.RemoteAddr, r.TLS = c.host, c.remote, nil
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		status, why := refusesSecret(r)
		if status != c.want || (why == "") != (c.want == 0) {
			t.Errorf("%s: %d %q, want %d", c.name, status, why, c.want)
		}
		if c.want != 0 {
			continue
		}
		for kind, want := range map[string]int{"application/json": 0, "application/json; charset=utf-8": 0,
			"text/plain": 415, "": 415, "application/x-www-form-urlencoded": 415} {
			r.Header.Set("Content-Type", kind)
			if status, _ := refusesTyped(r); status != want {
				t.Errorf("%s, %q: %d, want %d", c.name, kind, status, want)
			}
		}
	}
}

func TestReadTyped(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"asked":"a","pin":"1"}`: true, `{"asked":"a"}` + "\n": true, `{"asked":"a"}{}`: false,
		`{"asked":"a"} x`: false, `{"pin":4711}`: false, `{"pin":"4711","to":"x"}`: false, `4711`: false, ``: false,
		`[]`: false, `{"pin":"4711"`: false, `{"pin":"` + strings.Repeat("4711", 300) + `"}`: false,
	} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", strings.NewReader(body))
		_, err := readTyped[entry](httptest.NewRecorder(), r, keypadBodyMax)
		if (err == nil) != ok {
			t.Errorf("%.40s: %v", body, err)
		}
		if err != nil && strings.Contains(err.Error(), "4711") {
			t.Errorf("%.40s: its error repeats the PIN: %v", body, err)
		}
	}
}
