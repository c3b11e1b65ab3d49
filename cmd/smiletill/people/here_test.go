package people

import (
	"os/user"
	"testing"
)

// Who works on the files is the one who has logged in, whatever they became since; without the kernel's word
// on that, sudo is believed of root alone: others can set a variable as they like.
func TestHere(t *testing.T) {
	daemon, err := user.Lookup("daemon")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what        string
		uid         int
		login, sudo string
		want        string
	}{
		{"root on a console", 0, "0", "", "root"},
		{"root by sudo, with a login", 0, daemon.Uid, "0", "daemon"},
		{"root by sudo, no login known", 0, noLogin, daemon.Uid, "daemon"},
		{"root by sudo, no such file", 0, "", daemon.Uid, "daemon"},
		{"root of a unit", 0, noLogin, "", "root"},
		{"another user by sudo, with a login", 1, "0", daemon.Uid, "root"},
		{"another user who says so", 1, noLogin, "0", "daemon"},
		{"nobody whom this machine knows", 0, "3999999999", "nonsense", "root"},
		{"a user without a name", 3999999, noLogin, "", "user 3999999"},
	} {
		got := here(c.uid, c.login, c.sudo)
		if got.Name != c.want || got.Door != command || got.Role != string(Owner) {
			t.Errorf("%s: %v, want %s", c.what, got, c.want)
		}
	}
	if Here().Name == "" {
		t.Error("nobody runs this")
	}
}
