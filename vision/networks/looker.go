package networks

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"
	"time"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/edgetpu"
	"smiletill/vision/tflite"
)

// Looker shares the networks between the payment path and enrolment, which is stricter: all later visits are
// compared with its templates.
type Looker struct {
	mu        sync.Mutex
	visits    *vision.Pipeline
	enrolment *vision.Pipeline
	t         vision.Thresholds
	before    vision.Thresholds // of the embedding before; see Before
	moment    float32           // see OneMoment
	closers   []func() error
	closed    bool
}

// errClosed is of networks that a terminal has closed meanwhile: to open others, or to end.
var errClosed = errors.New("the networks are closed")

// OpenLooker opens a set's networks on the CPU.
func OpenLooker(set models.Set) (*Looker, error) {
	return OpenLookerOn(set, models.Set{}, edgetpu.New(edgetpu.Options{}), false)
}

// OpenLookerOn opens a set's networks on the CPU and gives them to an accelerator, which is closed with them.
// Of another set, the one before, it opens the embedding network, on the CPU alone: for visits and renewals
// of customers who have not come over yet; the zero Set: there is none. passive: the liveness network too,
// for visits that demand no more; an error if the set has none.
func OpenLookerOn(set, before models.Set, a *edgetpu.Accelerator, passive bool) (*Looker, error) {
	t, err := ThresholdsOf(set)
	if err != nil {
		return nil, err
	}
	if passive && !set.Has(models.Liveness) {
		return nil, withHint(errors.New("the models in use have no liveness network, and payments up to "+
			"liveness.passive_max are to be judged by it"), "set passive_max = \"0\" under [liveness], or add the "+
			"network to the folder of models")
	}
	n, closers, err := openOn(set, OnPayments(), a, passive)
	if err != nil {
		return nil, err
	}
	l := &Looker{t: t, moment: momentOf(set), closers: closers}
	if before.Has(models.Embed) {
		if err := l.openBefore(before, &n); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	l.visits, l.enrolment = vision.New(n, t), vision.New(n, t.ForEnrolment())
	return l, nil
}

// openBefore opens the embedding network of the set before, beside the networks n.
func (l *Looker) openBefore(set models.Set, n *vision.Networks) (err error) {
	if l.before, err = ThresholdsOf(set); err != nil {
		return err
	}
	ip, err := openEmbedder(set)
	if err != nil {
		return err
	}
	mod := set.Model(models.Embed)
	l.closers = append(l.closers, ip.Close)
	n.Before = vision.Preprocessed(ip, mod.Preprocess.Colour == "BGR", mod.Preprocess.Subtract,
		mod.Preprocess.Divide)
	return nil
}

// openEmbedder opens the embedding network of a set on the CPU.
func openEmbedder(set models.Set) (*tflite.Interpreter, error) {
	o := OnPayments()
	o.Want = want(set.Model(models.Embed))
	ip, err := tflite.Open(set.Bytes(models.Embed), o)
	if err != nil {
		return nil, fmt.Errorf("open the embed model before, %s: %w", set.Model(models.Embed).File, err)
	}
	return ip, nil
}

// TryBefore tells what is wrong with a set that is to be the one before, by which customers are known who
// have not come over: its thresholds, or an embedding network that the runtime doesn't open.
func TryBefore(set models.Set) error {
	if _, err := ThresholdsOf(set); err != nil {
		return err
	}
	ip, err := openEmbedder(set)
	if err != nil {
		return err
	}
	return ip.Close()
}

// Thresholds are those of a visit.
func (l *Looker) Thresholds() vision.Thresholds { return l.t }

// Before are the thresholds of a visit for the embedding of the set before; the zero Thresholds, which Check
// refuses, where there is none.
func (l *Looker) Before() vision.Thresholds { return l.before }

// Close closes the networks. No other method may be called afterwards.
func (l *Looker) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	l.closed = true
	for _, c := range l.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// Look calls use with what a visit's frame shows; the Look's embedding is use's only until it returns.
func (l *Looker) Look(img image.Image, d vision.Depth, use func(vision.Look)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	look, err := l.visits.Look(img, d)
	if err == nil {
		use(look)
	}
	return err
}

// LookFor calls use with what a frame that was taken at a time shows to a visit, as Look does.
func (l *Looker) LookFor(v *vision.Visit, img image.Image, at time.Time, use func(vision.Look)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errClosed
	}
	look, err := l.visits.LookFor(v, img, at)
	if err == nil {
		use(look)
	}
	return err
}

// Template gives the embedding of an enrolment's picture, and that by the set before, nil where there is
// none; or the reason for which it can't be one.
func (l *Looker) Template(img image.Image) (now, before []float32, bad vision.Reason, err error) {
	one, bad, err := l.template(img)
	return one.now, one.before, bad, err
}

// template is what an enrolment makes of a picture.
type template struct {
	now, before []float32
	grain       *vision.Grain // tells the picture from another of the same face
}

func (l *Looker) template(img image.Image) (template, vision.Reason, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return template{}, "", errClosed
	}
	look, err := l.enrolment.Look(img, vision.Embed|vision.WithBefore)
	if err == nil && look.Reason == vision.SeveralFaces {
		look.Reason, err = l.several(img, look.Box)
	}
	if err != nil || look.Reason != "" {
		return template{}, look.Reason, err
	}
	return template{slices.Clone([]float32(look.Embedding)), slices.Clone([]float32(look.Before)),
		l.enrolment.Grain()}, "", nil
}
