package journal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/gowebpki/jcs"
)

const (
	// carveStep is how much of a file is looked at together.
	carveStep = 1 << 20

	// carveMost is more than a fact takes: SQLite keeps a row of up to 4,061 bytes in one piece on its page of
	// 4,096 (SQLite file format, 1.6), and the longest body with all of its fields full is half of that.
	carveMost = 4096

	// carveBlock is what is given up where the disk can't read.
	carveBlock = 4096
)

// carve finds the facts in a file by their bytes, whatever SQLite makes of it: pages that are damaged,
// that nothing points to any more, or of a -wal file. A body is stored in one piece, with the hashes of
// the fact before and of itself right behind it: what passes as a fact is one, down to the last bit. What
// was read goes to sum; done is called with how far it came. One fact may be found more than once.
func carve(read io.ReaderAt, size int64, sum io.Writer, each func(link) error, done func(int64)) error {
	buffer := make([]byte, carveStep+carveMost)
	for at := int64(0); at < size; at += carveStep {
		chunk := buffer[:min(int64(len(buffer)), size-at)]
		if err := readAround(read, chunk, at); err != nil {
			return err
		}
		if _, err := sum.Write(chunk[:min(carveStep, len(chunk))]); err != nil {
			return err
		}
		for from := 0; ; from++ {
			i := begins(chunk[from:])
			if i < 0 || from+i >= carveStep { // the rest is the beginning of the next chunk
				break
			}
			from += i
			if l, ok := factIn(chunk[from:min(from+carveMost, len(chunk))]); ok {
				if err := each(l); err != nil {
					return err
				}
			}
		}
		done(min(at+carveStep, size))
	}
	return nil
}

// begins gives where the next fact may begin, of a payment or an audit: -1 if nowhere.
func begins(chunk []byte) int {
	for from := 0; ; from++ {
		i := bytes.Index(chunk[from:], []byte(`{"a`))
		if i < 0 {
			return -1
		}
		from += i
		if bytes.HasPrefix(chunk[from:], []byte(`{"amount_minor":`)) ||
			bytes.HasPrefix(chunk[from:], []byte(`{"audit":`)) {
			return from
		}
	}
}

// readAround reads a chunk and leaves zeros where the disk can't read.
func readAround(read io.ReaderAt, chunk []byte, at int64) error {
	_, err := read.ReadAt(chunk, at)
	if err == nil {
		return nil
	}
	if !errors.Is(err, syscall.EIO) {
		return fmt.Errorf("read what is damaged: %w", err)
	}
	for i := 0; i < len(chunk); i += carveBlock {
		block := chunk[i:min(i+carveBlock, len(chunk))]
		if _, err := read.ReadAt(block, at+int64(i)); err != nil {
			clear(block)
		}
	}
	return nil
}

// factIn reads the fact that text begins with: a canonical body, the hash before and its own.
func factIn(text []byte) (link, bool) {
	var raw json.RawMessage
	if json.NewDecoder(bytes.NewReader(text)).Decode(&raw) != nil {
		return link{}, false
	}
	rest := text[len(raw):]
	b, err := parseBody(raw)
	if err != nil || len(rest) < 64 || b.Seq <= 0 {
		return link{}, false
	}
	l := link{body: b, text: raw}
	copy(l.prev[:], rest)
	copy(l.hash[:], rest[32:])
	if hex.EncodeToString(l.prev[:]) != b.PrevHash || chain(l.prev, raw) != l.hash {
		return link{}, false
	}
	canonical, err := jcs.Transform(raw)
	return l, err == nil && bytes.Equal(canonical, raw)
}

// carveFile carves a file that may be missing, and hashes it on the way. It gives the file's size.
func carveFile(path string, sum io.Writer, each func(link) error, done func(int64)) (int64, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), carve(f, info.Size(), sum, each, done)
}
