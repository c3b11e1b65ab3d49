package bench

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseEvent(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       Event
		ok         bool
	}{
		{"nothing", "", Event{}, false},
		{"a comment", "# tracer: nop", Event{}, false},
		{"lost events", "CPU:1 [LOST 512 EVENTS]", Event{}, false},
		{"read back", "  app-7 [001] ..... 12.000001: gpio_value: 529 get 1", Event{}, false},
		{"a level that is none", "  app-7 [001] ..... 12.000001: gpio_value: 529 set 2", Event{}, false},
		{"a negative line", "  app-7 [001] ..... 12.000001: gpio_value: -1 set 1", Event{}, false},
		{"another clock", "  app-7 [001] ..... 12000001: gpio_value: 529 set 1", Event{}, false},
		{"a direction", "  app-7 [001] ..... 12.000001: gpio_direction: 529 out (0)", Event{}, false},
		{"an empty mark", "  app-7 [001] ..... 12.000001: tracing_mark_write: ", Event{}, false},
		{"on", "  app-7 [001] .....    12.000001: gpio_value: 529 set 1",
			Event{At: 12*time.Second + time.Microsecond, Line: 529, High: true}, true},
		{"off, by a task with a strange name", "a: b.c-7 [001] d..2.  9.900000: gpio_value: 5 set 0",
			Event{At: 9900 * time.Millisecond, Line: 5}, true},
		{"a mark", "  guest-1 [000] .....    1.500000: tracing_mark_write: cancel pressed",
			Event{At: 1500 * time.Millisecond, Line: -1, Mark: "cancel pressed"}, true},
	} {
		got, ok := ParseEvent(c.line)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: got %+v %v, want %+v %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("  app-7 [001] .....    12.000001: gpio_value: 529 set 1")
	f.Add("  guest-1 [000] .....    1.500000: tracing_mark_write: x")
	f.Fuzz(func(t *testing.T, line string) {
		e, ok := ParseEvent(line)
		if ok && (e.At < 0 || (e.Mark == "") != (e.Line >= 0)) {
			t.Errorf("%q gave %+v", line, e)
		}
	})
}

func TestBaseOf(t *testing.T) {
	const table = "gpiochip1: GPIOs 504-511, parent: platform/9030000.pl061, 9030000.pl061, can sleep:\n\n" +
		"gpiochip10: GPIOs 476-503, parent: platform/gpio-sim.0, pinctrl-bcm2711:\n gpio-493 (GPIO17) out lo\n"
	for chip, want := range map[string]int{"gpiochip1": 504, "gpiochip10": 476} {
		if got, err := baseOf(table, chip); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", chip, got, err, want)
		}
	}
	if _, err := baseOf(table, "gpiochip0"); err == nil {
		t.Error("a chip that is not there was found")
	}
}

func submitHeader(command uint32, length int32, dir, endpoint uint32) *[headerSize]byte {
	var h [headerSize]byte
	be := binary.BigEndian
	be.PutUint32(h[0:], command)
	be.PutUint32(h[4:], 7)
	be.PutUint32(h[12:], dir)
	be.PutUint32(h[16:], endpoint)
	be.PutUint32(h[20:], 6) // the transfer that an unlink takes back
	be.PutUint32(h[24:], uint32(length))
	return &h
}

func TestParseMessage(t *testing.T) {
	for _, c := range []struct {
		name    string
		h       *[headerSize]byte
		bad     bool
		follows int
	}{
		{"zeros", new([headerSize]byte), true, 0},
		{"an answer", submitHeader(retSubmit, 0, 0, 0), true, 0},
		{"negative length", submitHeader(cmdSubmit, -1, dirOut, 0), true, 0},
		{"too long", submitHeader(cmdSubmit, maxTransfer+1, dirOut, 0), true, 0},
		{"no direction", submitHeader(cmdSubmit, 1, 2, 0), true, 0},
		{"no endpoint", submitHeader(cmdSubmit, 1, dirIn, 16), true, 0},
		{"out", submitHeader(cmdSubmit, 26, dirOut, 0), false, 26},
		{"in", submitHeader(cmdSubmit, maxPayload, dirIn, 1), false, 0},
		{"unlink", submitHeader(cmdUnlink, -5, 9, 99), false, 0},
	} {
		m, err := parseMessage(c.h)
		if (err != nil) != c.bad || err != nil && !errors.Is(err, errMessage) || m.follows() != c.follows {
			t.Errorf("%s: %+v %v", c.name, m, err)
		}
	}
	if m, _ := parseMessage(submitHeader(cmdUnlink, 0, 0, 0)); m.seq != 7 || m.unlinkSeq != 6 {
		t.Errorf("unlink: %+v", m)
	}
}

