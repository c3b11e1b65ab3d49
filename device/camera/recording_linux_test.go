package camera

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/blackjack/webcam"
)

// call is one question to the kernel's driver and its answer, as a recording holds it.
type call struct {
	At     time.Duration `json:"at"` // since the recording began
	Node   string        `json:"node"`
	Name   string        `json:"name"`
	Args   []uint64      `json:"args,omitempty"`
	Data   []byte        `json:"data,omitempty"`
	Values []uint64      `json:"values,omitempty"`
	Offers []uint32      `json:"offers,omitempty"`
	Errno  int           `json:"errno,omitempty"`
	Silent bool          `json:"silent,omitempty"` // webcam.Timeout
	Error  string        `json:"error,omitempty"`
}

func (c *call) fail(err error) {
	var errno syscall.Errno
	var silent *webcam.Timeout
	switch {
	case err == nil:
	case errors.As(err, &silent):
		c.Silent = true
	case errors.As(err, &errno):
		c.Errno = int(errno)
	default:
		c.Error = err.Error()
	}
}

func (c *call) err() error {
	switch {
	case c.Silent:
		return new(webcam.Timeout)
	case c.Errno != 0:
		return syscall.Errno(c.Errno)
	case c.Error != "":
		return errors.New(c.Error)
	}
	return nil
}

// tape is a recording of all that was asked of drivers, in order. With live it is being recorded, else it is
// played: then a question that was not recorded, or in another order, or never asked, fails the test.
type tape struct {
	t     *testing.T
	live  bool
	begun time.Time

	mu    sync.Mutex
	calls []call
	next  int
}

// do asks the driver with ask while recording, and takes the answer from the recording otherwise.
func (p *tape) do(node, name string, args []uint64, ask func(*call) error) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live {
		c := call{At: time.Since(p.begun), Node: node, Name: name, Args: args}
		c.fail(ask(&c))
		p.calls = append(p.calls, c)
		return &p.calls[len(p.calls)-1]
	}
	if p.next == len(p.calls) {
		p.t.Fatalf("%s %s %v: the recording has ended", node, name, args)
	}
	c := &p.calls[p.next]
	if c.Node != node || c.Name != name || !reflect.DeepEqual(c.Args, args) {
		p.t.Fatalf("call %d is %s %s %v, recorded was %s %s %v",
			p.next, node, name, args, c.Node, c.Name, c.Args)
	}
	p.next++
	return c
}

func (p *tape) end() {
	if !p.live && p.next < len(p.calls) {
		p.t.Errorf("%d of %d recorded calls were never made, the first: %s %s",
			len(p.calls)-p.next, len(p.calls), p.calls[p.next].Node, p.calls[p.next].Name)
	}
}

func (p *tape) save(path string) {
	p.t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		p.t.Fatal(err)
	}
	lines := json.NewEncoder(z)
	for _, c := range p.calls {
		if err := lines.Encode(c); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
		p.t.Fatal(err)
	}
	p.t.Logf("%d calls, %d bytes", len(p.calls), b.Len())
}

func loadTape(t *testing.T, path string) *tape {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	p := &tape{t: t}
	for lines := json.NewDecoder(z); lines.More(); {
		var c call
		if err := lines.Decode(&c); err != nil {
			t.Fatal(err)
		}
		p.calls = append(p.calls, c)
	}
	return p
}

// open is openKernel with the tape in between.
func (p *tape) open(node string) (driver, error) {
	d := &taped{tape: p, node: node}
	c := p.do(node, "open", nil, func(*call) (err error) {
		d.real, err = openKernel(node)
		return err
	})
	if err := c.err(); err != nil {
		return nil, err
	}
	return d, nil
}

// taped is a driver whose calls are recorded, or played.
type taped struct {
	tape *tape
	node string
	real driver // nil while playing
}

func (d *taped) GetSupportedFormats() map[webcam.PixelFormat]string {
	c := d.tape.do(d.node, "formats", nil, func(c *call) error {
		for f := range d.real.GetSupportedFormats() {
			c.Offers = append(c.Offers, uint32(f))
		}
		return nil
	})
	m := map[webcam.PixelFormat]string{}
	for _, f := range c.Offers {
		m[webcam.PixelFormat(f)] = code(f)
	}
	return m
}

func (d *taped) SetImageFormat(
	f webcam.PixelFormat, width, height uint32,
) (webcam.PixelFormat, uint32, uint32, error) {
	args := []uint64{uint64(f), uint64(width), uint64(height)}
	c := d.tape.do(d.node, "set format", args, func(c *call) error {
		got, w, h, err := d.real.SetImageFormat(f, width, height)
		c.Values = []uint64{uint64(got), uint64(w), uint64(h)}
		return err
	})
	return webcam.PixelFormat(c.Values[0]), uint32(c.Values[1]), uint32(c.Values[2]), c.err()
}

func (d *taped) running() (pixFormat, error) {
	c := d.tape.do(d.node, "format", nil, func(c *call) error {
		p, err := d.real.running()
		c.Values = []uint64{uint64(p.Width), uint64(p.Height), uint64(p.Code), uint64(p.BytesPerLine)}
		return err
	})
	return pixFormat{Width: uint32(c.Values[0]), Height: uint32(c.Values[1]), Code: uint32(c.Values[2]),
		BytesPerLine: uint32(c.Values[3])}, c.err()
}

func (d *taped) plain(name string, ask func() error, args ...uint64) error {
	return d.tape.do(d.node, name, args, func(*call) error { return ask() }).err()
}

func (d *taped) SetFramerate(fps float32) error {
	return d.plain("set rate", func() error { return d.real.SetFramerate(fps) }, uint64(fps))
}

func (d *taped) SetBufferCount(n uint32) error {
	return d.plain("set buffers", func() error { return d.real.SetBufferCount(n) }, uint64(n))
}

func (d *taped) StartStreaming() error {
	return d.plain("start", func() error { return d.real.StartStreaming() })
}

func (d *taped) WaitForFrame(s uint32) error {
	return d.plain("wait", func() error { return d.real.WaitForFrame(s) }, uint64(s))
}

func (d *taped) GetFrame() ([]byte, uint32, error) {
	c := d.tape.do(d.node, "get", nil, func(c *call) error {
		data, index, err := d.real.GetFrame()
		c.Data, c.Values = bytes.Clone(data), []uint64{uint64(index)}
		return err
	})
	return c.Data, uint32(c.Values[0]), c.err()
}

func (d *taped) ReleaseFrame(index uint32) error {
	return d.plain("release", func() error { return d.real.ReleaseFrame(index) }, uint64(index))
}

func (d *taped) Close() error { return d.plain("close", func() error { return d.real.Close() }) }
