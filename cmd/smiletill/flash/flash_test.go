package flash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put2(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plainImage is bytes that look like a card without being one.
func plainImage(size int) []byte {
	data := make([]byte, size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	clear(data[446:510]) // a table without partitions
	data[510], data[511] = 0x55, 0xaa
	return data
}

func job(image, device string) Job {
	return Job{Image: image, Device: device, Plain: true,
		Agreed: func(Disk) (bool, error) { return true, nil }, Step: func(string, int64, int64) {}}
}

func opens(d Disk) (openedCard, error) { return openCard(d) }

func sums(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// What stands beside an image, and what is in it, before anything is erased.
func TestImage(t *testing.T) {
	data := plainImage(1 << 20)
	for _, tc := range []struct {
		name         string
		pack         []string // a command that packs it
		ending       string
		beside       func(packed string) map[string]string // files by their names
		change       func([]byte) []byte
		said, hinted string
	}{
		{name: "plain"},
		{name: "xz", pack: []string{"xz", "-0"}, ending: ".xz"},
		{name: "zstd", pack: []string{"zstd", "-q"}, ending: ".zst"},
		{name: "gzip", pack: []string{"gzip", "-1"}, ending: ".gz"},
		{name: "its checksum", pack: []string{"gzip", "-1"}, ending: ".gz",
			beside: func(p string) map[string]string {
				return map[string]string{"c.img.gz.sha256": p +
					"  c.img.gz\n"}
			}},
		{name: "its checksum, in DOS's way and alone", beside: func(p string) map[string]string {
			return map[string]string{"c.img.sha256": strings.ToUpper(p) + "\r\n"}
		}},
		{name: "the card's checksum", pack: []string{"gzip", "-1"}, ending: ".gz",
			beside: func(string) map[string]string {
				return map[string]string{"c.img.sha256": sums(data) + " *c.img\n"}
			}},
		{name: "one of a list", beside: func(p string) map[string]string {
			return map[string]string{"SHA256SUMS": strings.Repeat("0", 64) + "  other.img\n" + p + "  c.img\n"}
		}},
		{name: "a manifest", pack: []string{"gzip", "-1"}, ending: ".gz", beside: func(string) map[string]string {
			return map[string]string{"c.manifest.json": `{"board": "pi4", "image": {"sha256": "` + sums(data) + `"}}`}
		}},
		{name: "another's manifest", beside: func(p string) map[string]string {
			return map[string]string{"c.img.sha256": p + "\n",
				"c.manifest.json": `{"image": {"sha256": "` + strings.Repeat("0", 64) + `"}}`}
		}, said: "not what c.manifest.json says", hinted: "get it again"},
		{name: "a manifest cut short", beside: func(string) map[string]string {
			return map[string]string{"c.manifest.json": `{"image": {"sha2`}
		}, said: "has no checksum", hinted: "get both"},
		{name: "another list", beside: func(string) map[string]string {
			return map[string]string{"SHA256SUMS": strings.Repeat("0", 64) + "  other.img\n"}
		}},
		{name: "another's checksum", beside: func(string) map[string]string {
			return map[string]string{"c.img.sha256": strings.Repeat("0", 64) + "  c.img\n"}
		}, said: "should be 000", hinted: "get it again"},
		{name: "no checksum in it", beside: func(string) map[string]string {
			return map[string]string{"c.img.sha256": "not found\n"}
		}, said: "has no checksum", hinted: "get both"},
		{name: "cut short", pack: []string{"xz", "-0"}, ending: ".xz",
			change: func(b []byte) []byte { return b[:len(b)/2] }, said: "unexpected EOF", hinted: "cut short"},
		{name: "damaged", pack: []string{"zstd", "-q"}, ending: ".zst",
			change: func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, said: "read ", hinted: "damaged"},
		{name: "packed with zip", change: func(b []byte) []byte { return append([]byte("PK\x03\x04"), b...) },
			said: "zip", hinted: "unpack"},
		{name: "no card", change: func(b []byte) []byte { b[510] = 0; return b }, said: "no partition table",
			hinted: ".raucb"},
		{name: "empty", change: func([]byte) []byte { return nil }, said: "no partition table", hinted: ".img"},
		{name: "partitions behind its end", change: func(b []byte) []byte {
			b[446+4], b[446+8+1], b[446+12+2] = 0x83, 8, 1 // from 1 MiB on, of 32 MiB
			return b
		}, said: "holds 8.0 MB, and the image's partitions need 34.6 MB", hinted: "larger card"},
		{name: "too large", change: func(b []byte) []byte { return append(b, make([]byte, 8<<20)...) },
			said: "holds 8.0 MB", hinted: "larger card"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := put2(t, filepath.Join(dir, "c.img"), data)
			if tc.pack != nil {
				if _, err := exec.LookPath(tc.pack[0]); err != nil {
					t.Skipf("%s is not installed", tc.pack[0])
				}
				if out, err := exec.Command(tc.pack[0], append(tc.pack[1:], path)...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				path += tc.ending
			}
			if tc.change != nil {
				put2(t, path, tc.change(read(t, path)))
			}
			if tc.beside != nil {
				for name, text := range tc.beside(sums(read(t, path))) {
					put2(t, filepath.Join(dir, name), []byte(text))
				}
			}
			im, err := check(t.Context(), path, 8_000_000, func(int64, int64) {})
			if tc.said != "" {
				if err == nil || !strings.Contains(err.Error(), tc.said) ||
					!strings.Contains(payment.HintOf(err), tc.hinted) {
					t.Errorf("%v (%s)", err, payment.HintOf(err))
				}
				return
			}
			if err != nil || im.digest != sums(data) || im.bytes != int64(len(data)) {
				t.Fatalf("%+v, %v", im, err)
			}
			if (im.declared != "") != (tc.beside != nil && tc.name != "another list") {
				t.Errorf("its checksum is said to be from %q", im.declared)
			}
		})
	}
}

// broken is a card whose nth call of write, sync or read fails, or that keeps something else than was
// written.
type broken struct {
	openedCard
	calls, fail int
	gone        bool // all later calls fail too: it was pulled out
	lies        bool
}

func (b *broken) next() error {
	b.calls++
	if b.calls == b.fail || b.gone && b.fail > 0 && b.calls > b.fail {
		return syscall.EIO
	}
	return nil
}

func (b *broken) WriteAt(p []byte, at int64) (int, error) {
	if err := b.next(); err != nil {
		return 0, err
	}
	return b.openedCard.WriteAt(p, at)
}

func (b *broken) ReadAt(p []byte, at int64) (int, error) {
	if err := b.next(); err != nil {
		return 0, err
	}
	n, err := b.openedCard.ReadAt(p, at)
	if b.lies && at > 0 {
		p[0] ^= 1
	}
	return n, err
}

func (b *broken) Sync() error {
	if err := b.next(); err != nil {
		return err
	}
	return b.openedCard.Sync()
}

// startsNothing says that no machine would start from what is in a file.
func startsNothing(t *testing.T, path string) {
	t.Helper()
	begin := read(t, path)
	if begin = begin[:min(len(begin), 1<<20)]; !bytes.Equal(begin, make([]byte, len(begin))) {
		t.Error("what is left begins like a card that works")
	}
}

// Whatever call fails, once or from then on, the card is said to be not usable, and what begins like a card
// that works is a whole one.
func TestCardThatFails(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("pulled out %v", gone), func(t *testing.T) { failing(t, gone) })
	}
}

func failing(t *testing.T, gone bool) {
	dir := t.TempDir()
	image := put2(t, filepath.Join(dir, "c.img"), plainImage(2*block+512))
	for n := 1; ; n++ {
		device := filepath.Join(dir, fmt.Sprint("card", n))
		b := &broken{fail: n, gone: gone}
		_, err := do(t.Context(), job(image, device), thisMachine(), func(d Disk) (openedCard, error) {
			c, err := openCard(d)
			b.openedCard = c
			return b, err
		})
		if b.calls < n {
			if err != nil || n < 12 || !bytes.Equal(read(t, device), read(t, image)) {
				t.Errorf("after %d calls without a fault: %v", b.calls, err)
			}
			return
		}
		if !errors.Is(err, syscall.EIO) || !strings.Contains(payment.HintOf(err), "NOT USABLE") {
			t.Errorf("call %d: %v (%s)", n, err, payment.HintOf(err))
		}
		if !gone || !bytes.Equal(read(t, device), read(t, image)) {
			startsNothing(t, device)
		}
	}
}

func TestCardThatKeepsSomethingElse(t *testing.T) {
	dir := t.TempDir()
	image := put2(t, filepath.Join(dir, "c.img"), plainImage(2*block))
	device := filepath.Join(dir, "card")
	_, err := do(t.Context(), job(image, device), thisMachine(), func(d Disk) (openedCard, error) {
		c, err := openCard(d)
		return &broken{openedCard: c, lies: true}, err
	})
	if err == nil || !strings.Contains(err.Error(), "not what was written") ||
		!strings.Contains(payment.HintOf(err), "NOT USABLE") {
		t.Errorf("%v (%s)", err, payment.HintOf(err))
	}
	startsNothing(t, device)
}

// Stopped while the image is read or by a no, the card is as it was; later it is not usable.
func TestStopped(t *testing.T) {
	dir := t.TempDir()
	image := put2(t, filepath.Join(dir, "c.img"), plainImage(2*flushed))
	before := []byte("holiday pictures")
	for _, part := range []string{"reading", "no", "writing", "comparing"} {
		t.Run(part, func(t *testing.T) {
			device := put2(t, filepath.Join(t.TempDir(), "card"), before)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			j := job(image, device)
			j.Step = func(now string, done, _ int64) {
				if now == part && done > 0 {
					stop()
				}
			}
			j.Agreed = func(Disk) (bool, error) { return part != "no", nil }
			_, err := do(ctx, j, thisMachine(), opens)
			if part == "reading" || part == "no" {
				if err == nil || !strings.Contains(err.Error()+payment.HintOf(err), "as it was") ||
					!bytes.Equal(read(t, device), before) {
					t.Errorf("%v (%s)", err, payment.HintOf(err))
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), "stopped") ||
				!strings.Contains(payment.HintOf(err), "NOT USABLE") {
				t.Errorf("%v (%s)", err, payment.HintOf(err))
			}
			startsNothing(t, device)
		})
	}
}

// TestKilled kills the process in the middle of writing: nobody says anything then, but nothing starts from
// the card.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("FLASH_TEST_DIR"); dir != "" {
		j := job(filepath.Join(dir, "c.img"), filepath.Join(dir, "card"))
		j.Step = func(part string, done, _ int64) {
			if part == "writing" && done > 0 {
				_ = unix.Kill(os.Getpid(), unix.SIGKILL)
			}
		}
		_, err := Do(t.Context(), j)
		t.Fatalf("it lives: %v", err)
	}
	dir := t.TempDir()
	data := plainImage(2 * flushed)
	put2(t, filepath.Join(dir, "c.img"), data)
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "FLASH_TEST_DIR="+dir)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("not killed: %v\n%s", err, out)
	}
	device := filepath.Join(dir, "card")
	if info, err := os.Stat(device); err != nil || info.Size() < flushed {
		t.Fatalf("it was killed too early: %v %v", info, err)
	}
	startsNothing(t, device)
	if _, err := Do(t.Context(), job(filepath.Join(dir, "c.img"), device)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, device), data) {
		t.Error("done again it is not the image")
	}
}

func TestSameFile(t *testing.T) {
	path := put2(t, filepath.Join(t.TempDir(), "c.img"), plainImage(1<<20))
	if _, err := Do(t.Context(), job(path, path)); err == nil || !strings.Contains(err.Error(), "one file") {
		t.Errorf("the image is written over itself: %v", err)
	}
	if _, err := os.Stat(path + ".sha256"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
