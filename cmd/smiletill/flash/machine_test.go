package flash

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
)

// box is a machine with disks that are files: a tree as sysfs has it, and a table of device numbers.
type box struct {
	t     *testing.T
	root  string
	table map[string][2]string // path: own number, number of the file system that holds it
}

func newBox(t *testing.T) *box {
	b := &box{t: t, root: t.TempDir(), table: map[string][2]string{}}
	b.write("proc/self/mountinfo", "")
	return b
}

func (b *box) write(path, text string) {
	b.t.Helper()
	path = filepath.Join(b.root, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text),
		0o644)); err != nil {
		b.t.Fatal(err)
	}
}

// add makes a block device: "sda", "sda/sda1". It gives its path in /dev.
func (b *box) add(name, number string, sectors string, files map[string]string) string {
	b.t.Helper()
	dir := "sys/devices/bus/" + name
	b.write(dir+"/size", sectors)
	b.write(dir+"/dev", number)
	for f, text := range files {
		b.write(dir+"/"+f, text)
	}
	link := filepath.Join(b.root, "sys/dev/block", number)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(b.root, dir), link); err != nil {
		b.t.Fatal(err)
	}
	dev := "dev/" + filepath.Base(name)
	b.write(dev, "")
	b.table[filepath.Join(b.root, dev)] = [2]string{number, "0:5"}
	return filepath.Join(b.root, dev)
}

func (b *box) machine() machine {
	return machine{root: b.root, may: mayWrite, number: func(path string) (string, string, error) {
		if n, ok := b.table[path]; ok {
			return n[0], n[1], nil
		}
		if _, err := os.Stat(path); err != nil {
			return "", "", err
		}
		return "", "0:99", nil
	}}
}

// mount adds a line of mountinfo.
func (b *box) mount(number, where, source string) {
	path := filepath.Join(b.root, "proc/self/mountinfo")
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	b.write("proc/self/mountinfo",
		string(before)+"30 1 "+number+" / "+where+" rw shared:1 - ext4 "+source+" rw\n")
}

// Which disks are written, and which are refused with what words.
func TestFind(t *testing.T) {
	const gb = "1953125" // sectors
	for _, tc := range []struct {
		name     string
		device   string // of those below
		plain    bool
		said, to string // words of the error, and of its hint; none: it is taken
		make     func(b *box)
	}{
		{name: "a free card", device: "sdb"},
		{name: "the system's", device: "sda", said: "runs from", to: "lsblk",
			make: func(b *box) { b.mount("8:1", "/", "/dev/sda1") }},
		{name: "the system's start", device: "sda", said: "its /boot/efi is on it", to: "lsblk",
			make: func(b *box) { b.mount("8:1", "/boot/efi", "/dev/sda1") }},
		{name: "the system's programs behind the device mapper", device: "sda", said: "its /usr is on it",
			to:   "lsblk",
			make: func(b *box) { b.mount("253:0", "/usr", "/dev/mapper/vg-usr") }},
		{name: "the system's behind a loop device", device: "sda", said: "runs from", to: "lsblk",
			make: func(b *box) { b.mount("7:0", "/", "/dev/loop0") }},
		{name: "the system's, of a file system with a number of its own", device: "sda", said: "runs from",
			to:   "lsblk",
			make: func(b *box) { b.mount("0:30", "/", b.root+"/dev/sda1") }},
		{name: "mounted", device: "sdb", said: "mounted at /media/my card", to: "umount",
			make: func(b *box) { b.mount("8:17", `/media/my\040card`, "/dev/sdb1") }},
		{name: "mounted without a partition", device: "sdb", said: "mounted at /mnt", to: "umount /mnt",
			make: func(b *box) { b.mount("8:16", "/mnt", "/dev/sdb") }},
		{name: "swap", device: "sdb", said: "swap", to: "hardly the card", make: func(b *box) {
			b.write("proc/swaps", "Filename Type Size Used Priority\n"+b.root+"/dev/sdb1 partition 1 0 -2\n")
		}},
		{name: "opened by the device mapper", device: "sdb", said: "in use by dm-7", to: "lsblk",
			make: func(b *box) { b.write("sys/devices/bus/sdb/sdb1/holders/dm-7", "") }},
		{name: "a partition", device: "sdb1", said: "partition", to: "/dev/sdb"},
		{name: "made of others", device: "dm-0", said: "made of other disks", to: "lsblk"},
		{name: "switched to LOCK", device: "sdb", said: "can't be written", to: "LOCK",
			make: func(b *box) { b.write("sys/devices/bus/sdb/ro", "1\n") }},
		{name: "a reader without a card", device: "sdb", said: "no card in it", to: "put the card",
			make: func(b *box) { b.write("sys/devices/bus/sdb/size", "0") }},
		{name: "a file", device: "notes.txt", said: "not a disk", to: "--file"},
		{name: "a file that is meant", device: "notes.txt", plain: true},
		{name: "a new file that is meant", device: "new.img", plain: true},
		{name: "a folder", device: ".", plain: true, said: "not a disk", to: "lsblk"},
		{name: "a disk as a file", device: "sdb", plain: true, said: "--file is for plain files", to: "leave"},
		{name: "nothing", device: "sdz", said: "no such file", to: "lsblk"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBox(t)
			b.add("sda", "8:0", gb, nil)
			b.add("sda/sda1", "8:1", gb, map[string]string{"partition": "1"})
			b.add("sdb", "8:16", gb, map[string]string{"device/vendor": "SanDisk ", "device/model": "Ultra   \n",
				"ro": "0"})
			b.add("sdb/sdb1", "8:17", gb, map[string]string{"partition": "1"})
			b.add("dm-0", "253:0", gb, map[string]string{"dm/name": "vg-usr", "slaves/sda1/dev": "8:1"})
			b.add("loop0", "7:0", gb, map[string]string{"loop/backing_file": b.root + "/dev/notes.txt"})
			b.write("run/udev/data/b8:16", "S:disk\nE:ID_SERIAL_SHORT=4C530001\n")
			b.write("dev/notes.txt", "")
			b.table[b.root+"/dev/notes.txt"] = [2]string{"", "8:1"}
			if tc.make != nil {
				tc.make(b)
			}
			d, err := b.machine().find(filepath.Join(b.root, "dev", tc.device), tc.plain)
			switch {
			case tc.said == "" && err != nil:
				t.Fatalf("refused: %v", err)
			case tc.said == "" && tc.device == "sdb":
				if d.Model != "SanDisk Ultra" || d.Serial != "4C530001" || d.Bytes != 1_000_000_000 {
					t.Errorf("it is %+v", d)
				}
			case tc.said != "" && (err == nil || !strings.Contains(err.Error(), tc.said)):
				t.Errorf("taken, or other words: %v", err)
			case tc.said != "" && !strings.Contains(payment.HintOf(err), tc.to):
				t.Errorf("what to do is not said: %q", payment.HintOf(err))
			}
		})
	}
}
