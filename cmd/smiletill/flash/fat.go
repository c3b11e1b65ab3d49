package flash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/diskfs/go-diskfs/filesystem"
	"github.com/diskfs/go-diskfs/filesystem/fat12"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/diskfs/go-diskfs/partition"

	"smiletill/payment"
)

const sector = 512

// addFile puts a file into the FAT of a card's first partition, reads it back from the card, and gives the
// partition's label. bytes is how far the image reaches.
func addFile(c card, bytes int64, name string, data []byte) (label string, err error) {
	start, size, err := firstPartition(c, bytes)
	if err != nil {
		return "", err
	}
	fat, err := openFAT(c, bytes, start, size)
	if err != nil {
		return "", err
	}
	f, err := fat.OpenFile("/"+name, os.O_CREATE|os.O_RDWR|os.O_TRUNC)
	if err != nil {
		return "", err
	}
	if _, err := f.Write(data); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	if err := countFree(c, start); err != nil {
		return "", err
	}
	if err := c.Forget(); err != nil { // which syncs first
		return "", err
	}
	if fat, err = openFAT(c, bytes, start, size); err != nil {
		return "", err
	}
	back, err := fat.OpenFile("/"+name, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	// in one go: what the library reads from the middle of a file can be too long
	got := make([]byte, len(data)+1)
	n, err := back.Read(got)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if string(got[:n]) != string(data) {
		return "", errors.New("what was read back is not what was written")
	}
	return fat.Label(), nil
}

// firstPartition finds where a card's first partition begins and how long it is, in bytes.
func firstPartition(c card, bytes int64) (start, size int64, err error) {
	table, err := partition.Read(storage{card: c, size: bytes}, sector, sector)
	if err != nil {
		return 0, 0, fmt.Errorf("look for the first partition: %w", err)
	}
	for _, p := range table.GetPartitions() {
		if p.GetSize() > 0 {
			start, size = p.GetStart(), p.GetSize()
			break
		}
	}
	if size == 0 || start < sector || start+size > bytes {
		return 0, 0, payment.WithHint(errors.New("the image has no first partition"),
			"is it a card of this project?")
	}
	return start, size, nil
}

// openFAT reads the FAT of a partition, of whichever kind: how many clusters it has says which (Microsoft's
// specification of FAT, "FAT type determination").
func openFAT(c card, bytes, start, size int64) (filesystem.FileSystem, error) {
	var boot [sector]byte
	if _, err := c.ReadAt(boot[:], start); err != nil {
		return nil, err
	}
	word := func(at int) int64 { return int64(binary.LittleEndian.Uint16(boot[at:])) }
	perCluster, reserved, copies, roots := int64(boot[13]), word(14), int64(boot[16]), word(17)
	if boot[510] != 0x55 || boot[511] != 0xaa || word(11) != sector || perCluster == 0 || copies == 0 {
		return nil, payment.WithHint(errors.New("the first partition is no FAT"), "is it a card of this project?")
	}
	s := storage{card: c, size: bytes}
	if roots == 0 {
		return fat32.Read(s, size, start, sector)
	}
	sectors := word(19)
	if sectors == 0 {
		sectors = int64(binary.LittleEndian.Uint32(boot[32:]))
	}
	const fat12Most = 4084
	if (sectors-reserved-copies*word(22)-roots*32/sector)/perCluster <= fat12Most {
		return fat12.Read(s, size, start, sector)
	}
	return fat16.Read(s, size, start, sector)
}

// countFree puts the number of free clusters of a FAT32 where it is kept for whoever wants to know it without
// counting: the library leaves the old one. The other kinds keep none.
func countFree(c card, start int64) error {
	var boot, info [sector]byte
	if _, err := c.ReadAt(boot[:], start); err != nil {
		return err
	}
	word := func(at int) int64 { return int64(binary.LittleEndian.Uint16(boot[at:])) }
	long := func(at int) int64 { return int64(binary.LittleEndian.Uint32(boot[at:])) }
	if word(17) != 0 {
		return nil
	}
	at := start + word(48)*sector
	if _, err := c.ReadAt(info[:], at); err != nil {
		return err
	}
	clusters := (long(32) - word(14) - int64(boot[16])*long(36)) / int64(boot[13])
	const entry, first = 4, 2
	fat := make([]byte, min(long(36)*sector, (clusters+first)*entry))
	if _, err := c.ReadAt(fat, start+word(14)*sector); err != nil {
		return err
	}
	free := uint32(0)
	for i := first * entry; i+entry <= len(fat); i += entry {
		const bits = 0x0fffffff // the upper four are reserved
		if binary.LittleEndian.Uint32(fat[i:])&bits == 0 {
			free++
		}
	}
	binary.LittleEndian.PutUint32(info[488:], free)
	_, err := c.WriteAt(info[:], at)
	return err
}

// storage shows a card to the library that knows FAT.
type storage struct {
	card
	size int64
}

func (s storage) Stat() (fs.FileInfo, error)              { return stat{s.size}, nil }
func (s storage) Sys() (*os.File, error)                  { return nil, backend.ErrNotSuitable }
func (s storage) Writable() (backend.WritableFile, error) { return s, nil }
func (s storage) Path() string                            { return "" }
func (s storage) Close() error                            { return nil } // the card is its owner's

// Read and Seek are for a library that reads by places alone.
func (s storage) Read([]byte) (int, error)       { return 0, errors.ErrUnsupported }
func (s storage) Seek(int64, int) (int64, error) { return 0, errors.ErrUnsupported }

// stat is what a card says as a file.
type stat struct{ size int64 }

func (s stat) Name() string       { return "card" }
func (s stat) Size() int64        { return s.size }
func (s stat) Mode() fs.FileMode  { return 0o600 }
func (s stat) ModTime() time.Time { return time.Time{} }
func (s stat) IsDir() bool        { return false }
func (s stat) Sys() any           { return nil }
