package networks

import (
	"errors"
	"image"
	"slices"
	"sync"
	"time"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/edgetpu"
)

// Looker shares the networks between the payment path and enrolment, which is stricter: all later visits are
// compared with its templates.
type Looker struct {
	mu        sync.Mutex
	visits    *vision.Pipeline
	enrolment *vision.Pipeline
	t         vision.Thresholds
	closers   []func() error
}

// OpenLooker opens a set's networks on the CPU.
func OpenLooker(set models.Set) (*Looker, error) {
	return OpenLookerOn(set, edgetpu.New(edgetpu.Options{}), false)
}

// OpenLookerOn opens a set's networks on the CPU and gives them to an accelerator, which is closed with them.
// passive: the liveness network too, for visits that demand no more; an error if the set has none.
func OpenLookerOn(set models.Set, a *edgetpu.Accelerator, passive bool) (*Looker, error) {
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
	return &Looker{t: t, visits: vision.New(n, t), enrolment: vision.New(n, t.ForEnrolment()),
		closers: closers}, nil
}

// Thresholds are those of a visit.
func (l *Looker) Thresholds() vision.Thresholds { return l.t }

// Close closes the networks. No other method may be called afterwards.
func (l *Looker) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, c := range l.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// Look calls use with what a visit's frame shows; the Look's embedding is use's only until it returns.
func (l *Looker) Look(img image.Image, d vision.Depth, use func(vision.Look)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
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
	look, err := l.visits.LookFor(v, img, at)
	if err == nil {
		use(look)
	}
	return err
}

// Template gives the embedding of an enrolment's picture, or the reason for which it can't be one.
func (l *Looker) Template(img image.Image) ([]float32, vision.Reason, error) {
	template, _, bad, err := l.template(img)
	return template, bad, err
}

// template gives with the embedding what tells the picture from another of the same face.
func (l *Looker) template(img image.Image) ([]float32, *vision.Grain, vision.Reason, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	look, err := l.enrolment.Look(img, vision.Embed)
	if err == nil && look.Reason == vision.SeveralFaces {
		look.Reason, err = l.several(img, look.Box)
	}
	if err != nil || look.Reason != "" {
		return nil, nil, look.Reason, err
	}
	return slices.Clone([]float32(look.Embedding)), l.enrolment.Grain(), "", nil
}
