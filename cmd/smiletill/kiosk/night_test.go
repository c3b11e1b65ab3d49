package kiosk

import (
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNight(t *testing.T) {
	start := time.Date(2026, 11, 30, 23, 0, 0, 0, time.Local)
	type step struct {
		after time.Duration
		told  told
		want  bool
		why   string
	}
	idle, asks := told{true, "idle", 1}, told{true, "look_here", 1}
	for _, c := range []struct {
		name  string
		dark  bool
		clock bool
		touch time.Duration // 0: never
		steps []step
	}{
		{"by day", false, true, 0, []step{{0, idle, true, "day"}, {time.Hour, idle, true, "day"}}},
		{"a clock that is not set", true, false, 0, []step{{time.Hour, idle, true, "nobody knows"}}},
		{"at night", true, true, 0, []step{{0, told{}, true, "begun"}, {10 * time.Second, idle, true, "changed"},
			{2 * time.Minute, idle, false, "nobody"}, {time.Hour, asks, true, "a payment"},
			{time.Hour + 5*time.Minute, asks, true, "still that payment"},
			{time.Hour + 6*time.Minute, told{true, "approved", 1}, true, "its end"},
			{time.Hour + 6*time.Minute + 4*time.Second, idle, true, "somebody reads it"},
			{time.Hour + 8*time.Minute, idle, false, "nobody"},
			{2 * time.Hour, told{true, "out_of_order", 1}, true, "it just broke"},
			{3 * time.Hour, told{true, "out_of_order", 1}, false, "it is broken all night"},
			{4 * time.Hour, told{true, "enter_pin", 1}, true, "a PIN"},
			{5 * time.Hour, told{true, "what may come", 1}, true, "a page of another time is not dark"},
			{6 * time.Hour, told{}, true, "the terminal went"}, {7 * time.Hour, told{}, false, "long ago"}}},
		{"a touch", true, true, time.Hour, []step{{0, idle, true, "begun"},
			{59 * time.Minute, idle, false, "nobody"},
			{time.Hour + time.Second, idle, true, "touched"}, {time.Hour + 3*time.Minute, idle, false, "gone"}}},
	} {
		n := night{off: func(time.Time) bool { return c.dark }, clock: func() bool { return c.clock },
			on: true, changed: start,
			shownFor: shownFor, touchedFor: touchedFor}
		was := true
		for _, s := range c.steps {
			if c.touch > 0 && s.after > c.touch {
				n.touched = start.Add(c.touch)
			}
			on, changed := n.decide(s.told, start.Add(s.after))
			if on != s.want || changed != (on != was) {
				t.Errorf("%s, after %v (%s): on %t, changed %t", c.name, s.after, s.why, on, changed)
			}
			was = on
		}
	}
}

func TestPlugged(t *testing.T) {
	dir := t.TempDir()
	if plugged(filepath.Join(dir, "none")) {
		t.Error("a machine without graphics has a display")
	}
	for name, status := range map[string]string{"card0-HDMI-A-1": "disconnected\n",
		"card0-HDMI-A-2": "unknown\n"} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, name), 0o755),
			os.WriteFile(filepath.Join(dir, name, "status"), []byte(status), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if plugged(dir) {
		t.Error("nothing is plugged in, and taken for something")
	}
	file := filepath.Join(dir, "card0-HDMI-A-2", "status")
	if err := os.WriteFile(file, []byte("connected\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if !plugged(dir) {
		t.Error("a display is not seen")
	}
}

func TestPage(t *testing.T) {
	for listen, want := range map[string]string{"127.0.0.1:8080": "http://127.0.0.1:8080/",
		":80":       "http://127.0.0.1:80/",
		"[::]:8080": "http://[::1]:8080/", "till.local:8080": "http://till.local:8080/"} {
		if got, err := Page(listen); err != nil || got != want {
			t.Errorf("%s: %s, %v", listen, got, err)
		}
	}
	for _, listen := range []string{"127.0.0.1:0", "127.0.0.1"} {
		if got, err := Page(listen); err == nil {
			t.Errorf("%s is taken for %s", listen, got)
		}
	}
}

// TestWaiting: the page that is shown until the terminal's is there says so in both languages, and after long
// that something is wrong.
func TestWaiting(t *testing.T) {
	now := time.Now()
	f := newFollower("http://127.0.0.1:1/")
	w := newWaiting("http://127.0.0.1:1/", f, func() time.Time { return now })
	get := func(path string) string {
		r := httptest.NewRecorder()
		w.ServeHTTP(r, httptest.NewRequest("GET", path, nil))
		b, _ := io.ReadAll(r.Result().Body)
		return string(b)
	}
	for _, words := range []string{"One moment", "Einen Moment", `const page = "http://127.0.0.1:1/"`} {
		if text := get("/"); !strings.Contains(text, words) {
			t.Errorf("the page lacks %q:\n%s", words, text)
		}
	}
	wants := func(there, late bool) {
		t.Helper()
		var got struct{ There, Late bool }
		err := json.Unmarshal([]byte(get("/there")), &got)
		if err != nil || got.There != there || got.Late != late {
			t.Errorf("there %+v, %v", got, err)
		}
	}
	wants(false, false)
	now = now.Add(patience)
	wants(false, true)
	f.set(told{Linked: true})
	wants(true, true)
}
