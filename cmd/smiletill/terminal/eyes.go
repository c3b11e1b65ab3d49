package terminal

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"math"
	"time"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/light"
	"smiletill/cmd/smiletill/narrow"
	"smiletill/cmd/smiletill/vending"
	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/gallery"
)

// eyes turns frames into payment events while a payment runs. While none runs nobody is looked at, and one
// picture a second is decoded, to know that there will be some for the next.
type eyes struct {
	parts    *parts
	sight    *eyesight
	front    *front.Front
	log      *slog.Logger
	decoder  camera.Decoder
	lamp     *light.Lamp
	requests chan *request // enrolments by camera

	calibrations chan *calibration
	delayPath    string // where what they measure is kept
	pulse        pulse
	picture      front.Picture
	lens         light.Lens
	machine      *vending.Machine // nil: none is served
	updates      *updating
}

func newEyes(p *parts, s *eyesight, f *front.Front, lamp *light.Lamp, log *slog.Logger) *eyes {
	return &eyes{parts: p, sight: s, front: f, lamp: lamp, log: log, requests: make(chan *request),
		calibrations: make(chan *calibration),
		decoder:      camera.Decoder{Rotate: s.cfg.Rotate, Region: s.cfg.Region}}
}

// decode gives the picture of a frame; an error if it is damaged, which is no reason to end anything.
func (e *eyes) decode(f *camera.Frame) (image.Image, error) {
	e.lens.Take(f)
	img, err := e.decoder.Decode(f)
	e.sight.decoded(e.parts.engine, f, err)
	return img, err
}

