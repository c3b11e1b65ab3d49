//go:build linux

package buildroot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCardUpdates updates the virt card by sticks: what must be refused, what comes back, and a newer version,
// from ten moments of which it starts again after a power cut. Payments and faces of a shop day stay.
func TestCardUpdates(t *testing.T) {
	dir := os.Getenv("SMILETILL_CARD")
	if dir == "" {
		t.Skip("SMILETILL_CARD is not set: `make card-test` boots a card in an emulated machine")
	}
	b := newBundles(t, dir)
	day := played(t)
	c := flashed(t, dir)
	c.day = holdings(t, day)
	c.put(1, "setup.toml", "name = \"demo/shop/till-1\"\n")
	t.Run("first start", func(t *testing.T) {
		c.t = t
		m := headless(t, c.image, 1024)
		m.until(`Started smiletill.service`, patience)
		m.until(`(?m)^journal +ok`, patience)
		m.off(patience)
	})
	c.t = t
	c.seed(day)
	cuts := &cuts{t: t, dir: t.TempDir(), image: c.image}
	t.Run("updates", func(t *testing.T) {
		m := headless(t, c.image, 1024)
		m.until(`(?m)^gallery +ok +enrolled customers: 1`, patience)
		for _, refused := range b.refused() {
			m.plug(refused.stick)
			m.until(refused.says, patience)
			m.unplug()
		}
		m.plug(b.stick(b.tampered()))
		m.until(`init: slot B`, patience)
		m.until(`init: slot A`, patience)
		m.until(`(?m)^gallery +ok +enrolled customers: 1`, patience)
		m.unplug()
		m.plug(b.stick(b.dark()))
		m.until(`init: slot B`, patience)
		begun := time.Now()
		m.until(`init: slot A`, patience)
		t.Logf("a terminal that never starts: slot A was back %.1f s after slot B", time.Since(begun).Seconds())
		m.until(`(?m)^gallery +ok +enrolled customers: 1`, patience)
		m.unplug()
		cuts.m = m
		cuts.take(b.stick(b.newer("z", nil)))
	})
	for i, cut := range cuts.all {
		t.Run(fmt.Sprintf("cut %d, %s", i+1, cut.when), func(t *testing.T) { cuts.check(t, c, i) })
	}
}

// plug puts a stick into the running machine.
func (e *emulated) plug(file string) {
	e.t.Helper()
	e.tell("blockdev-add", map[string]any{"driver": "raw", "node-name": "stick",
		"file": map[string]any{"driver": "file", "filename": file}})
	e.tell("device_add", map[string]any{"driver": "usb-storage", "id": "plugged", "drive": "stick"})
}

// unplug pulls it out.
func (e *emulated) unplug() {
	e.t.Helper()
	e.tell("device_del", map[string]any{"id": "plugged"})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		_, err := e.ask("blockdev-del", map[string]any{"node-name": "stick"})
		if err == nil {
			return
		}
		if time.Now().After(end) {
			e.t.Fatalf("pull the stick out: %v", err)
		}
	}
}

// written is how many bytes the machine has written to its card.
func (e *emulated) written() int64 {
	e.t.Helper()
	var all []struct {
		Device string
		Stats  struct {
			Bytes int64 `json:"wr_bytes"`
		}
	}
	if err := json.Unmarshal(e.tell("query-blockstats", nil), &all); err != nil {
		e.t.Fatal(err)
	}
	for _, s := range all {
		if s.Device == "card" {
			return s.Stats.Bytes
		}
	}
	e.t.Fatal("QEMU knows no card")
	return 0
}

// cuts are what is on the card at moments of an update. Each is what a power cut would have left there: the
// machine writes on into another file.
type cuts struct {
	t          *testing.T
	dir, image string
	m          *emulated
	all        []struct{ when, slot, file string }
}

// cut freezes what is on the card now; slot is the one that has to start from it.
func (k *cuts) cut(when, slot string) {
	n := len(k.all)
	node, file := "card", k.image
	if n > 0 {
		node, file = fmt.Sprint("cut", n), k.file(n)
	}
	k.m.tell("blockdev-snapshot-sync", map[string]any{"node-name": node, "snapshot-file": k.file(n + 1),
		"snapshot-node-name": fmt.Sprint("cut", n+1), "format": "qcow2"})
	k.all = append(k.all, struct{ when, slot, file string }{when, slot, file})
}

func (k *cuts) file(n int) string { return filepath.Join(k.dir, fmt.Sprintf("cut%d.qcow2", n)) }

