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
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"smiletill/payment/journal"
)

// TestCardUpdates updates the virt card by sticks: what must be refused, what comes back, and a newer
// version, from ten moments of which it starts again after a power cut. The payments and the customer of a
// shop day stay.
func TestCardUpdates(t *testing.T) {
	dir := os.Getenv("SMILETILL_CARD")
	if dir == "" {
		t.Skip("SMILETILL_CARD is not set: `make card-test` boots a card in an emulated machine")
	}
	t.Parallel()
	b := newBundles(t, dir)
	day := played(t)
	c := flashed(t, dir)
	c.day = holdings(t, day)
	c.put(1, "setup.toml", "name = \"test/shop/till-1\"\n")
	c.seed(day, dir)
	up := filepath.Join(t.TempDir(), "up.qcow2")
	if !t.Run("a start", func(t *testing.T) { c.t = t; c.keepUp(t, up) }) {
		return // all others go on from there
	}
	from := func(t *testing.T) string { // a copy of the card and of the machine that runs on it
		file := filepath.Join(t.TempDir(), "card.qcow2")
		output(t, "cp", "--reflink=auto", "--sparse=always", up, file)
		return file
	}
	refused, tampered, dark, later := b.refused(), b.stick(b.tampered()), b.stick(b.dark()), b.stick(b.later())
	newer, small := b.stick(b.newer("z", nil)), b.stick(b.small("v9.2"))
	back := func(stick, says string, again bool) func(*testing.T) {
		return func(t *testing.T) { c.comesBack(t, from(t), stick, says, again) }
	}
	cuts := &cuts{dir: t.TempDir()}
	// side by side: several of them wait for a timer of the slot that is tried
	t.Run("from there", func(t *testing.T) {
		for _, part := range []struct {
			name string
			run  func(*testing.T)
		}{
			{"newer", func(t *testing.T) { cuts.take(t, from(t), newer); cuts.checkAll(t, c) }},
			{"a terminal that never starts", back(dark, `init: slot B`, false)},
			{"one that migrates and is not good", back(later,
				`"journal migrated".*"to":`+fmt.Sprint(journal.Schema()+1), true)},
			{"a root that is not the signed one", back(tampered, `init: mount /dev/dm-0`, false)},
			{"refused", func(t *testing.T) { c.refuses(t, from(t), refused) }},
			{"a full data partition", func(t *testing.T) { c.full(t, up, small) }},
		} {
			t.Run(part.name, func(t *testing.T) { t.Parallel(); part.run(t) })
		}
	})
}

const enrolled = `(?m)^gallery +ok +enrolled customers: 1` // by `smiletill status`

