//go:build linux

package kiosk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// terminal is the two pages of a terminal that this room knows of, played.
type terminal struct {
	mu     sync.Mutex
	state  string
	pages  int
	served int // times that a browser took the page
	wake   chan struct{}
	web    *httptest.Server
}

func newTerminal() *terminal {
	p := &terminal{state: "idle", wake: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /display", p.display)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		p.change(func() { p.served++ })
		fmt.Fprint(w, `<!doctype html><title>page</title><body style="background:#0a5f3c"><script>
			new EventSource("/events")</script>`)
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 100\n\n")
		_ = http.NewResponseController(w).Flush()
		p.change(func() { p.pages++ })
		<-r.Context().Done()
		p.change(func() { p.pages-- })
	})
	p.web = httptest.NewUnstartedServer(mux)
	return p
}

func (p *terminal) change(what func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what()
	close(p.wake)
	p.wake = make(chan struct{})
}

func (p *terminal) display(w http.ResponseWriter, r *http.Request) {
	for beat := time.NewTicker(time.Second); ; {
		p.mu.Lock()
		line, wake := map[string]any{"state": p.state, "pages": p.pages}, p.wake
		p.mu.Unlock()
		if json.NewEncoder(w).Encode(line) != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-wake:
		case <-beat.C:
		}
	}
}

// until waits for what is so of the terminal.
func (p *terminal) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.After(60 * time.Second); ; {
		p.mu.Lock()
		ok, wake := so(), p.wake
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-wake:
		case <-end:
			t.Fatalf("never: %s (served %d, pages %d)", what, p.served, p.pages)
		}
	}
}

// lines is a log that tests read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// switched is what the display was told last, in a log whose last word is whether it did. A display that is
// none (headless) can't be switched off in truth; `make card-test` does that.
func (l *lines) switched() string {
	text := l.String()
	at := strings.LastIndex(text, "switched\" on=")
	if at < 0 {
		return "true"
	}
	word, _, _ := strings.Cut(text[at+len("switched\" on="):], " ")
	return word
}

// session is a folder as systemd gives one to the service, and programs that draw on no display at all. sway
// refuses to be root's, so that root's tests have it run by nobody.
func session(t *testing.T) machine {
	t.Helper()
	for _, program := range []string{compositor, browser, "setpriv"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not here: the display's programs are not tried (sh .ci/need.sh tests)", program)
		}
	}
	dir, err := os.MkdirTemp("", "kiosk") // the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := machine{dir: filepath.Join(dir, "run"), drm: filepath.Join(dir, "drm"),
		input: filepath.Join(dir, "input"),
		clock: func() bool { return true }, shown: time.Second / 2, touched: 3 * time.Second}
	for _, d := range []string{m.dir, m.input, filepath.Join(dir, "bin"),
		filepath.Join(m.drm, "card0-HDMI-A-1")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		const nobody = 65534
		for _, d := range []string{dir, m.dir} {
			if err := errors.Join(os.Chown(d, nobody, nobody), os.Chmod(d, 0o700)); err != nil {
				t.Fatal(err)
			}
		}
		for _, program := range []string{compositor, browser} {
			path, err := exec.LookPath(program)
			if err != nil {
				t.Fatal(err)
			}
			script := "#!/bin/sh\numask 0\nexec setpriv --reuid=65534 --regid=65534 --clear-groups " +
				"--pdeathsig=TERM " + path + " \"$@\"\n"
			if err := os.WriteFile(filepath.Join(dir, "bin", program), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	}
	for key, value := range map[string]string{"XDG_RUNTIME_DIR": m.dir, "HOME": m.dir,
		"WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman", "WLR_LIBINPUT_NO_DEVICES": "1",
		"DBUS_SESSION_BUS_ADDRESS": "disabled:"} {
		t.Setenv(key, value)
	}
	return m
}

func plug(t *testing.T, m machine, status string) {
	t.Helper()
	file := filepath.Join(m.drm, "card0-HDMI-A-1", "status")
	if err := os.WriteFile(file, []byte(status+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// processes lists those that have a word in their environment, which is one session's.
func processes(word string) (pids map[string]int) {
	pids = map[string]int{}
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range all {
		env, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(env, []byte(word)) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if pid != os.Getpid() {
			pids[strings.TrimSpace(string(name))] = pid
		}
	}
	return pids
}

// TestShow plays a day of the display with the real compositor and browser: plugged in late, the terminal
// later still, the browser and its inner process killed, a night with a payment in it, the compositor
// killed.
func TestShow(t *testing.T) {
	m := session(t)
	p := newTerminal()
	defer p.web.Close()
	defer p.web.CloseClientConnections()
	page, err := Page(p.web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	dark := false
	log := &lines{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	plug(t, m, "disconnected")
	if err := syscall.Mkfifo(filepath.Join(m.input, "event0"), 0o600); err != nil {
		t.Fatal(err)
	}
	touch, err := os.OpenFile(filepath.Join(m.input, "event0"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer touch.Close()
	go func() {
		ended <- show(ctx, Options{Page: page, Rotate: 90, Log: slog.New(slog.NewTextHandler(log, nil)),
			Off: func(time.Time) bool { mu.Lock(); defer mu.Unlock(); return dark }}, m)
	}()
	says := func(what string) {
		t.Helper()
		end := time.Now().Add(60 * time.Second)
		for ; !strings.Contains(log.String(), what); time.Sleep(20 * time.Millisecond) {
			select {
			case err := <-ended:
				t.Fatalf("ended before %q: %v\n%s", what, err, log)
			default:
			}
			if time.Now().After(end) {
				t.Fatalf("never %q:\n%s", what, log)
			}
		}
	}
	says("waiting for one")
	if len(processes(m.dir)) != 0 {
		t.Error("programs run without a display")
	}
	plug(t, m, "connected")
	says("is shown")
	p.web.Start()
	p.until(t, "the page is there", func() bool { return p.pages == 1 })
	c := &compositing{dir: m.dir}
	if all, err := c.outputs(); err != nil || len(all) != 1 || !all[0].DPMS || all[0].Transform != "90" {
		t.Errorf("the display: %+v, %v", all, err)
	}
	for _, name := range []string{browser, "WPEWebProcess"} {
		served := p.served
		if pid := processes(m.dir)[name]; pid == 0 || syscall.Kill(pid, syscall.SIGKILL) != nil {
			t.Fatalf("no %s to kill: %v", name, processes(m.dir))
		}
		p.until(t, "the page comes again after the end of "+name,
			func() bool { return p.served > served && p.pages == 1 })
	}

	mu.Lock()
	dark = true
	mu.Unlock()
	wants := func(want bool, why string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			if log.switched() == fmt.Sprint(want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("the display is on: %t, %s", !want, why)
			}
		}
	}
	wants(false, "at night")
	begun := time.Now()
	p.change(func() { p.state = "look_here" })
	wants(true, "at a payment")
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the display was on %v after the payment began", took)
	}
	p.change(func() { p.state = "idle" })
	wants(false, "after it")
	begun = time.Now()
	if _, err := touch.WriteString("a touch"); err != nil {
		t.Fatal(err)
	}
	wants(true, "at a touch")
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the display was on %v after a touch", took)
	}

	if pid := processes(m.dir)[compositor]; pid == 0 || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Fatalf("no compositor to kill: %v", processes(m.dir))
	}
	if err := <-ended; !errors.Is(err, errEnded) {
		t.Errorf("the compositor was killed: %v", err)
	}
	for end := time.Now().Add(10 * time.Second); len(processes(m.dir)) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left running: %v", processes(m.dir))
		}
	}
}
