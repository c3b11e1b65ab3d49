package camera

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"
	"time"
)

// maxClip is the most that a clip may take in memory, in bytes: minutes of 640x480 motion JPEG.
const maxClip = 256 << 20

// Clip is a recording in memory: JPEG pictures in order. It is not changed after Load, so that any number of
// Replays, in any goroutines, can play it.
type Clip struct {
	name   string
	frames []clipFrame
}

type clipFrame struct {
	data          []byte
	width, height int
}

// Load reads a clip: name is a motion-JPEG file (JPEGs one after the other, as `ffmpeg -f mjpeg` writes
// them), a single JPEG, or a folder whose .jpg and .jpeg files are the frames, in the order of their
// names. Every frame's structure and dimensions are checked here; errors name the file and the frame.
func Load(fsys fs.FS, name string) (*Clip, error) {
	c := &Clip{name: name}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, loadError(name, err)
	}
	if !info.IsDir() {
		if err := c.add(fsys, name, false); err != nil {
			return nil, err
		}
		return c, nil
	}
	entries, err := fs.ReadDir(fsys, name)
	if err != nil {
		return nil, loadError(name, err)
	}
	for _, e := range entries { // ReadDir sorts by name
		ext := strings.ToLower(path.Ext(e.Name()))
		if e.IsDir() || ext != ".jpg" && ext != ".jpeg" {
			continue
		}
		if err := c.add(fsys, path.Join(name, e.Name()), true); err != nil {
			return nil, err
		}
	}
	if len(c.frames) == 0 {
		return nil, loadError(name, fmt.Errorf("%w: no .jpg files in the folder", ErrPicture))
	}
	return c, nil
}

// add appends the frames of one file.
func (c *Clip) add(fsys fs.FS, name string, single bool) error {
	file, err := fsys.Open(name)
	if err != nil {
		return loadError(name, err)
	}
	defer file.Close() // only read from
	data, err := io.ReadAll(io.LimitReader(file, maxClip+1))
	if err != nil {
		return loadError(name, err)
	}
	if len(data) > maxClip {
		return loadError(name, fmt.Errorf("%w: more than %d MB", ErrTooLarge, maxClip>>20))
	}
	frames, err := split(data)
	if err != nil {
		return loadError(name, err)
	}
	if single && len(frames) != 1 {
		return loadError(name, fmt.Errorf("%w: %d frames in a file of one", ErrPicture, len(frames)))
	}
	for i, d := range frames {
		conf, err := jpeg.DecodeConfig(bytes.NewReader(d))
		if err != nil {
			return loadError(name, fmt.Errorf("frame %d: %w: %w", i+1, ErrPicture, err))
		}
		if err := sides(conf.Width, conf.Height); err != nil {
			return loadError(name, fmt.Errorf("frame %d: %w", i+1, err))
		}
		c.frames = append(c.frames, clipFrame{d, conf.Width, conf.Height})
	}
	return nil
}

func loadError(name string, err error) error {
	return withHint(fmt.Errorf("load clip %s: %w", name, err),
		"a clip is a file of JPEG pictures (ffmpeg -i video -f mjpeg clip.mjpeg) or a folder of .jpg files: "+
			"check the path, or record it again")
}

// Len is the number of frames.
func (c *Clip) Len() int { return len(c.frames) }

// Playback says how a clip is played.
type Playback struct {
	FPS   float64 // frames a second; 0 or less: as fast as asked
	Loop  bool    // begin again at the end, for ever
	Clock float64 // frames a second of the film's own time, as fast as it may be asked; 0: there is none
}

// Play starts the clip at its first frame.
func (c *Clip) Play(p Playback) *Replay {
	r := &Replay{clip: c, loop: p.Loop}
	if p.FPS <= 0 && p.Clock > 0 {
		r.film, r.began = time.Duration(float64(time.Second)/p.Clock), time.Now()
	}
	if p.FPS > 0 {
		r.interval = time.Duration(float64(time.Second) / p.FPS)
	}
	return r
}

// Replay is a Source that plays a Clip.
type Replay struct {
	clip     *Clip
	loop     bool
	interval time.Duration // 0: as fast as asked
	film     time.Duration // from frame to frame by the film's own time; 0: there is none
	began    time.Time     // of that time
	next     int
	seq      uint64
	due      time.Time
	timer    *time.Timer
	closed   atomic.Bool
}

// Next gives the next frame when it is due, and io.EOF behind the last one. The first frame is due at once. A
// caller who comes late gets the frame at once and the rate continues from there: no burst follows.
func (r *Replay) Next(ctx context.Context, f *Frame) error {
	if r.closed.Load() {
		return fmt.Errorf("replay %s: %w", r.clip.name, ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.next == len(r.clip.frames) {
		if !r.loop {
			return io.EOF
		}
		r.next = 0
	}
	if err := r.wait(ctx); err != nil {
		return err
	}
	c := r.clip.frames[r.next]
	r.next++
	r.seq++
	f.set(c.data)
	f.Format, f.Width, f.Height, f.Stride = MJPG, c.width, c.height, 0
	f.Seq, f.At, f.Film, f.From = r.seq, time.Now(), time.Time{}, Origin{Kind: Recording}
	if r.film > 0 {
		f.Film = r.began.Add(time.Duration(r.seq) * r.film)
	}
	return nil
}

// wait sleeps until the next frame is due.
func (r *Replay) wait(ctx context.Context) error {
	if r.interval == 0 {
		return nil
	}
	if d := time.Until(r.due); d > 0 {
		if r.timer == nil {
			r.timer = time.NewTimer(d)
		} else {
			r.timer.Reset(d)
		}
		select {
		case <-r.timer.C:
		case <-ctx.Done():
			r.timer.Stop()
			return ctx.Err()
		}
	}
	now := time.Now()
	if now.Sub(r.due) > r.interval {
		r.due = now
	}
	r.due = r.due.Add(r.interval)
	return nil
}

// Close ends the replay; the clip can be played again.
func (r *Replay) Close() error {
	r.closed.Store(true)
	return nil
}
