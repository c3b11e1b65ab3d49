package flash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

const (
	// headSize is what comes last, when all else was compared: the partition table is in it, without which
	// nothing starts. Most cards' first partition begins behind it.
	headSize = 1 << 20
	// block is written at a time.
	block = 4 << 20
	// flushed is how much is written before the card has to have it: a progress that runs ahead in memory
	// would stand still at its end for minutes.
	flushed = 4 * block
	// tail is what is emptied at the end of a disk.
	tail = 1 << 20
	// behind is how much is emptied behind the image: more than the gap before the data partition, and its head.
	behind = 64 << 20
)

// card is a device or file that is open for writing.
type card interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	// Forget drops what the system has in memory of it: what is read afterwards comes from the card.
	Forget() error
}

// device is a card behind a file of the system.
type device struct{ *os.File }

// Forget drops the pages of the file, and the buffers of a block device.
func (d device) Forget() error {
	if err := d.Sync(); err != nil {
		return err
	}
	info, err := d.Stat()
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeDevice != 0 {
		if err := unix.IoctlSetInt(int(d.Fd()), unix.BLKFLSBUF, 0); err != nil {
			return fmt.Errorf("drop what is in memory of %s: %w", d.Name(), err)
		}
	}
	if err := unix.Fadvise(int(d.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		return fmt.Errorf("drop what is in memory of %s: %w", d.Name(), err)
	}
	return nil
}

// discard tells a card that a part of it holds nothing any more, whole sectors.
func (d device) discard(from, bytes int64) error {
	span := [2]uint64{uint64(from), uint64(bytes)}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), unix.BLKDISCARD, uintptr(unsafe.Pointer(&span)))
	if errno != 0 {
		return errno
	}
	return nil
}

// openCard opens what find has let pass. O_EXCL has the kernel refuse a disk that was mounted meanwhile.
func openCard(d Disk) (device, error) {
	flags := os.O_RDWR | unix.O_EXCL
	if d.Plain {
		flags = os.O_RDWR | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(d.Path, flags, 0o600)
	if errors.Is(err, unix.EBUSY) {
		err = payment.WithHintf(err, "another program has it: `lsblk %s` shows what is mounted of it", d.Path)
	}
	if err == nil && !d.Plain {
		var st unix.Stat_t
		if e := unix.Fstat(int(f.Fd()), &st); e != nil || numbered(st.Rdev) != d.number {
			return device{}, payment.WithHint(errors.Join(fmt.Errorf("%s is another disk now", d.Path), e, f.Close()),
				"look which one it is, then begin again")
		}
	}
	return device{f}, err
}

// unusable is a card whose writing began and did not end well.
type unusable struct {
	path string
	err  error
}

func (u *unusable) Error() string { return u.path + ": " + u.err.Error() }
func (u *unusable) Unwrap() error { return u.err }

// Hint says what the card is now.
func (u *unusable) Hint() string {
	return "THE CARD IS NOT USABLE: do it again, whole. If it fails again, take another card or another reader"
}

// write puts an image on a card, but for its head: there is nothing where the partition table belongs. It
// gives that head.
func write(ctx context.Context, r io.Reader, c card, im image, step func(done, all int64)) ([]byte, error) {
	digest := sha256.New()
	head := make([]byte, min(headSize, im.bytes))
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("read %s: %w", im.path, err)
	}
	digest.Write(head)
	if err := atBeginning(c, make([]byte, len(head))); err != nil {
		return nil, err
	}
	buffer := make([]byte, block)
	for at := int64(len(head)); at < im.bytes; {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("stopped at %s of %s", sized(at), sized(im.bytes))
		}
		n, err := io.ReadFull(r, buffer[:min(block-at%block, im.bytes-at)])
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", im.path, err)
		}
		digest.Write(buffer[:n])
		if _, err := c.WriteAt(buffer[:n], at); err != nil {
			return nil, fmt.Errorf("write at %s of %s: %w", sized(at), sized(im.bytes), err)
		}
		at += int64(n)
		if at%flushed == 0 || at == im.bytes {
			if err := c.Sync(); err != nil {
				return nil, fmt.Errorf("write up to %s of %s: %w", sized(at), sized(im.bytes), err)
			}
			step(at, im.bytes)
		}
	}
	if hex.EncodeToString(digest.Sum(nil)) != im.digest {
		return nil, errors.New("the image's file was changed while it was written")
	}
	return head, nil
}

func atBeginning(c card, data []byte) error {
	_, err := c.WriteAt(data, 0)
	if err == nil {
		err = c.Sync()
	}
	if err != nil {
		return fmt.Errorf("write at its beginning: %w", err)
	}
	return nil
}

// compare reads a card back behind its head, not from memory, and holds it against the image's digest.
func compare(ctx context.Context, c card, im image, head []byte, step func(done, all int64)) error {
	if err := c.Forget(); err != nil {
		return err
	}
	digest := sha256.New()
	digest.Write(head)
	buffer := make([]byte, block)
	for at := int64(len(head)); at < im.bytes; {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped while it was read back, at %s of %s", sized(at), sized(im.bytes))
		}
		n, err := c.ReadAt(buffer[:min(block, im.bytes-at)], at)
		if n == 0 {
			return fmt.Errorf("read back at %s of %s: %w", sized(at), sized(im.bytes), err)
		}
		digest.Write(buffer[:n])
		at += int64(n)
		step(at, im.bytes)
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != im.digest {
		return fmt.Errorf("what is on it is not what was written: sha256 %s, and the image's is %s", got, im.digest)
	}
	return nil
}

// finish writes a card's head, the last of all, and reads it back.
func finish(c card, head []byte) error {
	if err := atBeginning(c, head); err != nil {
		return err
	}
	if err := c.Forget(); err != nil {
		return err
	}
	got := make([]byte, len(head))
	if _, err := c.ReadAt(got, 0); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read back its beginning: %w", err)
	}
	if !bytes.Equal(got, head) {
		return errors.New("what is at its beginning is not what was written")
	}
	return nil
}

// headed is a card whose head is still in memory alone: it is read and written there.
type headed struct {
	card
	head []byte
}

// ReadAt reads the head from memory, and the rest from the card.
func (h headed) ReadAt(p []byte, at int64) (n int, err error) {
	if at < int64(len(h.head)) {
		n = copy(p, h.head[at:])
	}
	if n == len(p) {
		return n, nil
	}
	more, err := h.card.ReadAt(p[n:], at+int64(n))
	return n + more, err
}

// WriteAt changes the head in memory, and the rest on the card.
func (h headed) WriteAt(p []byte, at int64) (n int, err error) {
	if at < int64(len(h.head)) {
		n = copy(h.head[at:], p)
	}
	if n == len(p) {
		return n, nil
	}
	more, err := h.card.WriteAt(p[n:], at+int64(n))
	return n + more, err
}
