package flash

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Disk is what a whole disk says of itself.
type Disk struct {
	Path          string // as it was named
	Model, Serial string // empty where it says none
	Bytes         int64
	Plain         bool   // a plain file in place of a disk
	number        string // of its device, "8:16"
	// medium is the kernel's number of what is in the reader, which another card changes; "" before Linux 5.15.
	medium string
}

// String is how people know it: "/dev/sdb: SanDisk Ultra, 31.9 GB, serial 4C53".
func (d Disk) String() string {
	model := d.Model
	if model == "" {
		model = "a disk that says no model"
	}
	s := fmt.Sprintf("%s: %s, %s", d.Path, model, sized(d.Bytes))
	if d.Plain {
		s = d.Path + ": a plain file"
	}
	if d.Serial != "" {
		s += ", serial " + d.Serial
	}
	return s
}

// sized writes a number of bytes as makers of cards do: 31.9 GB.
func sized(bytes int64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	n, i := float64(bytes), 0
	for ; n >= 1000 && i < len(units)-1; i++ {
		n /= 1000
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}

// machine is where a system tells of its disks.
type machine struct {
	root string // before /sys, /proc and /run; empty but in tests
	// number gives a path's device number, "8:16", or that of the file system that holds it.
	number func(path string) (own, holds string, err error)
	// may tells whether this user may write to a path.
	may func(path string) error
}

func thisMachine() machine { return machine{number: deviceNumber, may: mayWrite} }

func mayWrite(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK|unix.R_OK, unix.AT_EACCESS)
}

func deviceNumber(path string) (own, holds string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", "", fmt.Errorf("stat %s: no device number", path)
	}
	if info.Mode()&fs.ModeDevice != 0 && info.Mode()&fs.ModeCharDevice == 0 {
		own = numbered(st.Rdev)
	}
	return own, numbered(st.Dev), nil
}

func numbered(dev uint64) string { return fmt.Sprintf("%d:%d", unix.Major(dev), unix.Minor(dev)) }

// block is the folder of a block device in sysfs, by its number.
func (m machine) block(number string) (string, error) {
	return filepath.EvalSymlinks(filepath.Join(m.root, "/sys/dev/block", number))
}

// word reads a file of one line; "" where there is none.
func word(path ...string) string {
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func there(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return err == nil
}

// disk reads what a whole disk in sysfs says of itself. udev knows more than sysfs of what is behind USB.
func (m machine) disk(dir, path, number string) Disk {
	d := Disk{Path: path, number: number, medium: word(dir, "diskseq")}
	if n, err := strconv.ParseInt(word(dir, "size"), 10, 64); err == nil {
		const sector = 512 // sysfs counts in these, whatever the disk has
		d.Bytes = n * sector
	}
	udev := map[string]string{}
	for _, line := range strings.Split(word(m.root, "/run/udev/data", "b"+number), "\n") {
		if key, value, ok := strings.Cut(strings.TrimPrefix(line, "E:"), "="); ok {
			udev[key] = value
		}
	}
	first := func(texts ...string) string {
		for _, t := range texts {
			if t = strings.Join(strings.Fields(strings.ReplaceAll(t, "_", " ")), " "); t != "" {
				return t
			}
		}
		return ""
	}
	d.Model = first(word(dir, "device/vendor")+" "+word(dir, "device/model"), word(dir, "device/name"),
		udev["ID_VENDOR"]+" "+udev["ID_MODEL"])
	d.Serial = first(udev["ID_SERIAL_SHORT"], word(dir, "device/serial"))
	if d.Model == "" && there(dir, "loop") {
		d.Model = "a loop device over " + word(dir, "loop/backing_file")
	}
	return d
}

// below adds the names of all whole disks that a device number stands on: its own, and those below the device
// mapper, a RAID, or the file behind a loop device.
func (m machine) below(number string, found map[string]bool) {
	dir, err := m.block(number)
	if err != nil {
		return // no block device: a file system in memory or on the network
	}
	if there(dir, "partition") {
		dir = filepath.Dir(dir)
	}
	name := filepath.Base(dir)
	if found[name] {
		return
	}
	found[name] = true
	slaves, _ := filepath.Glob(filepath.Join(dir, "slaves", "*", "dev"))
	for _, s := range slaves {
		m.below(word(s), found)
	}
	if file := word(dir, "loop/backing_file"); file != "" {
		if own, holds, err := m.number(file); err == nil {
			if own != "" { // a loop device over a disk, not over a file
				holds = own
			}
			m.below(holds, found)
		}
	}
}

// use is something that is done with a disk right now.
type use struct {
	what  string // "mounted at /media/x"
	where string // the place that it is mounted at, or ""
	disks map[string]bool
}

// uses lists what is mounted and swapped to.
func (m machine) uses() ([]use, error) {
	mounts, err := os.Open(filepath.Join(m.root, "/proc/self/mountinfo"))
	if err != nil {
		return nil, fmt.Errorf("look at what is mounted: %w", err)
	}
	defer mounts.Close()
	var all []use
	lines := bufio.NewScanner(mounts)
	for lines.Scan() {
		front, back, _ := strings.Cut(lines.Text(), " - ")
		f, b := strings.Fields(front), strings.Fields(back)
		if len(f) < 5 {
			continue
		}
		u := use{where: unescaped(f[4]), disks: map[string]bool{}}
		u.what = "mounted at " + u.where
		m.below(f[2], u.disks)
		if len(b) > 1 && strings.HasPrefix(b[1], "/") { // btrfs has a number of its own
			if own, _, err := m.number(unescaped(b[1])); err == nil && own != "" {
				m.below(own, u.disks)
			}
		}
		all = append(all, u)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("look at what is mounted: %w", err)
	}
	swaps, err := os.ReadFile(filepath.Join(m.root, "/proc/swaps"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look at what is swapped to: %w", err)
	}
	for line := range strings.Lines(string(swaps)) {
		f := strings.Fields(line)
		if len(f) == 0 || !strings.HasPrefix(f[0], "/") {
			continue
		}
		u := use{what: "swap (" + f[0] + ")", disks: map[string]bool{}}
		if own, holds, err := m.number(unescaped(f[0])); err == nil {
			if own == "" {
				own = holds
			}
			m.below(own, u.disks)
		}
		all = append(all, u)
	}
	return all, nil
}

// unescaped undoes the kernel's octal escapes of blanks (proc(5)).
func unescaped(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
