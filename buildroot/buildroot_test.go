package buildroot_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const buildrootTree = "."

// tools skips a test without the programs that it runs. `make check` installs them all.
func tools(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if _, err := exec.LookPath(n); err != nil {
			t.Skipf("%s is not installed: `make tools` does it", n)
		}
	}
}

// checkTree runs the tree's own check without Buildroot.
func checkTree(t *testing.T, tree string) (string, error) {
	t.Helper()
	python := "../.build/python/bin/python"
	if exec.Command(python, "-c", "import kconfiglib").Run() != nil {
		t.Skip("kconfiglib is not there: `make python` installs it")
	}
	out, err := exec.Command(python, filepath.Join(buildrootTree, "check.py"), "alone", tree).CombinedOutput()
	return string(out), err
}

func TestBuildrootTree(t *testing.T) {
	if out, err := checkTree(t, buildrootTree); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestBuildrootCheckNotices makes the mistakes that Buildroot takes without a word.
func TestBuildrootCheckNotices(t *testing.T) {
	for name, c := range map[string]struct{ file, old, new, says string }{
		"a dependency that is not met": {"configs/smiletill_pi4_defconfig", "BR2_INIT_SYSTEMD=y\n", "",
			"Kconfig dropped BR2_PACKAGE_SMILETILL=y"},
		"a misspelled setting": {"configs/smiletill_pi5_defconfig", "BR2_TARGET_ROOTFS_SQUASHFS=y",
			"BR2_TARGET_ROOTFS_SQAUSHFS=y", "Kconfig dropped BR2_TARGET_ROOTFS_SQAUSHFS=y"},
		"a setting twice": {"configs/smiletill_pi3_defconfig", "BR2_INIT_SYSTEMD=y\n",
			"BR2_INIT_SYSTEMD=y\nBR2_INIT_SYSTEMD=y\n", "was set before"},
		"a misspelled symbol": {"package/smiletill/Config.in", "select BR2_PACKAGE_JPEG #",
			"select BR2_PACKAGE_JPGE #",
			"BR2_PACKAGE_JPGE is used and declared nowhere"},
		"a select of what can't be": {"package/libtensorflowlite-c/Config.in", "depends on BR2_SHARED_LIBS",
			"depends on BR2_TARGET_ROOTFS_TAR", "is selected although its dependencies are not met"},
		"a dependency that is no package": {"package/smiletill/smiletill.mk", "libtensorflowlite-c jpeg",
			"tensorflow-lite-c jpeg", "depends on tensorflow-lite-c, which is no package"},
		"Buildroot's name of the library": {"package/libtensorflowlite-c/libtensorflowlite-c.mk",
			"libtensorflowlite_c.so", "libtensorflow-lite.so", "no package installs libtensorflowlite_c.so"},
		"another package's variable": {"package/smiletill/smiletill.mk", "SMILETILL_LICENSE =",
			"SMILE_TILL_LICENSE =",
			"is a variable of no package"},
		"a file that is not there": {"package/smiletill/smiletill.mk", "systemd/60-smiletill.rules",
			"systemd/60-till.rules",
			"systemd/60-till.rules, which is not in the repository"},
		"a script that is not there": {"configs/smiletill_zero2w_defconfig", "post-image.sh", "postimage.sh",
			"board/card/postimage.sh is not in the tree"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := filepath.Join(t.TempDir(), "buildroot")
			if err := os.CopyFS(tree, os.DirFS(buildrootTree)); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(tree, c.file)
			text := string(read(t, path))
			if !strings.Contains(text, c.old) {
				t.Fatalf("%s does not hold %q any more", c.file, c.old)
			}
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, c.old, c.new)), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := checkTree(t, tree); err == nil || !strings.Contains(out, c.says) {
				t.Errorf("%v, want %q:\n%s", err, c.says, out)
			}
		})
	}
}

