package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary writes faults and recoveries down, in milliseconds.
type diary struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (d *diary) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%d %s", time.Since(d.start).Milliseconds(), what))
}

func (d *diary) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, ", ")
}

func (d *diary) supervision() Supervision {
	return Supervision{
		Fault:     func(err error) { d.note(err.Error()) },
		Recovered: func() { d.note("recovered") },
	}
}

// opener gives the sources one after the other; nil is an error.
func (d *diary) opener(sources ...*fake) func() (Source, error) {
	return func() (Source, error) {
		d.note("open")
		if len(sources) == 0 || sources[0] == nil {
			sources = sources[min(1, len(sources)):]
			return nil, errors.New("no such device")
		}
		s := sources[0]
		sources = sources[1:]
		return s, nil
	}
}

// A picture that does not change is a fault after a while. It is not shown again after the camera was opened
// anew, and does not count as its recovery.
func TestFrozenPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{start: time.Now()}
		a, b := newFake(), newFake()
		s := d.supervision()
		s.Frozen = 2 * time.Second
		l := Newest(Supervise(d.opener(a, b), s))
		play := func(f *fake, picture byte, count int) {
			for range count {
				f.frames <- picture
				time.Sleep(100 * time.Millisecond)
			}
		}
		play(a, 7, 20) // 1.9 s: not yet
		play(a, 8, 1)
		play(a, 9, 21)
		time.Sleep(time.Second)
		play(b, 9, 5)
		play(b, 10, 1)
		if f, err := l.Take(t.Context()); err != nil || f.Data[0] != 10 {
			t.Errorf("frame %v, %v; want the first of another picture", f, err)
		}
		want := "0 open, 4100 read camera: the picture is frozen, 4350 open, 5700 recovered"
		if got := d.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestRecordingsMayStandStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{start: time.Now()}
		a := newFake()
		l := Newest(Supervise(d.opener(a), d.supervision()))
		for range 100 {
			a.frames <- 1
			time.Sleep(100 * time.Millisecond)
		}
		if got := d.text(); got != "0 open" {
			t.Error(got)
		}
		_ = l.Close()
	})
}

func TestUnpluggedAndPluggedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{start: time.Now()}
		a, b := newFake(), newFake()
		l := Newest(Supervise(d.opener(a, nil, nil, b), d.supervision()))
		a.frames <- 1
		a.fail <- errors.New("unplugged")
		time.Sleep(1800 * time.Millisecond)
		b.frames <- 2
		synctest.Wait()
		want := "0 open, 0 unplugged, 250 open, 250 no such device, 750 open, 1750 open, 1800 recovered"
		if got := d.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if f, err := l.Take(t.Context()); err != nil || f.Data[0] != 2 || f.Seq != 2 {
			t.Errorf("took %v, %v", f, err)
		}
		if !a.isClosed() || b.isClosed() {
			t.Error("the lost source is open, or the new one closed")
		}
		if err := l.Close(); err != nil || !b.isClosed() {
			t.Errorf("Close: %v, source closed %t", err, b.isClosed())
		}
	})
}

func TestPausesGrowToTheirLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{start: time.Now()}
		l := Newest(Supervise(d.opener(), d.supervision()))
		time.Sleep(5 * time.Second)
		var opens []string
		for _, line := range strings.Split(d.text(), ", ") {
			if at, ok := strings.CutSuffix(line, " open"); ok {
				opens = append(opens, at)
			}
		}
		want := []string{"0", "250", "750", "1750", "2750", "3750", "4750"}
		if !slices.Equal(opens, want) || strings.Count(d.text(), "no such device") != 1 {
			t.Errorf("opened at %v, want %v; diary %s", opens, want, d.text())
		}
		_ = l.Close()
	})
}

// A source that falls silent is known to be lost after a second, even if it doesn't return from its Next.
func TestStallIsKnownWithinASecond(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		t.Run(fmt.Sprintf("deaf %t", deaf), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &diary{start: time.Now()}
				a, b := newFake(), newFake()
				a.deaf = deaf
				l := Newest(Supervise(d.opener(a, b), d.supervision()))
				for range 3 {
					time.Sleep(900 * time.Millisecond)
					a.frames <- 1
				}
				time.Sleep(2 * time.Second) // stalls at 2700 + 1000
				stall := "3700 read camera: no frame in time"
				want := "0 open, " + stall + ", 3950 open"
				if deaf {
					want = "0 open, " + stall
				}
				if got := d.text(); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if deaf {
					a.frames <- 2 // it wakes up, and has given a frame after all
					synctest.Wait()
					if got := d.text(); !strings.HasSuffix(got, "4700 recovered") {
						t.Errorf("got %s, want a recovery", got)
					}
					a.fail <- io.EOF
				}
				_ = l.Close()
			})
		})
	}
}

// A camera that opens, and gives nothing, is not opened ever faster; its first frame may take longer.
func TestSlowStartAndSilentCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{start: time.Now()}
		a, b, c := newFake(), newFake(), newFake()
		l := Newest(Supervise(d.opener(a, b, c), d.supervision()))
		time.Sleep(11 * time.Second) // a: 0 to 5 s; b: 5.25 to 10.25 s; c from 10.75 s
		time.Sleep(4 * time.Second)
		c.frames <- 1 // after 4.25 s
		synctest.Wait()
		want := "0 open, 5000 read camera: no frame in time, 5250 open, 10750 open, 15000 recovered"
		if got := d.text(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		_ = l.Close()
	})
}

func TestSupervisedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{start: time.Now()}
		a := newFake()
		s := Supervise(d.opener(a), d.supervision())
		a.fail <- io.EOF
		var f Frame
		if err := s.Next(t.Context(), &f); err != io.EOF {
			t.Errorf("at a clip's end: %v, want io.EOF", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := s.Next(ctx, &f); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("impatient: %v", err)
		}
		go func() { a.frames <- 1 }()
		if err := s.Next(t.Context(), &f); err != nil { // another context: the old one's end has no effect
			t.Error(err)
		}
		if d.text() != "0 open" {
			t.Errorf("an end or an impatient caller is no fault: %s", d.text())
		}
		_ = s.Close()
		if err := s.Next(t.Context(), &f); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestStallHasAHint(t *testing.T) {
	var h interface{ Hint() string }
	if err := stalled(); !errors.Is(err, ErrStalled) || !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("%v has no hint", err)
	}
}
