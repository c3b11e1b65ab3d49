package screen

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// contentPolicy lets the page load its own files and open its own event stream, and nothing else; it
// can't be framed by another page, which could cover the amount.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'"

// guard puts the security headers on every answer and refuses requests that came by somebody else's page.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		// WebKit starts a second process for such a page, and keeps the first: too dear for a small machine's
		// own display, in whose browser no other page is.
		if r.URL.Path != "/" || !ofThisMachine(r.RemoteAddr) {
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
		}
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if !s.knowsHost(r) {
			http.Error(w, "this terminal does not answer to that host name; use 127.0.0.1, "+
				"or add the name to the configured hosts", http.StatusMisdirectedRequest)
			return
		}
		// Browsers say where a request comes from (Fetch Metadata). A foreign page may link here, but may
		// not take up the few event streams or use our files.
		site := r.Header.Get("Sec-Fetch-Site")
		foreign := site == "cross-site" || site == "same-site"
		if foreign && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			http.Error(w, "requests from other pages are refused", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func hostNames(configured []string) map[string]bool {
	m := map[string]bool{"localhost": true}
	for _, h := range configured {
		m[strings.ToLower(h)] = true
	}
	return m
}

// knowsHost reports whether the Host header of r is one of ours, whatever its port. Against DNS
// rebinding: a foreign name that resolves to our address arrives here under that foreign name.
func (s *Server) knowsHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if s.hosts[host] {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if ip.IsLoopback() {
		return true
	}
	// An address can't be rebound, so from the network the very address that was connected to will do. Over TLS
	// there is the counter's page alone, which is meant for it.
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !s.opt.AllowRemote && r.TLS == nil || !ok {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap().WithZone("") == ip.Unmap()
}

// refusesSecret says why a request that carries a PIN, or what a PIN has opened, is not taken; 0 if it is. It
// comes from this machine, or over TLS: a PIN must not travel a network in clear text. It comes from a page
// of this server: a foreign page would send its own Origin or Sec-Fetch-Site.
func refusesSecret(r *http.Request) (int, string) {
	site := r.Header.Get("Sec-Fetch-Site")
	switch {
	case clearText(r):
		return http.StatusForbidden, whyClearText
	case site != "" && site != "same-origin", !ownOrigin(r):
		return http.StatusForbidden, "requests from other pages are refused"
	}
	return 0, ""
}

const whyClearText = "a PIN must not travel a network in clear text: open this page on the terminal " +
	"itself, or over https"

// clearText reports whether others than this machine could read a request.
func clearText(r *http.Request) bool {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	return r.TLS == nil && (err != nil || !remote.Addr().Unmap().IsLoopback())
}

// refusesTyped is refusesSecret for what is typed: it is JSON, which a form of another page can't send.
func refusesTyped(r *http.Request) (int, string) {
	if status, why := refusesSecret(r); status != 0 {
		return status, why
	}
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) != "application/json" {
		return http.StatusUnsupportedMediaType, "send JSON"
	}
	return 0, ""
}

// ownOrigin reports whether a request has no Origin, or that of this server.
func ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	scheme, usual := "http://", "80"
	if r.TLS != nil {
		scheme, usual = "https://", "443"
	}
	host := r.Host
	if h, port, err := net.SplitHostPort(host); err == nil && port == usual {
		host = h
		if strings.Contains(h, ":") {
			host = "[" + h + "]"
		}
	}
	return strings.EqualFold(origin, scheme+host)
}

// readTyped reads the one JSON value that a page sends, at most most bytes of it. Its errors repeat nothing
// of what was typed.
func readTyped[T any](w http.ResponseWriter, r *http.Request, most int64) (T, error) {
	var v T
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	if d.Decode(&v) != nil || !errors.Is(d.Decode(&struct{}{}), io.EOF) {
		return v, errors.New("send what the page sends")
	}
	return v, nil
}
