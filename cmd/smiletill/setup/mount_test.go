package setup

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

func TestNoStick(t *testing.T) {
	err := stick(t.TempDir(), "CONFIG", fats(), 0, func(string) error { return errors.New("called") })
	if err != nil {
		t.Error(err)
	}
}

// TestStickIsMounted has the kernel mount a stick by its label, and take it away again. FAT is not in every
// kernel that tests run on: this one is ext4, and what is asked of the kernel is the same.
func TestStickIsMounted(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	if os.Getuid() != 0 {
		t.Skip("only root mounts")
	}
	disk := filepath.Join(t.TempDir(), "stick")
	if err := os.WriteFile(disk, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(disk, 8<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-L", "CONFIG", disk).CombinedOutput(); err != nil {
		t.Skipf("mkfs.ext4: %v %s", err, out)
	}
	out, err := exec.Command("losetup", "-f", "--show", disk).CombinedOutput()
	if err != nil {
		t.Skipf("this machine lends no loop device: %v %s", err, out)
	}
	loop := strings.TrimSpace(string(out))
	defer func() {
		if out, err := exec.Command("losetup", "-d", loop).CombinedOutput(); err != nil {
			t.Errorf("%v %s", err, out)
		}
	}()
	labels := t.TempDir()
	if err := os.Symlink(loop, filepath.Join(labels, "CONFIG")); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		folder := ""
		err := stick(labels, "CONFIG", []string{"vfat", "ext4"}, 0, func(at string) error {
			folder = at
			var is unix.Statfs_t
			if err := unix.Statfs(at, &is); err != nil || is.Flags&unix.ST_NOEXEC == 0 ||
				is.Flags&unix.ST_NOSUID == 0 {
				t.Errorf("a program on it could be run: %x %v", is.Flags, err)
			}
			before, err := os.ReadFile(filepath.Join(at, FileName))
			if text == "second" && (err != nil || string(before) != "first") {
				t.Errorf("it forgot: %q %v", before, err)
			}
			return os.WriteFile(filepath.Join(at, FileName), []byte(text), 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", folder, err)
		}
	}
	err = stick(labels, "CONFIG", []string{"squashfs"}, 0, func(string) error { return errors.New("called") })
	if err == nil || !strings.Contains(payment.HintOf(err), "FAT") {
		t.Errorf("a stick of another kind: %v", err)
	}
}

// TestFirstPartition has a card's first partition mounted read-only, in both ways: it is written, and is as
// it was afterwards.
func TestFirstPartition(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root mounts")
	}
	for _, whole := range []bool{false, true} {
		folder := t.TempDir()
		if err := unix.Mount("none", folder, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, ""); err != nil {
			t.Skipf("this machine lets nobody mount: %v", err)
		}
		defer func() {
			if err := unix.Unmount(folder, 0); err != nil {
				t.Error(err)
			}
		}()
		settings := filepath.Join(folder, FileName)
		if err := os.WriteFile(settings, []byte("name = \"acme/shop/till-3\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		how := uintptr(unix.MS_BIND)
		if whole {
			how = 0
		}
		err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NODEV|unix.MS_NOSUID|how, "")
		if err != nil {
			t.Fatal(err)
		}
		to := Target{Root: t.TempDir(), Kept: "/kept"}
		if err := to.Do(t.Context(), Order{Folder: folder}, nil, &strings.Builder{}); err != nil {
			t.Errorf("the whole file system %v: %v", whole, err)
		}
		if _, err := os.Stat(filepath.Join(folder, reportName)); err != nil {
			t.Errorf("the whole file system %v: no report: %v", whole, err)
		}
		var is unix.Statfs_t
		if err := unix.Statfs(folder, &is); err != nil || is.Flags&unix.ST_RDONLY == 0 ||
			is.Flags&unix.ST_NODEV == 0 {
			t.Errorf("the whole file system %v: afterwards it is mounted %x, %v", whole, is.Flags, err)
		}
	}
}
