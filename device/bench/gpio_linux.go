package bench

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Env is the variable that is set where the bench is: to a folder for what a test wants to keep.
const Env = "SMILETILL_BENCH"

// Labels of the chip behind a Raspberry Pi's header, as its kernel gives them.
const (
	LabelPi3 = "pinctrl-bcm2835" // also Zero 2 W
	LabelPi4 = "pinctrl-bcm2711"
	LabelPi5 = "pinctrl-rp1"
)

// PiLines are the names of a Raspberry Pi's header lines 0 to 27, by number, as in the device trees of
// Pi 4 and 5 (bcm2711-rpi-4-b.dts).
func PiLines() []string {
	names := []string{"ID_SDA", "ID_SCL"}
	for i := 2; i <= 27; i++ {
		names = append(names, "GPIO"+strconv.Itoa(i))
	}
	return names
}

// ErrNoLine says that a chip has no line of that name.
var ErrNoLine = errors.New("no such line")

// Chip is a GPIO chip of the kernel's gpio-sim driver. Its lines are named as asked for; seen from outside,
// an input is pulled up or down and an output is read.
type Chip struct {
	config string // its folder in configfs
	lines  map[string]int
	sys    string // its folder in sysfs
	name   string // gpiochip0
	base   int    // the kernel's number of the first line, as in its trace
}

// MakeChip makes a chip with a label and lines of these names. The label is also the name of its folder in
// configfs: one chip a label.
func MakeChip(label string, names []string) (_ *Chip, err error) {
	c := &Chip{config: filepath.Join("/sys/kernel/config/gpio-sim", label), lines: map[string]int{}}
	if err := os.Mkdir(c.config, 0o755); err != nil {
		return nil, fmt.Errorf("make chip %s (is gpio-sim loaded?): %w", label, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("make chip %s: %w", label, err), c.Remove())
		}
	}()
	bank := filepath.Join(c.config, "bank0")
	if err := os.Mkdir(bank, 0o755); err != nil {
		return nil, err
	}
	set := map[string]string{"bank0/num_lines": strconv.Itoa(len(names)), "bank0/label": label}
	for i, n := range names {
		c.lines[n] = i
		dir := fmt.Sprintf("bank0/line%d", i)
		if err := os.Mkdir(filepath.Join(c.config, dir), 0o755); err != nil {
			return nil, err
		}
		set[dir+"/name"] = n
	}
	for file, value := range set {
		if err := c.write(file, value); err != nil {
			return nil, err
		}
	}
	if err := c.write("live", "1"); err != nil {
		return nil, err
	}
	return c, c.find()
}

// find reads where the kernel has put the chip.
func (c *Chip) find() error {
	device, err := os.ReadFile(filepath.Join(c.config, "dev_name"))
	if err != nil {
		return err
	}
	name, err := os.ReadFile(filepath.Join(c.config, "bank0/chip_name"))
	if err != nil {
		return err
	}
	c.name = strings.TrimSpace(string(name))
	c.sys = filepath.Join("/sys/devices/platform", strings.TrimSpace(string(device)), c.name)
	table, err := os.ReadFile("/sys/kernel/debug/gpio")
	if err != nil {
		return err
	}
	c.base, err = baseOf(string(table), c.name)
	return err
}

// baseOf finds the number of a chip's first line in debugfs' table of GPIO chips.
func baseOf(table, chip string) (int, error) {
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(chip) + `: GPIOs (\d+)-\d+`).FindStringSubmatch(table)
	if m == nil {
		return 0, fmt.Errorf("find %s in the kernel's table of GPIO chips: not there", chip)
	}
	return strconv.Atoi(m[1])
}

func (c *Chip) write(file, value string) error {
	return os.WriteFile(filepath.Join(c.config, file), []byte(value), 0)
}

func (c *Chip) attribute(line, name string) (string, error) {
	n, ok := c.lines[line]
	if !ok {
		return "", fmt.Errorf("find line %q: %w", line, ErrNoLine)
	}
	return fmt.Sprintf("%s/sim_gpio%d/%s", c.sys, n, name), nil
}

// Path is the chip's character device, such as /dev/gpiochip0.
func (c *Chip) Path() string { return "/dev/" + c.name }

// Number is the kernel's number of a line, by which its trace speaks of it; -1 if there is none.
func (c *Chip) Number(line string) int {
	if n, ok := c.lines[line]; ok {
		return c.base + n
	}
	return -1
}

// High says whether a line is high, driven by the program or pulled from outside.
func (c *Chip) High(line string) (bool, error) {
	file, err := c.attribute(line, "value")
	if err != nil {
		return false, err
	}
	b, err := os.ReadFile(file)
	return strings.TrimSpace(string(b)) == "1", err
}

// Pull pulls a line up or down from outside, as a button does to a line that the program reads.
func (c *Chip) Pull(line string, up bool) error {
	file, err := c.attribute(line, "pull")
	if err != nil {
		return err
	}
	value := "pull-down"
	if up {
		value = "pull-up"
	}
	return os.WriteFile(file, []byte(value), 0)
}

// Remove takes the chip away, even from a program that has its lines open.
func (c *Chip) Remove() error {
	var all []error
	if _, err := os.Stat(filepath.Join(c.config, "live")); err == nil && c.name != "" {
		all = append(all, c.write("live", "0"))
	}
	dirs, err := filepath.Glob(filepath.Join(c.config, "bank0/line*"))
	all = append(all, err)
	for _, d := range append(dirs, filepath.Join(c.config, "bank0"), c.config) {
		if err := os.Remove(d); err != nil && !os.IsNotExist(err) {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
