package watchdog_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/device/bench"
	"smiletill/device/watchdog"
)

// TestBenchWatchdog runs where the kernel's softdog is loaded so that it only complains.
func TestBenchWatchdog(t *testing.T) {
	if os.Getenv(bench.Env) == "" {
		t.Skipf("%s is not set: `make emulate` runs this on the kernel's drivers", bench.Env)
	}
	const device, state = "/dev/watchdog0", "/sys/class/watchdog/watchdog0/state"
	is := func(want string) {
		t.Helper()
		b, err := os.ReadFile(state)
		if got := strings.TrimSpace(string(b)); err != nil || got != want {
			t.Errorf("the timer is %q %v, want %q", got, err, want)
		}
	}
	is("inactive")
	w, err := watchdog.Open(device, 7*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if w.Limit() != 7*time.Second {
		t.Errorf("limit %v", w.Limit())
	}
	is("active")
	if err := w.Feed(); err != nil {
		t.Error(err)
	}
	if _, err := watchdog.Open(device, time.Second); err == nil {
		t.Error("two programs feed one timer")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	is("inactive")
}

func TestWatchdogThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(file, []byte("payments"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := watchdog.Open(file, time.Second)
	if w != nil || err == nil || !strings.Contains(err.Error(), "no device") {
		t.Errorf("a file: %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "payments" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	for device, want := range map[string]error{t.TempDir() + "/watchdog": fs.ErrNotExist, "/dev/null": nil} {
		w, err := watchdog.Open(device, time.Second)
		var h interface{ Hint() string }
		if w != nil || err == nil || want != nil && !errors.Is(err, want) || !errors.As(err, &h) ||
			!strings.Contains(h.Hint(), "terminal.watchdog") {
			t.Errorf("%s: %v", device, err)
		}
	}
}
