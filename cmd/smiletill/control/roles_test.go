package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
)

// peerEnv has the test's own binary be a program that asks at a socket, as whoever it runs as.
const peerEnv = "SMILETILL_TEST_PEER"

func TestMain(m *testing.M) {
	if socket := os.Getenv(peerEnv); socket != "" {
		askAll(socket)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// askAll asks for each "METHOD PATH" of its arguments, and prints what became of it, a line each.
func askAll(socket string) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	c := http.Client{Transport: &http.Transport{DialContext: dial}}
	for _, line := range os.Args[1:] {
		method, path, _ := strings.Cut(line, " ")
		r, err := http.NewRequest(method, "http://smiletill"+path, strings.NewReader("{}"))
		if err != nil {
			fmt.Println(err)
			continue
		}
		resp, err := c.Do(r)
		if err != nil {
			fmt.Println(err)
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, strings.ReplaceAll(string(text), "\n", " "))
	}
}

// anything is a terminal that does whatever it is asked, and notes who asked.
type anything struct {
	mu sync.Mutex
	by []payment.Who
}

func (a *anything) note(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by = append(a.by, people.From(ctx))
}

// asked gives who asked since the last time, and forgets it.
func (a *anything) asked() []payment.Who {
	a.mu.Lock()
	defer a.mu.Unlock()
	by := a.by
	a.by = nil
	return by
}

func (a *anything) Begin(ctx context.Context, _ control.PaymentRequest) (control.Payment, error) {
	a.note(ctx)
	return control.Payment{}, nil
}

func (a *anything) Wait(ctx context.Context, _ string, _ time.Duration) (control.Payment, error) {
	a.note(ctx)
	return control.Payment{}, nil
}

func (a *anything) Cancel(ctx context.Context, _ string, _ payment.By) (control.Payment, error) {
	a.note(ctx)
	return control.Payment{}, nil
}

func (a *anything) EnterPIN(ctx context.Context, _, _ string) (control.Payment, error) {
	a.note(ctx)
	return control.Payment{}, nil
}

func (a *anything) Reverse(ctx context.Context, _ control.ReversalRequest) (control.Reversal, error) {
	a.note(ctx)
	return control.Reversal{}, nil
}

func (a *anything) Customers(ctx context.Context) ([]control.Customer, error) {
	a.note(ctx)
	return nil, nil
}

func (a *anything) Enrol(
	ctx context.Context, _ control.EnrolRequest, _ func(string),
) (control.Customer, error) {
	a.note(ctx)
	return control.Customer{}, nil
}

func (a *anything) Clerks(ctx context.Context) ([]control.Clerk, error) { a.note(ctx); return nil, nil }

func (a *anything) Status(ctx context.Context) (control.Status, error) {
	a.note(ctx)
	return control.Status{}, nil
}

func (a *anything) Calibrate(ctx context.Context, _ func(string)) (control.Delay, error) {
	a.note(ctx)
	return control.Delay{}, nil
}

func (a *anything) Hold(ctx context.Context, _ time.Duration, _ func(string)) error {
	a.note(ctx)
	return nil
}

func (a *anything) Forget(ctx context.Context, _ string) (control.Receipt, error) {
	a.note(ctx)
	return control.Receipt{}, nil
}

func (a *anything) Extract(ctx context.Context, _ string, _ bool) (control.Extract, error) {
	a.note(ctx)
	return control.Extract{}, nil
}

func (a *anything) Texts(ctx context.Context) ([]people.Text, error) { a.note(ctx); return nil, nil }

func (a *anything) Agree(ctx context.Context, _ string, _ control.Agreed) error {
	a.note(ctx)
	return nil
}

func (a *anything) Vouch(ctx context.Context, _, _, _ string) error { a.note(ctx); return nil }
func (a *anything) Registers(ctx context.Context) error             { a.note(ctx); return nil }
func (a *anything) Block(ctx context.Context, _ string, _ bool, _ string) error {
	a.note(ctx)
	return nil
}

func (a *anything) Unpark(ctx context.Context, _ int64) error           { a.note(ctx); return nil }
func (a *anything) Remove(ctx context.Context, _ string) error          { a.note(ctx); return nil }
func (a *anything) SetPIN(ctx context.Context, _, _ string) error       { a.note(ctx); return nil }
func (a *anything) SetClerkPIN(ctx context.Context, _, _ string) error  { a.note(ctx); return nil }
func (a *anything) AddClerk(ctx context.Context, _ control.Clerk) error { a.note(ctx); return nil }
func (a *anything) RemoveClerk(ctx context.Context, _ string) error     { a.note(ctx); return nil }
func (a *anything) Reload(ctx context.Context) error                    { a.note(ctx); return nil }
func (a *anything) ResetTamper(ctx context.Context) error               { a.note(ctx); return nil }
func (a *anything) ServeHTTP(_ http.ResponseWriter, r *http.Request)    { a.note(r.Context()) }

// Each role asks for each thing at the real socket, as a process of its own user and groups: it is done for
// those whom the table allows it, in the role that suffices, and for nobody else.
func TestWhoMayDoWhat(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be other users")
	}
	dir, err := os.MkdirTemp("", "r") // a path short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe, socket := filepath.Join(dir, "peer"), filepath.Join(dir, "s")
	own, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = errors.Join(os.WriteFile(exe, own, 0o755), os.Chmod(dir, 0o711))
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	groups := people.Groups{47101: people.Owner, 47102: people.Clerk, 47103: people.Technician}
	s.Groups = func() people.Groups { return groups }
	a := &anything{}
	d := control.Doors{Till: a, Back: a, People: a, PINs: a, Clerks: a, Service: a, Register: a}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx, d) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var asks []string
	fill := strings.NewReplacer("update/hold", "update/hold?wait=1s",
		"payments/{id}", "payments/c_1?for=1s", "{id}", "c_1",
		"{name}", "Anna", "{seq}", "7")
	for _, r := range control.Routes(d) {
		if !strings.Contains(r.Pattern, " ") {
			r.Pattern = "POST " + r.Pattern
		}
		asks = append(asks, fill.Replace(strings.Replace(r.Pattern, "{id}/", "c_1/", 1)))
	}
	for _, c := range []struct {
		uid, gid uint32
		groups   []uint32
		roles    []people.Role
	}{
		{47000, 47000, []uint32{4, 27}, nil},
		{47001, 47001, []uint32{47101}, []people.Role{people.Owner}},
		{47002, 47002, []uint32{47102}, []people.Role{people.Clerk}},
		{47003, 47003, []uint32{47103}, []people.Role{people.Technician}},
		{47004, 47004, []uint32{47102, 47103}, []people.Role{people.Clerk, people.Technician}},
		{0, 0, nil, []people.Role{people.Owner}},
	} {
		cmd := exec.CommandContext(t.Context(), exe, asks...)
		cmd.Env = append(os.Environ(), peerEnv+"="+socket)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: c.uid, Gid: c.gid, Groups: c.groups}}
		a.asked() // by the peer before
		out, err := cmd.Output()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err != nil || len(lines) != len(asks) {
			t.Fatalf("%d: %d answers to %d questions, %v:\n%s", c.uid, len(lines), len(asks), err, out)
		}
		want, done := 0, a.asked()
		for i, r := range control.Routes(d) {
			who, err := people.Someone{Name: nameOf(c.uid), Door: people.Socket, Roles: c.roles}.As(r.Act)
			status, text, _ := strings.Cut(lines[i], " ")
			var said struct{ Error, Hint string }
			_ = json.Unmarshal([]byte(text), &said) // of what is done there may be no such answer
			switch {
			case err != nil && (status != "403" || said.Hint == ""):
				t.Errorf("%v asks for %s, which is refused: %s", c.roles, asks[i], lines[i])
			case err == nil && status != "200":
				t.Errorf("%v asks for %s, which is allowed: %s", c.roles, asks[i], lines[i])
			case err == nil && (len(done) <= want || done[want] != who):
				t.Errorf("%v asks for %s: it was done for %v, not %v", c.roles, asks[i], done, who)
			}
			if err == nil {
				want++
			}
		}
		if len(done) != want {
			t.Errorf("%v: %d things are done, and %d allowed", c.roles, len(done), want)
		}
	}
}

// nameOf is what a user is called here.
func nameOf(uid uint32) string {
	if uid == 0 {
		return "root"
	}
	return fmt.Sprintf("user %d", uid)
}
