package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/cmd/smiletill/config"
	"smiletill/payment/journal"
)

// Probe is by what a machine is looked at.
type Probe struct {
	Root     string // before the kernel's paths; "" but in tests
	Disk     func(path string) (Disk, error)
	ClockSet func() bool // something keeps the clock right
	Now      func() time.Time
	Patience time.Duration // for each question to the running terminal; 0: 5 s
}

// Here looks at this machine.
func Here() Probe { return Probe{Disk: statfs, ClockSet: journal.ClockSet, Now: time.Now} }

// Disk is what a file system has left for who is not root.
type Disk struct {
	Free, Size   uint64 // bytes
	FreeFiles    uint64 // inodes
	Files        uint64 // of how many; 0: the file system counts none
	ReadOnly     bool
	MostReadable string // the folder that was asked: the one meant, or what there is above it
}

// statfs asks for a folder, or for the nearest above it that is there.
func statfs(path string) (Disk, error) {
	for {
		var s unix.Statfs_t
		err := unix.Statfs(path, &s)
		if errors.Is(err, unix.ENOENT) && path != "/" && filepath.IsAbs(path) {
			path = filepath.Dir(path)
			continue
		}
		if err != nil {
			return Disk{}, &fs.PathError{Op: "statfs", Path: path, Err: err}
		}
		unit := uint64(s.Frsize)
		return Disk{Free: s.Bavail * unit, Size: s.Blocks * unit, FreeFiles: s.Ffree, Files: s.Files,
			ReadOnly: s.Flags&unix.ST_RDONLY != 0, MostReadable: path}, nil
	}
}

// Machine is what was seen of a machine. What could not be seen is nil or empty.
type Machine struct {
	Disk    Disk
	DiskErr error
	Celsius *float64 // the hottest part that has a thermometer
	Power   Power
	Clock   Clock
	Network Network
}

// Power is what a Raspberry Pi says of its supply; nil: the machine can't say.
type Power struct {
	Low, WasLow *bool // now, and once since the machine's start
	Slowed      *bool // the processor is slowed down now, by voltage or heat
}

// Clock is what is known of the time.
type Clock struct {
	Now       time.Time
	Set, RTC  bool // kept right by somebody; a battery keeps it while the power is off
	Plausible bool
}

// The clock can't be right before this program was written, nor much later than its parts last.
const (
	firstYear = 2026
	lastYear  = 2099
)

// Look looks at the machine of a terminal.
func (p Probe) Look(cfg config.Config) Machine {
	m := Machine{Celsius: p.hottest(), Power: p.power(), Network: p.network()}
	m.Network.Needed = cfg.MQTT.Broker != "" && !config.OnlyHere(brokerAt(cfg))
	m.Disk, m.DiskErr = p.Disk(cfg.Paths.DataDir)
	now := p.Now()
	_, err := os.Stat(p.at("/sys/class/rtc/rtc0"))
	m.Clock = Clock{Now: now, Set: p.ClockSet(), RTC: err == nil,
		Plausible: now.Year() >= firstYear && now.Year() <= lastYear}
	return m
}

func (p Probe) at(path string) string { return p.Root + path }

// number reads a file of the kernel's that holds one.
func (p Probe) number(path string, base int) (uint64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(string(text)), "0x"), base, 64)
	return n, err == nil
}

// hottest is the highest of the machine's temperatures, nil without a thermometer. A zone that says something
// no machine survives is none.
func (p Probe) hottest() *float64 {
	zones, _ := filepath.Glob(p.at("/sys/class/thermal/thermal_zone*/temp")) // the pattern is good
	most := math.Inf(-1)
	for _, z := range zones {
		if milli, ok := p.number(z, 10); ok && milli > 0 && milli < 150_000 {
			most = max(most, float64(milli)/1000)
		}
	}
	if math.IsInf(most, -1) {
		return nil
	}
	return &most
}

// The firmware's bits of get_throttled.
const (
	lowNow     = 1 << 0
	cappedNow  = 1 << 1
	slowedNow  = 1 << 2
	lowOnce    = 1 << 16
	slowedBits = cappedNow | slowedNow
)

func (p Probe) power() (w Power) {
	if bits, ok := p.number(p.at("/sys/devices/platform/soc/soc:firmware/get_throttled"), 16); ok {
		w.Low, w.WasLow = new(bits&lowNow != 0), new(bits&lowOnce != 0)
		w.Slowed = new(bits&slowedBits != 0)
		return w
	}
	names, _ := filepath.Glob(p.at("/sys/class/hwmon/hwmon*/name")) // as above
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil || strings.TrimSpace(string(text)) != "rpi_volt" {
			continue
		}
		if alarm, ok := p.number(filepath.Join(filepath.Dir(name), "in0_lcrit_alarm"), 10); ok {
			w.Low = new(alarm != 0)
		}
	}
	return w
}

