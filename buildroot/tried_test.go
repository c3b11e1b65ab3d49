//go:build linux

package buildroot_test

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestCardWayBack boots a card without a display and with 512 MiB of memory, and has a slot tried that is a
// copy of the other one but for what its kernel is told: whatever becomes of it, the old slot comes back.
func TestCardWayBack(t *testing.T) {
	dir := os.Getenv("SMILETILL_CARD")
	if dir == "" {
		t.Skip("SMILETILL_CARD is not set: `make card-test` boots a card in an emulated machine")
	}
	t.Parallel()
	c := flashed(t, dir)
	t.Run("512 MiB", func(t *testing.T) { c.t = t; c.small(t) })
	for _, part := range []struct{ name, words, says string }{
		// "cp" to sysrq: its first letter has the kernel crash
		{"panic", `"systemd.run=/bin/cp /proc/self/comm /proc/sysrq-trigger"`, `Kernel panic`},
		{"hang", `"systemd.run=/bin/kill -SEGV 1"`, `Freezing execution`},
	} {
		t.Run(part.name, func(t *testing.T) {
			c.t = t
			c.copyA(part.words)
			c.tryB()
			m := emulate(t, asFast, c.image, 1024) // a kernel that has crashed counts its seconds by work
			m.until(part.says, patience)
			begun := time.Now()
			m.until(`init: slot A`, patience)
			t.Logf("slot A was back after %.1f s", time.Since(begun).Seconds())
			m.cut()
		})
	}
}

// small is the first start of a card, with little memory: it grows to the card's size, and its terminal
// comes up.
func (c *booted) small(t *testing.T) {
	m := headless(t, c.image, 512, "-device", "virtio-balloon-pci,id=balloon")
	begun := time.Now()
	m.until(`Finished smiletill-data.service`, patience)
	m.until(`Started smiletill.service`, patience)
	m.until(`this terminal is not set up`, patience) // by `smiletill status`
	t.Logf("the terminal said its status after %.1f s", time.Since(begun).Seconds())
	m.tell("qom-set", map[string]any{"path": "/machine/peripheral/balloon",
		"property": "guest-stats-polling-interval", "value": 1})
	time.Sleep(3 * time.Second) // the guest's driver is asked each second
	var memory struct{ Stats map[string]int64 }
	if err := json.Unmarshal(m.tell("qom-get", map[string]any{"path": "/machine/peripheral/balloon",
		"property": "guest-stats"}), &memory); err != nil {
		t.Fatal(err)
	}
	t.Logf("of %d MiB that the kernel has to give, %d MiB are in use", memory.Stats["stat-total-memory"]>>20,
		(memory.Stats["stat-total-memory"]-memory.Stats["stat-available-memory"])>>20)
	m.off(patience)
	size := strings.Fields(output(t, "partx", "--noheadings", "--show", "--output", "END", "--nr", "7", c.image))
	if len(size) != 1 || size[0] != "8388607" {
		t.Errorf("the data partition ends at sector %s of 8388608", size)
	}
	blocks := output(t, "/sbin/debugfs", "-R", "show_super_stats -h", c.offset(7))
	if !strings.Contains(blocks, "Block count:              748") {
		t.Errorf("the file system on the data partition is no larger than the image's:\n%s", blocks)
	}
}

// copyA makes slot B what slot A is, with more words for its kernel.
func (c *booted) copyA(words string) {
	c.t.Helper()
	f, err := os.OpenFile(c.image, os.O_RDWR, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	for from, to := range map[int]int{2: 3, 5: 6} {
		a, b := c.manifest.Partitions[from-1], c.manifest.Partitions[to-1]
		if _, err := io.Copy(io.NewOffsetWriter(f, b.Start), io.NewSectionReader(f, a.Start, a.Bytes)); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		c.t.Fatal(err)
	}
	lines := strings.SplitAfter(output(c.t, "mtype", "-i", c.at(3), "::slot.cfg"), "\n")
	lines[0] = strings.Replace(lines[0], " quiet ", " quiet "+words+" ", 1)
	c.put(3, "slot.cfg", strings.Join(lines, ""))
}
