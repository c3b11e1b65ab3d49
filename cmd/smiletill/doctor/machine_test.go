package doctor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/doctor"
)

// noon is when the tests look.
var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// wellRoot are the kernel's files of a machine that is well; more replaces some, "" removes one.
func wellRoot(t *testing.T, more map[string]string) string {
	t.Helper()
	all := map[string]string{
		"/sys/class/thermal/thermal_zone0/temp":                "51540\n",
		"/sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
		"/sys/class/rtc/rtc0/name":                             "rtc-ds1307\n",
		"/etc/resolv.conf":                                     "nameserver 192.168.1.1\n",
		"/dev/video0":                                          "",
		"/sys/class/video4linux/video0/name":                   "HD Webcam\n",
		"/sys/class/video4linux/video0/index":                  "0\n",
		"/proc/net/route": "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n" +
			"eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\n",
	}
	for path, text := range more {
		all[path] = text
		if text == "" {
			delete(all, path)
		}
	}
	root := t.TempDir()
	for path, text := range all {
		write(t, root+path, text)
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// wellProbe looks at such a machine.
func wellProbe(t *testing.T, more map[string]string) doctor.Probe {
	return doctor.Probe{Root: wellRoot(t, more), ClockSet: func() bool { return true },
		Now: func() time.Time { return noon },
		Disk: func(string) (doctor.Disk, error) {
			return doctor.Disk{Free: 3 << 30, Size: 8 << 30, FreeFiles: 400_000, Files: 500_000}, nil
		}}
}

// TestMachine has each trouble of a machine told, with its level and something to do, and nothing of a
// machine that is well.
func TestMachine(t *testing.T) {
	t.Parallel()
	const throttled = "/sys/devices/platform/soc/soc:firmware/get_throttled"
	const heat = "/sys/class/thermal/thermal_zone0/temp"
	disk := func(d doctor.Disk) func(*doctor.Probe) {
		return func(p *doctor.Probe) { p.Disk = func(string) (doctor.Disk, error) { return d, nil } }
	}
	for _, c := range []struct {
		name   string
		files  map[string]string
		change func(*doctor.Probe)
		level  string // "": nothing is wrong
		words  string
	}{
		{name: "well"},
		{name: "full", change: disk(doctor.Disk{Free: 1 << 20, Size: 1 << 30}), level: "fault",
			words: "disk is full"},
		{name: "nearly full", change: disk(doctor.Disk{Free: 200 << 20, Size: 1 << 30}), level: "warning",
			words: "nearly full"},
		{name: "no inodes", change: disk(doctor.Disk{Free: 1 << 30, Files: 9000, FreeFiles: 3}), level: "fault",
			words: "no more files"},
		{name: "read-only", change: disk(doctor.Disk{Free: 1 << 30, ReadOnly: true}), level: "fault",
			words: "read-only"},
		{name: "warm", files: map[string]string{heat: "81200"}, level: "warning", words: "81 °C"},
		{name: "hot", files: map[string]string{heat: "86000"}, level: "fault", words: "slowed down"},
		{name: "a thermometer that lies", files: map[string]string{heat: "-274000"}},
		{name: "low voltage", files: map[string]string{throttled: "50005"}, level: "fault",
			words: "too low now"},
		{name: "voltage was low", files: map[string]string{throttled: "0x50000"}, level: "warning",
			words: "was too low"},
		{name: "mainline kernel, low voltage", files: map[string]string{throttled: "",
			"/sys/class/hwmon/hwmon1/name": "rpi_volt\n", "/sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"},
			level: "fault", words: "too low now"},
		{name: "no clock", change: func(p *doctor.Probe) { p.ClockSet = func() bool { return false } },
			level: "warning", words: "nothing keeps the clock right"},
		{name: "1970", change: func(p *doctor.Probe) { p.Now = func() time.Time { return time.Unix(99, 0) } },
			level: "fault", words: "the year is 1970"},
		{name: "no route", files: map[string]string{"/proc/net/route": ""}, level: "warning", words: "no address"},
		{name: "no DNS", files: map[string]string{"/etc/resolv.conf": ""}, level: "warning", words: "for names"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := wellProbe(t, c.files)
			if c.change != nil {
				c.change(&p)
			}
			cfg := config.Default()
			cfg.MQTT.Broker = "mqtts://192.0.2.9:8883"
			found := ""
			for _, f := range p.Look(cfg).Findings() {
				if f.Level == "ok" {
					continue
				}
				found += f.Level + " " + f.What
				if f.Do == "" {
					t.Errorf("%s: nothing to do", f.What)
				}
			}
			if c.level == "" && found != "" || !strings.HasPrefix(found, c.level) ||
				!strings.Contains(found, c.words) {
				t.Errorf("found %q, want %s with %q", found, c.level, c.words)
			}
		})
	}
}

// TestRealMachine looks at the machine of the test: every file system says how full it is.
func TestRealMachine(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Paths.DataDir = filepath.Join(t.TempDir(), "not", "there", "yet")
	m := doctor.Here().Look(cfg)
	if m.DiskErr != nil || m.Disk.Size == 0 || !m.Clock.Plausible {
		t.Errorf("%+v, %v", m, m.DiskErr)
	}
}
