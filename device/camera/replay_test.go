package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// testClip has n small frames that differ.
func testClip(tb testing.TB, n int) *Clip {
	tb.Helper()
	var data []byte
	for i := range n {
		data = append(data, testJPEG(tb, 32, 16, byte(i))...)
	}
	c, err := Load(fstest.MapFS{"clip.mjpeg": {Data: data}}, "clip.mjpeg")
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestLoadRefuses(t *testing.T) {
	pic := testJPEG(t, 32, 16, 0)
	files := fstest.MapFS{
		"text.mjpeg":       {Data: []byte("hello")},
		"cut.mjpeg":        {Data: slices.Concat(pic, pic, pic[:50])},
		"large.mjpeg":      {Data: slices.Concat(pic, resized(pic, 5000, 16))},
		"size.mjpeg":       {Data: resized(pic, 0, 16)},
		"empty/read.me":    {},
		"mixed/1.jpg":      {Data: pic},
		"mixed/2.JPG":      {Data: []byte("x")},
		"several/1.jpg":    {Data: slices.Concat(pic, pic)},
		"folder/a.jpg/foo": {},
	}
	for name, want := range map[string]struct {
		err  error
		text string
	}{
		"gone.mjpeg":  {fs.ErrNotExist, "gone.mjpeg"},
		"text.mjpeg":  {ErrPicture, "text.mjpeg: frame 1"},
		"cut.mjpeg":   {ErrPicture, "cut.mjpeg: frame 3"},
		"large.mjpeg": {ErrTooLarge, "large.mjpeg: frame 2: "},
		"size.mjpeg":  {ErrPicture, "size.mjpeg: frame 1: "},
		"empty":       {ErrPicture, "no .jpg files"},
		"mixed":       {ErrPicture, "mixed/2.JPG: frame 1"},
		"several":     {ErrPicture, "several/1.jpg: "},
		"folder":      {ErrPicture, "no .jpg files"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(files, name)
			var h interface{ Hint() string }
			if c != nil || !errors.Is(err, want.err) || !errors.As(err, &h) ||
				!strings.Contains(err.Error(), want.text) {
				t.Errorf("err = %v, want %v with %q and a hint", err, want.err, want.text)
			}
		})
	}
}

func TestLoadFolderInOrder(t *testing.T) {
	files := fstest.MapFS{"v/notes.txt": {}}
	for i, n := range []string{"v/10.jpg", "v/02.jpeg", "v/01.jpg"} {
		files[n] = &fstest.MapFile{Data: testJPEG(t, 16*(i+1), 16, 0)}
	}
	c, err := Load(files, "v")
	if err != nil {
		t.Fatal(err)
	}
	var widths []int
	r := c.Play(Playback{})
	for f := new(Frame); r.Next(t.Context(), f) == nil; {
		widths = append(widths, f.Width)
	}
	if !slices.Equal(widths, []int{48, 32, 16}) || c.Len() != 3 {
		t.Errorf("widths %v of %d frames", widths, c.Len())
	}
}

func TestReplayOnceAndLoop(t *testing.T) {
	c := testClip(t, 3)
	once, loop := c.Play(Playback{}), c.Play(Playback{Loop: true})
	var f, g Frame
	pic := func(i byte) []byte { return testJPEG(t, 32, 16, i) }
	for i := range 3 {
		if err := errors.Join(once.Next(t.Context(), &f), loop.Next(t.Context(), &g)); err != nil {
			t.Fatal(err)
		}
		if f.Seq != uint64(i+1) || !bytes.Equal(f.Data, g.Data) || !bytes.Equal(f.Data, pic(byte(i))) {
			t.Errorf("frame %d: Seq %d, or its data is another's", i, f.Seq)
		}
	}
	if err := once.Next(t.Context(), &f); err != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	if err := loop.Next(t.Context(), &g); err != nil || g.Seq != 4 || !bytes.Equal(g.Data, pic(0)) {
		t.Errorf("looped: %v, Seq %d", err, g.Seq)
	}
	_ = loop.Close()
	if err := loop.Next(t.Context(), &g); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestReplayRate(t *testing.T) {
	c := testClip(t, 4)
	synctest.Test(t, func(t *testing.T) {
		r := c.Play(Playback{FPS: 10})
		start := time.Now()
		var f Frame
		next := func(want time.Duration) {
			t.Helper()
			if err := r.Next(t.Context(), &f); err != nil {
				t.Fatal(err)
			}
			if got := f.At.Sub(start); got != want {
				t.Errorf("frame %d after %v, want %v", f.Seq, got, want)
			}
		}
		next(0)
		next(100 * time.Millisecond)
		time.Sleep(450 * time.Millisecond) // the taker is late: one frame at once, then the rate again
		next(550 * time.Millisecond)
		next(650 * time.Millisecond)
	})
}

func TestReplayWaitsNoLongerThanItsCaller(t *testing.T) {
	c := testClip(t, 2)
	synctest.Test(t, func(t *testing.T) {
		r := c.Play(Playback{FPS: 0.01})
		var f Frame
		if err := r.Next(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := r.Next(ctx, &f); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := r.Next(t.Context(), &f); err != nil || f.Seq != 2 || time.Since(start) != 100*time.Second {
			t.Errorf("asked again: %v, frame %d after %v; want the frame on time", err, f.Seq, time.Since(start))
		}
	})
}

func Example() {
	jpegs := slices.Concat(encode(32, 16, 0), encode(32, 16, 1))
	clip, err := Load(fstest.MapFS{"visit.mjpeg": {Data: jpegs}}, "visit.mjpeg")
	if err != nil {
		fmt.Println(err)
		return
	}
	var d Decoder
	frames := LockStep(clip.Play(Playback{}))
	defer frames.Close()
	for {
		f, err := frames.Take(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		m, err := d.Decode(f)
		fmt.Println(f.Seq, m.Bounds().Size(), err)
	}
	// Output:
	// 1 (32,16) <nil>
	// 2 (32,16) <nil>
}

// A recording that is played as fast as asked has its own time, so that what has to last in it lasts as long
// on every machine; one that is played in real time has none but that.
func TestFilmTime(t *testing.T) {
	clip := testClip(t, 3)
	var f Frame
	fast := clip.Play(Playback{Loop: true, Clock: 20})
	var first time.Time
	for i := range 7 {
		if err := fast.Next(t.Context(), &f); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = f.Seen()
		}
		if d := f.Seen().Sub(first); d != time.Duration(i)*50*time.Millisecond {
			t.Errorf("frame %d is seen after %v", i, d)
		}
	}
	live := clip.Play(Playback{FPS: 1000, Clock: 20})
	if err := live.Next(t.Context(), &f); err != nil || !f.Seen().Equal(f.At) {
		t.Errorf("in real time: seen %v, at %v, %v", f.Seen(), f.At, err)
	}
}
