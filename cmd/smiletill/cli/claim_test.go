//go:build !notflite

package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/vision/gallery"
	"smiletill/vision/visits"
)

// claimPlay are the real program as a shop's cloud and as a terminal.
type claimPlay struct {
	t                    *testing.T
	program, dir, screen string
	till, cloud          []string // flags of either
}

// run runs a command and gives what it printed.
func (p *claimPlay) run(args ...string) (string, error) {
	out, err := exec.CommandContext(p.t.Context(), p.program, args...).CombinedOutput()
	return string(out), err
}

func (p *claimPlay) start(args ...string) (stop func()) {
	return terminaltest.Start(p.t, p.program, filepath.Join(p.dir, args[0]+".log"), args)
}

// until waits for a command's words.
func (p *claimPlay) until(what string, args ...string) string {
	p.t.Helper()
	out := ""
	for end := time.Now().Add(time.Minute); !strings.Contains(out, what); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			logs, _ := os.ReadFile(filepath.Join(p.dir, "run.log"))
			more, _ := os.ReadFile(filepath.Join(p.dir, "cloud.log"))
			p.t.Fatalf("%v does not say %q but\n%s\n%s\n%s", args, what, out, logs, more)
		}
		out, _ = p.run(args...)
		out = strings.Join(strings.Fields(out), " ")
	}
	return out
}

// shown reads the code on the terminal's own screen, in both its forms.
func (p *claimPlay) shown() (code string, scan int) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second) // the stream has no end
		defer cancel()
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.screen+"/events", nil)
		if err != nil {
			p.t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(q)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var v struct {
				Words map[string]string
				Scan  struct{ Size int }
			}
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(text), &v) == nil {
				code, scan = v.Words["what"], v.Scan.Size
				break
			}
		}
		_ = resp.Body.Close()
		if len(code) == len("K7P-4MX-9TR") && scan > 0 {
			return code, scan
		}
	}
	p.t.Fatal("the screen shows no code")
	return "", 0
}

// TestClaimedByItsCode plays a terminal's way to its cloud with the real program: unclaimed, claimed by the
// code on its screen, reporting over the cloud's own broker, killed, revoked.
func TestClaimedByItsCode(t *testing.T) {
	t.Parallel()
	p := &claimPlay{t: t, program: terminaltest.Build(t), dir: t.TempDir(), screen: terminaltest.FreeAddress(t)}
	film, err := fs.ReadFile(visits.Files(), "customer_smile.mjpeg")
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "film.mjpeg"), film, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	claims, data := terminaltest.FreeAddress(t), filepath.Join(p.dir, "cloud")
	p.cloud = []string{"--data", data}
	p.till = []string{"--claim-cloud", "https://" + claims, "--paths-data-dir", filepath.Join(p.dir, "till"),
		"--paths-control-socket", filepath.Join(terminaltest.ShortDir(t), "s"), "--screen-listen", p.screen,
		"--register-listen", "", "--board-kind", "simulated", "--camera-test-source", "--log-format", "json",
		"--camera-source", "replay:" + filepath.Join(p.dir, "film.mjpeg")}
	with := func(flags []string, args ...string) []string { return append(args, flags...) }

	defer p.start(with(p.cloud, "cloud", "up", "--claims", claims, "--mqtt", terminaltest.FreeAddress(t),
		"--listen", terminaltest.FreeAddress(t))...)()
	stop := p.start(with(p.till, "run")...)
	defer func() { stop() }()
	code, _ := p.shown()
	p.until("unclaimed", with(p.till, "status")...)
	if out, err := p.run(with(p.cloud, "cloud", "claim", code, "--tenant", "acme", "--site", "shop", "--name",
		"till-1")...); err != nil || !strings.Contains(out, "acme/shop/till-1 is claimed") {
		t.Fatalf("%v\n%s", err, out)
	}
	p.until("claimed by https://"+claims, with(p.till, "status")...)

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
	p.until("all approvals are acknowledged", with(p.till, "status")...)
	if out, err := p.run(with(p.till, enrol...)...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.until("acme/shop/till-1 1 0 2 true -", with(p.cloud, "cloud", "terminals")...)

	stop() // killed
	stop = p.start(with(p.till, "run")...)
	p.until("claimed by https://"+claims, with(p.till, "status")...)
	p.until("acme/shop/till-1 1 0 2 true -", with(p.cloud, "cloud", "terminals")...)

	if out, err := p.run(with(p.cloud, "cloud", "revoke", "acme/shop/till-1")...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p.until("acme/shop/till-1 0 0 2 false -", with(p.cloud, "cloud", "terminals")...)
}