// take updates by a stick and freezes ten moments.
func (k *cuts) take(stick string) {
	begun := k.m.written()
	k.m.plug(stick)
	k.m.until(`signed; .* runs in slot A`, patience)
	k.cut("looked at", "A")
	for _, mega := range []int64{30, 100, 180, 240, 300} {
		for end := time.Now().Add(patience); k.m.written() < begun+mega<<20; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				k.m.t.Fatalf("%d bytes were written in %v", k.m.written()-begun, patience)
			}
		}
		k.cut(fmt.Sprintf("%d MiB written", mega), "A")
	}
	k.m.until(`restarting into slot B`, patience)
	k.cut("the restart was ordered", "B")
	k.m.until(`init: slot B`, patience)
	k.cut("slot B has its root", "A")
	k.m.until(`Started smiletill.service`, patience)
	k.cut("the terminal was started", "A")
	k.m.until(`Finished smiletill-good.service`, patience)
	k.cut("called good", "B")
	k.m.cut()
}

// check starts the card from what was there at a cut.
func (k *cuts) check(t *testing.T, c *booted, i int) {
	cut := k.all[i]
	overlay := filepath.Join(t.TempDir(), "card.qcow2")
	format := "raw"
	if i > 0 {
		format = "qcow2"
	}
	output(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", cut.file, "-F", format, overlay)
	m := headless(t, overlay, 1024)
	m.until(`init: slot `+cut.slot, patience)
	m.until(`(?m)^gallery +ok +enrolled customers: 1`, patience)
	m.until(`(?m)^journal +ok`, patience)
	m.cut()
	data, p := filepath.Join(t.TempDir(), "data"), c.manifest.Partitions[6]
	output(t, "qemu-img", "convert", "-O", "raw", "--image-opts", fmt.Sprintf("driver=raw,offset=%d,size=%d,"+
		"file.driver=qcow2,file.file.driver=file,file.file.filename=%s", p.Start, int64(4<<30)-p.Start, overlay), data)
	if got := kept(t, data); got != c.day {
		t.Errorf("the data partition holds\n%s, want\n%s", got, c.day)
	}
}

// bundles makes updates of what the card in dir was made of.
type bundles struct {
	t         *testing.T
	dir, work string
	version   string // of the card
}

func newBundles(t *testing.T, dir string) *bundles {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SMILETILL_CARD was made by root: `sudo make card-test` makes newer versions of it")
	}
	var said struct{ Version string }
	if err := json.Unmarshal(read(t, filepath.Join(dir, "images/version.json")), &said); err != nil {
		t.Fatal(err)
	}
	return &bundles{t, dir, t.TempDir(), said.Version}
}

func (b *bundles) path(names ...string) string { return filepath.Join(append([]string{b.work}, names...)...) }

// sign makes a bundle of a folder like the card's images, for a board, signed with keys.
func (b *bundles) sign(images, board, version, keys string) string {
	b.t.Helper()
	text := string(read(b.t, filepath.Join(b.dir, "images/version.json")))
	text = strings.ReplaceAll(text, b.version, version)
	if err := os.WriteFile(filepath.Join(images, "version.json"), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	out := filepath.Join(images, "update.raucb")
	cmd := exec.Command("sh", "board/card/bundle.sh", images, board, out)
	cmd.Env = append(os.Environ(), "BUNDLE_KEY="+keys+"/sign.key", "BUNDLE_CERT="+keys+"/sign.pem")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("bundle: %v %s", err, text)
	}
	return out
}

// stick is a stick called CONFIG with one bundle on it, which is taken from where it was.
func (b *bundles) stick(bundle string) string {
	b.t.Helper()
	info, err := os.Stat(bundle)
	if err != nil {
		b.t.Fatal(err)
	}
	file := b.path(fmt.Sprintf("stick%d.vfat", time.Now().UnixNano()))
	output(b.t, "/sbin/mkfs.vfat", "-C", "-n", "CONFIG", file, strconv.FormatInt(info.Size()>>10+16<<10, 10))
	output(b.t, "mcopy", "-i", file, bundle, "::update.raucb")
	if err := os.Remove(bundle); err != nil {
		b.t.Fatal(err)
	}
	return file
}