// FuzzControl feeds the parser and the control endpoint with whatever comes.
func FuzzControl(f *testing.F) {
	f.Add(submitHeader(cmdSubmit, 26, dirOut, 0)[:], make([]byte, 26))
	f.Add([]byte{0x80, 6, 0, 2, 0, 0, 255, 0}, []byte{})
	f.Fuzz(func(t *testing.T, head, data []byte) {
		var h [headerSize]byte
		copy(h[:], head)
		if m, err := parseMessage(&h); err == nil && (m.length < 0 || m.length > maxTransfer) {
			t.Errorf("length %d", m.length)
		}
		d := newUSBDevice(Options{}.filled())
		var setup [8]byte
		copy(setup[:], head)
		d.control(setup, data)
		if iv := d.commit.interval(); d.options.nearest(iv) != iv || d.options.format(d.commit[2]) == "" {
			t.Errorf("committed to %v, which is not offered", d.commit)
		}
	})
}

// walk splits descriptors and checks that each is inside what is left.
func walk(t *testing.T, b []byte) (all [][]byte) {
	t.Helper()
	for len(b) > 0 {
		n := int(b[0])
		if n < 2 || n > len(b) {
			t.Fatalf("a descriptor of %d bytes in %d", n, len(b))
		}
		all = append(all, b[:n])
		b = b[n:]
	}
	return all
}

func TestDescriptors(t *testing.T) {
	for _, o := range []Options{
		{}, {Formats: []Format{YUYV}, Rates: []int{10}}, {Width: 1280, Height: 720, Formats: []Format{MJPG}},
	} {
		o = o.filled()
		cfg := o.configuration()
		if got := int(binary.LittleEndian.Uint16(cfg[2:])); got != len(cfg) {
			t.Errorf("%+v: says %d bytes, has %d", o, got, len(cfg))
		}
		lengths := map[string]int{} // from a class header to the next standard descriptor
		said := map[string]int{}
		at := ""
		for _, d := range walk(t, cfg) {
			switch {
			case d[1] == csInterface && d[2] == 1:
				at = map[byte]string{13: "control"}[d[0]]
				said["control"] = int(binary.LittleEndian.Uint16(d[5:]))
				if at == "" {
					at = "stream"
					said["stream"] = int(binary.LittleEndian.Uint16(d[4:]))
				}
			case d[1] != csInterface:
				at = ""
			}
			if at != "" {
				lengths[at] += len(d)
			}
		}
		if lengths["stream"] != said["stream"] || lengths["control"] == 0 {
			t.Errorf("%+v: class headers say %v, follow %v", o, said, lengths)
		}
	}
	if d := deviceDescriptor(); len(d) != 18 || d[0] != 18 {
		t.Errorf("device descriptor % x", d)
	}
	name, _ := Options{}.filled().text(2)
	if plain := strings.ReplaceAll(string(name[2:]), "\x00", ""); plain != "Bench UVC Camera" {
		t.Errorf("name %q", plain)
	}
}

