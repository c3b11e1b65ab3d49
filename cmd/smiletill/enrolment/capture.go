package enrolment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"slices"
	"time"

	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

const (
	// captureEvery spaces the templates, so that they are not the same moment several times.
	captureEvery = 700 * time.Millisecond
	captureFor   = 30 * time.Second
	// smileFor is how long a smile is waited for: who doesn't smile when asked is enrolled without.
	smileFor = 8 * time.Second
	// smileOn is how long one that is enough is watched further: a smile grows for half a second.
	smileOn = time.Second
)

// Step is what the person before the camera is asked for.
type Step string

// The steps of an enrolment by camera.
const (
	Done    Step = ""
	Looking Step = "looking" // at the camera, at rest
	Smiling Step = "smiling"
)

// Camera is what an enrolment sees by, and where it asks.
type Camera struct {
	Looker *networks.Looker
	// Next gives the next picture, and when it was taken; none when there was none for a second, or it was
	// damaged.
	Next func(context.Context) (image.Image, time.Time, error)
	// Show asks the person, and says how far that has come.
	Show func(Moment)
	// Busy says that somebody wants to pay: no smile is waited for then.
	Busy func() bool
}

// Capture is an enrolment by camera: templates of one person, in several poses, then the own smile.
type Capture struct {
	Want     int           // templates
	Within   time.Duration // how long they may take; 0: 30 s
	Farewell bool          // they tell who wants to be forgotten: nobody is enrolled
	NoSmile  bool          // don't ask for one
	Wait     time.Duration // for a smile; 0: 8 s
	Progress func(text string)
	// Told hears where it stands, besides the words of Progress; nil: nobody.
	Told func(Moment)
	// Withdrawn tells whether the person has taken the consent back; nil: that can't be.
	Withdrawn func() bool

	Templates [][]float32
	Seen      [][]float32   // the same by the model before; none where there is none
	Smile     gallery.Smile // zero: the thresholds of everybody will do
}

// Moment is where an enrolment by camera stands.
type Moment struct {
	Step  Step
	Taken int           // pictures
	Come  float64       // how far the step has, 0..1
	Lacks vision.Reason // why the last picture was none; "" of one that was taken
}

// Why no pictures are taken.
var (
	errPaying    = fmt.Errorf("%w: a payment has begun", payment.ErrBusy)
	errWithdrawn = errors.New("the consent was taken back")
)

// goesOn says why it does not, if so.
func (c *Capture) goesOn(cam Camera) error {
	switch {
	case c.Withdrawn != nil && c.Withdrawn():
		return errWithdrawn
	case cam.Busy(): // whoever pays now may be somebody else
		return payment.WithHint(errPaying, "wait for it to end, then try again")
	}
	return nil
}

// tell asks the person on the screen, and says it to who listens.
func (c *Capture) tell(cam Camera, m Moment) {
	m.Taken = len(c.Templates)
	cam.Show(m)
	if c.Told != nil && m.Step != Done {
		c.Told(m)
	}
}

// Run takes the pictures.
func (c *Capture) Run(ctx context.Context, cam Camera) error {
	defer c.tell(cam, Moment{})
	trying := vision.NewTrying(cam.Looker.Thresholds())
	if err := c.pictures(ctx, cam, trying); err != nil {
		return fmt.Errorf("enrol by camera: %w", err)
	}
	if c.NoSmile {
		return nil
	}
	if err := c.smile(ctx, cam, trying); err != nil {
		return fmt.Errorf("enrol by camera: %w", err)
	}
	return nil
}

// pictures takes the templates, and meanwhile the face at rest.
func (c *Capture) pictures(ctx context.Context, cam Camera, trying *vision.Trying) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Within, captureFor))
	defer cancel()
	var last time.Time
	bad := map[vision.Reason]int{}
	lacks := vision.Reason("")
	for len(c.Templates) < c.Want {
		c.tell(cam, Moment{Step: Looking, Come: float64(len(c.Templates)) / float64(c.Want), Lacks: lacks})
		if err := c.goesOn(cam); err != nil {
			return err
		}
		img, _, err := cam.Next(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
			return payment.WithHintf(&unseen{mostOf(bad), len(c.Templates), c.Want},
				"have the person stand alone before the camera, in good light, and look at it")
		case err != nil:
			return err
		case img == nil:
			continue
		}
		if len(c.Templates) > 0 { // of the same person
			if err := cam.Looker.Look(img, vision.Embed, trying.Rest); err != nil {
				return err
			}
		}
		if time.Since(last) < captureEvery {
			continue
		}
		template, seen, reason, err := cam.Looker.Template(img)
		switch {
		case err != nil:
			return err
		case reason != "":
			bad[reason]++
			lacks = reason
			c.Progress(networks.Advice(reason))
			continue
		}
		lacks = ""
		if slices.ContainsFunc(c.Templates, func(t []float32) bool { return gallery.Alike(t, template) }) {
			c.Progress("the picture is the same as before: the person may move a little")
			continue
		}
		c.Templates = append(c.Templates, template)
		if seen != nil {
			c.Seen = append(c.Seen, seen)
		}
		trying.Face(template)
		last = time.Now()
		c.Progress(fmt.Sprintf("picture %d of %d", len(c.Templates), c.Want))
	}
	return nil
}

// unseen says that the camera saw too little of anybody in its time, and what it lacked most often.
type unseen struct {
	reason     vision.Reason
	good, want int
}

func (u *unseen) Error() string {
	return fmt.Sprintf("only %d of %d good pictures in time", u.good, u.want)
}

// mostOf is what was counted most, "" of nothing.
func mostOf(count map[vision.Reason]int) (most vision.Reason) {
	for _, r := range slices.Sorted(maps.Keys(count)) {
		if count[r] > count[most] {
			most = r
		}
	}
	return most
}

// smile asks for the own smile. That there is none is no error.
func (c *Capture) smile(ctx context.Context, cam Camera, trying *vision.Trying) error {
	c.Progress("now the person smiles, as at the till")
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Wait, smileFor))
	defer cancel()
	come, enough := float32(0), time.Time{}
	for enough.IsZero() || time.Since(enough) < smileOn {
		c.tell(cam, Moment{Step: Smiling, Come: float64(max(0, min(come, 1)))})
		if c.Withdrawn != nil && c.Withdrawn() {
			return errWithdrawn
		}
		if cam.Busy() {
			c.Progress("somebody wants to pay: no smile is waited for")
			break
		}
		img, at, err := cam.Next(ctx)
		if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
		if img == nil {
			continue
		}
		err = cam.Looker.Look(img, vision.Embed, func(l vision.Look) { come = trying.Smile(l, at) })
		if err != nil {
			return err
		}
		if come >= 1 && enough.IsZero() {
			enough = time.Now()
			c.Progress("that is a smile: a moment longer")
		}
	}
	rest, rise, ok := trying.Result()
	if !ok {
		c.Progress("no smile was held that the till would see: enrolled without, what holds for everybody holds; " +
			"for another try `smiletill enrol --again`")
		return nil
	}
	c.Smile = gallery.Smile{Rest: rest, Rise: rise}
	c.Progress("the smile will be seen at the till")
	return nil
}

// KeepSmile keeps the own smile of a customer who was just enrolled.
func (c *Capture) KeepSmile(g *gallery.Gallery, id string) error {
	if c.Smile == (gallery.Smile{}) {
		return nil
	}
	return g.KeepSmile(id, c.Smile)
}
