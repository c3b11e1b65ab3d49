package flash

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
)

func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func tools(t *testing.T, names ...string) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed: apt-get install fdisk dosfstools mtools", name)
		}
	}
}

const startMB = 1

// realImage makes a card with a FAT partition of fatMB and another one behind it, by the tools that make the
// project's own.
func realImage(t *testing.T, table string, fatMB int, mkfs ...string) string {
	t.Helper()
	dir := t.TempDir()
	image, fat := filepath.Join(dir, "c.img"), filepath.Join(dir, "fat")
	put2(t, fat, nil)
	put2(t, image, nil)
	if err := os.Truncate(fat, int64(fatMB)<<20); err != nil {
		t.Fatal(err)
	}
	tool(t, "mkfs.vfat", append(append([]string{"-n", "SMILETILL", "-i", "534d4c43", "--invariant"}, mkfs...),
		fat)...)
	auto := put2(t, filepath.Join(dir, "autoboot.txt"), bytes.Repeat([]byte("a"), 511))
	config := put2(t, filepath.Join(dir, "smiletill.toml"), bytes.Repeat([]byte("# configuration\n"), 1000))
	tool(t, "mcopy", "-i", fat, auto, config, "::")
	if err := os.Truncate(image, int64(fatMB+6)<<20); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"dos": "c", "gpt": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}
	sfdisk := exec.Command("sfdisk", "-q", image)
	sfdisk.Stdin = strings.NewReader(fmt.Sprintf("label: %s\nstart=%dMiB, size=%dMiB, type=%s\nsize=2MiB\n",
		table,
		startMB, fatMB, kinds[table]))
	if out, err := sfdisk.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	f, err := os.OpenFile(image, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(read(t, fat), startMB<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte("root"), 1000), int64(startMB+fatMB)<<20); err != nil {
		t.Fatal(err)
	}
	return image
}

// looked has the tools that others read cards with say what came of one.
func looked(t *testing.T, image, device string, fatMB int, settings []byte) {
	t.Helper()
	fat := filepath.Join(t.TempDir(), "fat")
	data, before := read(t, device), read(t, image)
	put2(t, fat, data[startMB<<20:(startMB+fatMB)<<20])
	if out, err := exec.Command("fsck.vfat", "-n", fat).CombinedOutput(); err != nil {
		t.Errorf("fsck.vfat: %v\n%s", err, out)
	}
	if got := tool(t, "mtype", "-i", fat, "::setup.toml"); got != string(settings) {
		t.Errorf("setup.toml has %q", got)
	}
	if got := tool(t, "mtype", "-i", fat, "::autoboot.txt"); got != strings.Repeat("a", 511) {
		t.Errorf("autoboot.txt has %q", got)
	}
	if got := tool(t, "mtype", "-i", fat, "::smiletill.toml"); len(got) != 16000 {
		t.Errorf("smiletill.toml has %d bytes", len(got))
	}
	if got := tool(t, "mlabel", "-s", "-i", fat, "::"); !strings.Contains(got, "SMILETILL") {
		t.Errorf("the label is %q", got)
	}
	if !bytes.Equal(data[:startMB<<20], before[:startMB<<20]) ||
		!bytes.Equal(data[(startMB+fatMB)<<20:], before[(startMB+fatMB)<<20:]) {
		t.Error("more than the first partition was changed")
	}
}

