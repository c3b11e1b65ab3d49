//go:build linux

package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	const tree = "smiletill.verity=70000:00000000000000000000000000000000000000000000000000000000deadbeef"
	w, err := parse("BOOT_IMAGE=/Image root=PARTUUID=534d4c54-06 ro rauc.slot=B quiet " + tree + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if w.slot != "B" || w.signature != 0x534d4c54 || w.number != 6 {
		t.Errorf("%+v", w)
	}
	want := "1 /dev/vda6 /dev/vda6 4096 4096 70000 70000 sha256 " + w.hash + " -"
	if got := w.table("/dev/vda6"); got != want || !strings.HasSuffix(w.hash, "deadbeef") {
		t.Errorf("table %s, want %s", got, want)
	}
	const root = "root=PARTUUID=534d4c54-06"
	for _, bad := range []string{"", root, tree, "root=/dev/vda6 " + tree,
		root + " smiletill.verity=0:" + w.hash, root + " smiletill.verity=7:" + w.hash[1:]} {
		if w, err := parse(bad); err == nil {
			t.Errorf("%q gives a root: %+v", bad, w)
		}
	}
}

// TestFind takes the partition of the disk with the right signature, also one that comes late, and
// none of two.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	sys, dev := filepath.Join(dir, "sys/class/block"), filepath.Join(dir, "dev")
	disk := func(name string, signature uint32) {
		t.Helper()
		block := filepath.Join(dir, "sys/devices/block", name)
		for n := range 7 {
			part := name + string(rune('1'+n))
			if err := os.MkdirAll(filepath.Join(block, part), 0o755); err != nil {
				t.Fatal(err)
			}
			number := filepath.Join(block, part, "partition")
			if err := os.WriteFile(number, []byte{byte('1' + n), '\n'}, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(block, part), filepath.Join(sys, part)); err != nil {
				t.Fatal(err)
			}
		}
		mbr := make([]byte, 512)
		binary.LittleEndian.PutUint32(mbr[440:], signature)
		if err := os.WriteFile(filepath.Join(dev, name), mbr, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{sys, dev} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	disk("vda", 0x11111111)
	w := rootWanted{signature: 0x534d4c54, number: 6}
	if got, err := find(w, sys, dev, time.Millisecond); err == nil {
		t.Errorf("another's disk was taken: %s", got)
	}
	late := filepath.Join(dev, "late")
	disk("vdb", 0x534d4c54)
	if err := os.Rename(filepath.Join(dev, "vdb"), late); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = os.Rename(late, filepath.Join(dev, "vdb")) })
	if got, err := find(w, sys, dev, 10*time.Second); err != nil || got != filepath.Join(dev, "vdb6") {
		t.Errorf("found %s %v", got, err)
	}
	disk("vdc", 0x534d4c54)
	if got, err := find(w, sys, dev, time.Millisecond); err == nil ||
		!strings.Contains(err.Error(), "vdb6 and ") || !strings.Contains(err.Error(), "take out the card") {
		t.Errorf("of two cards %s was taken, %v", got, err)
	}
}

func TestRequest(t *testing.T) {
	b := request(1)
	if err := target(b, "verity", 80, "1 a b"); err != nil {
		t.Fatal(err)
	}
	if string(b[48:62]) != name || string(b[312+24:312+30]) != "verity" ||
		string(b[312+40:312+46]) != "1 a b\x00" {
		t.Errorf("request %q", b)
	}
	if err := target(b, "verity", 80, strings.Repeat("x", room)); err == nil {
		t.Error("a table that is too long fits")
	}
}