// keepUp starts the card and keeps the machine as it is when its terminal runs, in file, to go on from there
// several times.
func (c *booted) keepUp(t *testing.T, file string) {
	output(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", c.image, "-F", "raw", file)
	m := headless(t, file, 1024)
	m.until(enrolled, patience)
	m.until(`(?m)^journal +ok`, patience)
	m.tell("human-monitor-command", map[string]any{"command-line": "savevm up"})
	m.cut()
}

// refuses plugs sticks in that nothing is installed from.
func (c *booted) refuses(t *testing.T, file string, sticks []refusal) {
	m := headless(t, file, 1024, "-loadvm", "up")
	for _, refused := range sticks {
		before := m.written()
		m.plug(refused.stick)
		t.Log(m.until(refused.says, patience))
		m.unplug()
		if n := m.written() - before; n > 1<<20 {
			t.Errorf("%d bytes were written for a bundle that is refused", n)
		}
	}
}

// full starts a card that runs since long, whose data partition has no block left, with a stick in it that is
// right.
func (c *booted) full(t *testing.T, up, stick string) {
	f := &booted{t: t, image: filepath.Join(t.TempDir(), "card.img"), manifest: c.manifest}
	output(t, "qemu-img", "convert", "-O", "raw", up, f.image)
	data, start := filepath.Join(t.TempDir(), "data"), c.manifest.Partitions[6].Start
	out := func() { // e2fsck opens a file anew after it has read its journal, and forgets the offset
		output(t, "sh", "-c", `tail -c +"$1" "$2" | cp --sparse=always /dev/stdin "$3"`, "sh", fmt.Sprint(start+1),
			f.image, data)
		check := exec.Command("/sbin/e2fsck", "-p", data)
		if text, err := check.CombinedOutput(); err != nil && check.ProcessState.ExitCode() != 1 {
			t.Fatalf("e2fsck: %v %s", err, text)
		}
	}
	out()
	for i, spare := range []int{400, 1} { // what a long file's extents need; the second one is short
		output(t, "/sbin/debugfs", "-w", "-R", fmt.Sprint("write /dev/null filler", i), data)
		output(t, "/sbin/debugfs", "-w", "-R",
			fmt.Sprintf("fallocate filler%d 0 %d", i, blocks(t, data)-spare-1), data)
	}
	if n := blocks(t, data); n > 2 {
		t.Fatalf("%d blocks are free yet", n)
	}
	output(t, "dd", "if="+data, "of="+f.image, "bs=1M", "seek="+fmt.Sprint(start), "oflag=seek_bytes",
		"conv=notrunc,sparse", "status=none")
	before := f.sum(6)
	m := headless(t, f.image, 1024, "-drive", "if=none,id=stick,format=raw,file="+stick,
		"-device", "usb-storage,drive=stick")
	m.until(`Starting smiletill-update.service`, patience)
	t.Log(m.until(`smiletill\[\d+\]: error: .*`, patience))
	m.until(`(?m)^terminal +fault .*open journal`, patience) // it takes no payment, and says why
	m.cut()
	if f.sum(6) != before {
		t.Error("slot B was written to")
	}
	out()
	for i := range 2 {
		output(t, "/sbin/debugfs", "-w", "-R", fmt.Sprint("rm filler", i), data)
	}
	if got := kept(t, data); got != c.day {
		t.Errorf("the data partition holds\n%s, want\n%s", got, c.day)
	}
}

// blocks is how many blocks of a file system are free.
func blocks(t *testing.T, data string) int {
	t.Helper()
	said := output(t, "/sbin/debugfs", "-R", "show_super_stats -h", data)
	free := regexp.MustCompile(`Free blocks:\s+(\d+)`).FindStringSubmatch(said)
	if free == nil {
		t.Fatal(said)
	}
	n, err := strconv.Atoi(free[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// comesBack has a stick's bundle installed, whose slot says something when it is tried, and does not stay.
// With again the old slot's terminal has to run, too.
func (c *booted) comesBack(t *testing.T, file, stick, says string, again bool) {
	m := headless(t, file, 1024, "-loadvm", "up")
	m.plug(stick)
	m.until(`restarting into slot B`, patience)
	m.until(says, 2*patience) // a whole start, with another machine beside
	begun := time.Now()
	m.until(`init: slot A`, 2*patience) // up to four minutes of it are a timer's
	t.Logf("slot A was back %.1f s after slot B was tried", time.Since(begun).Seconds())
	m.unplug()
	if again {
		m.until(enrolled, patience)
	}
	m.cut()
	c.sameData(t, file)
}

// sameData fails unless the data partition in a qcow2 file holds what it has to keep.
func (c *booted) sameData(t *testing.T, file string) {
	t.Helper()
	data, p := filepath.Join(t.TempDir(), "data"), c.manifest.Partitions[6]
	output(t, "qemu-img", "convert", "-O", "raw", "--image-opts", fmt.Sprintf("driver=raw,offset=%d,size=%d,"+
		"file.driver=qcow2,file.file.driver=file,file.file.filename=%s", p.Start, size-p.Start, file), data)
	if got := kept(t, data); got != c.day {
		t.Errorf("the data partition holds\n%s, want\n%s", got, c.day)
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
	dir string
	m   *emulated
	all []struct{ when, slot, file string }
}

// cut freezes what is on the card now; slot is the one that has to start from it.
func (k *cuts) cut(when, slot string) {
	n := len(k.all)
	node := "disk"
	if n > 0 {
		node = fmt.Sprint("cut", n)
	}
	k.m.tell("blockdev-snapshot-sync", map[string]any{"node-name": node, "snapshot-file": k.file(n + 1),
		"snapshot-node-name": fmt.Sprint("cut", n+1), "format": "qcow2"})
	k.all = append(k.all, struct{ when, slot, file string }{when, slot, k.file(n)})
}

func (k *cuts) file(n int) string { return filepath.Join(k.dir, fmt.Sprintf("cut%d.qcow2", n)) }

// take updates by a stick and freezes ten moments.
func (k *cuts) take(t *testing.T, file, stick string) {
	output(t, "mv", file, k.file(0))
	k.m = headless(t, k.file(0), 1024, "-loadvm", "up")
	k.m.plug(stick)
	k.m.until(`signed; .* runs in slot A`, patience)
	begun := k.m.written()
	k.cut("looked at", "A")
	for _, mega := range []int64{30, 100, 180, 240, 300} {
		for end := time.Now().Add(patience); k.m.written() < begun+mega<<20; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d bytes were written in %v", k.m.written()-begun, patience)
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

// checkAll starts the card from each cut.
func (k *cuts) checkAll(t *testing.T, c *booted) {
	for i, cut := range k.all {
		name := fmt.Sprintf("cut %d %s", i+1, cut.when) // no comma: it gets into a path, which QEMU splits there
		t.Run(name, func(t *testing.T) { k.check(t, c, i) })
	}
}

// check starts the card from what was there at a cut: the right slot has its root. From two of them, in the
// middle of the writing and when slot B was to be tried, the terminal's start is waited for too.
func (k *cuts) check(t *testing.T, c *booted, i int) {
	cut := k.all[i]
	overlay := filepath.Join(t.TempDir(), "card.qcow2")
	output(t, "qemu-img", "create", "-q", "-f", "qcow2", "-b", cut.file, "-F", "qcow2", overlay)
	m := headless(t, overlay, 1024)
	m.until(`init: slot `+cut.slot, patience)
	if i == 3 || i == 6 {
		m.until(enrolled, 2*patience) // up to three minutes of it a new version is tried
		m.until(`(?m)^journal +ok`, patience)
	}
	m.cut()
	c.sameData(t, overlay)
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

func (b *bundles) path(names ...string) string {
	return filepath.Join(append([]string{b.work}, names...)...)
}

// sign makes a bundle of a folder like the card's images, for a board, signed with keys.
func (b *bundles) sign(images, board, version, keys string) string {
	b.t.Helper()
	text := string(read(b.t, filepath.Join(b.dir, "images/version.json")))
	text = strings.ReplaceAll(text, b.version, version)
	if strings.HasSuffix(version, "x") { // of later
		text = strings.Replace(text, fmt.Sprintf(`"journal":%d`, journal.Schema()),
			fmt.Sprintf(`"journal":%d`, journal.Schema()+1), 1)
	}
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

// refusal is a stick that nothing is installed from, and what is said.
type refusal struct{ stick, says string }

// refused makes some. What their bundles hold does not matter.
func (b *bundles) refused() (all []refusal) {
	b.t.Helper()
	keys := filepath.Join(b.dir, "keys")
	add := func(bundle, says string) {
		all = append(all, refusal{b.stick(bundle), says})
	}
	add(b.sign(b.noise(), "pi4", "v9.0", keys), `it is for pi4, this card is for virt`)
	add(b.sign(b.noise(), "virt", "v9.0", keysIn(b.t)), `signed by nobody|signature|certificate`)
	short := b.small("v9.0")
	if err := os.Truncate(short, 1<<20); err != nil {
		b.t.Fatal(err)
	}
	add(short, `cut short|signature|damaged`)
	return all
}

// small is a bundle that would be installed; its slot would not start.
func (b *bundles) small(version string) string {
	return b.sign(b.noise(), "virt", version, filepath.Join(b.dir, "keys"))
}

// noise is a folder like the card's images, with nothing of use.
func (b *bundles) noise() string {
	b.t.Helper()
	images := b.t.TempDir()
	for _, name := range []string{"rootfs.squashfs", "boot.vfat"} {
		output(b.t, "sh", "-c", "head -c 1048576 /dev/urandom >"+filepath.Join(images, name))
	}
	return images
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

// dark is a version whose terminal is never started: its kernel is told so.
func (b *bundles) dark() string {
	b.t.Helper()
	images := b.like("dark")
	boot, file := filepath.Join(images, "boot.vfat"), b.path("dark.cfg")
	text := output(b.t, "mtype", "-i", boot, "::slot.cfg")
	told := strings.Replace(text, " quiet ", " quiet systemd.mask=smiletill.service ", 1)
	if told == text {
		b.t.Fatalf("slot.cfg has no word quiet: %s", text)
	}
	if err := os.WriteFile(file, []byte(told), 0o644); err != nil {
		b.t.Fatal(err)
	}
	output(b.t, "mcopy", "-o", "-i", boot, file, "::slot.cfg")
	return b.sign(images, "virt", b.version[:len(b.version)-1]+"y", filepath.Join(b.dir, "keys"))
}

// newer is the card's root with a program of another version, whose last sign is another, and more files.
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

// later is a version whose program brings the journal to a form that the card's can't read, and which nobody
// calls good.
func (b *bundles) later() string {
	b.t.Helper()
	version := b.version[:len(b.version)-1] + "x"
	source, err := filepath.Abs("../payment/journal/schema.go")
	if err != nil {
		b.t.Fatal(err)
	}
	was := string(read(b.t, source))
	text := regexp.MustCompile(`return \[\]string{[^}]*`).ReplaceAllString(was,
		"$0, `CREATE TABLE later (n INTEGER)`")
	if text == was {
		b.t.Fatalf("%s has no list of migrations", source)
	}
	changed, list, program := b.path("schema.go"), b.path("overlay.json"), b.path("later")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err == nil {
		err = os.WriteFile(changed, []byte(text), 0o600)
	}
	if err == nil {
		err = os.WriteFile(list, overlay, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	build := exec.Command("go", "build", "-overlay", list, "-ldflags", "-w -X main.version="+version,
		"-o", program, "smiletill/cmd/smiletill")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CC=aarch64-linux-gnu-gcc", "CGO_ENABLED=1",
		"CGO_LDFLAGS="+strings.ReplaceAll(os.Getenv("CGO_LDFLAGS"), "linux_"+runtime.GOARCH, "linux_arm64"))
	if out, err := build.CombinedOutput(); err != nil {
		b.t.Fatalf("build a later program: %v %s", err, out)
	}
	return b.newer("x", map[string]string{"usr/bin/smiletill": string(read(b.t, program)),
		"etc/systemd/system/smiletill-good.service": ""})
}
