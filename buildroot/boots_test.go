//go:build linux

package buildroot_test

import (
	"crypto/sha256"
	"encoding/json"
	"image/color"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// patience is how long each step of an emulated start may take; all of it takes a minute on two cores.
const patience = 5 * time.Minute

// size of the emulated card, in bytes.
const size = 4 << 30

// TestCardBoots boots the card that `make card BOARD=virt` made (SMILETILL_CARD is its folder) in QEMU: a
// first start, a try of a slot that does not start, another card beside it, a root that was altered. `make
// card-test` runs it; elsewhere it skips.
func TestCardBoots(t *testing.T) {
	dir := os.Getenv("SMILETILL_CARD")
	if dir == "" {
		t.Skip("SMILETILL_CARD is not set: `make card-test` boots a card in an emulated machine")
	}
	t.Parallel()
	c := flashed(t, dir)
	for _, part := range []struct {
		name string
		run  func(t *testing.T)
	}{{"first start", c.firstStart}, {"a try that fails", c.tries}, {"beside another card", c.beside},
		{"an altered root", c.altered}} {
		t.Run(part.name, func(t *testing.T) { c.t = t; part.run(t) })
	}
}

// flashed is a card of 4 GiB that the image in dir was written to.
func flashed(t *testing.T, dir string) *booted {
	t.Helper()
	c := &booted{t: t, image: filepath.Join(t.TempDir(), "card.img")}
	manifest := read(t, filepath.Join(dir, "smiletill-virt.manifest.json"))
	if err := json.Unmarshal(manifest, &c.manifest); err != nil {
		t.Fatal(err)
	}
	unpack := exec.Command("sh", "-c", "gzip -dc \"$1\" | cp --sparse=always /dev/stdin \"$2\"", "sh",
		filepath.Join(dir, "smiletill-virt.img.gz"), c.image)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack the image: %v %s", err, out)
	}
	// The image ends where nothing is in it any more; the card goes on.
	if err := os.Truncate(c.image, size); err != nil {
		t.Fatal(err)
	}
	return c
}

// booted is the card that the emulated machines have, one after the other.
type booted struct {
	t        *testing.T
	image    string
	day      string // what it has to keep, as holdings says it
	manifest struct {
		Kernel     string
		Partitions []struct{ Number, Start, Bytes int64 }
	}
}

// sum is the hash of a partition.
func (c *booted) sum(number int) (sum [32]byte) {
	c.t.Helper()
	f, err := os.Open(c.image)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	p := c.manifest.Partitions[number-1]
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, p.Start, p.Bytes)); err != nil {
		c.t.Fatal(err)
	}
	return [32]byte(h.Sum(nil))
}

// at names a partition as mtools do, or as debugfs does.
func (c *booted) at(number int) string {
	return c.image + "@@" + sector(c.manifest.Partitions[number-1].Start/512)
}
func (c *booted) offset(number int) string {
	return c.image + "?offset=" + sector(c.manifest.Partitions[number-1].Start/512)
}

func (c *booted) firstStart(t *testing.T) {
	before := map[int][32]byte{2: c.sum(2), 3: c.sum(3), 5: c.sum(5), 6: c.sum(6)}
	begun := time.Now()
	m := start(t, c.image, 1024)
	m.until(`init: slot A, root /dev/vda5, verified by dm-verity, read-only`, patience)
	t.Logf("the root was verified after %.1f s", time.Since(begun).Seconds())
	m.until(`Finished smiletill-data.service`, patience)
	m.until(`Started smiletill.service`, patience)
	t.Logf("the terminal was started after %.1f s", time.Since(begun).Seconds())
	m.until(`this terminal is not set up`, patience) // by `smiletill status`
	// The page of a terminal that is out of order, as device/screen/page/app.css has it. Its first words may
	// still be that it connects.
	m.sees(color.RGBA{R: 0x1c, G: 0x1e, B: 0x24, A: 255}, color.RGBA{R: 255, G: 255, B: 255, A: 255}, patience)
	t.Logf("the page was seen after %.1f s", time.Since(begun).Seconds())
	m.off(patience)
	for number, sum := range before {
		if c.sum(number) != sum {
			t.Errorf("partition %d, which is read-only, was written to", number)
		}
	}
	if list := output(t, "mdir", "-b", "-i", c.at(1), "::"); !strings.Contains(list, "data-made") {
		t.Errorf("that the data partition was made is not remembered: %s", list)
	}
	c.holds("register.key") // all that a terminal makes before it is set up
}

// put writes a file on a FAT partition.
func (c *booted) put(partition int, name, text string) {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
	output(c.t, "mcopy", "-o", "-i", c.at(partition), file, "::"+name)
}

// tryB has slot B tried at the next start, as an update does.
func (c *booted) tryB() {
	c.t.Helper()
	text := "# GRUB Environment Block\nalways=A\ntry=B\n"
	c.put(1, "slots.env", text+strings.Repeat("#", 512-len(text)))
}

// holds fails unless the data partition has a file, which is nobody's but the terminal's.
func (c *booted) holds(name string) {
	c.t.Helper()
	list := output(c.t, "/sbin/debugfs", "-R", "ls -p /", c.offset(7))
	if !regexp.MustCompile(`/100600/[1-9]\d*/[1-9]\d*/` + regexp.QuoteMeta(name) + `/`).MatchString(list) {
		c.t.Errorf("the data partition has no %s:\n%s", name, list)
	}
}

// tries sets the terminal up and has slot B tried, whose root is empty: GRUB forgets that before it tries,
// and a reset leads back.
func (c *booted) tries(t *testing.T) {
	c.tryB()
	// as a technician does on any computer, or `smiletill flash`
	c.put(1, "setup.toml", "name = \"test/berlin-1/till-3\"\n\n[network]\naddress = \"192.168.1.20/24\"\n")
	// slot B has a kernel as shipped, and no root
	m := start(t, c.image, 1024)
	m.until(`init: mount /dev/dm-0`, patience)
	m.until(`init: slot A`, patience)
	m.until(`Started smiletill.service`, patience)
	m.until(`(?m)^journal +ok`, patience) // by `smiletill status`
	m.off(patience)
	got := output(t, "mtype", "-i", c.at(1), "::slots.env")
	if len(got) != 512 || !strings.Contains(got, "always=A\ntry=\n") {
		t.Errorf("after the try slots.env is %q", got)
	}
	c.holds("journal.db")
	if text := output(t, "mtype", "-i", c.at(1), "::setup-report.txt"); !strings.Contains(text, "till-3") ||
		!strings.Contains(text, "192.168.1.20") {
		t.Errorf("the report of the first settings: %s", text)
	}
	if text := output(t, "mtype", "-i", c.at(1), "::smiletill.toml"); !strings.Contains(text, `id = "till-3"`) {
		t.Errorf("the terminal's settings have no name:\n%s", text)
	}
}

// altered changes a bit of the root: it does not start.
func (c *booted) altered(t *testing.T) {
	f, err := os.OpenFile(c.image, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	at, b := c.manifest.Partitions[4].Start+100, make([]byte, 1)
	if _, err = f.ReadAt(b, at); err == nil {
		b[0] ^= 1
		_, err = f.WriteAt(b, at)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := start(t, c.image, 1024)
	m.until(`verity: .*corrupted|init: mount /dev/dm-0: input/output error`, patience)
}
