package trial

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"io"
	"os"
	"slices"
	"time"

	"smiletill/cmd/smiletill/columns"
	"smiletill/cmd/smiletill/config"
	"smiletill/device/camera"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/networks"
)

const (
	sheetColumns, sheetRows = 4, 3

	// rateMin is the slowest camera that a visit goes well with: a smile and the frames that prove it take
	// about a second.
	rateMin = 10.0
)

// cameraTrial is what a while of watching a camera showed.
type cameraTrial struct {
	took    time.Duration
	gaps    []time.Duration // between two pictures that were taken
	taken   int
	dropped uint64
	damaged int
	clipped [2]float64 // share of pixels that are black, that are white; sums
	luma    float64    // mean, 0..1; sum
	faces   int
	reasons map[vision.Reason]int
	bright  float64
	sharp   float64
	judged  int // faces with light and sharpness
	sheet   []image.Image
	stance  stance
	rotate  int // as configured
	region  watched
}

// TestCamera watches through the configured camera for a while and judges it. sheet names a file for some of
// the pictures; "" keeps none.
func TestCamera(ctx context.Context, w io.Writer, cfg config.Config, long time.Duration, sheet string) error {
	set, err := OpenModels(cfg)
	if err != nil {
		return err
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		return err
	}
	defer l.Close() // nothing was written
	source, err := camera.Settings(cfg.Camera).Open()
	if err != nil {
		return fmt.Errorf("test camera: %w", err)
	}
	if v, ok := source.(*camera.V4L2); ok {
		width, height, format := v.Size()
		fmt.Fprintf(w, "%s, %dx%d %s: watching for %v\n", v.Node(), width, height, format, long)
	} else {
		fmt.Fprintf(w, "%s: watching for %v\n", cfg.Camera.Source, long)
	}
	frames := camera.Newest(source)
	t := &cameraTrial{reasons: map[vision.Reason]int{}, rotate: cfg.Camera.Rotate,
		region: watched{Region: cfg.Camera.Region}}
	err = t.watch(ctx, frames, l, long, sheet != "")
	if err := errors.Join(err, frames.Close()); err != nil {
		return fmt.Errorf("test camera: %w", err)
	}
	if err := t.print(w, l.Thresholds()); err != nil || sheet == "" {
		return err
	}
	if err := writeSheet(sheet, t.sheet); err != nil {
		return fmt.Errorf("test camera: write the contact sheet: %w", err)
	}
	fmt.Fprintf(w, "%d pictures are in %s: delete it after a look\n", len(t.sheet), sheet)
	return nil
}

// watch looks at every frame that comes; at the end of a recording it stops early.
func (t *cameraTrial) watch(
	ctx context.Context, frames *camera.Latest, l *networks.Looker, long time.Duration, sheet bool,
) error {
	d := camera.Decoder{Rotate: t.rotate, Region: t.region.Region}
	start := time.Now()
	var last time.Time
	for time.Since(start) < long {
		wait, cancel := context.WithTimeout(ctx, max(long, 6*time.Second))
		f, err := frames.Take(wait)
		cancel()
		if errors.Is(err, io.EOF) && t.taken > 0 {
			break
		}
		if err != nil {
			return err
		}
		t.taken++
		if !last.IsZero() {
			t.gaps = append(t.gaps, f.At.Sub(last))
		}
		last = f.At
		img, err := d.Decode(f)
		if err != nil {
			t.damaged++
			continue
		}
		t.light(img)
		if err := errors.Join(l.Look(img, vision.Landmarks, t.face), t.stance.look(l, img)); err != nil {
			return err
		}
		if sheet && len(t.sheet) < sheetColumns*sheetRows &&
			time.Since(start) >= long*time.Duration(len(t.sheet))/(sheetColumns*sheetRows) {
			small := half(img)
			t.region.draw(small)
			t.sheet = append(t.sheet, small)
		}
	}
	t.took = time.Since(start)
	_, t.dropped = frames.Counts()
	if t.taken == t.damaged {
		return payment.WithHintf(camera.ErrPicture,
			"every picture was damaged: try another cable, port or camera.format")
	}
	return nil
}

// light measures every eighth pixel of every eighth line.
func (t *cameraTrial) light(img image.Image) {
	b := img.Bounds()
	sum, n := 0.0, 0
	var ends [2]int
	for y := b.Min.Y; y < b.Max.Y; y += 8 {
		for x := b.Min.X; x < b.Max.X; x += 8 {
			r, g, bl, _ := img.At(x, y).RGBA()
			v := (0.299*float64(r) + 0.587*float64(g) + 0.114*float64(bl)) / 0xffff // luma, ITU-R BT.601
			sum, n = sum+v, n+1
			if v < 0.02 {
				ends[0]++
			}
			if v > 0.98 {
				ends[1]++
			}
		}
	}
	t.luma += sum / float64(n)
	for i := range ends {
		t.clipped[i] += float64(ends[i]) / float64(n)
	}
}

