//go:build linux

package buildroot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asked is what a card is asked when another one is in the machine: which disk is its own, and which one it
// has by the names that both have.
const asked = `for i in $(seq 300); do [ -e /dev/sda7 ] && break; sleep 0.2; done
udevadm settle
systemctl start dbus # this early nothing else has
for n in 1 2 3 5 6 7; do
	signed=$(readlink -f /dev/disk/by-partuuid/534d4c54-0$n)
	echo "partition $n: $(readlink -f /dev/smiletill/$n), by signature $signed"
done
echo "mounted: $(findmnt -nro SOURCE /boot/select) $(findmnt -nro SOURCE /var/lib/smiletill)"
echo "RAUC: $(rauc status --output-format=shell | grep -E 'SLOT_DEVICE|BOOTED' | tr '\n' ' ')"
`

// beside starts the card with a copy of it in a reader on USB, which is another card with the same names:
// mounts, RAUC and the chooser have the partitions of the one that was started, and nothing is written to
// the other. As a second disk of the machine's own kind neither is started.
func (c *booted) beside(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.img")
	output(t, "cp", "--reflink=auto", "--sparse=always", c.image, other)
	before := written(t, other)
	slot := output(t, "mtype", "-i", c.at(2), "::slot.cfg")
	c.put(1, "asked.sh", asked)
	c.put(2, "slot.cfg", strings.Replace(slot, "\ninitrd", " \"systemd.run=/bin/sh /boot/select/asked.sh\""+
		// a machine that is busy feeds no watchdog, and this is not about it
		" systemd.run_success_action=none systemd.watchdog_sec=0\ninitrd", 1))
	drive := "if=none,id=other,format=raw,file=" + other
	m := headless(t, c.image, 1024, "-drive", drive, "-device", "usb-storage,drive=other")
	for _, n := range []int{1, 2, 3, 5, 6, 7} {
		t.Log(m.until(fmt.Sprintf(`partition %d: /dev/vda%[1]d, .*\n`, n), patience))
	}
	m.until(`mounted: /dev/vda1 /dev/vda7`, patience)
	if said := m.until(`RAUC: .*\n`, patience); strings.Count(said, "/dev/smiletill/") != 4 {
		t.Errorf("RAUC has other devices: %s", said)
	}
	m.cut()
	m = headless(t, c.image, 1024, "-drive", drive, "-device", "virtio-blk-pci,drive=other")
	m.until(`init: /dev/vda5 and /dev/vdb5 are of two cards that have the same signature`, patience)
	m.cut()
	c.put(2, "slot.cfg", slot)
	output(t, "mdel", "-i", c.at(1), "::asked.sh")
	if after := written(t, other); !after.Equal(before) {
		t.Error("the other card was written to")
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
}
