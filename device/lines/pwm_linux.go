package lines

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// ErrNoPWM says that the kernel offers no such PWM. It carries a Hint.
var ErrNoPWM = errors.New("no such PWM")

// PWM is a channel of the kernel's PWM, as a pin that can play tones. It is low unless a tone plays.
type PWM struct {
	name string
	dir  string // /sys/class/pwm/pwmchip0/pwm0

	mu sync.Mutex
	on bool
}

// OpenPWM opens a channel, named "DEVICE:CHANNEL" ("fe20c000.pwm:0"): device is the chip's in the device
// tree. root is the root of the file system, "/" but in tests.
func OpenPWM(root, name string) (*PWM, error) {
	device, channel, _ := strings.Cut(name, ":")
	if _, err := strconv.ParseUint(channel, 10, 8); err != nil || device == "" {
		return nil, hinted{fmt.Errorf("open PWM %q: not a device and a channel", name),
			`write it like "fe20c000.pwm:0"`}
	}
	chips, err := filepath.Glob(filepath.Join(root, "sys/class/pwm/pwmchip*"))
	if err != nil {
		return nil, err
	}
	var there []string
	for _, chip := range chips {
		target, err := filepath.EvalSymlinks(filepath.Join(chip, "device"))
		if err != nil {
			continue
		}
		if there = append(there, filepath.Base(target)); filepath.Base(target) == device {
			p := &PWM{name: name, dir: filepath.Join(chip, "pwm"+channel)}
			return p, p.export(filepath.Join(chip, "export"), channel)
		}
	}
	hint := "switch it on with dtoverlay=pwm,pin=18,func=2 in config.txt, or set the buzzer's kind to tone"
	if len(there) > 0 {
		hint += "; there are: " + strings.Join(there, ", ")
	}
	return nil, hinted{fmt.Errorf("open PWM %s: %w", name, ErrNoPWM), hint}
}

func (p *PWM) export(file, channel string) error {
	if _, err := os.Stat(p.dir); err == nil {
		return nil
	}
	if err := os.WriteFile(file, []byte(channel), 0); err != nil {
		return hinted{fmt.Errorf("open PWM %s: %w", p.name, err),
			"let this user write to /sys/class/pwm, or set the buzzer's kind to tone"}
	}
	// udev gives the new files to the group a moment later
	for range 50 {
		if f, err := os.OpenFile(filepath.Join(p.dir, "enable"), os.O_WRONLY, 0); err == nil {
			return f.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return hinted{fmt.Errorf("open PWM %s: its channel did not appear, or may not be written", p.name),
		"let this user write to /sys/class/pwm, or set the buzzer's kind to tone"}
}

func (p *PWM) write(file string, value int64) error {
	err := os.WriteFile(filepath.Join(p.dir, file), []byte(strconv.FormatInt(value, 10)), 0)
	if err != nil {
		return fmt.Errorf("set PWM %s: %w", p.name, err)
	}
	return nil
}

// PWM plays a tone.
func (p *PWM) PWM(duty gpio.Duty, f physic.Frequency) error {
	if f < physic.Hertz || duty <= 0 {
		return p.Out(gpio.Low)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	period := f.Period().Nanoseconds()
	// The kernel refuses a duty that is longer than the period, so the old one goes first.
	if err := p.write("duty_cycle", 0); err != nil && p.on {
		return err
	}
	if err := p.write("period", period); err != nil {
		return err
	}
	if err := p.write("duty_cycle", period*int64(duty)/int64(gpio.DutyMax)); err != nil {
		return err
	}
	err := p.write("enable", 1)
	p.on = err == nil
	return err
}

// Out ends a tone; a PWM that plays none is low, and can't be held high.
func (p *PWM) Out(l gpio.Level) error {
	if l {
		return fmt.Errorf("set PWM %s: it plays tones only", p.name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = false
	return p.write("enable", 0)
}

// Name is the device and channel.
func (p *PWM) Name() string { return p.name }

// String is the same.
func (p *PWM) String() string { return p.name }

// Number is -1: it is no line of a chip.
func (p *PWM) Number() int { return -1 }

// Function is "PWM".
func (p *PWM) Function() string { return "PWM" }

// Halt ends a tone.
func (p *PWM) Halt() error { return p.Out(gpio.Low) }
