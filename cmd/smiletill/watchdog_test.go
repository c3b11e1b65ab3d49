//go:build !notflite

package main

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// supervisor is systemd's end of the notifications.
type supervisor struct {
	mu    sync.Mutex
	words []string
	fed   time.Time
}

func (s *supervisor) listen(t *testing.T) {
	name := filepath.Join(shortDir(t), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	go func() {
		text := make([]byte, 4096)
		for {
			n, err := l.Read(text)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.words = append(s.words, string(text[:n]))
			if string(text[:n]) == "WATCHDOG=1" {
				s.fed = time.Now()
			}
			s.mu.Unlock()
		}
	}()
}

func (s *supervisor) heard(word string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.words {
		if strings.HasPrefix(w, word) {
			return true
		}
	}
	return false
}

// hungry is how long nobody has fed the watchdog.
func (s *supervisor) hungry() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.fed)
}

// The watchdog is fed while a camera is missing, and not while the looking at frames hangs.
func TestWatchdogIsFedByProgress(t *testing.T) {
	var sup supervisor
	sup.listen(t)
	s := newShop(t)
	s.enrol()
	s.open()
	for _, word := range []string{"READY=1", "STATUS=ready for payments", "WATCHDOG=1"} {
		s.eventually(word, func() bool { return sup.heard(word) })
	}
	s.pull(true)
	s.eventually("the camera's status", func() bool { return sup.heard("STATUS=out of order: ") })
	time.Sleep(lookingMax + 3*time.Second)
	if d := sup.hungry(); d > 5*time.Second {
		t.Errorf("a missing camera starves the watchdog: not fed for %v", d)
	}
	s.pull(false)
	l := s.term.parts.Load().looker
	l.mu.Lock() // whoever looks hangs now
	s.pay("hangs", "1.00")
	deadline := time.Now().Add(lookingMax + 30*time.Second)
	for sup.hungry() < 6*time.Second {
		if time.Now().After(deadline) {
			l.mu.Unlock()
			t.Fatal("the watchdog is fed although nobody looks at frames")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if what := s.term.hung(context.Background()); what != "looking at frames" {
		t.Errorf("what hangs is %q", what)
	}
	l.mu.Unlock()
	s.eventually("feeding again", func() bool { return sup.hungry() < 3*time.Second })
}
