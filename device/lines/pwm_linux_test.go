package lines

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// sysfs is a folder like the kernel's, of real files, with a channel that is exported or not.
func sysfs(t *testing.T, device string, exported bool) string {
	t.Helper()
	root := t.TempDir()
	chip := filepath.Join(root, "sys/class/pwm/pwmchip3")
	make := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	make(filepath.Join(chip, "export"), "")
	make(filepath.Join(root, "sys/devices", device, "x"), "")
	if err := os.Symlink(filepath.Join(root, "sys/devices", device), filepath.Join(chip, "device")); err != nil {
		t.Fatal(err)
	}
	if exported {
		for _, f := range []string{"period", "duty_cycle", "enable"} {
			make(filepath.Join(chip, "pwm2", f), "0")
		}
	}
	return root
}

func TestPWMPlaysATone(t *testing.T) {
	root := sysfs(t, "1f00098000.pwm", true)
	p, err := OpenPWM(root, "1f00098000.pwm:2")
	if err != nil {
		t.Fatal(err)
	}
	reads := func(file, want string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(root, "sys/class/pwm/pwmchip3/pwm2", file))
		if err != nil || string(got) != want {
			t.Errorf("%s is %q %v, want %q", file, got, err, want)
		}
	}
	if err := p.PWM(gpio.DutyHalf, 880*physic.Hertz); err != nil {
		t.Fatal(err)
	}
	reads("period", "1136364")
	reads("duty_cycle", "568182")
	reads("enable", "1")
	if err := p.Out(gpio.Low); err != nil {
		t.Fatal(err)
	}
	reads("enable", "0")
	if p.Out(gpio.High) == nil {
		t.Error("a PWM was held high")
	}
}

func TestPWMThatIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		root, channel, says, hint string
		want                      error
	}{
		"none":          {t.TempDir(), "fe20c000.pwm:0", "no such PWM", "dtoverlay=pwm", ErrNoPWM},
		"another":       {sysfs(t, "x.pwm", true), "fe20c000.pwm:0", "no such PWM", "there are: x.pwm", ErrNoPWM},
		"no channel":    {t.TempDir(), "fe20c000.pwm", "not a device and a channel", "write it like", nil},
		"not a channel": {t.TempDir(), "fe20c000.pwm:x", "not a device and a channel", "write it like", nil},
		"not exported":  {sysfs(t, "x.pwm", false), "x.pwm:2", "did not appear", "kind to tone", nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenPWM(c.root, c.channel)
			var h interface{ Hint() string }
			if err == nil || !strings.Contains(err.Error(), c.says) || c.want != nil && !errors.Is(err, c.want) ||
				!errors.As(err, &h) || !strings.Contains(h.Hint(), c.hint) {
				t.Errorf("%v", err)
			}
		})
	}
}
