//go:build !notflite

package terminal_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal"
	"smiletill/cmd/smiletill/terminal/terminaltest"
)

// supervisor is systemd's end of the notifications.
type supervisor struct {
	mu    sync.Mutex
	words []string
	fed   time.Time
}

func (s *supervisor) listen(t *testing.T) {
	name := filepath.Join(terminaltest.ShortDir(t), "notify")
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
	s.EnrolCustomer()
	s.Open()
	for _, word := range []string{"READY=1", "STATUS=ready for payments", "WATCHDOG=1"} {
		s.Eventually(word, func() bool { return sup.heard(word) })
	}
	s.Pull(true)
	s.Eventually("the camera's status", func() bool { return sup.heard("STATUS=out of order: ") })
	time.Sleep(terminal.LookingMax + 3*time.Second)
	if d := sup.hungry(); d > 5*time.Second {
		t.Errorf("a missing camera starves the watchdog: not fed for %v", d)
	}
	s.Pull(false)
	letGo, err := s.Term.HoldFrames()
	if err != nil {
		t.Fatal(err)
	}
	s.Pay("hangs", "1.00")
	deadline := time.Now().Add(terminal.LookingMax + 30*time.Second)
	for sup.hungry() < 6*time.Second {
		if time.Now().After(deadline) {
			letGo()
			t.Fatal("the watchdog is fed although nobody looks at frames")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if what := s.Term.Hung(context.Background()); what != "looking at frames" {
		t.Errorf("what hangs is %q", what)
	}
	letGo()
	s.Eventually("feeding again", func() bool { return sup.hungry() < 3*time.Second })
}
