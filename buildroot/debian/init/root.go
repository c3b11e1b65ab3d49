//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// rootWanted is what the command line says of the root.
type rootWanted struct {
	slot      string // A or B
	signature uint32 // of the disk
	number    int    // of the partition
	blocks    uint64 // of data, 4096 bytes each; the hash tree begins behind them
	hash      string // of the tree's top, 64 hexadecimal digits
}

var (
	partUUID = regexp.MustCompile(`^PARTUUID=([0-9a-f]{8})-([0-9a-f]{2})$`)
	verity   = regexp.MustCompile(`^([1-9][0-9]{0,9}):([0-9a-f]{64})$`)
)

// parse reads the kernel's command line.
func parse(line string) (rootWanted, error) {
	words := map[string]string{}
	for w := range strings.FieldsSeq(line) {
		key, value, _ := strings.Cut(w, "=")
		words[key] = value
	}
	const partKey, treeKey = "root", "smiletill.verity"
	part, tree := partUUID.FindStringSubmatch(words[partKey]), verity.FindStringSubmatch(words[treeKey])
	if part == nil {
		return rootWanted{}, fmt.Errorf("the command line has %s=%s: want PARTUUID=1234abcd-05",
			partKey, words[partKey])
	}
	if tree == nil {
		return rootWanted{}, fmt.Errorf("the command line has %s=%s: want BLOCKS:HASH", treeKey, words[treeKey])
	}
	signature, err := strconv.ParseUint(part[1], 16, 32)
	if err != nil {
		return rootWanted{}, err
	}
	number, err := strconv.ParseUint(part[2], 16, 8)
	if err != nil {
		return rootWanted{}, err
	}
	blocks, err := strconv.ParseUint(tree[1], 10, 64)
	if err != nil {
		return rootWanted{}, err
	}
	return rootWanted{words["rauc.slot"], uint32(signature), int(number), blocks, tree[2]}, nil
}

// table is the line that dm-verity wants for a device: version 1, both kinds of blocks 4096 bytes, the tree
// behind the data, SHA-256, no salt (-).
func (w rootWanted) table(device string) string {
	return fmt.Sprintf("1 %s %s 4096 4096 %d %d sha256 %s -", device, device, w.blocks, w.blocks, w.hash)
}

// find waits until the partition is there, for a card's driver takes its time. sys and dev are
// /sys/class/block and /dev. Of two disks that it could be neither is taken: nothing here tells which one
// was started, and the other's payments would go on. A card in a reader on USB is none of them: this
// program has no driver for it.
func find(w rootWanted, sys, dev string, patience time.Duration) (string, error) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		found, err := candidates(w, sys, dev)
		switch {
		case err != nil:
			return "", err
		case len(found) > 1:
			return "", fmt.Errorf("%s are of two cards that have the same signature: "+
				"take out the card that this terminal is not to start from", strings.Join(found, " and "))
		case len(found) == 1:
			return found[0], nil
		case time.Now().After(end):
			return "", fmt.Errorf("no disk with the signature %08x and a partition %d appeared within %v",
				w.signature, w.number, patience)
		}
	}
}

// candidates are the partitions with the number that is wanted, of disks with the signature.
func candidates(w rootWanted, sys, dev string) (found []string, err error) {
	numbers, err := filepath.Glob(filepath.Join(sys, "*", "partition"))
	if err != nil {
		return nil, err
	}
	for _, file := range numbers {
		text, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(w.number) {
			continue
		}
		place, err := filepath.EvalSymlinks(filepath.Dir(file)) // .../block/vda/vda5
		if err != nil {
			continue
		}
		s, err := signature(filepath.Join(dev, filepath.Base(filepath.Dir(place))))
		if err == nil && s == w.signature {
			found = append(found, filepath.Join(dev, filepath.Base(place)))
		}
	}
	return found, nil
}

// signature is that of the MBR of a disk.
func signature(disk string) (uint32, error) {
	f, err := os.Open(disk)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var b [4]byte
	if _, err := f.ReadAt(b[:], 440); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b[:]), nil
}
