//go:build linux

package buildroot_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOwnCard: of two cards that have all in common the partitions of the one count that the root is on,
// whichever the kernel found first, with the root verified (Debian's) and as it is (Buildroot's).
func TestOwnCard(t *testing.T) {
	dir := t.TempDir()
	sys := filepath.Join(dir, "sys")
	put := func(name, text string) {
		t.Helper()
		file := filepath.Join(sys, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(name, to string) {
		t.Helper()
		file := filepath.Join(sys, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(sys, to), file); err != nil {
			t.Fatal(err)
		}
	}
	for _, disk := range []struct {
		at, name, between string
		major             int
	}{
		{"usb1/1-1/host0", "sda", "", 8},
		{"mmc0/mmc0:1234", "mmcblk0", "p", 179},
		{"mmc1", "mmcblk1", "p", 180},
	} {
		for n := 1; n < 8; n++ {
			part := fmt.Sprint(disk.name, disk.between, n)
			at := filepath.Join("devices", disk.at, "block", disk.name, part)
			put(at+"/partition", fmt.Sprint(n))
			link("class/block/"+part, at)
			link(fmt.Sprintf("dev/block/%d:%d", disk.major, n), at)
		}
		link("class/block/"+disk.name, filepath.Join("devices", disk.at, "block", disk.name))
	}
	link("devices/virtual/block/dm-0/slaves/mmcblk0p6", "devices/mmc0/mmc0:1234/block/mmcblk0/mmcblk0p6")
	link("dev/block/254:0", "devices/virtual/block/dm-0")
	link("class/block/dm-0", "devices/virtual/block/dm-0")
	put("devices/virtual/block/loop0/slaves/none", "")
	link("dev/block/7:0", "devices/virtual/block/loop0")
	own := func(root, part string) bool {
		t.Helper()
		mounts := filepath.Join(dir, "mounts")
		text := "20 1 " + root + " / / ro,relatime - squashfs /dev/root ro\n" +
			"21 20 0:5 / /dev rw - devtmpfs d rw\n22 20 8:1 / /boot/select ro - vfat /dev/sda1 ro\n"
		if err := os.WriteFile(mounts, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", lib+"own", part)
		cmd.Env = append(os.Environ(), "SMILETILL_SYS="+sys, "SMILETILL_MOUNTS="+mounts)
		out, err := cmd.CombinedOutput()
		if len(out) > 0 {
			t.Errorf("own %s with the root on %s: %s", part, root, out)
		}
		return err == nil
	}
	for root, want := range map[string]string{"254:0": "mmcblk0p7", "179:5": "mmcblk0p7",
		"180:5": "mmcblk1p7", "8:6": "sda7", "7:0": "", "0:21": ""} {
		for _, part := range []string{"sda7", "mmcblk0p7", "mmcblk1p7", "dm-0", "mmcblk0", "gone"} {
			if got := own(root, part); got != (part == want) {
				t.Errorf("with the root on %s own %s: %v", root, part, got)
			}
		}
	}
}

// TestPartitionsAreTheCardsOwn: nothing on a card looks for a partition by what another card has too, but for
// the root itself (debian/init).
func TestPartitionsAreTheCardsOwn(t *testing.T) {
	shared := regexp.MustCompile(`by-(partuuid|uuid|label|id)|(?i:partuuid|label|uuid)=|534d4c5|findfs`)
	for _, dir := range []string{"board/card/overlay", "debian/overlay*", "../systemd/*.service",
		"../systemd/*.conf", "../systemd/*.rules", "board/efi/grub.cfg", "debian/uboot.txt"} {
		found, err := filepath.Glob(dir)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, at := range found {
			for _, file := range strings.Fields(output(t, "find", at, "-type", "f")) {
				for line := range strings.Lines(string(read(t, file))) {
					// a stick is called CONFIG, and no partition of a card is
					m := shared.FindString(line)
					if m != "" && !strings.Contains(line, `"CONFIG"`) && !strings.HasPrefix(line, "#") {
						t.Errorf("%s looks for a partition by %s: %s", file, m, line)
					}
				}
			}
		}
	}
}
