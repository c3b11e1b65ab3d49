package setup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// spread puts what is kept below /run, where each program looks as it does in /etc, and gives the machine
// its name. /etc/hostname of such a system is a link to /run/hostname.
func (t Target) spread() error {
	var errs []error
	for _, place := range []struct{ kept, run string }{
		{"/etc/NetworkManager/system-connections/*", "/run/NetworkManager/system-connections"},
		{"/etc/systemd/network/*", "/run/systemd/network"},
		{"/etc/systemd/timesyncd.conf.d/*", "/run/systemd/timesyncd.conf.d"},
		{"/etc/modprobe.d/*", "/run/modprobe.d"},
		{"/etc/hostname", "/run"},
		{sshKept + "/*", sshRun},
	} {
		found, err := filepath.Glob(t.etc(place.kept))
		errs = append(errs, err)
		for _, path := range found {
			c, err := ours(path)
			if err == nil {
				c.path = filepath.Join(t.at(place.run), filepath.Base(path))
				err = replace(c)
			}
			errs = append(errs, err)
			if err == nil && place.kept == "/etc/hostname" && t.Root == "" {
				errs = append(errs, rename(string(bytes.TrimSpace(c.data))))
			}
		}
	}
	return errors.Join(errs...)
}

// ours reads a file that this user has written, root mostly: the folder is the terminal's, and it shall not
// say what root tells the network.
func ours(path string) (change, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return change{}, fmt.Errorf("put what is kept in its place: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return change{}, fmt.Errorf("put what is kept in its place: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || !ok || int(st.Uid) != os.Geteuid() {
		return change{},
			fmt.Errorf("put what is kept in its place: %s was written by another user: it is left out", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return change{}, fmt.Errorf("put what is kept in its place: %w", err)
	}
	return change{data: data, mode: info.Mode().Perm()}, nil
}