// refused are sticks that nothing is installed from. What their bundles hold does not matter.
func (b *bundles) refused() (all []struct{ stick, says string }) {
	b.t.Helper()
	images := b.path("small")
	if err := os.Mkdir(images, 0o755); err != nil {
		b.t.Fatal(err)
	}
	for name, size := range map[string]int64{"rootfs.squashfs": 1 << 20, "boot.vfat": 1 << 20} {
		output(b.t, "sh", "-c", fmt.Sprintf("head -c %d /dev/urandom >%s/%s", size, images, name))
	}
	keys := filepath.Join(b.dir, "keys")
	add := func(bundle, says string) {
		all = append(all, struct{ stick, says string }{b.stick(bundle), says})
	}
	add(b.sign(images, "pi4", "v9.0", keys), `the bundle is for another board: pi4`)
	add(b.sign(images, "virt", "v9.0", keysIn(b.t)), `signed by nobody|signature|certificate`)
	short := b.sign(images, "virt", "v9.0", keys)
	if err := os.Truncate(short, 1<<20); err != nil {
		b.t.Fatal(err)
	}
	add(short, `cut short|signature|damaged`)
	return all
}

// like is a folder with the card's own root and boot partition, to change.
func (b *bundles) like(name string) string {
	b.t.Helper()
	images := b.path(name)
	if err := os.Mkdir(images, 0o755); err != nil {
		b.t.Fatal(err)
	}
	from := filepath.Join(b.dir, "images")
	output(b.t, "cp", "--reflink=auto", from+"/rootfs.squashfs", from+"/boot.vfat", images)
	return images
}

// tampered is a bundle whose root is not the one that its kernel is told of.
func (b *bundles) tampered() string {
	b.t.Helper()
	images := b.like("tampered")
	b.roots(images, strings.Repeat("0", 64), "")
	return b.sign(images, "virt", "v9.1", filepath.Join(b.dir, "keys"))
}

// roots tells the kernel of a bundle another hash of its root, and of how many blocks it is ("": as it was).
func (b *bundles) roots(images, hash, blocks string) {
	b.t.Helper()
	boot := filepath.Join(images, "boot.vfat")
	words := strings.Fields(output(b.t, "mtype", "-i", boot, "::slot.cfg"))
	for i, word := range words {
		if old, ok := strings.CutPrefix(word, "smiletill.verity="); ok {
			if blocks == "" {
				blocks, _, _ = strings.Cut(old, ":")
			}
			words[i] = "smiletill.verity=" + blocks + ":" + hash
		}
	}
	text := strings.Join(words, " ")
	text = strings.Replace(text, " initrd ", "\ninitrd ", 1) + "\n"
	file := b.path("slot.cfg")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	output(b.t, "mcopy", "-o", "-i", boot, file, "::slot.cfg")
}

// dark is a newer version whose terminal is never started.
func (b *bundles) dark() string {
	return b.newer("y", map[string]string{"etc/systemd/system/smiletill.service": ""})
}

// newer is the card's root with a program of another version, whose last sign is another, and with more files.
func (b *bundles) newer(sign string, files map[string]string) string {
	b.t.Helper()
	version := b.version[:len(b.version)-1] + sign
	images, root := b.like("newer-"+sign), b.path("root-"+sign)
	output(b.t, "cp", "-al", filepath.Join(b.dir, "root"), root)
	program := filepath.Join(root, "usr/bin/smiletill")
	text := bytes.ReplaceAll(read(b.t, program), []byte(b.version), []byte(version))
	all := map[string]string{"usr/bin/smiletill": string(text)}
	maps.Copy(all, files)
	for name, text := range all {
		path := filepath.Join(root, name)
		if err := os.RemoveAll(path); err != nil { // not into the file that the card's root has too
			b.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
	file := filepath.Join(images, "rootfs.squashfs")
	output(b.t, "mksquashfs", root, file, "-quiet", "-no-progress", "-comp", "zstd", "-Xcompression-level", "1",
		"-b", "256K", "-noappend")
	info, err := os.Stat(file)
	if err != nil {
		b.t.Fatal(err)
	}
	blocks := strconv.FormatInt(info.Size()/4096, 10)
	said := output(b.t, "/sbin/veritysetup", "format", "--no-superblock", "--hash=sha256", "--salt=-",
		"--data-block-size=4096", "--hash-block-size=4096", "--data-blocks="+blocks,
		"--hash-offset="+strconv.FormatInt(info.Size(), 10), file, file)
	_, hash, _ := strings.Cut(said, "Root hash:")
	b.roots(images, strings.TrimSpace(hash), blocks)
	return b.sign(images, "virt", version, filepath.Join(b.dir, "keys"))
}
