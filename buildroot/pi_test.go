//go:build linux

package buildroot_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// piBoard is what a Pi needs on a card that starts it.
type piBoard struct {
	// firmware is what its boot ROM and its second stage read from the first partition: a Pi 3 and a Zero 2 W
	// bootcode.bin and start.elf, a Pi 4, whose second stage is in the board, start4.elf.
	firmware []string
	trees    map[string]string // device trees, and the board each is for
	host     string            // the driver of what reads the card
	wifi     []string          // firmware that its Wi-Fi asks for
	modules  []string          // drivers of this board alone
}

// piBoards: the chips of Wi-Fi are those whose firmware Debian has; a Pi 400 and some Zero 2 W have others.
func piBoards() map[string]piBoard {
	old := []string{"bootcode.bin", "start.elf", "fixup.dat"}
	return map[string]piBoard{
		"pi3": {old, map[string]string{"bcm2837-rpi-3-b.dtb": "raspberrypi,3-model-b",
			"bcm2837-rpi-3-b-plus.dtb": "raspberrypi,3-model-b-plus"}, "bcm2835",
			[]string{"brcmfmac43430-sdio.bin", "brcmfmac43430-sdio.clm_blob",
				"brcmfmac43430-sdio.raspberrypi,3-model-b.txt", "brcmfmac43455-sdio.bin",
				"brcmfmac43455-sdio.raspberrypi,3-model-b-plus.txt"},
			[]string{"vc4", "dwc2", "smsc95xx", "lan78xx", "bcm2835_thermal"}},
		"pi4": {[]string{"start4.elf", "fixup4.dat"}, map[string]string{
			"bcm2711-rpi-4-b.dtb": "raspberrypi,4-model-b", "bcm2711-rpi-400.dtb": "raspberrypi,400"},
			"sdhci-iproc", []string{"brcmfmac43455-sdio.bin", "brcmfmac43455-sdio.clm_blob",
				"brcmfmac43455-sdio.raspberrypi,4-model-b.txt"},
			[]string{"vc4", "v3d", "xhci-pci", "reset-raspberrypi", "genet", "bcm2711_thermal"}},
		"zero2w": {old, map[string]string{"bcm2837-rpi-zero-2-w.dtb": "raspberrypi,model-zero-2-w"},
			"bcm2835", []string{"brcmfmac43430-sdio.bin", "brcmfmac43430-sdio.clm_blob",
				"brcmfmac43430-sdio.raspberrypi,model-zero-2-w.txt"},
			[]string{"dwc2", "bcm2835_thermal"}},
	}
}

// TestPiConfig: config.txt has only settings that the firmware knows, in lines that it reads whole, and
// starts a file that is there. Names and limits: Raspberry Pi's documentation of config.txt, and for
// Debian's card no overlays, since Debian's package of the firmware has none.
func TestPiConfig(t *testing.T) {
	known := []string{"arm_64bit", "kernel", "upstream_kernel", "enable_uart", "disable_overscan", "gpu_mem",
		"gpio", "initramfs", "dtoverlay"}
	for file, kernel := range map[string]string{"debian/config.txt": "u-boot.bin",
		"board/pi/config.txt": "Image"} {
		text := string(read(t, file))
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) > 98 {
				t.Errorf("%s: the firmware reads 98 characters of %q", file, line)
			}
			name, value, is := strings.Cut(line, "=")
			switch {
			case line == "" || line[0] == '#' || regexp.MustCompile(`^\[(all|pi3|pi4)\]$`).MatchString(line):
			case !is || !slices.Contains(known, name) || value == "" || strings.ContainsAny(line, " \t\""):
				t.Errorf("%s: %q is no setting", file, line)
			case name == "dtoverlay" && file == "debian/config.txt":
				t.Errorf("%s: Debian has no overlay %s", file, value)
			}
		}
		if !strings.Contains(text, "\nkernel="+kernel+"\n") || !strings.Contains(text, "arm_64bit=1\n") {
			t.Errorf("%s does not start %s", file, kernel)
		}
	}
	if line := string(read(t, "board/pi/cmdline.txt")); strings.Count(line, "\n") != 1 || len(line) > 1024 {
		t.Errorf("the command line of a Pi is one line: %q", line)
	}
}

