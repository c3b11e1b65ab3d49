//go:build linux

package buildroot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// grub is what GRUB finds in slots.env: its variables, in 512 bytes.
func (c *card) grub(want string) {
	c.t.Helper()
	text := string(read(c.t, filepath.Join(c.dir, "slots.env")))
	if len(text) != 512 || !strings.HasPrefix(text, "# GRUB Environment Block\n") {
		c.t.Errorf("slots.env has %d bytes and begins with %.30q", len(text), text)
	}
	_, text, _ = strings.Cut(strings.TrimRight(text, "#"), "\n")
	if got := strings.Join(strings.Fields(text), " "); got != want {
		c.t.Errorf("slots.env: %s, want %s", got, want)
	}
}

// TestSlotsUEFI: as on a Pi, but a new slot is tried at the next start, without being asked for.
func TestSlotsUEFI(t *testing.T) {
	c := &card{t, t.TempDir()}
	c.boots("A")
	c.says("", "init", "uefi")
	c.grub("always=A try=")
	c.says("A", "get-primary")
	c.says("", "set-primary", "B")
	c.says("B", "get-primary")
	c.grub("always=A try=B")
	c.says("", "set-primary", "A") // thought better of
	c.grub("always=A try=")
	c.says("A", "get-primary")
	c.says("", "set-primary", "B")
	c.says("", "set-state", "B", "good") // said by A: it can't know
	c.grub("always=A try=B")
	// GRUB forgets what it tries before it does.
	file := filepath.Join(c.dir, "slots.env")
	text := strings.Replace(string(read(t, file)), "try=B", "try=", 1) + "#"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c.boots("B smiletill.tried")
	c.isTried(true)
	c.says("good", "get-state", "B")
	c.grub("always=A try=")
	c.says("", "set-state", "B", "good")
	c.isTried(false)
	c.grub("always=B try=")
	c.says("B", "get-primary")
	c.says("", "set-primary", "A")
	c.grub("always=B try=A")
	c.says("", "set-state", "A", "bad") // RAUC is about to write over it
	c.grub("always=B try=")
	if out, err := c.slots("init", "coreboot"); err == nil || !strings.Contains(out, "there are pi and uefi") {
		t.Errorf("init coreboot: %v %s", err, out)
	}
}

// TestCardImageUEFI: the first partition starts GRUB, and what a slot boots by names no slot: one bundle
// serves both.
func TestCardImageUEFI(t *testing.T) {
	tools(t, "genimage", "mksquashfs", "mdir", "/sbin/mkfs.vfat")
	dir := images(t)
	for name, text := range map[string]string{"BOOTAA64.EFI": "GRUB", "initrd": "initrd",
		"cmdline": "smiletill.verity=7:abc console=ttyAMA0"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	image := postImage(t, dir)
	at := image + "@@" + sector(2048)
	list := output(t, "mdir", "-b", "-/", "-i", at, "::")
	for _, want := range []string{"EFI/BOOT/BOOTAA64.EFI", "EFI/debian/grub.cfg", "slots.env",
		"smiletill.toml"} {
		if !strings.Contains(list, want) {
			t.Errorf("the first partition holds no %s:\n%s", want, list)
		}
	}
	if strings.Contains(list, "autoboot.txt") {
		t.Error("the first partition has the chooser of a Pi")
	}
	var slots []string
	for _, megabyte := range []int64{17, 81} {
		at := image + "@@" + sector(megabyte*2048)
		if list := output(t, "mdir", "-b", "-i", at, "::"); !strings.Contains(list, "initrd") {
			t.Errorf("a slot holds %s", list)
		}
		slots = append(slots, output(t, "mtype", "-i", at, "::slot.cfg"))
	}
	want := "linux /Image root=PARTUUID=534d4c54-$number rootfstype=squashfs ro rootwait rauc.slot=$slot " +
		"systemd.volatile=state panic=10 quiet smiletill.verity=7:abc console=ttyAMA0 $word\ninitrd /initrd\n"
	slots = append(slots, output(t, "mtype", "-i", filepath.Join(dir, "boot.vfat"), "::slot.cfg"))
	if slots[0] != want || slots[1] != want || slots[2] != want {
		t.Errorf("a slot starts with\n%s, want\n%s", slots, want)
	}
}
