package light

import (
	"context"
	"errors"
	"fmt"
	"image"
	"time"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision"
)

const (
	// calibrateFor is how long somebody has to look; three lights take ten seconds.
	calibrateFor = time.Minute
	// settled is how long a face is looked at before each light, and after it: longer than any delay.
	settled = 600 * time.Millisecond
	// playFor is how long a page may take for a light of 1.2 s and its report.
	playFor = 4 * time.Second
)

// Bench is what a calibration sees by, and where it shows its lights.
type Bench struct {
	// Look looks at a picture: vision.Pipeline's Look, whose Look is lent.
	Look func(image.Image, vision.Depth, func(vision.Look)) error
	// Next gives the next picture, and when it was taken; none when there was none for a second, or it was
	// damaged.
	Next func(context.Context) (image.Image, time.Time, error)
	// Show has the page play a light to whoever stands there; nil: it asks the person to look.
	Show func(*screen.Light)
	// Camera says what the newest picture came through.
	Camera func() string
	// Thresholds are those of a visit.
	Thresholds vision.Thresholds
}

// Calibration measures how late the light of the screen is seen by the camera.
type Calibration struct {
	Progress func(text string)
	Delay    time.Duration // what came of it
	Apart    time.Duration // how far the lights were apart
	Camera   string        // that it was measured with
}

// Run measures by somebody who looks at the screen, and keeps what came of it in a file.
func (c *Calibration) Run(ctx context.Context, l *Lamp, on Bench, path string) error {
	limited, cancel := context.WithTimeout(ctx, calibrateFor)
	defer cancel()
	cal := vision.NewCalibration(on.Thresholds)
	for {
		if ok, err := c.round(limited, l, on, cal); err != nil {
			return fmt.Errorf("calibrate the screen: %w", c.explain(ctx, err))
		} else if ok {
			c.Camera = on.Camera()
			return write(path, c.Camera, c.Delay, c.Apart)
		}
	}
}

// explain says what to do about an error.
func (c *Calibration) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	what := "nobody was seen to answer the screen's colours for a minute"
	hint := "stand an arm's length before the terminal, look at the screen, and keep still; dim the room if " +
		"it is bright"
	if c.Apart > 0 {
		what = fmt.Sprintf("the screen's colours are seen now sooner and now later, by %d ms",
			c.Apart.Milliseconds())
		hint = "close what else runs on the terminal, and use a camera with 15 pictures a second or more"
	}
	return payment.WithHint(errors.New(what), hint)
}

// round plays one light to the face that is there, and reports true when the delay is known.
func (c *Calibration) round(ctx context.Context, l *Lamp, on Bench, cal *vision.Calibration) (bool, error) {
	on.Show(nil)
	c.Progress("look at the screen")
	if err := watch(ctx, on, cal, time.Now().Add(settled)); err != nil {
		return false, err
	}
	one, colours, err := l.draw()
	if err != nil {
		return false, err
	}
	for len(l.said) > 0 {
		<-l.said
	}
	c.Progress("the screen shows colours: keep looking at it")
	on.Show(&one)
	l.simulated(one)
	said, err := c.played(ctx, l, on, cal, one.ID)
	if err != nil || said.ID == "" {
		return false, err
	}
	lit := vision.Lit{Page: l.besides(), Colours: colours, At: said.At, Until: said.Ended}
	if err := watch(ctx, on, cal, said.Ended.Add(settled)); err != nil {
		return false, err
	}
	if by, _, ok := cal.Round(lit); ok {
		c.Progress(fmt.Sprintf("seen after %d ms", by.Milliseconds()))
	} else {
		c.Progress("not seen on a face: once more")
	}
	var ok bool
	c.Delay, c.Apart, ok = cal.Delay()
	return ok, nil
}

// played watches until the page says that it has played a light.
func (c *Calibration) played(
	ctx context.Context, l *Lamp, on Bench, cal *vision.Calibration, id string,
) (screen.Shown, error) {
	for end := time.Now().Add(playFor); time.Now().Before(end); {
		if err := watch(ctx, on, cal, time.Now()); err != nil {
			return screen.Shown{}, err
		}
		select {
		case s := <-l.said:
			switch {
			case s.ID == id && s.Why == "":
				return s, nil
			case s.ID == id:
				why := errors.New("the page did not show the colours: " + whyWords(s.Why))
				return screen.Shown{}, payment.WithHint(why, inFront+", and try again")
			}
		default:
		}
	}
	return screen.Shown{}, payment.WithHint(errors.New("no page said that it showed the colours"),
		inFront+", and try again")
}

const inFront = "open the customer's page on the terminal's own display, in front of everything else"

// whyWords says why a light was not shown.
func whyWords(why string) string {
	switch why {
	case screen.WhyHidden:
		return "it is behind another, or the screen is off"
	case screen.WhyReducedMotion:
		return "its browser is set to reduce motion"
	case screen.WhyDeclined:
		return "somebody pressed \"without colours\""
	case screen.WhyStalled:
		return "the browser was too slow"
	case screen.WhyTwoScreens:
		return "two screens show it"
	}
	return why
}

// watch looks at one picture at least, and at all until a time.
func watch(ctx context.Context, on Bench, cal *vision.Calibration, until time.Time) error {
	for {
		img, at, err := on.Next(ctx)
		if err != nil {
			return err
		}
		if img != nil {
			err := on.Look(img, vision.Landmarks|vision.WithSkin, func(l vision.Look) { cal.See(l, at) })
			if err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !time.Now().Before(until) {
			return nil
		}
	}
}
