package flash

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

const (
	// block is written at a time, and comes last at the card's beginning: the partition table and what a Pi
	// looks for first are in it.
	block = 4 << 20
	// flushed is how much is written before the card has to have it: a progress that runs ahead in memory
	// would stand still at its end for minutes.
	flushed = 4 * block
	// tail is what is emptied at the end of a disk.
	tail = 1 << 20
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
	return "THE CARD IS NOT USABLE: do it again, whole. Nothing starts from it meanwhile. If it fails again, " +
		"take another card or another reader"
}

// write puts an image on a card: first nothing where the partition table is, then all behind it, and the
// beginning last. It gives the digest of what was written.
func write(ctx context.Context, r io.Reader, c card, im image, step func(done, all int64)) (string, error) {
	digest := sha256.New()
	head := make([]byte, min(block, im.bytes))
	if _, err := io.ReadFull(r, head); err != nil {
		return "", fmt.Errorf("read %s: %w", im.path, err)
	}
	digest.Write(head)
	if _, err := c.WriteAt(make([]byte, len(head)), 0); err != nil {
		return "", fmt.Errorf("write at its beginning: %w", err)
	}
	if err := c.Sync(); err != nil {
		return "", fmt.Errorf("write at its beginning: %w", err)
	}
	buffer := make([]byte, block)
	for at := int64(len(head)); at < im.bytes; {
		if ctx.Err() != nil {
			return "", fmt.Errorf("stopped at %s of %s", sized(at), sized(im.bytes))
		}
		n, err := io.ReadFull(r, buffer[:min(block, im.bytes-at)])
		if err != nil {
			return "", fmt.Errorf("read %s: %w", im.path, err)
		}
		digest.Write(buffer[:n])
		if _, err := c.WriteAt(buffer[:n], at); err != nil {
			return "", fmt.Errorf("write at %s of %s: %w", sized(at), sized(im.bytes), err)
		}
		at += int64(n)
		if at%flushed == 0 || at == im.bytes {
			if err := c.Sync(); err != nil {
				return "", fmt.Errorf("write up to %s of %s: %w", sized(at), sized(im.bytes), err)
			}
			step(at, im.bytes)
		}
	}
	if _, err := c.WriteAt(head, 0); err != nil {
		return "", fmt.Errorf("write at its beginning: %w", err)
	}
	if err := c.Sync(); err != nil {
		return "", fmt.Errorf("write at its beginning: %w", err)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// compare reads a card back, not from memory, and holds it against the image's digest.
func compare(ctx context.Context, c card, im image, step func(done, all int64)) error {
	if err := c.Forget(); err != nil {
		return err
	}
	digest := sha256.New()
	buffer := make([]byte, block)
	for at := int64(0); at < im.bytes; {
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
