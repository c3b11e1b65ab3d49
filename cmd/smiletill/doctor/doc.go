// Package doctor says what is wrong with a terminal and what to do about it, for the technician.
//
// A Probe looks at the machine (disk, temperature, power, clock, network), Examine at the terminal too: it
// asks the one that runs, and reads the files where none does or it does not answer. What was found is a
// Page of Findings, the worst first. Logs makes lines to read of a service's log, Support one file for who
// helps from afar, and Metrics numbers for a collector.
//
// Invariants: examining changes nothing, makes no file (but SQLite may make its two, -wal and -shm, beside
// the journal of a stopped terminal that it reads) and takes no lock that a terminal wants. A line of what is
// fine is told too, so that a page without one says that nobody looked. Into the support's file goes what is
// on a list, and of text that a program wrote what Support says of it.
//
// It imports config, control, files, alarm, update and columns, of the wings what reads their files, and
// Prometheus' library. It must not import terminal, which shows what a Probe finds on its own page.
//
// Sources: statfs(2), adjtimex(2), proc(5); the Raspberry Pi's documentation of get_throttled (vcgencmd) and
// of the temperatures at which its processors slow down; Linux Documentation/hwmon/sysfs-interface.
package doctor
