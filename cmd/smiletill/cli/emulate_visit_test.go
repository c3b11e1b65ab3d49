//go:build linux && !notflite

package cli_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	rig "smiletill/device/bench"
	"smiletill/device/bench/remote"
	"smiletill/vision/visits"
)

// Each picture of a smile is shown for so many frames: who smiled in vain, because the guest looked at too
// few of them, smiles again, and slower.
const (
	quickest = 1
	slowest  = 16 // 20 of the same are a frozen camera
	atMost   = 19
)

// leastLooks is how many pictures a second a terminal must look at for anybody to pay: after 2 s
// without one nobody knows who stood there (vision.Thresholds.GapMax), and no two looks take equally long.
const leastLooks = 1.0

// errTooSlow is what a scene ends with that no terminal could have played in the guest.
var errTooSlow = errors.New("the emulated machine is too slow for anybody to pay in it")

// film makes what the camera sees of each clip.
func (d *emulation) film() error {
	empty, err := visits.Open("idle")
	if err != nil {
		return err
	}
	for _, name := range visits.Names() {
		c, err := visits.Open(name)
		if err != nil {
			return err
		}
		// Whoever does not stay comes again after a moment: one visit may be too short for an emulated
		// terminal.
		frames := pictures(c.Frames)
		film := rig.Film{Once: frames, Loop: append(pictures(empty.Frames), frames...)}
		if c.LoopTo > c.LoopFrom && c.LoopFrom >= 0 {
			film.Loop = frames[c.LoopFrom:c.LoopTo]
		}
		d.films[name] = film
	}
	return nil
}

func pictures(frames [][]byte) []rig.Picture {
	var out []rig.Picture
	for _, f := range frames {
		out = append(out, rig.Picture{MJPG: f})
	}
	return out
}

// visit is a payment with somebody in front of the camera.
type visit struct {
	id, film string                                       // "": the camera sees what it saw
	asks     func(context.Context) (remote.Result, error) // for the payment; nil: `smiletill pay`
	done     chan payResult
	began    time.Duration // on the guest's clock
	shown    int           // frames that the driver had taken when the film began
	shownAt  time.Time
	vain     int // showings at the slowest that led to nothing
	times    int // payments that ended before anything came of them
}

type payResult struct {
	remote.Result
	err error
}

// visit begins a payment with somebody in front of the camera.
func (d *emulation) visit(ctx context.Context, id, film string) (*visit, error) {
	v := &visit{id: id, film: film}
	return v, d.pay(ctx, v)
}

// payment is the id of the visit's last payment.
func (v *visit) payment() string {
	if v.times == 0 {
		return v.id
	}
	return fmt.Sprintf("%s-%d", v.id, v.times+1)
}

// pay has the payment of a visit asked for, and shows its film from the beginning.
func (d *emulation) pay(ctx context.Context, v *visit) (err error) {
	if v.began, err = d.now(ctx); err != nil {
		return err
	}
	done := make(chan payResult, 1)
	v.done = done
	id, asks := v.payment(), v.asks
	if asks == nil {
		asks = func(ctx context.Context) (remote.Result, error) {
			return d.till(ctx, "pay", "4.20", "EUR", "--id", id)
		}
	}
	go func() {
		r, err := asks(ctx)
		done <- payResult{r, err}
	}()
	return d.show(ctx, v)
}

// show shows the film of a visit from the beginning.
func (d *emulation) show(ctx context.Context, v *visit) (err error) {
	if v.film == "" {
		return nil
	}
	film := d.films[v.film]
	film.Each = d.each(v)
	if v.shown, err = d.m.Sent(ctx, port); err == nil {
		_, err = d.m.Show(ctx, port, film)
	}
	v.shownAt = time.Now()
	return err
}

// each is how many frames each picture of a visit is shown for.
func (d *emulation) each(v *visit) int {
	switch {
	case !v.smiles():
		return 1
	case v.film == "stranger_smile":
		return min(2*d.slow, atMost) // it takes 16 good frames to know that a face is no customer's
	}
	return d.slow
}

// smiles tells whether the film goes by; others go on without an end.
func (v *visit) smiles() bool { return strings.HasSuffix(v.film, "_smile") }

