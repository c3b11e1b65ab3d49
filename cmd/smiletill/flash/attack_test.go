package flash

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"smiletill/payment"
)

// reader is a machine with a card of 32 MiB in a reader, which tells nothing of the card.
func reader(t *testing.T) (b *box, dev string) {
	t.Helper()
	b = newBox(t)
	return b, b.add("sdb", "8:16", "65536", map[string]string{"device/vendor": "Generic",
		"device/model": "STORAGE DEVICE", "ro": "0", "diskseq": "7"})
}

// TestOldDataIsGone: a new terminal finds no payments and faces of the shop before where its data partition
// begins, behind the image's end.
func TestOldDataIsGone(t *testing.T) {
	b, dev := reader(t)
	card := filepath.Join(t.TempDir(), "card")
	old := make([]byte, 32<<20)
	copy(old[16<<20:], "payments of the shop before")
	if err := os.WriteFile(card, old, 0o600); err != nil {
		t.Fatal(err)
	}
	image := plainImage(8 << 20)
	e := image[446:462] // a data partition from 16 MiB on, 8 MiB
	e[4] = 0x83
	binary.LittleEndian.PutUint32(e[8:], 16<<20/512)
	binary.LittleEndian.PutUint32(e[12:], 8<<20/512)
	j := job(filepath.Join(t.TempDir(), "c.img"), dev)
	j.Plain = false
	if err := os.WriteFile(j.Image, image, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := do(t.Context(), j, b.machine(), func(Disk) (openedCard, error) {
		f, err := os.OpenFile(card, os.O_RDWR, 0)
		return device{f}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(card); err != nil || bytes.Contains(got, []byte("payments of")) {
		t.Errorf("the old data partition is still there, %v", err)
	}
}

// TestSwappedWhileAsked: another card of the same size, in the same reader, is not the one that was agreed
// to.
func TestSwappedWhileAsked(t *testing.T) {
	b, dev := reader(t)
	j := job(filepath.Join(t.TempDir(), "c.img"), dev)
	j.Plain = false
	if err := os.WriteFile(j.Image, plainImage(1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	j.Agreed = func(Disk) (bool, error) {
		b.write("sys/devices/bus/sdb/diskseq", "8")
		return true, nil
	}
	_, err := do(t.Context(), j, b.machine(), func(Disk) (openedCard, error) {
		t.Error("opened")
		return nil, os.ErrClosed
	})
	if err == nil {
		t.Error("no word of it")
	}
}

// TestLoopOverADisk: a loop device may stand on a whole disk, and not on a file.
func TestLoopOverADisk(t *testing.T) {
	b, dev := reader(t)
	b.add("loop0", "7:0", "1000", map[string]string{"loop/backing_file": dev})
	b.mount("7:0", "/", "/dev/loop0")
	if _, err := b.machine().find(dev, false); err == nil {
		t.Error("the disk under the system's loop device is taken")
	}
}

// TestMayNotWrite: who may not write to a card is told before anything is asked.
func TestMayNotWrite(t *testing.T) {
	b, dev := reader(t)
	j := job(filepath.Join(t.TempDir(), "c.img"), dev)
	j.Plain = false
	if err := os.WriteFile(j.Image, plainImage(1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	j.Agreed = func(Disk) (bool, error) {
		t.Error("asked")
		return false, nil
	}
	m := b.machine()
	m.may = func(string) error { return fs.ErrPermission }
	_, err := do(t.Context(), j, m, func(Disk) (openedCard, error) { return nil, fs.ErrPermission })
	if err == nil || !strings.Contains(payment.HintOf(err), "sudo") {
		t.Errorf("it says %v (%s)", err, payment.HintOf(err))
	}
	gone := filepath.Join(t.TempDir(), "gone")
	if err := mayWrite(gone); err == nil {
		t.Error("what is not there may be written")
	}
	if err := os.WriteFile(gone, nil, 0o600); err != nil || mayWrite(gone) != nil {
		t.Error("one's own file may not be written")
	}
}

// gptImage is the beginning of a card with a GPT that has one partition, up to a sector.
func gptImage(last uint64) []byte {
	image := plainImage(1 << 20)
	image[446+4] = 0xee
	clear(image[sector : 34*sector])
	head := image[sector:]
	copy(head, "EFI PART")
	binary.LittleEndian.PutUint64(head[72:], 2)
	binary.LittleEndian.PutUint32(head[80:], 128)
	binary.LittleEndian.PutUint32(head[84:], 128)
	entry := image[2*sector+5*128:]
	entry[0] = 1
	binary.LittleEndian.PutUint64(entry[32:], 2048)
	binary.LittleEndian.PutUint64(entry[40:], last)
	return image
}

// TestTableOfAGPT: a card is too small for the partitions of a GPT too, though the image itself has room.
func TestTableOfAGPT(t *testing.T) {
	const end = 32 << 20 / sector
	for last, fits := range map[uint64]bool{end - 34: true, end - 33: false, 1 << 63: false} {
		file := filepath.Join(t.TempDir(), "c.img")
		if err := os.WriteFile(file, gptImage(last), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := check(t.Context(), file, 32<<20, func(int64, int64) {})
		if fits != (err == nil) || !fits && !strings.Contains(err.Error(), "the image's partitions need") {
			t.Errorf("a partition up to sector %d: %v", last, err)
		}
	}
	if end := gptEnd(make([]byte, 2*sector)); end != 0 {
		t.Errorf("what is no GPT ends at %d", end)
	}
}
