package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// machine is what the choice of places depends on.
type machine struct {
	root       string // before every absolute path of the system; empty but in tests
	uid        int
	executable string
	env        map[string]string
	// installed: the settings in force are the system's, so that its folders are meant, whosever they are.
	// Another user's own would be empty, and say of a shop's customers that there are none.
	installed bool
	claims    bool // what a cloud gave counts, beside the settings: not for who asks what a text alone says
}

func thisMachine(environ []string) machine {
	m := machine{uid: os.Getuid(), env: map[string]string{}}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			m.env[name] = value
		}
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			m.executable = real
		}
	}
	return m
}

func (m machine) at(path string) string { return m.root + path }

// choosePaths fills in the places that were left open.
func (c *Config) choosePaths(m machine) {
	for name, choose := range map[string]func() string{
		"paths.data_dir":       m.dataDir,
		"paths.control_socket": m.controlSocket,
	} {
		for _, o := range c.options() {
			if o.name == name && o.text() == "" {
				*o.value.(*string) = choose()
				c.origins[name] = "default, chosen for this machine"
			}
		}
	}
}

// dataDir is the system's folder for root and for a user who may write there, else the user's own.
func (m machine) dataDir() string {
	const system = "/var/lib/smiletill"
	const writable = 2 // W_OK of access(2)
	if m.uid == 0 || syscall.Access(m.at(system), writable) == nil || m.installed && m.has(system) {
		return m.at(system)
	}
	if dir := m.env["XDG_STATE_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "smiletill")
	}
	if home := m.env["HOME"]; filepath.IsAbs(home) {
		return filepath.Join(home, ".local/state/smiletill") // the XDG base directory specification's default
	}
	return m.at(system)
}

func (m machine) controlSocket() string {
	const name = "control.sock"
	const system = "/run/smiletill"
	if dir := m.at(system); m.mine(dir) || m.installed && m.has(system) {
		return filepath.Join(dir, name)
	}
	if dir := m.env["XDG_RUNTIME_DIR"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "smiletill", name)
	}
	return filepath.Join(m.at("/tmp"), "smiletill-"+strconv.Itoa(m.uid), name)
}

// has tells whether the machine has a folder.
func (m machine) has(dir string) bool {
	info, err := os.Stat(m.at(dir))
	return err == nil && info.IsDir()
}

// mine says whether dir is a real folder of this user's, or any user's for root, in which nobody else
// may put a socket.
func (m machine) mine(dir string) bool {
	fi, err := os.Lstat(dir)
	if err != nil || !fi.IsDir() || fi.Mode().Perm()&0o022 != 0 {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && (m.uid == 0 || int(st.Uid) == m.uid)
}

// privateDirError is a folder that others could reach into.
type privateDirError struct{ dir, what, hint string }

func (e *privateDirError) Error() string { return "prepare folder " + e.dir + ": " + e.what }
func (e *privateDirError) Hint() string  { return e.hint }

// asOwner says how to work in a folder that is another user's: as that one, so that whatever is written
// there can be read by the terminal.
func asOwner(uid int) string {
	if uid == 0 {
		return "put sudo before the command"
	}
	return "run the command as that user: sudo -u " + nameOf(uid) + " smiletill ..., or start the terminal, " +
		"which does it for root"
}

// PreparePrivateDir makes dir with mode 0700 if it isn't there. A folder that is somebody else's, open
// to others for writing, or a symbolic link (in /tmp anybody could have put it there) is refused.
func PreparePrivateDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("prepare folder %s: %w", dir, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("prepare folder %s: %w", dir, err)
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("prepare folder %s: %w", dir, err)
	}
	hint := "remove it, or name another place under [paths]"
	st, ok := fi.Sys().(*syscall.Stat_t)
	switch {
	case !fi.IsDir():
		return &privateDirError{dir, "isn't a folder", hint}
	case !ok:
		return &privateDirError{dir, "belongs to another user", hint}
	case int(st.Uid) != os.Getuid():
		return &privateDirError{dir, "belongs to " + nameOf(int(st.Uid)), asOwner(int(st.Uid))}
	case fi.Mode().Perm()&0o022 != 0:
		return &privateDirError{dir, "others may write in it", "look at what is in it, then chmod 0700 " + dir}
	}
	return nil
}
