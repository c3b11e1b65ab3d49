package kiosk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Options say what to show, and how.
type Options struct {
	Page   string                   // the customer's page, http://127.0.0.1:8080/
	Rotate int                      // degrees, clockwise: 0, 90, 180 or 270
	Off    func(now time.Time) bool // whether the display is dark at a local time, if nobody needs it
	Log    *slog.Logger
}

// What is started. Both were measured against others (systemd/README.md).
const (
	compositor = "sway"
	browser    = "cog"
)

var (
	// errMissing is a machine that lacks a program which shows the page.
	errMissing = errors.New("the display's program is not installed")
	// errEnded is a display program that ended by itself.
	errEnded = errors.New("the display's program has ended")
	// errSession is a start without a folder for what belongs to a session.
	errSession = errors.New("this is no session of a display")
)

// failure is an error with what to do next.
type failure struct {
	error
	hint string
}

// Hint says what to do next.
func (f failure) Hint() string { return f.hint }

func (f failure) Unwrap() error { return f.error }

// Page is the address of the page of a terminal that listens at host:port. One that listens everywhere is
// asked on this machine. An error means no host:port, or port 0, which is another at each start.
func Page(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("address of the page %q: %w", listen, err)
	}
	if port == "0" {
		return "", failure{fmt.Errorf("address of the page %q: it is another at each start", listen),
			"give screen.listen a port in the settings, 127.0.0.1:8080"}
	}
	switch ip := net.ParseIP(host); {
	case host == "", ip != nil && ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		host = "::1"
	}
	return (&url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}).String(), nil
}

// Show shows the page until ctx ends, which is no error, or the compositor does: errEnded. Without a display
// it waits for one. Other errors: errMissing, errSession.
func Show(ctx context.Context, o Options) error {
	for _, program := range []string{compositor, browser} {
		if _, err := exec.LookPath(program); err != nil {
			return failure{fmt.Errorf("show the customer's page: %w: %s", errMissing, program),
				"install what shows it: sudo apt install --no-install-recommends sway cog seatd"}
		}
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return failure{fmt.Errorf("show the customer's page: %w: XDG_RUNTIME_DIR is empty", errSession),
			"start it as a service: sudo systemctl enable --now smiletill-kiosk"}
	}
	return show(ctx, o, machine{dir: dir, drm: "/sys/class/drm", input: "/dev/input", clock: clockIsSet,
		shown: shownFor, touched: touchedFor})
}

// machine is where things are (the session's own folder, the kernel's displays and input devices), whether
// its clock is set, and how long the display stays on at night for what was shown or touched.
type machine struct {
	dir, drm, input string
	clock           func() bool
	shown, touched  time.Duration
}

func show(ctx context.Context, o Options, m machine) error {
	if !waitForDisplay(ctx, m.drm, o.Log) {
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("show the customer's page: %w", err)
	}
	f := newFollower(o.Page)
	server := &http.Server{Handler: newWaiting(o.Page, f, time.Now), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{}, 4)
	begun := 0
	background := func(work func()) { begun++; go func() { work(); done <- struct{}{} }() }
	defer func() {
		stop()
		_ = server.Close()
		for range begun {
			<-done
		}
	}()
	background(func() { _ = server.Serve(door) })
	background(func() { f.run(ctx) })
	touched := make(chan struct{}, 1)
	background(func() { watchInput(ctx, m.input, touched) })

	c, err := startCompositor(ctx, m.dir, o.Rotate)
	if err != nil {
		return fmt.Errorf("show the customer's page: %w", err)
	}
	defer func() { stop(); <-c.ended }()
	background(func() { keepBrowser(ctx, c, f, "http://"+door.Addr().String()+"/", o.Log) })
	o.Log.Info("the customer's page is shown", "page", o.Page, "rotated", o.Rotate)
	n := night{off: o.Off, clock: m.clock, shownFor: m.shown, touchedFor: m.touched, on: true,
		changed: time.Now()}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ended:
			return failure{fmt.Errorf("show the customer's page: %w: %s: %v", errEnded, compositor, c.err),
				"smiletill-kiosk.service starts it again; if it goes on, look at `journalctl -u smiletill-kiosk`"}
		case <-touched:
			n.touched = time.Now()
		case <-f.changed:
		case <-time.After(time.Second):
		}
		if on, changed := n.decide(f.state(), time.Now()); changed {
			done, err := c.power(on)
			if err != nil {
				return failure{fmt.Errorf("switch the display: %w", err), "the service starts it again"}
			}
			o.Log.Info("the display is switched", "on", on, "done", done)
		}
	}
}

// waitForDisplay waits until a display is plugged in; false: ctx ended before.
func waitForDisplay(ctx context.Context, drm string, log *slog.Logger) bool {
	for said := false; ; {
		if plugged(drm) {
			return ctx.Err() == nil
		}
		if !said {
			log.Info("no display is plugged in: waiting for one")
			said = true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Second):
		}
	}
}

// plugged reports whether the kernel knows of a display; drm is /sys/class/drm.
func plugged(drm string) bool {
	files, _ := filepath.Glob(filepath.Join(drm, "card*-*", "status")) // the pattern is good
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.TrimSpace(string(text)) == "connected"
	})
}

// keepBrowser runs the browser until ctx ends, and starts it anew when it died or lost the page.
func keepBrowser(ctx context.Context, c *compositing, f *follower, first string, log *slog.Logger) {
	for ctx.Err() == nil {
		inner, stop := context.WithCancel(ctx)
		cmd := c.command(inner, browser, "--platform=wl", "--webprocess-failure=exit", "--bg-color="+ground, first)
		cmd.Env = append(cmd.Env, "COG_PLATFORM_WL_VIEW_FULLSCREEN=1")
		gone := f.lost(inner)
		go func() { // the terminal answers, and its page is not there: an error's page, or one that hangs
			select {
			case <-gone:
				log.Warn("the browser does not show the page: it is started anew")
				stop()
			case <-inner.Done():
			}
		}()
		err := cmd.Run()
		stop()
		if ctx.Err() == nil {
			log.Warn("the browser has ended and is started anew", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// group has a command's whole process group end with ctx: browsers are several processes.
func group(cmd *exec.Cmd) {
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
}
