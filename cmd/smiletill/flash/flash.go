package flash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/payment"
)

// Job is an image to be written on a card.
type Job struct {
	Image, Device string
	Plain         bool   // Device is a plain file
	Files         []File // put into the card's first partition afterwards, the settings first
	// Agreed is asked before anything is erased. A false ends the job without a trace.
	Agreed func(Disk) (bool, error)
	// Step is told how far a part of the job ("reading", "writing", "comparing") is, in bytes.
	Step func(part string, done, all int64)
}

// File is what is put into a card's first partition.
type File struct {
	Name string
	Data []byte
}

// errNotAgreed is the answer of who did not want the card erased.
var errNotAgreed = errors.New("nothing was written: the card is as it was")

// Receipt is what was done.
type Receipt struct {
	Disk     Disk
	Image    string
	Bytes    int64
	Digest   string // sha256 of the card's content, before the settings
	Declared string // the file whose checksum the image has; empty where there was none
	Settings string // names of the files that were put into the first partition; empty for none
	Volume   string // that partition's label
	Took     time.Duration
}

// names are those of the job's files, for the receipt.
func (j Job) names() string {
	var all []string
	for _, f := range j.Files {
		all = append(all, f.Name)
	}
	return strings.Join(all, ", ")
}

// Do writes a card. What it returns says whether the card was touched: an error with the words NOT USABLE in
// its hint is of a card that was.
func Do(ctx context.Context, j Job) (Receipt, error) {
	return do(ctx, j, thisMachine(), func(d Disk) (openedCard, error) { return openCard(d) })
}

// openedCard is a card that can be closed.
type openedCard interface {
	card
	io.Closer
}

func do(ctx context.Context, j Job, m machine, open func(Disk) (openedCard, error)) (r Receipt, err error) {
	start := time.Now()
	disk, err := m.find(j.Device, j.Plain)
	if err != nil {
		return Receipt{}, err
	}
	if same(j.Image, j.Device) {
		return Receipt{}, payment.WithHint(errors.New("image and device are one file"),
			"name the card's device last")
	}
	most := disk.Bytes
	if disk.Plain {
		const plain = 1 << 40
		most = plain
	}
	im, err := check(ctx, j.Image, most, func(done, all int64) { j.Step("reading", done, all) })
	if err != nil {
		return Receipt{}, err
	}
	if disk.Plain {
		disk.Bytes = im.bytes
	}
	if ok, err := j.Agreed(disk); err != nil || !ok {
		return Receipt{}, errors.Join(errNotAgreed, err)
	}
	// somebody thought about it for as long as they liked
	if again, err := m.find(j.Device, j.Plain); err != nil {
		return Receipt{}, err
	} else if !disk.Plain && again != disk {
		return Receipt{}, payment.WithHintf(fmt.Errorf("%s is another disk now: %s", j.Device, again),
			"look which one it is, then begin again")
	}
	c, err := open(disk)
	if err != nil {
		return Receipt{}, err
	}
	defer func() {
		if e := c.Close(); err == nil && e != nil {
			err = &unusable{j.Device, e}
		}
	}()
	volume, err := put(ctx, j, c, im, disk)
	if err != nil { // whether that can be written or not, all that is said of the card holds
		_, e := c.WriteAt(make([]byte, min(block, im.bytes)), 0)
		return Receipt{}, &unusable{j.Device, errors.Join(err, notAgain(err, e), notAgain(err, c.Sync()))}
	}
	return Receipt{Disk: disk, Image: j.Image, Bytes: im.bytes, Digest: im.digest, Declared: im.declared,
		Settings: j.names(), Volume: volume, Took: time.Since(start)}, nil
}

// put writes, compares and adds the settings. From its first line on the card is another one.
func put(ctx context.Context, j Job, c openedCard, im image, disk Disk) (volume string, err error) {
	f, err := os.Open(j.Image)
	if err != nil {
		return "", err
	}
	defer f.Close()
	r, err := unpacked(f)
	if err != nil {
		return "", err
	}
	j.Step("writing", 0, im.bytes)
	head, err := write(ctx, r, c, im, func(done, all int64) { j.Step("writing", done, all) })
	if err != nil {
		return "", err
	}
	// The second table of a GPT that was there before is at the end, and would be found.
	if end := disk.Bytes - tail; !disk.Plain && end >= im.bytes {
		if _, err := c.WriteAt(make([]byte, tail), end); err != nil {
			return "", fmt.Errorf("write at its end: %w", err)
		}
	}
	if err := emptied(ctx, c, im.bytes, disk); err != nil {
		return "", err
	}
	j.Step("comparing", 0, im.bytes)
	if err := compare(ctx, c, im, head, func(done, all int64) { j.Step("comparing", done, all) }); err != nil {
		return "", err
	}
	for _, f := range j.Files {
		if volume, err = addFile(headed{c, head}, im.bytes, f.Name, f.Data); err != nil {
			return "", fmt.Errorf("put %s into the first partition: %w", f.Name, err)
		}
	}
	if err := finish(c, head); err != nil {
		return "", err
	}
	if d, ok := c.(device); ok { // so that its partitions are there without pulling the card; a file has none
		_ = unix.IoctlSetInt(int(d.Fd()), unix.BLKRRPART, 0)
	}
	return volume, nil
}

// emptied sees that the new terminal finds nothing of an old one where its image ends: the data partition
// begins there, and what is on it would be taken for its own.
func emptied(ctx context.Context, c openedCard, from int64, disk Disk) error {
	if disk.Plain {
		return nil
	}
	if d, ok := c.(device); ok { // all of it, where the card or its reader can
		_ = d.discard(from, disk.Bytes-from)
	}
	for end := min(from+behind, disk.Bytes); from < end; {
		if ctx.Err() != nil {
			return errors.New("stopped while what is behind the image was erased")
		}
		n := min(block, end-from)
		if _, err := c.WriteAt(make([]byte, n), from); err != nil {
			return fmt.Errorf("write behind the image: %w", err)
		}
		from += n
	}
	return c.Sync()
}

// notAgain leaves out an error that says what the first one said.
func notAgain(first, second error) error {
	var errno unix.Errno
	if second == nil || errors.As(second, &errno) && errors.Is(first, errno) {
		return nil
	}
	return second
}

func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	two, err := os.Stat(b)
	return err == nil && os.SameFile(one, two)
}

// Write prints the receipt; set says what the settings hold, a line each, without secrets.
func (r Receipt) Write(w io.Writer, set []string) error {
	checked := "no checksum stood beside it (" + r.Image + ".sha256): what it should be is not known"
	if r.Declared != "" {
		checked = "as " + r.Declared + " says"
	}
	_, err := fmt.Fprintf(w, "written, read back and compared: the same\n"+
		"  card      %s\n  image     %s, %s\n  on it     %d bytes, sha256 %s\n  took      %s\n",
		r.Disk, r.Image, checked, r.Bytes, r.Digest, r.Took.Round(time.Second))
	if err != nil || r.Settings == "" {
		return err
	}
	for i, line := range set {
		head := ""
		if i == 0 {
			head = "settings"
		}
		if _, err := fmt.Fprintf(w, "  %-9s %s\n", head, line); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(w,
		"            in %s on the first partition (%s); the terminal takes them at its first start\n",
		r.Settings, r.Volume)
	return err
}
