package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"smiletill/payment"
)

// PermissionHint says how a person who typed a command comes by what the system refused: with sudo, as the
// user whose it is, or by the group of a device. "" if err is nothing of the kind, or names no file.
func PermissionHint(err error) string {
	d, ok := deniedBy(err)
	if !ok {
		return ""
	}
	switch me := os.Geteuid(); {
	case me == 0 && strings.HasPrefix(d.path, "/dev/"):
		return "" // a device says better what keeps root from it
	case me == 0: // not by the file's mode: mounted read-only, immutable, another machine's
		return "root may not either: look how its file system is mounted (findmnt -T " + d.blocker +
			"), and at lsattr"
	case strings.HasPrefix(d.path, "/dev/") && d.groupMay:
		return fmt.Sprintf("let this user use it: sudo usermod -aG %s %s, then log in again", d.group, nameOf(me))
	case d.owner == nameOf(me):
		return fmt.Sprintf("it is this user's own: chmod u+rwX %s", d.blocker)
	}
	return fmt.Sprintf("put sudo before the command: %s is for %s alone", d.blocker, d.whose())
}

// ForTerminal gives an error about permission the advice for what the running terminal may not use: nobody
// typed a command, so it says whose the file is and what makes it the terminal's. Other errors stay as they
// are.
func ForTerminal(err error) error {
	if hint := terminalHint(err); hint != "" {
		return payment.WithHint(err, hint)
	}
	return err
}

func terminalHint(err error) string {
	d, ok := deniedBy(err)
	me := nameOf(os.Geteuid())
	switch {
	case !ok:
		return ""
	case os.Geteuid() == 0:
		return PermissionHint(err)
	case strings.HasPrefix(d.path, "/dev/") && d.groupMay:
		return fmt.Sprintf("the terminal runs as user %s: sudo usermod -aG %s %[1]s, then start it again", me,
			d.group)
	case d.blocker != d.path:
		return fmt.Sprintf("the terminal runs as user %s, and the folder %s is for %s alone: put the file where "+
			"%[1]s may read it, /etc/smiletill for example", me, d.blocker, d.whose())
	}
	return fmt.Sprintf("the terminal runs as user %s, and the file is for %s alone: sudo chown %[1]s %[3]s", me,
		d.whose(), d.path)
}

// denied is what was not permitted: the path that was asked for, and the file or folder on the way to it
// whose mode forbids it.
type denied struct {
	path, blocker string
	owner, group  string
	groupMay      bool // the group has what this user lacks
}

// whose names who may, as ls does: root, or root and the group smiletill.
func (d denied) whose() string {
	if d.groupMay && d.group != d.owner {
		return d.owner + " and the group " + d.group
	}
	return d.owner
}

// deniedBy finds the file in an error about permission.
func deniedBy(err error) (d denied, ok bool) {
	if !errors.Is(err, fs.ErrPermission) {
		return denied{}, false
	}
	if d.path = pathIn(err); !filepath.IsAbs(d.path) {
		return denied{}, false
	}
	// The deepest place that can be seen: what lies behind it can't be looked at.
	d.blocker = "/"
	var seen fs.FileInfo
	at := ""
	for _, part := range append([]string{""}, strings.Split(strings.Trim(d.path, "/"), "/")...) {
		at = filepath.Join("/", at, part)
		info, err := os.Stat(at)
		if err != nil {
			break
		}
		d.blocker, seen = at, info
	}
	if seen == nil {
		return denied{}, false
	}
	st, ok := seen.Sys().(*syscall.Stat_t)
	if !ok {
		return denied{}, false
	}
	d.owner, d.group = nameOf(int(st.Uid)), groupOf(int(st.Gid))
	need := fs.FileMode(0o040)
	if seen.IsDir() {
		need = 0o010
	}
	d.groupMay = seen.Mode().Perm()&need != 0
	return d, true
}

// pathIn is the file that an error of the system names, or the address of a socket.
func pathIn(err error) string {
	var pe *fs.PathError
	var le *os.LinkError
	var oe *net.OpError
	switch {
	case errors.As(err, &pe):
		return pe.Path
	case errors.As(err, &le):
		return le.Old
	case errors.As(err, &oe) && oe.Addr != nil:
		return oe.Addr.String()
	}
	return ""
}

// nameOf is a user's name, or the number where it has none.
func nameOf(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "user " + strconv.Itoa(uid)
}

// groupOf is a group's name, or the number where it has none.
func groupOf(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}