// Findings are those of the machine, in the order of the technician's page.
func (m Machine) Findings() []Finding {
	all := []Finding{m.disk()}
	if f, ok := m.heat(); ok {
		all = append(all, f)
	}
	if f, ok := m.Power.finding(); ok {
		all = append(all, f)
	}
	return append(all, m.Clock.finding(), m.Network.finding())
}

// When little room is left, and when too little: our choice, nothing was measured for it. SQLite needs room
// for its -wal, a change of the journal's form for a copy of it.
const (
	littleFree = 256 << 20 // bytes
	tooLittle  = 32 << 20
	fewFiles   = 1000
	tooFew     = 50
)

func (m Machine) disk() Finding {
	const part = "disk"
	const make = "make room: `sudo du -xhd1 /var | sort -h` says where it went; payments and faces are never " +
		"removed for it"
	d := m.Disk
	text := fmt.Sprintf("%s free of %s", size(d.Free), size(d.Size))
	switch {
	case m.DiskErr != nil:
		return Finding{Part: part, Level: unknown, What: m.DiskErr.Error(), Do: "put sudo before the command"}
	case d.ReadOnly:
		return Finding{Part: part, Level: fault,
			What: "the data folder's file system is mounted read-only: nothing can be written",
			Do:   "look why (`sudo dmesg | grep -i -e ext4 -e mmc`); a card that fails so is worn out: replace it"}
	case d.Free < tooLittle:
		return Finding{Part: part, Level: fault, What: "the disk is full: " + text, Do: make}
	case d.Files > 0 && d.FreeFiles < tooFew:
		return Finding{Part: part, Level: fault, What: fmt.Sprintf("no more files can be made: %d are left of %d",
			d.FreeFiles, d.Files), Do: make}
	case d.Free < littleFree:
		return Finding{Part: part, Level: warning, What: "the disk is nearly full: " + text, Do: make}
	case d.Files > 0 && d.FreeFiles < fewFiles:
		return Finding{Part: part, Level: warning, What: fmt.Sprintf("few files more can be made: %d of %d",
			d.FreeFiles, d.Files), Do: make}
	}
	return Finding{Part: part, Level: fine, What: text}
}

// size is a number of bytes as people read it.
func size(n uint64) string {
	const unit = 1 << 10
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, names := float64(n)/unit, "KMGTPE"
	for value >= unit {
		value, names = value/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, names[0])
}

// A Raspberry Pi slows down from 80 degrees on, and more from 85 on (its documentation, "frequency
// management and thermal control").
const (
	hot    = 80
	tooHot = 85
)

func (m Machine) heat() (Finding, bool) {
	if m.Celsius == nil {
		return Finding{}, false
	}
	f := Finding{Part: "temperature", Level: fine, What: fmt.Sprintf("%.0f °C", *m.Celsius)}
	const cool = "give the case air, take it out of the sun, or fit a heat sink or fan"
	switch {
	case *m.Celsius >= tooHot:
		f.Level, f.Do, f.What = fault, cool, f.What+": the processor is slowed down, and may stop"
	case *m.Celsius >= hot:
		f.Level, f.Do, f.What = warning, cool, f.What+": the processor is slowed down"
	}
	return f, true
}

func (w Power) finding() (Finding, bool) {
	const supply = "use the supply made for this board and a short, thick cable; take away what else it feeds"
	f := Finding{Part: "power", Level: fine, What: "the voltage is right"}
	is := func(b *bool) bool { return b != nil && *b }
	switch {
	case is(w.Low):
		f.Level, f.What, f.Do = fault, "the voltage is too low now: the machine may stop or damage its card", supply
	case is(w.WasLow):
		f.Level, f.What, f.Do = warning, "the voltage was too low since the machine's start", supply
	case is(w.Slowed):
		f.Level, f.What, f.Do = warning, "the processor is slowed down now", "see to air and power"
	}
	return f, cmp.Or(w.Low, w.WasLow, w.Slowed) != nil
}

func (c Clock) finding() Finding {
	f := Finding{Part: "clock", Level: fine, What: c.Now.UTC().Format("2006-01-02 15:04") + " UTC, kept right"}
	const reach = "let the terminal reach a time server (UDP port 123): `timedatectl timesync-status` says " +
		"which it asks, servers under [time] of setup.toml names others"
	switch {
	case !c.Plausible:
		f.Level, f.Do = fault, reach
		f.What = fmt.Sprintf("the year is %d: certificates are refused and days are wrong", c.Now.UTC().Year())
	case !c.Set:
		f.Level, f.Do = warning, reach
		f.What = "nothing keeps the clock right: times of payments are marked as unsure"
	}
	if !c.RTC && f.Level != fine {
		f.What += "; no battery keeps it while the power is off"
	}
	return f
}