func TestProbeAndCommit(t *testing.T) {
	d := newUSBDevice(Options{}.filled())
	set := make([]byte, 26)
	set[2] = 9 // no such format: the last one
	binary.LittleEndian.PutUint32(set[4:], 1_100_000)
	class := func(kind, request byte, selector, data []byte) ([]byte, bool) {
		return d.control([8]byte{kind, request, 0, selector[0], 1}, data)
	}
	if _, ok := class(0x21, setCur, []byte{commitControl}, set[:7]); ok {
		t.Error("a commit that is too short was taken")
	}
	if _, ok := class(0x21, setCur, []byte{3}, set); ok {
		t.Error("a control that is not there was set")
	}
	if _, ok := class(0x21, setCur, []byte{commitControl}, set); !ok {
		t.Fatal("commit stalled")
	}
	got, ok := class(0xa1, getCur, []byte{commitControl}, nil)
	if !ok || got[2] != 2 || binary.LittleEndian.Uint32(got[4:]) != interval(10) {
		t.Errorf("committed % x", got)
	}
	if f := d.options.format(d.commit[2]); f != YUYV {
		t.Errorf("format %s", f)
	}
}

// A camera that refuses to begin stalls the commit, and nothing else.
func TestRefusedStart(t *testing.T) {
	d := newUSBDevice(Options{RefusedStarts: 2}.filled())
	set := func(selector byte) bool {
		_, ok := d.control([8]byte{0x21, setCur, 0, selector, 1}, make([]byte, 26))
		return ok
	}
	for n, want := range []bool{false, false, true, true} {
		if got := set(commitControl); got != want || !set(probeControl) {
			t.Errorf("commit %d was taken: %t, want %t; or a probe was refused", n+1, got, want)
		}
	}
}

func TestPayloads(t *testing.T) {
	frame := bytes.Repeat([]byte{1, 2, 3}, 15000)
	collect := func(frame []byte, f Fault, size int) (data []byte, heads []byte, n int) {
		for p := cut(frame, true, f); !p.done; n++ {
			b := p.next(nil, size)
			if len(b) > size {
				t.Fatalf("%q: a payload of %d bytes in a transfer of %d", f, len(b), size)
			}
			heads, data = append(heads, b[1]), append(data, b[2:]...)
		}
		return data, heads, n
	}
	data, heads, n := collect(frame, Healthy, maxPayload)
	if !bytes.Equal(data, frame) || n != 3 || heads[0]&bitEnd != 0 || heads[2]&bitEnd == 0 ||
		heads[0]&bitFrame == 0 {
		t.Errorf("healthy: %d bytes in %d payloads, heads % x", len(data), n, heads)
	}
	if data, _, n := collect(frame, Healthy, 512); !bytes.Equal(data, frame) || n != 89 {
		t.Errorf("small transfers: %d bytes in %d payloads", len(data), n)
	}
	if data, heads, _ := collect(frame, Flagged, maxPayload); len(data) != len(frame) || heads[1]&bitError == 0 {
		t.Errorf("flagged: heads % x", heads)
	}
	if data, _, _ := collect(frame, Truncated, maxPayload); !bytes.Equal(data, frame[:len(frame)/2]) {
		t.Errorf("truncated: %d bytes", len(data))
	}
	if b := cut(frame, false, Malformed).next(nil, maxPayload); int(b[0]) <= len(b) {
		t.Errorf("malformed: % x", b)
	}
	if _, heads, n := collect(nil, Healthy, maxPayload); n != 1 || heads[0]&bitEnd == 0 {
		t.Errorf("an empty frame: %d payloads", n)
	}
}

func TestFilm(t *testing.T) {
	p := func(s string) Picture { return Picture{MJPG: []byte(s)} }
	both := Film{Once: []Picture{p("a"), p("b")}, Loop: []Picture{p("c"), p("d")}}
	for _, c := range []struct {
		film Film
		want string
	}{
		{Film{}, ",,,,,"},
		{Film{Once: both.Once}, "a,b,b,b,b,"},
		{Film{Loop: both.Loop}, "c,d,c,d,c,"},
		{both, "a,b,c,d,c,"},
		{Film{Once: both.Once, Loop: both.Loop, Each: 2}, "a,a,b,b,c,"},
	} {
		got := ""
		for i := range 5 {
			got += string(c.film.at(i).bytes(MJPG)) + ","
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
