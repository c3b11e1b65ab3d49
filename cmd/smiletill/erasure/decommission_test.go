//go:build !notflite

package erasure_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// play is the real program, as a shop's cloud and as a terminal of it.
type play struct {
	t                    *testing.T
	program, dir, screen string
	claims               string
	till, cloud          []string // flags
	stopCloud            func()
}

func newPlay(t *testing.T) *play {
	t.Helper()
	p := &play{t: t, program: terminaltest.Build(t), dir: t.TempDir(), screen: terminaltest.FreeAddress(t),
		claims: terminaltest.FreeAddress(t)}
	film, err := fs.ReadFile(visits.Files(), "customer_smile.mjpeg")
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "film.mjpeg"), film, 0o600)
	}
	settings := filepath.Join(p.dir, "smiletill.toml")
	if err == nil {
		err = os.WriteFile(settings, fmt.Appendf(nil, "[screen]\nlisten = %q\n[claim]\ncloud = %q\n[register]\n"+
			"listen = \"\"\n[camera]\nsource = %q\ntest_source = true\n", p.screen, "https://"+p.claims,
			"replay:"+filepath.Join(p.dir, "film.mjpeg")), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.cloud = []string{"--data", filepath.Join(p.dir, "cloud")}
	p.till = []string{"--config", settings, "--paths-data-dir", filepath.Join(p.dir, "till"),
		"--paths-control-socket", filepath.Join(terminaltest.ShortDir(t), "s")}
	return p
}

func (p *play) startCloud() {
	p.t.Helper()
	p.stopCloud = terminaltest.Start(p.t, p.program, filepath.Join(p.dir, "cloud.log"), append([]string{"cloud",
		"up", "--claims", p.claims, "--mqtt", terminaltest.FreeAddress(p.t),
		"--listen", terminaltest.FreeAddress(p.t)}, p.cloud...))
}

func (p *play) run(in string, flags []string, args ...string) (string, error) {
	ctx, stop := context.WithTimeout(p.t.Context(), 2*time.Minute)
	defer stop()
	c := exec.CommandContext(ctx, p.program, append(args, flags...)...)
	c.Stdin = strings.NewReader(in)
	out, err := c.CombinedOutput()
	return string(out), err
}

// must runs a command that has to work.
func (p *play) must(in string, flags []string, args ...string) string {
	p.t.Helper()
	out, err := p.run(in, flags, args...)
	if err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

// until waits for words, with single blanks.
func (p *play) until(what string, said func() string) {
	p.t.Helper()
	out := ""
	for end := time.Now().Add(time.Minute); !strings.Contains(out, what); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			logs, _ := os.ReadFile(filepath.Join(p.dir, "run.log"))
			p.t.Fatalf("%q is not said, but\n%s\n%s", what, out, logs)
		}
		out = strings.Join(strings.Fields(said()), " ")
	}
}

func (p *play) status() string {
	out, _ := p.run("", p.till, "status")
	return out
}

// shows is the first that the terminal's own screen is told.
func (p *play) shows() string {
	ctx, stop := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer stop()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.screen+"/events", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			return text
		}
	}
	return ""
}

// TestDecommission is a terminal that is claimed, works, and leaves service while it runs: not without the
// cloud, then by its own word, of which the cloud revokes it. It starts as a new one.
func TestDecommission(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.startCloud()
	defer func() { p.stopCloud() }()
	defer terminaltest.Start(t, p.program, filepath.Join(p.dir, "run.log"), append([]string{"run"}, p.till...))()
	code := regexp.MustCompile("[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3}")
	p.until("a code", func() string {
		if code.MatchString(p.shows()) {
			return "a code"
		}
		return ""
	})
	p.must("", p.cloud, "cloud", "claim", code.FindString(p.shows()), "--tenant", "acme", "--site", "shop",
		"--name", "till-1")
	p.until("claimed by https://"+p.claims, p.status)
	enrol := []string{"enrol", "--agreed", "en", "Grace Hopper"}
	for i := 1; i <= gallery.TemplatesMin; i++ {
		photo, err := visits.Photo(fmt.Sprintf("enrol_%d", i))
		name := filepath.Join(p.dir, fmt.Sprintf("%d.jpg", i))
		if err == nil {
			err = os.WriteFile(name, photo, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		enrol = append(enrol, name)
	}
	p.until("all approvals are acknowledged", p.status)
	p.must("", p.till, enrol...)
	p.must("", p.till, "clerks", "add", "Berta", "--role", "owner")
	p.must(bertasPIN+"\n", p.till, "clerks", "pin", "Berta")
	public := filepath.Join(p.dir, "receipt.pub")
	if err := os.WriteFile(public, []byte(p.must("", p.till, "key")), 0o600); err != nil {
		t.Fatal(err)
	}
	key := terminaltest.Read(t, filepath.Join(p.dir, "till", "terminal.key"))
	receipt := filepath.Join(p.dir, "receipt.json")
	leave := []string{"decommission", "--as", "Berta", "--receipt", receipt}
	in := bertasPIN + "\ntill-1\n"
	var out string
	p.until("nobody waits", func() string { // facts of what was done are reported
		var err error
		if out, err = p.run(bertasPIN+"\nno\n", p.till, leave...); err != nil &&
			strings.Contains(out, "Type the terminal's name, till-1") {
			return "nobody waits"
		}
		return out
	})
	p.stopCloud()
	if out, err := p.run(in, p.till, leave...); err == nil || !strings.Contains(out, "--without-cloud") {
		t.Fatalf("without the cloud: %v %s", err, out)
	}
	p.until("claimed by https://"+p.claims, p.status) // as before
	p.startCloud()
	p.until("told", func() string { // as soon as the cloud is up
		out, err := p.run(in, p.till, leave...)
		if err == nil {
			return out
		}
		return "not yet: " + out
	})
	terminals := func() string { return p.must("", p.cloud, "cloud", "terminals") }
	p.until("acme/shop/till-1 0 0 ", terminals)
	p.until("false left service on "+time.Now().UTC().Format(time.DateOnly), terminals)
	p.until("unclaimed", p.status) // it runs on, as a new one
	p.until("a code", func() string {
		if code.MatchString(p.shows()) {
			return "a code"
		}
		return ""
	})
	said := p.must("", nil, "factory-reset", "receipt", receipt, "--key", public)
	if !strings.Contains(said, "decommission") || !strings.Contains(said, "1 faces") ||
		strings.Contains(said, "lost") {
		t.Error(said)
	}
	err := filepath.WalkDir(filepath.Join(p.dir, "till"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && (bytes.Contains(terminaltest.Read(t, path), key[40:80]) ||
			strings.Contains(path, "journal.db")) {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