// glance decodes the newest picture, if there is one. What is wrong with the source is told by others.
func (e *eyes) glance(ctx context.Context) {
	if e.sight.inStep() && !e.updates.Trying() {
		return // a film's pictures are for whoever pays
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if f, err := e.parts.frames.Take(ctx); err == nil {
		e.tryLook(e.decode(f)) // which judges it
	}
}

func (e *eyes) run(ctx context.Context) error {
	changes, stop := e.parts.engine.Watch()
	defer stop()
	idle := time.NewTicker(time.Second)
	defer idle.Stop()
	for {
		e.pulse.beat()
		select {
		case <-ctx.Done():
			return nil
		case <-idle.C:
			e.glance(ctx)
			if err := e.greet(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case c := <-e.requests:
			c.done <- e.capture(ctx, c)
		case c := <-e.calibrations:
			c.done <- e.calibrate(ctx, &c.Calibration)
		case s := <-changes:
			if p := s.Payment; looksAt(p) && len(s.OutOfOrder) == 0 {
				if err := e.visit(ctx, p); err != nil && ctx.Err() == nil {
					return err
				}
			}
		}
	}
}

// visit looks at frames until the payment has ended.
func (e *eyes) visit(ctx context.Context, p payment.Payment) error {
	changes, stop := e.parts.engine.Watch()
	defer stop()
	w := watcher{eyes: e, payment: p, since: time.Now(), question: e.parts.numbers.For(p.ID)}
	w.begin()
	defer w.tell()
	defer w.end()
	defer e.front.AskNumber("")
	for {
		e.pulse.beat()
		select {
		case s := <-changes:
			if s.Payment.ID != p.ID || !looksAt(s.Payment) || len(s.OutOfOrder) > 0 {
				w.carryOver(ctx, s.Payment)
				return nil
			}
		default:
		}
		// Frames may stop altogether: the payment's end has to interrupt the wait for one.
		wait, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
		f, err := e.parts.frames.Take(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			continue
		case errors.Is(err, io.EOF):
			return payment.WithHint(errors.New("camera: the recording has ended"),
				"set camera.loop, or name a camera")
		case err != nil:
			return fmt.Errorf("camera: %w", err)
		case f.At.Before(p.OpenedAt):
			continue // taken before the customer was asked: no evidence of anything
		}
		if err := w.frame(ctx, f); err != nil {
			return err
		}
	}
}

const alikeHint = "twins pay with a number that each has alone (`smiletill enrol --again ID --digits`) " +
	"and a PIN; if one person was enrolled under two names, remove one of them"

// watcher is one visit in front of the camera, for one payment.
type watcher struct {
	*eyes
	payment payment.Payment
	visit   *vision.Visit
	light   *light.Play // nil: the payment demands none
	arrival enrolment.Arrival
	stage   vision.Stage
	since   time.Time

	question narrow.Question // for the customer's number

	damaged        int           // frames that were left out
	strangers      int           // that the engine was told of
	frames         int           // looked at
	total, slowest time.Duration // from a frame's arrival to what it decided
}

// begin has the visit begin anew, with what the payment demands.
func (w *watcher) begin() {
	now, before := w.question.Customers(w.parts.gallery)
	w.visit = w.newVisit(now, before)
	if w.question.Named() && now.Len()+before.Len() == 1 {
		w.visit.Named()
	}
	w.stage, w.strangers, w.light, w.arrival = vision.Searching, 0, nil, enrolment.Arrival{}
	switch w.payment.Demand {
	case payment.DemandPassive:
		w.visit.Ask(vision.DemandPassive)
	case payment.DemandLight:
		w.visit.Ask(vision.DemandLight) // and see lightUp
	case payment.DemandNone, payment.DemandPIN: // no picture is enough for the latter
	}
}

// newVisit knows customers of the model in force, and of the one before while there are any, narrowed or not.
func (e *eyes) newVisit(now, before gallery.Faces) *vision.Visit {
	v := vision.NewVisit(now, e.parts.looker.Thresholds())
	if _, left := e.parts.gallery.All(); left.Len() > 0 {
		v.Before(before, e.parts.looker.Before())
	}
	return v
}

// lightUp begins the light of a payment that demands it with its first picture, which says by what camera it
// will be seen.
func (w *watcher) lightUp() {
	if w.payment.Demand == payment.DemandLight && w.light == nil {
		w.parts.warnUnlit()
		w.light = w.lamp.For(w.payment.ID, w.visit, w.parts.delayNow(),
			w.parts.policy.Liveness.Light == payment.LightAuto)
	}
}

func (w *watcher) end() {
	if w.light != nil {
		w.light.End()
	}
}

// tell logs how fast the frames of a visit were decided: a device that is too slow shows here.
func (w *watcher) tell() {
	if w.frames+w.damaged == 0 {
		return
	}
	ms := func(t time.Duration) float64 { return math.Round(t.Seconds()*1e4) / 10 }
	w.log.Info("looked at the customer", "payment", w.payment.ID, "frames", w.frames,
		"damaged", w.damaged, "mean_ms", ms(w.total/time.Duration(max(w.frames, 1))), "slowest_ms", ms(w.slowest))
}

func (w *watcher) frame(ctx context.Context, f *camera.Frame) error {
	img, err := w.decode(f)
	if err != nil {
		w.damaged++ // one line tells them all
		return nil
	}
	if w.question.Answered() {
		w.front.AskNumber("")
		w.begin()
	}
	if w.question.Asking() {
		return nil
	}
	w.lightUp()
	var found vision.Finding
	at := f.Seen()
	err = w.parts.looker.LookFor(w.visit, img, at, func(l vision.Look) {
		found = w.visit.Observe(l, at)
		w.arrival.See(w.parts.looker.Thresholds(), l, found, at)
	})
	if err != nil {
		return fmt.Errorf("look at a frame: %w", err)
	}
	w.updates.looked.Add(1)
	if w.light != nil {
		if err := w.light.Follow(found); err != nil {
			return err
		}
	}
	took := time.Since(f.At)
	w.frames, w.total, w.slowest = w.frames+1, w.total+took, max(w.slowest, took)
	w.front.Found(w.payment.ID, found)
	if news, hint := w.picture.Found(w.payment.ID, found, f.Seen()); news != "" {
		w.log.Warn("the picture: "+news, "payment", w.payment.ID, "hint", hint)
	}
	for ; w.strangers < found.Strangers; w.strangers++ {
		if err := w.tellEngine(ctx, payment.Stranger{}); err != nil {
			return err
		}
	}
	if found.Stage == vision.Unknown && w.stage != vision.Unknown && found.Alike {
		w.log.Warn("a face is like two customers: by itself it pays for neither", "payment", w.payment.ID,
			"hint", alikeHint)
	}
	if w.question.After(found, w.parts.large.Load(), w.parts.gallery) {
		w.front.AskNumber(w.payment.ID)
	}
	ev := w.event(found, f)
	w.stage = found.Stage
	if ev == nil {
		return nil
	}
	return w.tellEngine(ctx, ev)
}

func (w *watcher) tellEngine(ctx context.Context, ev payment.Event) error {
	err := w.parts.engine.Handle(ctx, w.payment.ID, ev)
	switch {
	case errors.Is(err, payment.ErrEvidence):
		// The same consent can't get any fresher: it has to be given again.
		w.log.Warn("consent was not accepted", "payment", w.payment.ID, "err", err)
		w.begin()
		return nil
	case errors.Is(err, payment.ErrNotRunning),
		errors.Is(err, payment.ErrJournal),
		errors.Is(err, payment.ErrStopped):
		return nil // it has ended; the engine says why
	}
	return err
}

// event is what a finding means to the payment, or nil if nothing is new.
func (w *watcher) event(f vision.Finding, last *camera.Frame) payment.Event {
	if f.Stage == w.stage {
		return nil
	}
	switch f.Stage {
	case vision.Searching, vision.Unknown:
		return payment.Lost{}
	case vision.Recognised:
		return payment.Recognised{Customer: f.Customer}
	case vision.Refused:
		return payment.Unknown{}
	case vision.Consented:
		return payment.Consented{Evidence: payment.Evidence{
			Model:    w.model(f),
			Customer: f.Customer, MatchFrames: f.Evidence.Fused + f.Evidence.Matched, SmileFrames: f.Evidence.Smiling,
			Camera:   payment.Camera{Kind: string(last.From.Kind), Driver: last.From.Driver},
			Alike:    f.Alike,
			Liveness: w.liveness(f),
			Since:    later(w.since, w.payment.OpenedAt), At: last.At,
		}}
	}
	return nil
}

// model is the embedding that knows the customer, where that is the one before.
func (w *watcher) model(f vision.Finding) string {
	if !f.Before {
		return ""
	}
	return w.parts.old.Model(models.Embed).SHA256
}

// carryOver enrols a customer of the model before with the one in force, when the payment proves who it is.
// What fails leaves all as it was: it is for the next payment.
func (w *watcher) carryOver(ctx context.Context, p payment.Payment) {
	if p.ID != w.payment.ID || !w.arrival.Proven(p) {
		return
	}
	if err := w.parts.wroteFaces(w.parts.trail.CarryOver(ctx, &w.arrival)); err != nil {
		w.log.Warn("the customer stays with the model before", "err", err, "hint", payment.HintOf(err))
		return
	}
	w.log.Info("a customer came over from the model before", "customer", p.Customer)
	w.parts.warnSize()
}

// liveness is what was found of the payment's demand.
func (w *watcher) liveness(f vision.Finding) payment.Liveness {
	if f.Verdict == vision.VerdictNone {
		return payment.Liveness{}
	}
	l := payment.Liveness{Demand: w.payment.Demand, Verdict: payment.Verdict(f.Verdict), Frames: f.Judged}
	if w.light != nil {
		l.Screen = w.lamp.Screen()
	}
	return l
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// next gives the next picture; none if it is damaged, or there was none for a second.
func (e *eyes) next(ctx context.Context) (image.Image, time.Time, error) {
	return e.nextWithin(ctx, time.Second)
}

func (e *eyes) nextWithin(ctx context.Context, long time.Duration) (image.Image, time.Time, error) {
	e.pulse.beat()
	wait, stop := context.WithTimeout(ctx, long)
	defer stop()
	f, err := e.parts.frames.Take(wait)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	img, err := e.decode(f)
	if err != nil {
		return nil, time.Time{}, nil // one line tells them all
	}
	return img, f.Seen(), nil
}
