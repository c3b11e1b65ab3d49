//go:build !notflite

package cli_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/terminal/terminaltest"
	"smiletill/payment"
	"smiletill/vision/visits"
)

// memoryMax is the MemoryMax of the terminal's own unit.
const memoryMax = 512 << 20

// TestPaymentsWhileLargePhotosAreEnrolled has a terminal and the command in 512 MB take payments and
// 48-megapixel photos at once: a progressive JPEG, whose coefficients alone take 146 MB, and a PNG, 146 MB
// of pixels.
func TestPaymentsWhileLargePhotosAreEnrolled(t *testing.T) {
	t.Parallel()
	group := memoryGroup(t)
	program := terminaltest.Build(t)
	l := newLane(t, program, "till-m", rand.New(rand.NewPCG(1, 2)))
	inside := filepath.Join(l.dir, "inside")
	script := fmt.Sprintf("#!/bin/sh\necho $$ > %s/cgroup.procs\nexec %s \"$@\"\n", group, program)
	if err := os.WriteFile(inside, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	l.program = inside
	defer l.start()()
	ctx := t.Context()
	var id string
	for end := time.Now().Add(time.Minute); id == ""; time.Sleep(25 * time.Millisecond) {
		if all, err := l.client.Customers(ctx); err == nil && len(all) == 1 {
			id = all[0].ID
		} else if time.Now().After(end) {
			t.Fatal(all, err)
		}
	}
	small, err := visits.Photo("enrol_3")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"enrol", "--again", id, filepath.Join("testdata", "progressive-48mp.jpg"),
		l.write("large.png", largePNG(t, "enrol_2")), l.write("small.jpg", small)}, l.flags[:4]...)
	done := make(chan error, 1)
	go func() {
		out, err := exec.Command(inside, args...).CombinedOutput()
		if err == nil && !strings.Contains(string(out), "3 templates") || err != nil {
			err = fmt.Errorf("enrol: %w\n%s", err, out)
		}
		done <- err
	}()
	approved := payUntil(ctx, t, l.client, done)
	if oom := oomKills(t, group); oom != 0 {
		t.Errorf("the kernel killed %d processes", oom)
	}
	if approved == 0 {
		t.Error("no payment was taken meanwhile")
	}
	t.Logf("%d payments meanwhile", approved)
}

// payUntil takes payments, each to its end, until the enrolment is done.
func payUntil(ctx context.Context, t *testing.T, c *control.Client, done chan error) (approved int) {
	t.Helper()
	for i := 0; ; i++ {
		q := control.PaymentRequest{ID: fmt.Sprintf("pay-%d", i), Amount: "1.00", Currency: "EUR"}
		if _, err := c.Begin(ctx, q); err != nil {
			t.Errorf("begin %s: %v", q.ID, err)
			return approved
		}
		p, err := c.Wait(ctx, q.ID, time.Minute)
		if err != nil || p.State != string(payment.StateApproved) {
			t.Errorf("%+v, %v", p, err)
			return approved
		}
		approved++
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return approved
		default:
		}
	}
}

// memoryGroup makes a control group whose processes have 512 MB together, without swap.
func memoryGroup(t *testing.T) string {
	t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skipf("this system has no control groups to limit memory with: %v", err)
	}
	name := fmt.Sprintf("smiletill-test-%d", os.Getpid())
	var tried error
	for _, line := range strings.Split(string(own), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		dir, limit := filepath.Join("/sys/fs/cgroup", parts[2], name), "memory.max"
		if parts[1] == "memory" {
			dir, limit = filepath.Join("/sys/fs/cgroup/memory", parts[2], name), "memory.limit_in_bytes"
		} else if parts[1] != "" {
			continue
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			tried = errors.Join(tried, err)
			continue
		}
		t.Cleanup(func() { _ = os.Remove(dir) }) // its processes have ended by then
		err := os.WriteFile(filepath.Join(dir, limit), fmt.Append(nil, memoryMax), 0o600)
		if err == nil {
			return dir
		}
		tried = errors.Join(tried, err)
	}
	t.Skipf("this user may make no control group with a limit of memory here: %v", tried)
	return ""
}

// oomKills counts the processes of a control group that the kernel ended for want of memory.
func oomKills(t *testing.T, group string) (n int) {
	t.Helper()
	for _, name := range []string{"memory.events", "memory.oom_control"} {
		text, err := os.ReadFile(filepath.Join(group, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		_, after, found := strings.Cut(string(text), "oom_kill ")
		if err != nil || !found {
			t.Fatalf("%s: %v: %q", name, err, text)
		}
		if _, err := fmt.Sscan(after, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatal("the kernel does not count")
	return 0
}

// largePNG is a photo brought to 48 megapixels.
func largePNG(t *testing.T, photo string) []byte {
	t.Helper()
	data, err := visits.Photo(photo)
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	const w, h = 8064, 6048
	var pixels bytes.Buffer
	z, err := zlib.NewWriterLevel(&pixels, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	size := m.Bounds().Size()
	line, from := make([]byte, 1+3*w), -1
	for y := range h {
		if y*size.Y/h != from {
			from = y * size.Y / h
			spread(line[1:], m, from, w)
		}
		if _, err := z.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	chunk := func(name string, data []byte) []byte {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), name...)
		b = append(b, data...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return bytes.Join([][]byte{[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 2, 0, 0, 0)),
		chunk("IDAT", pixels.Bytes()), chunk("IEND", nil)}, nil)
}

// spread writes line y of a picture, as red, green, blue, over w pixels.
func spread(to []byte, m image.Image, y, w int) {
	wide := m.Bounds().Dx()
	for x := range w {
		r, g, b, _ := m.At(x*wide/w, y).RGBA()
		to[3*x], to[3*x+1], to[3*x+2] = byte(r>>8), byte(g>>8), byte(b>>8)
	}
}
