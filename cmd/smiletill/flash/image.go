package flash

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"smiletill/payment"
)

// image is a card's image in a file, as it was found when it was read to its end.
type image struct {
	path     string
	bytes    int64  // of the card that it makes
	digest   string // sha256 of these
	declared string // the file whose checksum it has, or ""
}

// packed are the ways in which an image may be compressed, by how such a file begins.
var packed = []struct {
	magic string
	open  func(io.Reader) (io.Reader, error)
}{
	{"\xfd7zXZ\x00", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }},
	{"\x28\xb5\x2f\xfd", openZstd},
	{"\x1f\x8b", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
}

func openZstd(r io.Reader) (io.Reader, error) {
	const window = 256 << 20 // what zstd --long=28 asks for; more is refused, not allocated
	d, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(window), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// unpacked reads what is in an image's file.
func unpacked(file io.Reader) (io.Reader, error) {
	const longest = 6
	b := bufio.NewReaderSize(file, 1<<20)
	begin, err := b.Peek(longest)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, p := range packed {
		if strings.HasPrefix(string(begin), p.magic) {
			return p.open(b)
		}
	}
	for magic, what := range map[string]string{"PK\x03\x04": "zip", "BZh": "bzip2", "7z\xbc\xaf": "7z"} {
		if strings.HasPrefix(string(begin), magic) {
			return nil, payment.WithHint(fmt.Errorf("it is packed with %s", what),
				"unpack it first; .xz, .zst and .gz are taken as they are")
		}
	}
	return b, nil
}

// check reads an image to its end, as it will be written, and holds it against the checksum beside it.
// most is how large it may be, in bytes.
func check(ctx context.Context, path string, most int64, step func(done, all int64)) (image, error) {
	f, err := os.Open(path)
	if err != nil {
		return image{}, payment.WithHint(err, "name the image's file: smiletill-pi4.img.xz for example")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return image{}, err
	}
	if !info.Mode().IsRegular() {
		return image{}, payment.WithHint(fmt.Errorf("%s is no file", path),
			"the image comes first, then the device")
	}
	whole, card := sha256.New(), sha256.New()
	file := &counted{r: io.TeeReader(f, whole), ctx: ctx, step: func(n int64) { step(n, info.Size()) }}
	im := image{path: path}
	r, err := unpacked(file)
	if err != nil {
		return image{}, im.damaged(ctx, err)
	}
	begin := make([]byte, tables)
	n, err := io.ReadFull(r, begin)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return image{}, im.damaged(ctx, err)
	}
	if begin = begin[:n]; n < sector || !bytes.Equal(begin[510:sector], []byte{0x55, 0xaa}) {
		return image{}, payment.WithHint(fmt.Errorf("%s is no card's image: it has no partition table", path),
			"name the file whose name ends with .img, .img.xz, .img.zst or .img.gz; an update (.raucb) is "+
				"not written on a card")
	}
	if needs := tableEnd(begin); needs > most {
		return image{}, payment.WithHintf(fmt.Errorf("the card holds %s, and the image's partitions need %s",
			sized(most),
			sized(needs)), "take a larger card")
	}
	card.Write(begin)
	rest, err := io.Copy(card, io.LimitReader(r, most-int64(n)+1))
	im.bytes = int64(n) + rest
	switch {
	case err != nil:
		return image{}, im.damaged(ctx, err)
	case im.bytes > most:
		return image{}, payment.WithHintf(fmt.Errorf("the card holds %s, and the image needs more", sized(most)),
			"take a larger card")
	}
	if _, err := io.Copy(io.Discard, file); err != nil { // what a decompressor has not asked for
		return image{}, im.damaged(ctx, err)
	}
	im.digest = hex.EncodeToString(card.Sum(nil))
	im.declared, err = held(path, digests{hex.EncodeToString(whole.Sum(nil)), im.digest})
	return im, err
}

// tables is how much of an image's beginning has its partition tables in it, in bytes: a GPT's 128 entries
// end at 17 KiB.
const tables = 64 << 10

// tableEnd is where the last partition of a card's table ends, in bytes: an image may end before, where
// nothing is in its last partition yet. What a GPT has in the place of that table says nothing.
func tableEnd(begin []byte) (end int64) {
	const first, entry, gpt = 446, 16, 0xee
	for i := first; i < first+4*entry; i += entry {
		e := begin[i : i+entry]
		if e[4] == gpt {
			return gptEnd(begin)
		}
		start, count := binary.LittleEndian.Uint32(e[8:]), binary.LittleEndian.Uint32(e[12:])
		end = max(end, (int64(start)+int64(count))*sector)
	}
	return end
}

// gptEnd is tableEnd of a GPT (UEFI 2.10, 5.3): its copy at the card's end, 33 sectors, needs a place too.
func gptEnd(begin []byte) (end int64) {
	if len(begin) < 2*sector || !bytes.HasPrefix(begin[sector:], []byte("EFI PART")) {
		return 0
	}
	head := begin[sector:]
	at, count := binary.LittleEndian.Uint64(head[72:]), binary.LittleEndian.Uint32(head[80:])
	size := binary.LittleEndian.Uint32(head[84:])
	const least, copies = 128, 33
	if size < least || at > tables/sector {
		return 0
	}
	for i := range uint64(count) {
		from := at*sector + i*uint64(size)
		if from+least > uint64(len(begin)) {
			break
		}
		e := begin[from : from+least]
		last := binary.LittleEndian.Uint64(e[40:])
		const most = 1 << 50 / sector // more is no card's
		if !bytes.Equal(e[:16], make([]byte, 16)) {
			end = max(end, (int64(min(last, most))+1+copies)*sector)
		}
	}
	return end
}

func (im image) damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return payment.WithHint(errors.New("stopped while the image was read"), "the card is as it was")
	}
	hint := "it is damaged, or was cut short on its way: get it again; the card is as it was"
	if h := payment.HintOf(err); h != "" {
		hint = h
	}
	return payment.WithHint(fmt.Errorf("read %s: %w", im.path, err), hint)
}

// counted reads with steps, until ctx ends.
type counted struct {
	r    io.Reader
	ctx  context.Context
	n    int64
	step func(n int64)
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.step(c.n)
	return n, err
}
