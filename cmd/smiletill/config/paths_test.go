package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestChosenPlaces(t *testing.T) {
	const run, lib = "/run/smiletill", "/var/lib/smiletill"
	uid := os.Getuid()
	for _, tc := range []struct {
		name          string
		uid           int
		dirs          map[string]os.FileMode
		env           map[string]string
		installed     bool   // the system's settings are there
		data, control string // of the machine's root when they begin with @
	}{
		{name: "nothing there", uid: uid + 1, data: "@/var/lib/smiletill",
			control: "@/tmp/smiletill-UID/control.sock"},
		{name: "root", uid: 0, data: "@/var/lib/smiletill",
			control: "@/tmp/smiletill-UID/control.sock"},
		{name: "user", uid: uid + 1,
			env:  map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/s", "XDG_RUNTIME_DIR": "/r"},
			data: "/s/smiletill", control: "/r/smiletill/control.sock"},
		{name: "home only, XDG relative", uid: uid + 1,
			env:     map[string]string{"HOME": "/h", "XDG_STATE_HOME": "s", "XDG_RUNTIME_DIR": "r"},
			data:    "/h/.local/state/smiletill",
			control: "@/tmp/smiletill-UID/control.sock"},
		{name: "our folders", uid: uid, dirs: map[string]os.FileMode{run: 0o755, lib: 0o700},
			env:  map[string]string{"XDG_RUNTIME_DIR": "/r", "XDG_STATE_HOME": "/s"},
			data: "@/var/lib/smiletill", control: "@/run/smiletill/control.sock"},
		{name: "open to others", uid: uid, dirs: map[string]os.FileMode{run: 0o777, lib: 0o700},
			env:  map[string]string{"XDG_RUNTIME_DIR": "/r"},
			data: "@/var/lib/smiletill", control: "/r/smiletill/control.sock"},
		{name: "of another user", uid: uid + 1, dirs: map[string]os.FileMode{run: 0o755},
			env:     map[string]string{"XDG_RUNTIME_DIR": "/r", "HOME": "/h"},
			data:    "/h/.local/state/smiletill",
			control: "/r/smiletill/control.sock"},
		{name: "of another user, whose terminal is installed", uid: uid + 1, installed: true,
			dirs: map[string]os.FileMode{run: 0o700, lib: 0o700},
			env:  map[string]string{"XDG_RUNTIME_DIR": "/r", "HOME": "/h"},
			data: "@/var/lib/smiletill", control: "@/run/smiletill/control.sock"},
		{name: "settings alone", uid: uid + 1, installed: true,
			env:     map[string]string{"XDG_RUNTIME_DIR": "/r", "HOME": "/h"},
			data:    "/h/.local/state/smiletill",
			control: "/r/smiletill/control.sock"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := machine{root: t.TempDir(), uid: tc.uid, env: tc.env}
			m.executable = m.at("/opt/smiletill/bin/smiletill")
			for dir, mode := range tc.dirs {
				if err := os.MkdirAll(m.at(dir), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(m.at(dir), mode); err != nil {
					t.Fatal(err)
				}
			}
			if tc.installed {
				at := m.at(SystemFile)
				if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			c, err := loadConfig("", nil, nil, m)
			if err != nil {
				t.Fatal(err)
			}
			uids := strings.NewReplacer("@", m.root, "UID", itoa(tc.uid))
			want := PathsConfig{uids.Replace(tc.data), "", uids.Replace(tc.control)}
			if c.Paths != want {
				t.Errorf("got %+v\nwant %+v", c.Paths, want)
			}
		})
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestPreparePrivateDir(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "a", "smiletill")
	for range 2 {
		if err := PreparePrivateDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", fi.Mode(), err)
	}
	refused := func(name, dir string) {
		t.Helper()
		err := PreparePrivateDir(dir)
		var h interface{ Hint() string }
		if !errors.As(err, &h) || h.Hint() == "" {
			t.Errorf("%s: got %v, want a refusal with a hint", name, err)
		}
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	refused("symbolic link", link)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	refused("open to others", dir)
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("file", file)
	if os.Getuid() == 0 {
		if err := errors.Join(os.Chmod(dir, 0o700), os.Chown(dir, 12345, 12345)); err != nil {
			t.Fatal(err)
		}
		refused("of another user", dir)
	}
}

func TestLogFormat(t *testing.T) {
	for _, tc := range []struct {
		format          string
		terminal, color bool
		json, escapes   bool
	}{
		{"auto", false, false, true, false},
		{"auto", true, true, false, true},
		{"auto", true, false, false, false},
		{"text", false, false, false, false},
		{"json", true, true, true, false},
	} {
		var out bytes.Buffer
		log := slog.New(logHandler(LogConfig{Level: "warn", Format: tc.format}, &out, tc.terminal, tc.color))
		log.Info("quiet")
		log.Warn("camera gone", "source", "/dev/video0", "again_in", 270*time.Millisecond)
		if !strings.Contains(out.String(), "270ms") {
			t.Errorf("%+v: a duration is no text in %s", tc, out.String())
		}
		if got := json.Valid(out.Bytes()); got != tc.json || strings.Contains(out.String(), "quiet") {
			t.Errorf("%+v: got %s", tc, out.String())
		}
		if got := strings.Contains(out.String(), "\x1b["); got != tc.escapes {
			t.Errorf("%+v: escapes %v in %q", tc, got, out.String())
		}
	}
	f, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	Logger(LogConfig{Level: "debug", Format: "auto"}, f).Debug("here")
	if got, err := os.ReadFile(f.Name()); err != nil || !json.Valid(got) {
		t.Errorf("a file got %q, %v; want JSON", got, err)
	}
}
