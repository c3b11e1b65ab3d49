package screen

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	// sessionFor is how long an unlocked page that nobody touches stays so: a clerk goes to the back of the
	// shop for less.
	sessionFor = 15 * time.Minute
	// sessionsMax is a counter, its tablet, and the owner at home; one more puts the longest unused out.
	sessionsMax = 4
	// sessionCookie is sent to the counter's paths alone.
	sessionCookie = "counter"
)

// sessions are the browsers that were unlocked with the clerk's PIN. They live in memory: a restart ends
// them. The zero value is ready.
type sessions struct {
	mu    sync.Mutex
	open  []session
	epoch int // counts the times that all were ended
}

type session struct {
	hash [sha256.Size]byte // of the token, so that what leaks from memory opens nothing
	used time.Time

	clerk string // whose it is
}

// now is the number of the epoch: what was unlocked in an earlier one doesn't open.
func (s *sessions) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// begin gives the token of a clerk's new session, or false if all sessions were ended since epoch: the PIN
// that opened this one is no longer the clerk's.
func (s *sessions) begin(epoch int, clerk string) (string, bool) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails: it ends the program instead
	token := base64.RawURLEncoding.EncodeToString(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	if epoch != s.epoch {
		return "", false
	}
	s.forgetOld()
	if len(s.open) >= sessionsMax {
		oldest := slices.MinFunc(s.open, func(a, b session) int { return a.used.Compare(b.used) })
		s.drop(oldest.hash)
	}
	s.open = append(s.open, session{sha256.Sum256([]byte(token)), time.Now(), clerk})
	return token, true
}

// holds reports whether a token is that of an open session, and whose; use makes that count as its use.
func (s *sessions) holds(token string, use bool) (clerk string, ok bool) {
	hash := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetOld()
	at := -1
	for i := range s.open { // all of them, in the same time
		if subtle.ConstantTimeCompare(hash[:], s.open[i].hash[:]) == 1 {
			at = i
		}
	}
	if at < 0 {
		return "", false
	}
	if use {
		s.open[at].used = time.Now()
	}
	return s.open[at].clerk, true
}

// stands tells whether the session of a token, by its hash, is open still.
func (s *sessions) stands(hash [sha256.Size]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetOld()
	return slices.ContainsFunc(s.open, func(o session) bool {
		return subtle.ConstantTimeCompare(hash[:], o.hash[:]) == 1
	})
}

// end ends the session of a token.
func (s *sessions) end(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(sha256.Sum256([]byte(token)))
}

// endAll ends all sessions, and those that are about to begin.
func (s *sessions) endAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = nil
	s.epoch++
}

// endOf ends the sessions of a clerk, and all that are about to begin.
func (s *sessions) endOf(clerk string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(o session) bool { return o.clerk == clerk })
	s.epoch++
}

func (s *sessions) forgetOld() {
	s.open = slices.DeleteFunc(s.open, func(o session) bool { return time.Since(o.used) >= sessionFor })
}

func (s *sessions) drop(hash [sha256.Size]byte) {
	s.open = slices.DeleteFunc(s.open, func(o session) bool {
		return subtle.ConstantTimeCompare(hash[:], o.hash[:]) == 1
	})
}

// tokenOf is the token that a request shows, or "".
func tokenOf(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// setToken gives a browser its token, or takes it away ("").
func setToken(w http.ResponseWriter, r *http.Request, token string) {
	c := &http.Cookie{Name: sessionCookie, Value: token, Path: "/counter", HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// LockCounterOf ends the sessions of one clerk, as Unlock gave the name: the PIN or the role is another now.
// What is being unlocked at this moment, by anybody, does not open.
func (s *Server) LockCounterOf(clerk string) { s.sessions.endOf(clerk) }

// LockCounter ends all sessions of the counter's page: its PIN was changed or taken away.
func (s *Server) LockCounter() { s.sessions.endAll() }
