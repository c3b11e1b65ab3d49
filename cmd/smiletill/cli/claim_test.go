//go:build !notflite

package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	till, cloud, up      []string // flags of either, and what starts the cloud
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

// newClaimPlay has neither of both running.
func newClaimPlay(t *testing.T) (p *claimPlay, claims string) {
	t.Helper()
	p = &claimPlay{t: t, program: terminaltest.Build(t), dir: t.TempDir(), screen: terminaltest.FreeAddress(t)}
	film, err := fs.ReadFile(visits.Files(), "customer_smile.mjpeg")
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "film.mjpeg"), film, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	claims = terminaltest.FreeAddress(t)
	p.cloud = []string{"--data", filepath.Join(p.dir, "cloud")}
	p.up = append([]string{"cloud", "up", "--claims", claims, "--mqtt", terminaltest.FreeAddress(t),
		"--listen", terminaltest.FreeAddress(t)}, p.cloud...)
	p.till = []string{"--claim-cloud", "https://" + claims, "--paths-data-dir", filepath.Join(p.dir, "till"),
		"--paths-control-socket", filepath.Join(terminaltest.ShortDir(t), "s"), "--screen-listen", p.screen,
		"--register-listen", "", "--board-kind", "simulated", "--camera-test-source", "--log-format", "json",
		"--camera-source", "replay:" + filepath.Join(p.dir, "film.mjpeg")}
	return p, claims
}

func with(flags []string, args ...string) []string { return append(args, flags...) }

// TestClaimedByItsCode plays a terminal's way to its cloud with the real program: unclaimed, claimed by the
// code on its screen, reporting over the cloud's own broker, killed, revoked.
func TestClaimedByItsCode(t *testing.T) {
	t.Parallel()
	p, claims := newClaimPlay(t)
	defer p.start(p.up...)()
	stop := p.start(with(p.till, "run")...)
	defer func() { stop() }()
	code, _ := p.shown()
	p.until("unclaimed", with(p.till, "status")...)
	if out, err := p.run(with(p.cloud, "cloud", "claim", code, "--tenant", "acme", "--site", "shop", "--name",
		"till-1")...); err != nil || !strings.Contains(out, "acme/shop/till-1 is claimed") {
		t.Fatalf("%v\n%s", err, out)
	}
	p.until("claimed by https://"+claims, with(p.till, "status")...)

	status, err := p.run(with(p.till, "status", "--json")...)
	if err != nil && !strings.Contains(status, "claimed by") {
		t.Errorf("%v\n%s", err, status)
	}
	for where, text := range map[string]string{"status": status,
		"log":         string(terminaltest.Read(t, filepath.Join(p.dir, "run.log"))),
		"cloud's log": string(terminaltest.Read(t, filepath.Join(p.dir, "cloud.log")))} {
		if strings.Contains(text, code[4:]) {
			t.Errorf("the code stands in the %s", where)
		}
	}

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

// TestClaimKilled kills cloud and terminal at random moments of a claim, again and again, and starts them
// anew: each time the terminal is claimed, or shows a code and can be claimed under the same name, and the
// cloud knows one terminal with one key. SMILETILL_TEST_SEED replays the moments.
func TestClaimKilled(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SMILETILL_TEST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("SMILETILL_TEST_SEED=%d replays the moments of the kills", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	p, claims := newClaimPlay(t)
	for round := range 6 {
		if err := os.RemoveAll(filepath.Join(p.dir, "till", "claimed")); err != nil { // as it is claimed anew
			t.Fatal(err)
		}
		cloud, till := p.start(p.up...), p.start(with(p.till, "run")...)
		claim := func() (string, error) {
			code, _ := p.shown()
			return p.run(with(p.cloud, "cloud", "claim", code, "--tenant", "acme", "--site", "shop", "--name",
				"till-1")...)
		}
		code, _ := p.shown()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		typed := exec.CommandContext(ctx, p.program, with(p.cloud, "cloud", "claim", code, "--tenant", "acme",
			"--site", "shop", "--name", "till-1")...)
		if err := typed.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rng.IntN(900)) * time.Millisecond) // a look at what was typed takes 500
		killed := []string{"cloud", "till", "both"}[round%3]
		if killed != "till" {
			cloud()
		}
		if killed != "cloud" {
			till()
		}
		if killed != "till" {
			cloud = p.start(p.up...)
		}
		if killed != "cloud" {
			till = p.start(with(p.till, "run")...)
		}
		claimed := func() bool {
			out, _ := p.run(with(p.till, "status")...)
			return strings.Contains(out, "claimed by https://"+claims)
		}
		waited := make(chan error, 1)
		go func() { waited <- typed.Wait() }()
		for end := time.Now().Add(time.Minute); !claimed(); time.Sleep(50 * time.Millisecond) {
			select {
			case <-waited: // done, or not: then it is typed once more
				if !claimed() {
					out, err := claim()
					t.Logf("round %d, killed %s: typed once more: %v %s", round, killed, err, out)
				}
			default:
				if killed != "cloud" && time.Now().After(end.Add(-57*time.Second)) {
					_ = typed.Process.Signal(os.Interrupt) // the terminal shows another code since
				}
			}
			if time.Now().After(end) {
				t.Fatalf("round %d, killed %s: not claimed", round, killed)
			}
		}
		cancel()
		p.until("acme/shop/till-1 1 0", with(p.cloud, "cloud", "terminals")...)
		if out, err := p.run(with(p.cloud, "cloud", "terminals")...); err != nil ||
			strings.Count(out, "acme/shop") != 1 {
			t.Errorf("round %d: %v\n%s", round, err, out)
		}
		cloud()
		till()
	}
}