// uboot makes U-Boot's settings and gives them back as U-Boot reads them.
func uboot(t *testing.T, b []byte) map[string]string {
	t.Helper()
	if len(b) != 0x4000 || binary.LittleEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		t.Fatalf("U-Boot does not take these %d bytes as its settings", len(b))
	}
	text, _, _ := strings.Cut(string(b[4:]), "\x00\x00")
	settings := map[string]string{}
	for _, s := range strings.Split(text, "\x00") {
		name, value, _ := strings.Cut(s, "=")
		settings[name] = value
	}
	return settings
}

// TestUBoot: nobody is asked on the way to GRUB, and nothing but the card is looked at.
func TestUBoot(t *testing.T) {
	tools(t, "python3")
	file := filepath.Join(t.TempDir(), "uboot.env")
	make := func(from string) (string, error) {
		out, err := exec.Command("python3", "debian/uboot.py", from, file).CombinedOutput()
		return string(out), err
	}
	if out, err := make("debian/uboot.txt"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	got := uboot(t, read(t, file))
	if got["bootdelay"] != "-2" || !strings.Contains(got["bootcmd"], "EFI/BOOT/BOOTAA64.EFI") ||
		got["preboot"] != "" || strings.Contains(got["stdin"], "usb") || len(got) != 6 {
		t.Errorf("U-Boot's settings: %q", got)
	}
	long := filepath.Join(t.TempDir(), "long")
	if err := os.WriteFile(long, []byte("a="+strings.Repeat("b", 0x4000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := make(long); err == nil || !strings.Contains(out, "U-Boot reads 16380") {
		t.Errorf("settings that are too long: %v %s", err, out)
	}
}

// TestPiCardImage: what starts a Pi is on the first partition beside GRUB; a slot has nothing of a board's.
func TestPiCardImage(t *testing.T) {
	tools(t, "genimage", "mksquashfs", "mdir", "/sbin/mkfs.vfat")
	dir := images(t)
	for _, name := range []string{"rpi-firmware", "bcm2711-rpi-4-b.dtb"} { // Buildroot's
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "first"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"BOOTAA64.EFI": "GRUB", "initrd": "initrd",
		"first/start4.elf": "firmware", "first/config.txt": "config", "first/u-boot.bin": "U-Boot",
		"first/bcm2711-rpi-4-b.dtb": "tree", "cmdline": "smiletill.verity=7:abc"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	at := postImage(t, dir) + "@@"
	first := listed(t, at+sector(2048))
	want := "EFI/BOOT/BOOTAA64.EFI EFI/debian/grub.cfg bcm2711-rpi-4-b.dtb config.txt slots.env " +
		"smiletill.toml start4.elf u-boot.bin"
	if first != want {
		t.Errorf("the first partition holds %s, want %s", first, want)
	}
	if slot := listed(t, at+sector(17*2048)); slot != "Image initrd slot.cfg" {
		t.Errorf("a slot holds %s", slot)
	}
}

// listed is the files of a FAT, sorted.
func listed(t *testing.T, at string) string {
	t.Helper()
	var files []string
	for _, f := range strings.Fields(output(t, "mdir", "-b", "-/", "-i", at, "::")) {
		if f = strings.TrimPrefix(f, "::/"); !strings.HasSuffix(f, "/") {
			files = append(files, f)
		}
	}
	slices.Sort(files)
	return strings.Join(files, " ")
}

// TestPiCards looks into each card for a Pi that `make card` made (SMILETILL_CARDS holds them): what its boot
// ROM, its firmware, U-Boot, GRUB and the kernel look for is there and of the kind that they take.
func TestPiCards(t *testing.T) {
	cards := os.Getenv("SMILETILL_CARDS")
	if cards == "" {
		t.Skip("SMILETILL_CARDS is not set: `make card-test` looks into the cards that were made")
	}
	tools(t, "mdir", "unsquashfs", "cpio", "/sbin/sfdisk")
	looked := 0
	for name, board := range piBoards() {
		dir := filepath.Join(cards, name)
		if _, err := os.Stat(filepath.Join(dir, "smiletill-"+name+".img.gz")); err != nil {
			t.Logf("no card for %s was made: make card BOARD=%[1]s", name)
			continue
		}
		looked++
		t.Run(name, func(t *testing.T) {
			c := unpackPi(t, dir, name)
			c.firstPartition(t, board)
			c.slotPartition(t, board)
			c.rootPartition(t, board)
		})
	}
	if looked == 0 {
		t.Skip("SMILETILL_CARDS is not set to a folder with a card for a Pi")
	}
}

// piCard is a card's image, unpacked.
type piCard struct {
	image    string
	manifest struct {
		Image  struct{ SHA256 string }
		Kernel string
		Root   struct {
			VerityHash string `json:"verity_hash"`
		}
		Partitions []struct{ Number, Start, Bytes int64 }
	}
}

func unpackPi(t *testing.T, dir, name string) *piCard {
	t.Helper()
	c := &piCard{image: filepath.Join(t.TempDir(), "card.img")}
	manifest := read(t, filepath.Join(dir, "smiletill-"+name+".manifest.json"))
	if err := json.Unmarshal(manifest, &c.manifest); err != nil {
		t.Fatal(err)
	}
	unpack := exec.Command("sh", "-c", "gzip -dc \"$1\" | cp --sparse=always /dev/stdin \"$2\"", "sh",
		filepath.Join(dir, "smiletill-"+name+".img.gz"), c.image)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpack the image: %v %s", err, out)
	}
	if sum := strings.Fields(output(t, "sha256sum", c.image))[0]; sum != c.manifest.Image.SHA256 {
		t.Errorf("the image's SHA-256 is %s, the manifest has %s", sum, c.manifest.Image.SHA256)
	}
	return c
}

// at names a partition as mtools do.
func (c *piCard) at(number int) string {
	return c.image + "@@" + sector(c.manifest.Partitions[number-1].Start/512)
}

// file is a file of a FAT.
func (c *piCard) file(t *testing.T, number int, name string) []byte {
	t.Helper()
	return []byte(output(t, "mtype", "-i", c.at(number), "::"+name))
}

func (c *piCard) firstPartition(t *testing.T, board piBoard) {
	t.Helper()
	want := []string{"EFI/BOOT/BOOTAA64.EFI", "EFI/debian/grub.cfg", "config.txt", "slots.env",
		"smiletill.toml", "u-boot.bin", "uboot.env"}
	want = append(want, board.firmware...)
	for name, compatible := range board.trees {
		want = append(want, name)
		if got := treeOf(c.file(t, 1, name)); !strings.HasPrefix(got, compatible+"\x00") {
			t.Errorf("%s is the device tree of %q, want %s", name, got, compatible)
		}
	}
	slices.Sort(want)
	if got := listed(t, c.at(1)); got != strings.Join(want, " ") {
		t.Errorf("the first partition holds %s, want %s", got, want)
	}
	head := make([]byte, 512)
	f, err := os.Open(c.image)
	if err == nil {
		defer f.Close()
		_, err = f.ReadAt(head, c.manifest.Partitions[0].Start)
	}
	if err != nil {
		t.Fatal(err)
	}
	if kind := string(head[54:62]); kind != "FAT16   " {
		t.Errorf("the first partition is %q: a boot ROM reads FAT16 and FAT32", kind)
	}
	for _, name := range board.firmware {
		b := c.file(t, 1, name)
		if len(b) < 1000 || strings.HasSuffix(name, ".elf") && !bytes.HasPrefix(b, []byte("\x7fELF")) {
			t.Errorf("%s is no firmware: %d bytes", name, len(b))
		}
	}
	if got := string(c.file(t, 1, "config.txt")); got != string(read(t, "debian/config.txt")) {
		t.Errorf("config.txt:\n%s", got)
	}
	if got := uboot(t, c.file(t, 1, "uboot.env")); got["bootdelay"] != "-2" {
		t.Errorf("U-Boot's settings: %q", got)
	}
	if b := c.file(t, 1, "u-boot.bin"); !bytes.Contains(b, []byte("U-Boot 20")) ||
		!bytes.Contains(b, []byte("uboot.env")) {
		t.Errorf("u-boot.bin is none that reads uboot.env: %d bytes", len(b))
	}
	efi := c.file(t, 1, "EFI/BOOT/BOOTAA64.EFI")
	if pe := binary.LittleEndian.Uint32(efi[60:]); binary.LittleEndian.Uint16(efi[pe+4:]) != 0xAA64 {
		t.Error("BOOTAA64.EFI is no program for 64-bit Arm")
	}
	if env := c.file(t, 1, "slots.env"); len(env) != 512 || !bytes.Contains(env, []byte("always=A\ntry=\n")) {
		t.Errorf("slots.env: %q", env)
	}
}

func (c *piCard) slotPartition(t *testing.T, board piBoard) {
	t.Helper()
	for _, number := range []int{2, 3} {
		if got := listed(t, c.at(number)); got != "Image initrd slot.cfg" {
			t.Errorf("partition %d holds %s", number, got)
		}
		// GRUB starts it as an UEFI program, which is the plain image with two heads in one.
		kernel := c.file(t, number, "Image")
		if !bytes.HasPrefix(kernel, []byte("MZ")) || string(kernel[56:60]) != "ARM\x64" {
			t.Errorf("the kernel begins with %q", kernel[:64])
		}
		initrd := c.file(t, number, "initrd")
		size, room := int64(len(kernel)+len(initrd)), c.manifest.Partitions[number-1].Bytes
		if size > room*3/4 {
			t.Errorf("kernel and initrd have %d bytes of %d: the next kernel may not fit", size, room)
		}
		line := string(c.file(t, number, "slot.cfg"))
		if strings.Count(line, "\n") != 2 || !strings.Contains(line, "rauc.slot=$slot") ||
			!strings.Contains(line, ":"+c.manifest.Root.VerityHash) {
			t.Errorf("slot.cfg: %s", line)
		}
		cmd := exec.Command("sh", "-c", "gzip -dc | cpio -it --quiet")
		cmd.Stdin = bytes.NewReader(initrd)
		list, err := cmd.Output()
		if err != nil {
			t.Fatalf("the initrd: %v", err)
		}
		for _, need := range []string{"init", "modules.list", "modules/" + board.host + ".ko",
			"modules/dm-verity.ko", "modules/squashfs.ko", "modules/bcm2835_wdt.ko"} {
			if !slices.Contains(strings.Fields(string(list)), need) {
				t.Errorf("the initrd has no %s:\n%s", need, list)
			}
		}
	}
}

// rootPartition: each driver that the terminal needs is in the kernel or beside it, and what Wi-Fi needs.
func (c *piCard) rootPartition(t *testing.T, board piBoard) {
	t.Helper()
	at := fmt.Sprint(c.manifest.Partitions[4].Start)
	cat := func(name string) string {
		t.Helper()
		return output(t, "unsquashfs", "-o", at, "-cat", c.image,
			"usr/lib/modules/"+c.manifest.Kernel+"/"+name)
	}
	drivers := cat("modules.builtin") + cat("modules.dep")
	for _, m := range append([]string{"mmc_block", "sdhci-iproc", "ext4", "vfat", "nls_ascii", "uvcvideo",
		"cdc-acm", "brcmfmac", "bcm2835_wdt", "i2c-bcm2835", "spi-bcm2835", "pwm-bcm2835", "pinctrl-bcm2835",
		"raspberrypi-cpufreq", "usbhid"}, board.modules...) {
		if !regexp.MustCompile(`(?m)/` + m + `\.ko(:|$)`).MatchString(drivers) {
			t.Errorf("the kernel has no driver %s", m)
		}
	}
	list := output(t, "unsquashfs", "-o", at, "-l", c.image, "usr/lib/firmware/brcm", "usr/sbin")
	// NetworkManager asks for it by D-Bus, and Debian only recommends it
	if !strings.Contains(list, "/usr/sbin/wpa_supplicant\n") {
		t.Error("nothing on the card speaks to a Wi-Fi")
	}
	for _, name := range board.wifi {
		if !strings.Contains(list, "/brcm/"+name+"\n") {
			t.Errorf("Wi-Fi lacks %s", name)
		}
	}
}

// treeOf gives the compatible property of a flattened device tree's root: names with a NUL behind each.
func treeOf(b []byte) string {
	u := binary.BigEndian.Uint32
	if len(b) < 40 || u(b) != 0xd00dfeed {
		return ""
	}
	structure, names := b[u(b[8:]):], b[u(b[12:]):]
	// Behind the root's beginning and its empty name come its properties, each with a 3 in front.
	for at := uint32(8); u(structure[at:]) == 3; {
		size, name := u(structure[at+4:]), names[u(structure[at+8:]):]
		if bytes.HasPrefix(name, []byte("compatible\x00")) {
			return string(structure[at+12 : at+12+size])
		}
		at += 12 + (size+3)&^3
	}
	return ""
}
