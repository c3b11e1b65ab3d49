// Package watchdog feeds the machine's own watchdog timer, for a terminal that runs as the only program:
// with systemd, systemd does it. Whoever stops feeding it without Close has the machine reset when the
// time is up.
//
// Invariants: only Close ends the watching; a program that crashes, hangs or is killed leaves the timer
// running.
//
// The package imports golang.org/x/sys/unix.
//
// Sources: Linux Documentation/watchdog/watchdog-api.rst (the ioctls, the magic close "V").
package watchdog
