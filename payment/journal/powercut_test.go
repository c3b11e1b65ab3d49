package journal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

// What ext4 calls a shutdown (fs/ext4/ext4.h): from then on nothing more reaches the disk, the journal of the
// file system neither.
const (
	ext4Shutdown   = 0x8004587d // _IOR('X', 125, __u32)
	withoutFlush   = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
	powerCutsShort = 10
	powerCutsAll   = 100
)

// image is an ext4 file system in a file, for root only.
type image struct {
	t            *testing.T
	file, folder string
	mounted      bool
}

func newImage(t *testing.T) *image {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount an image")
	}
	i := &image{t: t, file: filepath.Join(t.TempDir(), "disk"), folder: t.TempDir()}
	f, err := os.Create(i.file)
	if err == nil {
		err = errors.Join(f.Truncate(24<<20), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", i.file).CombinedOutput(); err != nil {
		t.Skipf("no ext4 can be made here: %v %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", i.file, i.folder).CombinedOutput(); err != nil {
		t.Skipf("no image can be mounted here: %v %s", err, out)
	}
	i.mounted = true
	t.Cleanup(i.unmount)
	return i
}

func (i *image) unmount() {
	if !i.mounted {
		return
	}
	if out, err := exec.Command("umount", i.folder).CombinedOutput(); err != nil {
		i.t.Errorf("umount: %v %s", err, out)
	}
	i.mounted = false
}

func (i *image) mount() {
	i.t.Helper()
	if out, err := exec.Command("mount", "-o", "loop", i.file, i.folder).CombinedOutput(); err != nil {
		i.t.Fatalf("mount again: %v %s", err, out)
	}
	i.mounted = true
}

// cut stops all writes to the disk, in the middle of whatever is written.
func (i *image) cut() {
	i.t.Helper()
	f, err := os.Open(i.folder)
	if err != nil {
		i.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), ext4Shutdown, withoutFlush); err != nil {
		i.t.Fatalf("shut the file system down: %v", err)
	}
}

// TestPowerCuts cuts the power of a real ext4 file system while a process approves payments on it, again and
// again on the same journal: what it said was approved must be there. `make crash` makes a hundred cuts.
func TestPowerCuts(t *testing.T) {
	disk := newImage(t)
	path := filepath.Join(disk.folder, "journal.db")
	cuts := pick(powerCutsAll, powerCutsShort)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	said := map[string]payment.State{}
	for cut := range cuts {
		payUntilTheCut(t, disk, path, said, time.Duration(dice.IntN(60_000))*time.Microsecond)
		disk.unmount()
		disk.mount()
		j := open(t, path, Options{OutboxMax: 1 << 30})
		for id, state := range said {
			if p, err := j.Find(t.Context(), id); err != nil || state == payment.StateApproved && p.State != state {
				t.Errorf("cut %d: %s was said %s, is %s, %v", cut, id, state, p.State, err)
			}
		}
		if _, err := j.Recover(t.Context(), time.Now(), false); err != nil {
			t.Error(err)
		}
		if report := verify(t, &j.Reader); report.Open != 0 {
			t.Errorf("cut %d: %+v", cut, report)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d cuts, %d payments were said and kept", cuts, len(said))
	if len(said) < cuts {
		t.Errorf("only %d payments in %d cuts", len(said), cuts)
	}
}

// payUntilTheCut lets a process pay for a while after its first payment and cuts the power.
func payUntilTheCut(
	t *testing.T,
	disk *image,
	path string,
	said map[string]payment.State,
	wait time.Duration,
) {
	t.Helper()
	cmd := child(t, "pay", path)
	cmd.Stderr = nil // it ends with the disk's error
	cut := make(chan struct{})
	payUntil(t, cmd, said, wait, func() { disk.cut(); close(cut) })
	<-cut
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestFlippedBytesOfTheTail damages the -wal of a killed process, byte by byte in its last pages: the last
// commits may be taken back whole, as after a power cut in the middle of them, and nothing else may happen.
func TestFlippedBytesOfTheTail(t *testing.T) {
	long(t)
	main, wal, prefixes := unmoved(t)
	const frame = 24 + 4096
	step := pick(1, 101)
	told, kept, taken := 0, 0, 0
	path := newPath(t)
	end := 32 // of the frames that count: a -wal is written over from its start, older ones stay behind
	for end+frame <= len(wal) && bytes.Equal(wal[end+8:end+16], wal[16:24]) {
		end += frame
	}
	// Six frames: the last ones only repeat the commit's up to the end of a sector.
	for at := end - 6*frame; at < end; at += step {
		text := append([]byte(nil), wal...)
		text[at] ^= 1 << (at % 8)
		write(t, path, main)
		write(t, path+"-wal", text)
		j, err := Open(t.Context(), path, Options{})
		if err != nil {
			if !errors.Is(err, ErrDamaged) || hint(err) == "" {
				t.Fatalf("byte %d: %v", at, err)
			}
			told++
			continue
		}
		verify(t, &j.Reader)
		entries, err := j.List(t.Context(), Filter{Limit: -1})
		if err := errors.Join(err, j.Close()); err != nil {
			t.Fatal(err)
		}
		states := ""
		for _, e := range entries {
			states += e.Payment.ID + " " + string(e.Payment.State) + ";"
		}
		switch states {
		case prefixes[len(prefixes)-1]:
			kept++
		case prefixes[len(prefixes)-2]:
			taken++
		default:
			t.Fatalf("byte %d: the journal tells %q, none of %q", at, states, prefixes)
		}
		for _, rest := range []string{"", "-wal", "-shm"} {
			remove(t, path+rest)
		}
	}
	t.Logf("%d told, %d without effect, %d took back the last commit", told, kept, taken)
	if taken == 0 {
		t.Error("no flip took a commit back: the test has lost its sense")
	}
}

// unmoved gives the files of a journal whose last commits lie in its -wal, and what it told after each.
func unmoved(t *testing.T) (main, wal []byte, told []string) {
	t.Helper()
	path := newPath(t)
	j := open(t, path, Options{})
	j.keeper.stop()
	states := func() {
		entries, err := j.List(t.Context(), Filter{Limit: -1})
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, e := range entries {
			text += e.Payment.ID + " " + string(e.Payment.State) + ";"
		}
		told = append(told, text)
	}
	for _, id := range []string{"a", "b"} {
		p := waiting(t, id)
		commit(t, j, p)
		states()
		commit(t, j, approved(t, p))
		states()
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	return read(path), read(path + "-wal"), told
}