// The settings are put into FAT of all three kinds, as mkfs.vfat makes them, behind both kinds of partition
// tables; what else is there stays.
func TestSettingsOnRealCards(t *testing.T) {
	tools(t, "sfdisk", "mkfs.vfat", "mcopy", "fsck.vfat")
	settings := bytes.Repeat([]byte("name = \"test/shop/till-3\" # a long file\n"), 200)
	for _, tc := range []struct {
		name, table string
		fatMB       int
		mkfs        []string
	}{
		{"the card's own", "dos", 16, nil}, {"FAT12", "dos", 4, []string{"-F", "12"}},
		{"FAT32", "dos", 34, []string{"-F", "32", "-s", "1"}}, {"the UEFI card's", "gpt", 34, []string{"-F", "32",
			"-s", "1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			image := realImage(t, tc.table, tc.fatMB, tc.mkfs...)
			device := filepath.Join(t.TempDir(), "card")
			j := job(image, device)
			j.Files = []File{{"setup.toml", settings}, {"ca.pem", []byte("x")}}
			r, err := Do(t.Context(), j)
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(r.Volume) != "SMILETILL" || r.Digest != sums(read(t, image)) {
				t.Errorf("the receipt says %+v", r)
			}
			looked(t, image, device, tc.fatMB, settings)
			if got := tool(t, "mtype", "-i", fmt.Sprintf("%s@@%dM", device, startMB), "::ca.pem"); got != "x" ||
				r.Settings != "setup.toml, ca.pem" {
				t.Errorf("ca.pem has %q", got)
			}
		})
	}
	t.Run("a file that is there", func(t *testing.T) {
		image := realImage(t, "dos", 16)
		for _, text := range []string{strings.Repeat("x", 9000), "short"} {
			f, err := openCard(Disk{Path: filepath.Join(t.TempDir(), "card"), Plain: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(read(t, image), 0); err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{strings.Repeat("before ", 3000), text} {
				if _, err := addFile(f, int64(len(read(t, image))), "setup.toml", []byte(s)); err != nil {
					t.Fatal(err)
				}
			}
			looked(t, image, f.Name(), 16, []byte(text))
			f.Close()
		}
	})
}

func TestNoPlaceForSettings(t *testing.T) {
	image := put2(t, filepath.Join(t.TempDir(), "c.img"), plainImage(2<<20))
	device := filepath.Join(t.TempDir(), "card")
	j := job(image, device)
	j.Files = []File{{"setup.toml", []byte("x")}}
	_, err := Do(t.Context(), j)
	if err == nil || !strings.Contains(payment.HintOf(err), "NOT USABLE") {
		t.Errorf("%v (%s)", err, payment.HintOf(err))
	}
	startsNothing(t, device)
}

// TestLoopDevice writes on a block device of the kernel's, and is refused while it is mounted.
func TestLoopDevice(t *testing.T) {
	tools(t, "losetup", "sfdisk", "mkfs.vfat", "mcopy", "fsck.vfat", "mkfs.ext4")
	if os.Getuid() != 0 {
		t.Skip("loop devices are root's")
	}
	image := realImage(t, "dos", 16)
	disk := put2(t, filepath.Join(t.TempDir(), "disk"), nil)
	if err := os.Truncate(disk, 64<<20); err != nil {
		t.Fatal(err)
	}
	old := exec.Command("sfdisk", "-q", disk) // with a second table at its end
	old.Stdin = strings.NewReader("label: gpt\nsize=1MiB\n")
	if out, err := old.CombinedOutput(); err != nil {
		t.Fatalf("sfdisk: %v\n%s", err, out)
	}
	out, err := exec.Command("losetup", "-f", "--show", disk).CombinedOutput()
	if err != nil {
		t.Skipf("this machine lends no loop device: %v %s", err, out)
	}
	loop := strings.TrimSpace(string(out))
	defer tool(t, "losetup", "-d", loop)
	settings := []byte("name = \"test/shop/till-3\"\n")
	j := job(image, loop)
	j.Plain, j.Files = false, []File{{"setup.toml", settings}}
	asked := Disk{}
	j.Agreed = func(d Disk) (bool, error) { asked = d; return true, nil }
	if _, err := Do(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	if asked.Bytes != 64<<20 {
		t.Errorf("asked about %v", asked)
	}
	if err := os.Truncate(image, 64<<20); err != nil { // as long as the disk, to be compared
		t.Fatal(err)
	}
	looked(t, image, disk, 16, settings)

	small := put2(t, filepath.Join(t.TempDir(), "small.img"), plainImage(65<<20))
	j.Image = small
	if _, err := Do(t.Context(), j); err == nil || !strings.Contains(err.Error(), "holds 67.1 MB") {
		t.Errorf("a card that is too small: %v", err)
	}
	tool(t, "mkfs.ext4", "-q", "-F", loop)
	where := t.TempDir()
	tool(t, "mount", loop, where)
	defer tool(t, "umount", where)
	j.Image = image
	if _, err := Do(t.Context(), j); err == nil || !strings.Contains(err.Error(), "mounted at "+where) {
		t.Errorf("a mounted card: %v", err)
	}
}
