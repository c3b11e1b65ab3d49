package journal

import (
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// moment is what a machine knows of the time.
type moment struct {
	boot    string // names the boot that uptime counts from
	uptime  time.Duration
	wall    time.Time
	trusted bool // the wall clock is known to be right
}

// uptimeOf tells which boot this is, read once, and how long ago it was, also over a suspension: Linux's
// boot_id and CLOCK_BOOTTIME. Of a machine that can't tell, nothing is assumed.
func uptimeOf() func() (boot string, since time.Duration) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	boot := strings.TrimSpace(string(id))
	return func() (string, time.Duration) {
		var t unix.Timespec
		if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) != nil {
			return "", 0
		}
		return boot, time.Duration(t.Nano())
	}
}

// passed is how much time provably passed from one moment to a later one. Within a boot that is the
// difference of uptimes. Over a restart it is at least the new boot's uptime, and what two trusted wall
// clocks say if that is more. A wall clock that is not trusted proves nothing, so that setting it can't
// end a limit of 24 hours.
func passed(from, to moment) time.Duration {
	if from.boot != "" && from.boot == to.boot {
		return max(to.uptime-from.uptime, 0)
	}
	d := to.uptime
	if from.boot == "" {
		d = 0 // the first fact of all: nothing is known of before
	}
	if from.trusted && to.trusted {
		d = max(d, to.wall.Sub(from.wall))
	}
	return max(d, 0)
}

// ClockSet asks the kernel whether something keeps its clock right: a Pi starts with the time of its last
// shutdown. A service that may not touch the clock may not ask either; then systemd-timesyncd's mark tells.
func ClockSet() bool {
	state, err := unix.Adjtimex(&unix.Timex{})
	if errors.Is(err, unix.EPERM) {
		_, err = os.Stat("/run/systemd/timesync/synchronized")
		return err == nil
	}
	return err == nil && state != unix.TIME_ERROR
}