// slower shows a smile again, and slower, when the camera has shown all of it and nothing came of it. How
// much was shown the guest says.
func (d *emulation) slower(ctx context.Context, v *visit) error {
	frames := len(d.films[v.film].Once) * d.each(v)
	if !v.smiles() || time.Since(v.shownAt) < time.Duration(frames)*time.Second/visits.FPS {
		return nil // it can't be over
	}
	sent, err := d.m.Sent(ctx, port)
	if err != nil || sent-v.shown < frames {
		return err
	}
	if d.slow == slowest {
		if v.vain++; v.vain == 2 {
			if _, err := d.press(ctx, lineCancel); err != nil {
				return err
			}
			return d.because(ctx, v, fmt.Errorf("nothing came of %q, however slow the smile", v.id))
		}
	}
	d.slow = min(d.slow+(d.slow+1)/2, slowest)
	d.say("      nobody noticed the smile of %q: slower, a picture is shown for %d frames", v.id, d.each(v))
	return d.show(ctx, v)
}

// because says of a visit that did not end as it must whether the machine was too slow for it.
func (d *emulation) because(ctx context.Context, v *visit, failed error) error {
	now, err := d.now(ctx)
	if err != nil {
		return errors.Join(failed, err)
	}
	took, looks := now-v.began, 0
	// Nothing is told of a payment for which nobody was looked at; then this waits in vain.
	_ = d.logged(ctx, "the looks of "+v.payment(), func(l logLine) bool {
		if l.Payment == v.payment() && l.Text == "looked at the customer" {
			looks = l.Frames
		}
		return looks > 0
	})
	if looks == 0 {
		return fmt.Errorf("%w; no picture was looked at in %.0f s of the guest's time", failed, took.Seconds())
	}
	rate := float64(looks) / took.Seconds()
	said := fmt.Sprintf("%d pictures were looked at in %.0f s of its time, %.1f a second", looks, took.Seconds(),
		rate)
	if rate < leastLooks {
		return fmt.Errorf("%w: %s; it takes at least %.0f (%w)", errTooSlow, said, leastLooks,
			failed)
	}
	return fmt.Errorf("%w; the machine is not too slow for it: %s", failed, said)
}

// ended takes how a payment of a visit ended that something else was wanted of. If only its time was over, it
// is begun anew.
func (d *emulation) ended(ctx context.Context, v *visit, r payResult, want string) error {
	if r.err != nil {
		return r.err
	}
	if said := r.Stdout + r.Stderr; r.Code != 3 || !strings.Contains(said, "in time") {
		said = said[max(0, len(said)-300):]
		return d.because(ctx, v, fmt.Errorf("the payment ended with code %d, want %s:\n...%s", r.Code, want,
			said))
	}
	d.say("      the time of %q was over before anything came of it: once more", v.payment())
	red, err := d.lamp(ctx, lineRed, true, v.began)
	if err == nil {
		_, err = d.ready(ctx, red) // else the end of this payment is among what the lamps show
	}
	if err != nil {
		return err
	}
	v.times++
	return d.pay(ctx, v)
}

// end waits for a payment's end and checks it.
func (d *emulation) end(ctx context.Context, v *visit, code int, says string) error {
	defer d.m.Show(ctx, port, d.films["idle"])
	for {
		select {
		case r := <-v.done:
			if r.err == nil && r.Code == code && strings.Contains(r.Stdout+r.Stderr, says) {
				return nil
			}
			if err := d.ended(ctx, v, r, fmt.Sprintf("%d and %q", code, says)); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
			if err := d.slower(ctx, v); err != nil {
				return err
			}
		}
	}
}

// lights waits until a lamp is lit because of who is in front of the camera.
func (d *emulation) lights(ctx context.Context, v *visit, line string) error {
	for {
		switch lit, _, err := d.changed(ctx, line, true, v.began); {
		case err != nil:
			return err
		case lit:
			return nil
		}
		select {
		case r := <-v.done:
			if r.err == nil && r.Code == 0 { // the lamp follows
				_, err := d.lamp(ctx, line, true, v.began)
				return err
			}
			if err := d.ended(ctx, v, r, line+" lit"); err != nil {
				return err
			}
		case <-time.After(200 * time.Millisecond):
			if err := d.slower(ctx, v); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
