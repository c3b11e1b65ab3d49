//go:build cgo && linux && !notflite

package enrolment_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/models"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// person stands before the camera: at rest while pictures are taken, and as she likes when asked to smile.
type person struct {
	rest, asked []image.Image
	shown       int
	step        enrolment.Step
	steps       []enrolment.Step
}

func (p *person) show(m enrolment.Moment) {
	if p.step = m.Step; !slices.Contains(p.steps, m.Step) {
		p.steps = append(p.steps, m.Step)
	}
	if m.Come < 0 || m.Come > 1 {
		p.steps = append(p.steps, "progress out of range")
	}
}

func (p *person) next(ctx context.Context) (image.Image, time.Time, error) {
	select {
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	case <-time.After(100 * time.Millisecond):
	}
	frames := p.rest
	if p.step == enrolment.Smiling {
		frames = p.asked
	}
	p.shown++
	return frames[p.shown%len(frames)], time.Now(), nil
}

func openLooker(t *testing.T) *networks.Looker {
	t.Helper()
	set, err := models.Open("")
	if err != nil {
		t.Fatal(err)
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// An enrolment by camera asks for a smile after the pictures, and goes on without one.
func TestCaptureAsksForASmile(t *testing.T) {
	clip, err := visits.Open("customer_smile")
	if err != nil {
		t.Fatal(err)
	}
	var film []image.Image
	for _, f := range clip.Frames {
		img, err := jpeg.Decode(bytes.NewReader(f))
		if err != nil {
			t.Fatal(err)
		}
		film = append(film, img)
	}
	rest, smile := film[17:28], film[34:46]
	const seen, no = "the smile will be seen at the till", "no smile was held"
	for _, c := range []struct {
		name          string
		asked         []image.Image
		noSmile, busy bool
		wait          time.Duration
		said          string
		kept          bool
	}{
		{"smiles", smile, false, false, 0, seen, true},
		{"does not smile", rest, false, false, time.Second, no, false},
		{"is not asked", smile, true, false, 0, "picture 3 of 3", false},
		{"somebody wants to pay", smile, false, true, 0, no, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := openLooker(t)
			var said []string
			p := &person{rest: rest, asked: c.asked}
			job := enrolment.Capture{Want: 3, NoSmile: c.noSmile, Wait: c.wait,
				Progress: func(text string) { said = append(said, text) }}
			err := job.Run(t.Context(), enrolment.Camera{Looker: l, Next: p.next, Show: p.show,
				Busy: func() bool { return c.busy && len(job.Templates) == 3 }})
			if err != nil || len(job.Templates) != 3 {
				t.Fatalf("%d templates, %v; said %q", len(job.Templates), err, said)
			}
			if kept := job.Smile.Rise > 0; kept != c.kept || !strings.Contains(said[len(said)-1], c.said) {
				t.Errorf("rest %.2f, rise %.2f; said %q", job.Smile.Rest, job.Smile.Rise, said)
			}
			want := []enrolment.Step{enrolment.Looking, enrolment.Smiling, enrolment.Done}
			if c.noSmile {
				want = []enrolment.Step{enrolment.Looking, enrolment.Done}
			}
			if !slices.Equal(p.steps, want) {
				t.Errorf("the person was asked for %q, want %q", p.steps, want)
			}
		})
	}
}

// An enrolment takes no pictures of who stands there to pay.
func TestCaptureEndsForAPayment(t *testing.T) {
	var job enrolment.Capture
	job.Want = 3
	err := job.Run(t.Context(), enrolment.Camera{Show: func(enrolment.Moment) {},
		Looker: openLooker(t), Busy: func() bool { return true }})
	if err == nil || !strings.Contains(err.Error(), "a payment has begun") || len(job.Templates) > 0 {
		t.Errorf("%v, %d templates", err, len(job.Templates))
	}
}
