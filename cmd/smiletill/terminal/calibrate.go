package terminal

import (
	"context"
	"errors"
	"image"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/light"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/journal"
)

// calibration is one that somebody asked for.
type calibration struct {
	light.Calibration
	done chan error
}

// Calibrate measures the screen's delay by whoever stands before the terminal.
func (d service) Calibrate(ctx context.Context, progress func(string)) (control.Delay, error) {
	p, err := d.access.opened()
	if err != nil {
		return control.Delay{}, err
	}
	job := &calibration{done: make(chan error, 1), Calibration: light.Calibration{Progress: progress}}
	select {
	case p.eyes.calibrations <- job:
	case <-time.After(time.Second):
		return control.Delay{}, payment.WithHint(
			errors.New("calibrate the screen: the camera is in use, by a payment or an enrolment"),
			"wait for that to end, then try again")
	case <-ctx.Done():
		return control.Delay{}, ctx.Err()
	}
	if err := <-job.done; err != nil {
		return control.Delay{}, err
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return control.Delay{DelayMS: ms(job.Delay), ApartMS: ms(job.Apart)}, nil
}

var errPays = errors.New("a payment has begun")

// calibrate measures, unless somebody wants to pay.
func (e *eyes) calibrate(ctx context.Context, c *light.Calibration) error {
	defer e.front.Calibrating(nil, false)
	bench := light.Bench{Look: e.parts.looker.Look, Thresholds: e.parts.looker.Thresholds(),
		Next: func(ctx context.Context) (image.Image, time.Time, error) {
			s, err := e.parts.engine.Status(ctx)
			if err == nil && s.Payment.ID != "" && !s.Payment.State.Terminal() {
				err = payment.WithHint(errPays, "calibrate again when it has ended")
			}
			if err != nil {
				return nil, time.Time{}, err
			}
			return e.next(ctx)
		},
	}
	bench.Camera = e.lens.Now
	bench.Show = func(l *screen.Light) { e.front.Calibrating(l, true) }
	err := c.Run(ctx, e.lamp, bench, e.delayPath)
	if err == nil {
		e.parts.delay.Store(&light.Delay{By: c.Delay, Known: true, Camera: c.Camera})
		err = e.parts.trail.Note(ctx, journal.Audit{What: journal.ScreenCalibrated})
		e.log.Info("the screen's delay was measured", "delay", c.Delay.String(), "apart", c.Apart.String())
	}
	return err
}
