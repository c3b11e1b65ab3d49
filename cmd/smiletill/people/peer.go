package people

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// groupPrefix begins the names of the Unix groups that give a role to who is in them; the package makes them.
const groupPrefix = "smiletill-"

// Groups are the Unix groups that give roles, by number.
type Groups map[uint32]Role

// SystemGroups looks the groups up that this machine has; one that it has not gives nobody a role.
func SystemGroups() Groups {
	g := Groups{}
	for _, r := range Roles() {
		one, err := user.LookupGroup(groupPrefix + string(r))
		if err != nil {
			continue
		}
		if id, err := strconv.ParseUint(one.Gid, 10, 32); err == nil {
			g[uint32(id)] = r
		}
	}
	return g
}

// peerGroupsMax bounds what is read of a process's groups: Linux has at most 65536, people few.
const peerGroupsMax = 1024

// Peer is who is at the other end of a Unix socket. The process's own groups count, not what a file says of
// its user: whoever is put into a group, or out of it, is so from the next login on. Root, and the user that
// runs the terminal, own it: they can read and write its files in any case.
func Peer(conn *net.UnixConn, groups Groups) (Someone, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Someone{}, fmt.Errorf("ask who is at the socket: %w", err)
	}
	var cred *unix.Ucred
	var gids []uint32
	var asked error
	err = raw.Control(func(fd uintptr) {
		if cred, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); asked == nil {
			gids, asked = peerGroups(int(fd))
		}
	})
	if err == nil {
		err = asked
	}
	if err != nil {
		return Someone{}, fmt.Errorf("ask who is at the socket: %w", err)
	}
	s := Someone{Name: userName(cred.Uid), Door: Socket}
	if cred.Uid == 0 || int(cred.Uid) == os.Geteuid() {
		s.Roles = append(s.Roles, Owner)
	}
	for _, id := range append(gids, cred.Gid) {
		if r, ok := groups[id]; ok && !slices.Contains(s.Roles, r) {
			s.Roles = append(s.Roles, r)
		}
	}
	return s, nil
}

// peerGroups are the supplementary groups of the process at the other end.
func peerGroups(fd int) ([]uint32, error) {
	gids := make([]uint32, peerGroupsMax)
	size := uint32(len(gids) * 4)
	//nolint:gosec // x/sys has no function for it: the kernel writes at most size bytes, and says how many
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
		uintptr(unsafe.Pointer(&gids[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return nil, errno
	}
	return gids[:size/4], nil
}

// userName is a user's name, or the number where it has none.
func userName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return "user " + number
}
