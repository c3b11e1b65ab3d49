//go:build linux

package buildroot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPiBoots boots the card for a Pi 3 that `make card BOARD=pi3` made in QEMU's raspi3b: its U-Boot, GRUB,
// kernel, device tree, initrd and root, from an SD card on the Pi's own host. First slot B is tried, which
// has no root: GRUB forgets that before it tries, and a reset leads back to slot A. All the while a copy of
// the card is in a reader on USB: nothing of it is used.
//
// Not emulated: the watchdog (QEMU's resets as soon as systemd arms it, so it is left off), the boot ROM,
// the firmware and config.txt (QEMU starts U-Boot and hands it the device tree), network, Wi-Fi, USB, the
// graphics chip. The card is as it was made but for slots.env and for words at the end of the slots'
// command lines, so that the console says what goes on.
func TestPiBoots(t *testing.T) {
	cards := os.Getenv("SMILETILL_CARDS")
	dir := filepath.Join(cards, "pi3")
	if _, err := os.Stat(filepath.Join(dir, "smiletill-pi3.img.gz")); cards == "" || err != nil {
		t.Skip("SMILETILL_CARDS is not set to a folder with a card for a Pi 3: make card BOARD=pi3")
	}
	tools(t, "qemu-system-aarch64", "mcopy", "/sbin/debugfs")
	t.Parallel()
	c := unpackPi(t, dir, "pi3")
	work := filepath.Dir(c.image)
	if err := os.Truncate(c.image, 4<<30); err != nil { // an SD card's size is a power of two
		t.Fatal(err)
	}
	put := func(number int, name, text string) {
		t.Helper()
		file := filepath.Join(work, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		output(t, "mcopy", "-o", "-i", c.at(number), file, "::"+name)
	}
	for _, number := range []int{2, 3} {
		text := string(c.file(t, number, "slot.cfg"))
		put(number, "slot.cfg", strings.Replace(text, "\ninitrd", " console=ttyAMA0"+
			" systemd.watchdog_sec=0 systemd.journald.forward_to_console=1"+
			" systemd.journald.max_level_console=info loglevel=7\ninitrd", 1))
	}
	env := "# GRUB Environment Block\nalways=A\ntry=B\n"
	put(1, "slots.env", env+strings.Repeat("#", 512-len(env)))
	for _, name := range []string{"u-boot.bin", "bcm2837-rpi-3-b.dtb"} {
		if err := os.WriteFile(filepath.Join(work, name), c.file(t, 1, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	other := filepath.Join(work, "other.img")
	output(t, "cp", "--reflink=auto", "--sparse=always", c.image, other)
	before := written(t, other)
	begun := time.Now()
	e := startPi(t, dir, work)
	e.until(`init: mount /dev/dm-0`, patience)
	t.Logf("slot B, which has no root, gave up after %.0f s", time.Since(begun).Seconds())
	e.until(`init: slot A, root /dev/mmcblk0p5, verified by dm-verity, read-only`, patience)
	t.Logf("the root of slot A was verified after %.0f s", time.Since(begun).Seconds())
	e.until(`\[sda\] Attached SCSI`, patience)
	t.Logf("the card in the reader was seen after %.0f s", time.Since(begun).Seconds())
	e.until(`Finished smiletill-data.service`, patience)
	e.until(`Started smiletill.service`, patience)
	t.Logf("the terminal was started after %.0f s", time.Since(begun).Seconds())
	e.until(`smiletill\[\d+\]: .*`, patience)
	e.stop()
	if after := written(t, other); !after.Equal(before) {
		t.Error("the card in the reader was written to")
	}
	if env := string(c.file(t, 1, "slots.env")); !strings.Contains(env, "always=A\ntry=\n") {
		t.Errorf("after the try slots.env is %q", env)
	}
	said := string(read(t, filepath.Join(dir, "TestPiBoots-U-Boot.txt")))
	if n := strings.Count(said, "Welcome to GRUB!"); n != 2 {
		t.Errorf("U-Boot handed over to GRUB %d times, want 2:\n%s", n, said)
	}
	if list := output(t, "mdir", "-b", "-i", c.at(1), "::"); !strings.Contains(list, "data-made") {
		t.Errorf("that the data partition was made is not remembered: %s", list)
	}
}

// written is when a file was written to last.
func written(t *testing.T, file string) time.Time {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// startPi switches a Pi 3 on, with the card, U-Boot and device tree in work. What its consoles say is kept in
// dir: the kernel's is what until waits for.
func startPi(t *testing.T, dir, work string) *emulated {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "TestPiBoots.txt"))
	if err != nil {
		t.Fatal(err)
	}
	e := &emulated{t: t, more: make(chan struct{}), ended: make(chan struct{}), log: log}
	e.cmd = exec.Command("qemu-system-aarch64", "-machine", "raspi3b", "-m", "1G",
		"-accel", "tcg,thread=multi", "-nic", "none", "-display", "none", "-monitor", "none",
		"-kernel", filepath.Join(work, "u-boot.bin"), "-dtb", filepath.Join(work, "bcm2837-rpi-3-b.dtb"),
		"-drive", "if=sd,format=raw,file="+filepath.Join(work, "card.img"),
		"-drive", "if=none,id=other,format=raw,file="+filepath.Join(work, "other.img"),
		"-device", "usb-storage,drive=other",
		"-serial", "stdio", "-serial", "file:"+filepath.Join(dir, "TestPiBoots-U-Boot.txt"))
	e.cmd.Stdout, e.cmd.Stderr = e, e
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = e.cmd.Wait(); close(e.ended) }()
	t.Cleanup(func() { e.stop(); _ = log.Close() })
	return e
}

// stop pulls the plug.
func (e *emulated) stop() {
	_ = e.cmd.Process.Kill()
	<-e.ended
}
