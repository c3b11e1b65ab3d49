//go:build linux

package buildroot_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestGrowData: on a card that is larger than its image the data partition goes to the end, and nothing else
// moves; also after a cut between any two of the sectors that are written.
func TestGrowData(t *testing.T) {
	tools(t, "genimage", "mksquashfs", "/sbin/mkfs.vfat", "/sbin/sfdisk")
	image := postImage(t, images(t))
	const size = 256 << 20
	if err := os.Truncate(image, size); err != nil {
		t.Fatal(err)
	}
	before := read(t, image)
	grow := func(file string) {
		t.Helper()
		cmd := exec.Command("sh", lib+"grow-data", file)
		cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/sbin:/usr/sbin")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("grow-data: %v\n%s", err, out)
		}
	}
	table := func() string {
		return strings.ReplaceAll(output(t, "/sbin/sfdisk", "-d", image), image, "card")
	}
	old := table()
	grow(image)
	after := read(t, image)
	grown := table()
	oldLines, lines := strings.Split(old, "\n"), strings.Split(grown, "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "card4"), strings.HasPrefix(line, "card7"):
			if start, _, _ := strings.Cut(line, ","); line == oldLines[i] || !strings.HasPrefix(oldLines[i], start) {
				t.Errorf("was %s, is %s", oldLines[i], line)
			}
		case line != oldLines[i]:
			t.Errorf("was %s, is %s", oldLines[i], line)
		}
	}
	end := output(t, "partx", "--noheadings", "--show", "--output", "END", "--nr", "7", image)
	if strings.TrimSpace(end) != strconv.Itoa(size/512-1) {
		t.Errorf("the data partition ends at sector %s of %d", end, size/512)
	}
	var changed []int
	for at := 0; at < size; at += 512 {
		if !bytes.Equal(before[at:at+512], after[at:at+512]) {
			changed = append(changed, at)
		}
	}
	if len(changed) < 2 || len(changed) > 4 {
		t.Fatalf("sectors at %v were written", changed)
	}
	for cut := range 1 << len(changed) { // in whatever order the card wrote them
		part := bytes.Clone(before)
		for i, at := range changed {
			if cut&(1<<i) != 0 {
				copy(part[at:at+512], after[at:at+512])
			}
		}
		file := filepath.Join(t.TempDir(), "card")
		if err := os.WriteFile(file, part, 0o600); err != nil {
			t.Fatal(err)
		}
		grow(file)
		if got := read(t, file); !bytes.Equal(got, after) {
			t.Errorf("after a cut with sectors %b of %v written the table is another", cut, changed)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}
