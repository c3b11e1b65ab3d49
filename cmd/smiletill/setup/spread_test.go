package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A card's /etc can't be written: nothing of it is touched, what belongs there is kept on the data partition
// and put below /run at each start.
func TestReadOnlySystem(t *testing.T) {
	p := newPlace(t, whole)
	p.write(filepath.Join(p.root, "boot/select/smiletill.toml"), "[terminal]\nlanguage = \"de\"\n")
	if err := os.MkdirAll(filepath.Join(p.root, "etc/smiletill"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(p.root, "etc/smiletill/smiletill.toml")
	if err := os.Symlink("/boot/select/smiletill.toml", link); err != nil {
		t.Fatal(err)
	}
	etc := tree(t, filepath.Join(p.root, "etc/NetworkManager")) + p.read(p.root, "etc/hosts")
	to := Target{Root: p.root, Kept: "/var/lib/smiletill/setup"}
	do := func() string {
		var out strings.Builder
		if err := to.Do(t.Context(), Order{Folder: p.stick}, nil, &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	do()
	if tree(t, filepath.Join(p.root, "etc/NetworkManager"))+p.read(p.root, "etc/hosts") != etc {
		t.Error("/etc was changed")
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link to the configuration is %v, %v", info, err)
	}
	if got := p.read(p.root, "boot/select/smiletill.toml"); !strings.Contains(got, "language = \"de\"\n") ||
		!strings.Contains(got, "tenant = \"acme\"") {
		t.Errorf("the configuration is\n%s", got)
	}
	run := tree(t, filepath.Join(p.root, "run"))
	for _, want := range []string{"/NetworkManager/system-connections/smiletill-wifi.nmconnection -rw-------",
		"horse",
		"== /hostname -rw-r--r--\ntill-3\n", "/systemd/timesyncd.conf.d/50-smiletill.conf", "/modprobe.d/"} {
		if !strings.Contains(run, want) {
			t.Errorf("below /run is no %q:\n%s", want, run)
		}
	}
	if err := os.RemoveAll(filepath.Join(p.root, "run")); err != nil { // the next start, without a stick
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(p.stick, FileName)); err != nil {
		t.Fatal(err)
	}
	do()
	if again := tree(t, filepath.Join(p.root, "run")); again != run {
		t.Errorf("at the next start there is\n%s", again)
	}
	if os.Getuid() != 0 {
		return
	}
	wifi := filepath.Join(p.root, to.Kept, radio)
	if err := os.Chown(wifi, 1234, 1234); err != nil {
		t.Fatal(err)
	}
	err := to.Do(t.Context(), Order{Folder: p.stick}, nil, &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("the terminal's user says what root tells the network: %v", err)
	}
}