func TestShellScripts(t *testing.T) {
	tools(t, "shellcheck")
	var scripts []string
	for _, pattern := range []string{"buildroot/*.sh", "buildroot/board/*.sh", "buildroot/board/card/*.sh",
		"buildroot/debian/*.sh",
		"buildroot/board/card/overlay/usr/lib/smiletill/*", "systemd/package/*.sh", "systemd/package/p*",
		"device/bench/guest/*.sh", ".ci/*.sh", "models/build/*.sh"} {
		found, err := filepath.Glob("../" + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v %v", pattern, found, err)
		}
		scripts = append(scripts, found...)
	}
	if out, err := exec.Command("shellcheck", scripts...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestKernelFragment(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(string(read(t, buildrootTree+"/board/card/linux.fragment"))) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := regexp.MustCompile(`^(CONFIG_[A-Z0-9_]+)=(y|m|\d+)$`).FindStringSubmatch(line)
		if m == nil || seen[m[1]] {
			t.Errorf("%q is no setting, or the second of it", line)
			continue
		}
		seen[m[1]] = true
	}
	for _, need := range []string{"CONFIG_USB_VIDEO_CLASS", "CONFIG_USB_ACM", "CONFIG_GPIO_CDEV",
		"CONFIG_SQUASHFS", "CONFIG_EXT4_FS",
		"CONFIG_DM_VERITY", "CONFIG_SECCOMP_FILTER"} {
		if !seen[need] {
			t.Errorf("%s is missing", need)
		}
	}
}

// images makes the files that Buildroot would have made, small.
func images(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("Image", strings.Repeat("kernel ", 10000))
	put("bcm2711-rpi-4-b.dtb", "device tree")
	put("rpi-firmware/config.txt", string(read(t, buildrootTree+"/board/pi/config.txt")))
	put("rpi-firmware/start4.elf", "firmware")
	put("rpi-firmware/cmdline.txt", "the one that Buildroot's package of the firmware brings")
	put("rpi-firmware/bootcode.bin", "first stage")
	put("rpi-firmware/overlays/pwm.dtbo", "overlay")
	put("root/usr/bin/smiletill", "program")
	out, err := exec.Command("mksquashfs", filepath.Join(dir, "root"), filepath.Join(dir,
		"rootfs.squashfs"), "-quiet",
		"-no-progress", "-all-root", "-mkfs-time", "0", "-all-time", "0").CombinedOutput()
	if err != nil {
		t.Fatalf("mksquashfs: %v %s", err, out)
	}
	return dir
}

func postImage(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("sh", buildrootTree+"/board/card/post-image.sh", dir, "pi4")
	cmd.Env = append(os.Environ(), "SMILETILL_ROOT_SIZE=4M", "SMILETILL_DATA_SIZE=8M",
		"SOURCE_DATE_EPOCH=1700000000",
		"PATH="+os.Getenv("PATH")+":/sbin:/usr/sbin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("post-image: %v\n%s", err, out)
	}
	return filepath.Join(dir, "smiletill-pi4.img")
}

func TestCardImage(t *testing.T) {
	tools(t, "genimage", "mksquashfs", "mdir", "/sbin/mkfs.vfat", "/sbin/sfdisk")
	first, second := postImage(t, images(t)), postImage(t, images(t))
	if !bytes.Equal(read(t, first), read(t, second)) {
		t.Error("the same input gives two images")
	}
	var table struct {
		PartitionTable struct {
			ID         string
			Partitions []struct {
				Node, Type  string
				Start, Size int64
			}
		}
	}
	if err := json.Unmarshal([]byte(output(t, "/sbin/sfdisk", "-J", first)), &table); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, p := range table.PartitionTable.Partitions {
		n := strings.TrimPrefix(p.Node, first)
		got += n + ":" + p.Type + " "
		if p.Start%2048 != 0 {
			t.Errorf("partition %s begins at sector %d, not at a whole MiB", n, p.Start)
		}
	}
	if table.PartitionTable.ID != "0x534d4c54" || got != "1:c 2:c 3:c 4:f 5:83 6:83 7:83 " {
		t.Errorf("partitions %s of disk %s", got, table.PartitionTable.ID)
	}
	for partition, slot := range map[int][2]string{1: {"A", "05"}, 2: {"B", "06"}} {
		at := first + "@@" + sector(table.PartitionTable.Partitions[partition].Start)
		line := output(t, "mtype", "-i", at, "::cmdline.txt")
		if !strings.Contains(line, "rauc.slot="+slot[0]) || !strings.Contains(line,
			"PARTUUID=534d4c54-"+slot[1]) ||
			strings.Contains(line, "@") {
			t.Errorf("slot %s starts with %s", slot[0], line)
		}
		if list := output(t, "mdir", "-b", "-/", "-i", at, "::"); !strings.Contains(list, "Image") ||
			!strings.Contains(list, "pwm.dtbo") {
			t.Errorf("slot %s holds %s", slot[0], list)
		}
	}
	bundle := filepath.Join(filepath.Dir(first), "boot.vfat")
	if list := output(t, "mdir", "-b", "-i", bundle, "::"); strings.Contains(list, "cmdline.txt") {
		t.Errorf("the boot partition of a bundle names a slot: %s", list)
	}
	if line := output(t, "mtype", "-i", bundle, "::cmdline.in"); !strings.Contains(line,
		"PARTUUID=534d4c54-@ROOT@") || !strings.Contains(line, "rauc.slot=@SLOT@") {
		t.Errorf("the boot partition of a bundle starts with %s", line)
	}
	at := first + "@@" + sector(table.PartitionTable.Partitions[0].Start)
	if list := output(t, "mdir", "-b", "-i", at, "::"); !strings.Contains(list, "autoboot.txt") ||
		!strings.Contains(list, "smiletill.toml") || !strings.Contains(list, "bootcode.bin") {
		t.Errorf("the first partition holds %s", list)
	}
	root := table.PartitionTable.Partitions[4]
	if head := read(t, first)[root.Start*512:][:4]; string(head) != "hsqs" {
		t.Errorf("the root of slot A begins with %q", head)
	}
}

func sector(n int64) string {
	text, _ := json.Marshal(n * 512)
	return string(text)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}
