package setup

import "golang.org/x/sys/unix"

// rename gives the running system its name, which the files that take writes give it from the next start on.
func rename(host string) error { return unix.Sethostname([]byte(host)) }
