package people_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"smiletill/cmd/smiletill/people"
	"smiletill/payment"
)

func Example() {
	anna := people.Someone{Name: "Anna", Door: people.Page, Roles: []people.Role{people.Clerk}}
	who, err := anna.As(people.GiveBack)
	fmt.Println(who, err)
	fmt.Println(people.From(people.With(context.Background(), who)).Name)
	_, err = anna.As(people.EndAlarm)
	fmt.Println(err)
	// Output:
	// clerk Anna (page) <nil>
	// Anna
	// end an alarm: not allowed: Anna is clerk
}

// The paper says what the table does, and the other way round.
func TestArchitectureSaysWhoMayDoWhat(t *testing.T) {
	text, err := os.ReadFile("../../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	paper := strings.Join(strings.Fields(string(text)), " ")
	for _, r := range people.Roles() {
		want := fmt.Sprintf("- **%s**: %s.", r, r.Sentence())
		if r == people.Owner {
			want = "- **owner**: all of it."
			for _, a := range people.Acts() {
				if !r.May(a) {
					t.Errorf("an owner may not %s", a)
				}
			}
		}
		if !strings.Contains(paper, want) {
			t.Errorf("ARCHITECTURE.md does not say %q", want)
		}
	}
	if people.Role("boss").May(people.Pay) {
		t.Error("a role that there is not may do something")
	}
	if _, err := people.RoleOf("boss"); !errors.Is(err, people.ErrNoRole) || payment.HintOf(err) == "" {
		t.Errorf("a role that there is not: %v", err)
	}
}

// Each act is allowed to an owner; nobody without a role may do anything; who has two may do what both may.
func TestAs(t *testing.T) {
	for _, a := range people.Acts() {
		if _, err := (people.Someone{Name: "carl"}).As(a); !errors.Is(err, people.ErrNotAllowed) ||
			payment.HintOf(err) == "" {
			t.Errorf("%s without a role: %v", a, err)
		}
		for _, r := range people.Roles() {
			w, err := people.Someone{Name: "carl", Roles: []people.Role{r}}.As(a)
			if (err == nil) != r.May(a) || err == nil && w.Role != string(r) {
				t.Errorf("%s as %s: %v, %v", a, r, w, err)
			}
		}
		both := people.Someone{Roles: []people.Role{people.Clerk, people.Technician}}
		if _, err := both.As(a); (err == nil) != (people.Clerk.May(a) || people.Technician.May(a)) {
			t.Errorf("%s as clerk and technician: %v", a, err)
		}
	}
}

// peerEnv has the test's own binary be a process at the other end of a socket.
const peerEnv = "SMILETILL_TEST_PEER"

func TestMain(m *testing.M) {
	if path := os.Getenv(peerEnv); path != "" {
		c, err := net.Dial("unix", path)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, _ = c.Read(make([]byte, 1)) // until it is closed
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Who is at the socket is what the kernel says of the process: its user, its groups of the moment.
func TestPeer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to be other users")
	}
	dir, err := os.MkdirTemp("", "p")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe := filepath.Join(dir, "peer")
	own, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = errors.Join(os.WriteFile(exe, own, 0o755), os.Chmod(dir, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err == nil {
		err = os.Chmod(socket, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	groups := people.Groups{47101: people.Owner, 47102: people.Clerk, 47103: people.Technician}
	for _, c := range []struct {
		name     string
		uid, gid uint32
		groups   []uint32
		want     []people.Role
	}{
		{"root", 0, 0, nil, []people.Role{people.Owner}},
		{"a stranger", 47001, 47001, nil, nil},
		{"a stranger in other groups", 47001, 47001, []uint32{4, 20, 27}, nil},
		{"a clerk", 47002, 47002, []uint32{4, 47102}, []people.Role{people.Clerk}},
		{"a clerk by the first group", 47002, 47102, nil, []people.Role{people.Clerk}},
		{"a technician", 47003, 47003, []uint32{47103}, []people.Role{people.Technician}},
		{"both", 47004, 47004, []uint32{47102, 47103}, []people.Role{people.Clerk, people.Technician}},
	} {
		cmd := exec.CommandContext(t.Context(), exe)
		cmd.Env = append(os.Environ(), peerEnv+"="+socket)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: c.uid, Gid: c.gid, Groups: c.groups}}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		conn, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		s, err := people.Peer(conn, groups)
		slices.Sort(s.Roles)
		slices.Sort(c.want)
		if err != nil || !slices.Equal(s.Roles, c.want) || s.Door != people.Socket || s.Name == "" {
			t.Errorf("%s: %+v, %v", c.name, s, err)
		}
		if (c.uid == 0) != (s.Name == "root") {
			t.Errorf("%s is called %s", c.name, s.Name)
		}
		_ = conn.Close()
		_ = cmd.Wait() // it ends because the connection does
	}
}