func (t *cameraTrial) face(l vision.Look) {
	t.region.look(l)
	if l.Reason == vision.NoFace { // what the detector took for one may be there
		return
	}
	if l.Faces > 0 {
		t.faces++
	}
	t.reasons[l.Reason]++
	if l.Brightness > 0 {
		t.judged++
		t.bright += float64(l.Brightness)
		t.sharp += float64(l.Sharpness)
	}
}

func (t *cameraTrial) print(w io.Writer, limits vision.Thresholds) error {
	table := columns.New(w)
	t.printPictures(table, limits)
	t.printFaces(table, limits)
	t.region.print(table)
	t.stance.print(table, t.rotate)
	return table.Flush()
}

// row writes one line of the verdicts.
func row(w io.Writer, name, verdict, text string, args ...any) {
	fmt.Fprintf(w, "%s\t%s\t%s\n", name, verdict, fmt.Sprintf(text, args...))
}

func (t *cameraTrial) printPictures(w io.Writer, limits vision.Thresholds) {
	seen := float64(t.taken - t.damaged)
	rate := float64(t.taken+int(t.dropped)) / t.took.Seconds()
	row(w, "rate", verdict(rate < rateMin, "too slow"), "%.1f pictures a second (at least %.0f); "+
		"half of them within %.0f ms of the one before, 95 %% within %.0f ms",
		rate, rateMin, ms(t.gaps, 50), ms(t.gaps, 95))
	row(w, "frames", verdict(t.damaged*10 > t.taken, "damaged"), "%d looked at, %d left out because a newer "+
		"one was there, %d damaged", t.taken, t.dropped, t.damaged)
	luma := t.luma / seen
	light := "good"
	switch { // the whole picture; a face is judged by its own light
	case luma < float64(limits.BrightnessMin):
		light = "too dark"
	case luma > float64(limits.BrightnessMax):
		light = "too bright"
	}
	row(w, "light", light, "brightness %.2f (0 is black, 1 is white); %.0f %% of the picture is black, %.0f "+
		"%% white", luma, 100*t.clipped[0]/seen, 100*t.clipped[1]/seen)
}

func (t *cameraTrial) printFaces(w io.Writer, limits vision.Thresholds) {
	switch {
	case t.faces == 0 && t.region.outside > 0:
		row(w, "face", "none", "somebody was seen outside camera.region alone: move the region, or stand in it")
		return
	case 2*t.faces < t.taken-t.damaged: // the detector takes a shelf for a face now and then
		row(w, "face", "none", "nobody was seen for half of the time: stand in front of the camera and try again")
		return
	}
	worst := vision.Reason("")
	for r, n := range t.reasons {
		if r != "" && n*2 > t.faces && n > t.reasons[worst] {
			worst = r
		}
	}
	advice := ""
	if worst == vision.SeveralFaces {
		advice = ": one person alone, please; a poster or a queue is left out with camera.region"
	}
	row(w, "face", verdict(worst != "", string(worst)), "seen in %d of %d pictures, fit for a payment in %d%s",
		t.faces, t.taken-t.damaged, t.reasons[""], advice)
	if t.judged > 0 {
		bright, sharp := t.bright/float64(t.judged), t.sharp/float64(t.judged)
		row(w, "", verdict(sharp < float64(limits.SharpnessMin), "blurred"),
			"sharpness %.2f (at least %.2f), brightness %.2f (%.2f to %.2f)",
			sharp, limits.SharpnessMin, bright, limits.BrightnessMin, limits.BrightnessMax)
	}
}

func verdict(bad bool, word string) string {
	if bad {
		return word
	}
	return "good"
}

// ms is a percentile in milliseconds; 0 of nothing.
func ms(list []time.Duration, percent int) float64 {
	if len(list) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(list))
	return float64(s[(len(s)-1)*percent/100].Microseconds()) / 1000
}

// half copies a picture at half its size: a frame's memory is used again for the next one.
func half(img image.Image) *image.RGBA {
	b := img.Bounds()
	m := image.NewRGBA(image.Rect(0, 0, b.Dx()/2, b.Dy()/2))
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			m.Set(x, y, img.At(b.Min.X+2*x, b.Min.Y+2*y))
		}
	}
	return m
}

// writeSheet puts the pictures side by side into a file that only this user can read, and that is not there
// yet.
func writeSheet(name string, list []image.Image) (err error) {
	size := list[0].Bounds().Size()
	m := image.NewRGBA(image.Rect(0, 0, sheetColumns*size.X, (len(list)+sheetColumns-1)/sheetColumns*size.Y))
	for i, one := range list {
		at := image.Pt(i%sheetColumns*size.X, i/sheetColumns*size.Y)
		draw.Draw(m, one.Bounds().Add(at), one, image.Point{}, draw.Src)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return payment.WithHintf(err, "name a file that does not exist yet, in a folder of yours")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return jpeg.Encode(f, m, &jpeg.Options{Quality: 85})
}
