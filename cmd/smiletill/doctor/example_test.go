package doctor_test

import (
	"fmt"
	"strings"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/doctor"
)

// A disk without room, on a machine whose clock nobody keeps.
func Example() {
	probe := doctor.Probe{
		Root:     "/nowhere",
		Disk:     func(string) (doctor.Disk, error) { return doctor.Disk{Free: 9 << 20, Size: 8 << 30}, nil },
		ClockSet: func() bool { return false },
		Now:      func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) },
	}
	for _, f := range probe.Look(config.Default()).Findings()[:2] {
		what, _, _ := strings.Cut(f.What, ";")
		fmt.Println(f.Level, f.Part+":", what)
	}
	// Output:
	// fault disk: the disk is full: 9.0 MiB free of 8.0 GiB
	// warning clock: nothing keeps the clock right: times of payments are marked as unsure
}
