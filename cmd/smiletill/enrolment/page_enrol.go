package enrolment

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"smiletill/cmd/smiletill/control"
	"smiletill/cmd/smiletill/front"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision"
	"smiletill/vision/gallery"
)

// heardFor is how long the page may be silent while pictures are taken: whoever closes it, or whose session
// ends, has taken the consent back. The page asks twice a second.
const heardFor = 5 * time.Second

// enrolling is an enrolment from the page.
type enrolling struct {
	token   string
	page    context.Context // of the request that began it
	heard   time.Time       // when the page asked for it last
	again   chan struct{}   // has one when it has asked since
	stopped bool
	told    screen.CounterEnrolment
}

// asksOn waits for the page to ask once more; false if it has been silent for too long by then.
func (d *Page) asksOn(run *enrolling) bool {
	d.mu.Lock()
	select { // what it asked before counts no more
	case <-run.again:
	default:
	}
	rest := heardFor - time.Since(run.heard)
	d.mu.Unlock()
	select {
	case <-run.again:
		return true
	case <-time.After(rest):
		return false
	}
}

// agreedFor is how long a tick counts: to type a PIN twice, and to try the pictures again.
const agreedFor = 5 * time.Minute

// runsMost is how many enrolments a page can still ask for: its answers may have been lost while another
// clerk began the next.
const runsMost = 8

// run gives the enrolment of a token, nil if there is none. The caller holds mu.
func (d *Page) run(token string) *enrolling {
	d.runs = slices.DeleteFunc(d.runs, func(r *enrolling) bool { // a name is in it
		return r.told.Ended && time.Since(r.heard) > erasedFor
	})
	i := slices.IndexFunc(d.runs, func(r *enrolling) bool { return r.token == token })
	if i < 0 {
		return nil
	}
	return d.runs[i]
}

// Consent is screen.CounterCustomers's.
func (d *Page) Consent(ctx context.Context) (screen.CounterConsent, error) {
	ctx, err := d.Allowed(ctx, people.Enrol)
	if err != nil {
		return screen.CounterConsent{}, toldClerk(err)
	}
	p, err := d.Desk.Open()
	if err != nil {
		return screen.CounterConsent{}, toldClerk(err)
	}
	c := screen.CounterConsent{Digits: p.Narrows(), Pictures: templatesByCamera}
	if who := people.From(ctx); who.Name != pin.Unnamed {
		c.Clerk = who.Name
	}
	for _, t := range d.Desk.Rules.Texts {
		c.Texts = append(c.Texts, screen.CounterText{Lang: t.Lang, Version: t.Version, Body: t.Body})
	}
	return c, nil
}

// Enrol is screen.CounterCustomers's.
func (d *Page) Enrol(ctx context.Context, e screen.CounterEnrol) error {
	ctx, err := d.Allowed(ctx, people.Enrol)
	if err != nil {
		return toldClerk(err)
	}
	p, err := d.Desk.Open()
	if err != nil {
		return toldClerk(err)
	}
	q := control.EnrolRequest{Name: strings.TrimSpace(e.Name), Again: e.Again, PIN: e.PIN}
	if e.Digits != "" {
		q.Digits = &e.Digits
	}
	if e.Again == "" || e.Version != "" {
		q.Agreed = &control.Agreed{Version: e.Version, Lang: e.Lang, Explained: e.Explained}
	}
	if e.Ago < 0 || e.Ago > agreedFor {
		return toldEnrol(people.ErrConsent)
	}
	d.mu.Lock()
	begun := d.run(e.Token) != nil
	d.mu.Unlock()
	if begun { // its answer was lost
		return nil
	}
	agreed, err := d.mayBegin(ctx, p, q)
	if err != nil {
		return toldEnrol(err)
	}
	if agreed != nil {
		agreed.At = agreed.At.Add(-e.Ago)
	}
	ctx = context.WithoutCancel(ctx)
	run := &enrolling{token: e.Token, page: ctx, heard: time.Now(), again: make(chan struct{}, 1),
		told: screen.CounterEnrolment{State: screen.EnrolLook}}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.run(e.Token) != nil {
		return nil
	}
	if n := len(d.runs); n > 0 && !d.runs[n-1].told.Ended {
		return toldClerk(ErrCameraInUse)
	}
	d.runs = append(d.runs[max(0, len(d.runs)-runsMost+1):], run)
	go d.enrol(ctx, p, q, agreed, run)
	return nil
}

// mayBegin says what is wrong before anybody is looked at, else what is kept of the consent.
func (d *Page) mayBegin(ctx context.Context, p Parts, q control.EnrolRequest) (*gallery.Consent, error) {
	if err := p.mayLook(ctx); err != nil {
		return nil, err
	}
	agreed, err := d.Desk.agreed(ctx, p, q)
	if err == nil && q.PIN != "" {
		err = pin.Check(q.PIN)
	}
	if err == nil && q.Digits != nil {
		err = gallery.CheckDigits(*q.Digits)
	}
	if err == nil && q.Again == "" {
		err = p.Gallery.Place(q.Name)
	}
	return agreed, err
}

// enrol takes the pictures and enrols, for a page that asks how it goes.
func (d *Page) enrol(
	ctx context.Context, p Parts, q control.EnrolRequest, agreed *gallery.Consent, run *enrolling,
) {
	c := &Capture{Want: templatesByCamera, Progress: func(string) {},
		Withdrawn: func() bool { return d.left(run) },
		Told: func(m Moment) {
			d.tell(run, func(t *screen.CounterEnrolment) {
				t.State, t.Taken, t.Come = screen.EnrolLook, m.Taken, m.Come
				if m.Step == Smiling {
					t.State = screen.EnrolSmile
				}
				t.Advice, t.Nobody = front.Advice(m.Lacks), m.Lacks == vision.NoFace
			})
		}}
	o := doubts{after: func() error {
		if !d.asksOn(run) { // else somebody who was quick would be enrolled after the page was closed
			return errWithdrawn
		}
		_, err := d.Allowed(ctx, people.Enrol) // the clerk may have left meanwhile
		return err
	}, last: func() error {
		if d.left(run) {
			return errWithdrawn
		}
		return nil
	}}
	done, err := d.Desk.byCamera(ctx, p, q, c, agreed, o)
	if err != nil && q.Again == "" && done.ID == "" && !errors.Is(err, errWithdrawn) {
		// The error may have a customer's name in it; who reads the log may not see customers.
		var told *screen.CounterError
		errors.As(toldEnrol(err), &told)
		p.Log.Info("nobody was enrolled from the shop's page", "why", whyOf(told))
	}
	d.tell(run, func(t *screen.CounterEnrolment) {
		t.Ended = true
		if err != nil {
			t.Failed = toldEnrol(err)
			return
		}
		t.ID, t.Name, t.Smile = done.ID, done.Name, c.Smile != gallery.Smile{}
	})
}

// left tells whether the page of an enrolment was closed or locked, or the consent was taken back on it.
func (d *Page) left(run *enrolling) bool {
	if !screen.StillOpen(run.page) {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return run.stopped || time.Since(run.heard) > heardFor
}

func (d *Page) tell(run *enrolling, change func(*screen.CounterEnrolment)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&run.told)
}

// Enrolment is screen.CounterCustomers's.
func (d *Page) Enrolment(ctx context.Context, token string, stop bool) (screen.CounterEnrolment, error) {
	run := d.hear(token, stop) // whoever takes a consent back needs no role for it
	if _, err := d.Allowed(ctx, people.Enrol); err != nil {
		return screen.CounterEnrolment{}, toldClerk(err)
	}
	if run == nil {
		return screen.CounterEnrolment{}, &screen.CounterError{Why: screen.RefusedNotBegun,
			What: "nobody is being enrolled"}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return run.told, nil
}

// hear notes that the page of an enrolment has asked, or taken the consent back; nil if there is none.
func (d *Page) hear(token string, stop bool) *enrolling {
	d.mu.Lock()
	defer d.mu.Unlock()
	run := d.run(token)
	if run == nil {
		return nil
	}
	// Whoever asks too late does not bring back a consent that is gone.
	run.stopped = run.stopped || stop || time.Since(run.heard) > heardFor
	run.heard = time.Now()
	select {
	case run.again <- struct{}{}:
	default:
	}
	return run
}

// errSame is of somebody who vouches for their own act.
var errSame = errors.New("it takes somebody else")

// Vouch is screen.CounterCustomers's.
func (d *Page) Vouch(ctx context.Context, id, name, digits string) error {
	ctx, err := d.Allowed(ctx, people.Vouch)
	switch {
	case err != nil:
		return toldClerk(err)
	case strings.EqualFold(strings.TrimSpace(name), people.From(ctx).Name), strings.TrimSpace(name) == "":
		return toldEnrol(errSame)
	}
	err = d.Desk.Vouch(ctx, id, strings.TrimSpace(name), digits)
	if errors.Is(err, people.ErrNotAllowed) { // the second person's role, not the clerk's
		return &screen.CounterError{Why: screen.RefusedSecondRole, What: err.Error(), Do: payment.HintOf(err)}
	}
	return toldEnrol(err)
}

// toldEnrol is toldClerk, of an enrolment.
func toldEnrol(err error) error {
	if err == nil {
		return nil
	}
	var few *unseen
	if errors.As(err, &few) {
		return &screen.CounterError{Why: unseenAs(few.reason), What: err.Error(), Do: payment.HintOf(err)}
	}
	for _, r := range []struct {
		why screen.Refusal
		of  []error
	}{
		{screen.RefusedWithdrawn, []error{errWithdrawn}},
		{screen.RefusedText, []error{people.ErrConsent}},
		{screen.RefusedFull, []error{gallery.ErrFull}},
		{screen.RefusedPictures, []error{gallery.ErrDisagree, gallery.ErrTemplates}},
		{screen.RefusedWho, []error{gallery.ErrName}},
		{screen.RefusedTaken, []error{gallery.ErrNameTaken}},
		{screen.RefusedFace, []error{gallery.ErrAlreadyEnrolled}},
		{screen.RefusedOtherFace, []error{gallery.ErrOtherFace}},
		{screen.RefusedIncomparable, []error{gallery.ErrIncomparable}},
		{screen.RefusedDigits, []error{gallery.ErrDigits}},
		{screen.RefusedSecondLocked, []error{payment.ErrPINLocked}},
		{screen.RefusedSecond, []error{errSame, payment.ErrPINWrong, pin.ErrUnknownClerk, payment.ErrPINNotSet}},
	} {
		if slices.ContainsFunc(r.of, func(e error) bool { return errors.Is(err, e) }) {
			return &screen.CounterError{Why: r.why, What: err.Error(), Do: payment.HintOf(err)}
		}
	}
	return toldClerk(err)
}

// unseenAs is what too few pictures lacked most, as the page has words for it.
func unseenAs(r vision.Reason) screen.Refusal {
	switch r {
	case vision.NoFace:
		return screen.RefusedNobody
	case vision.SeveralFaces:
		return screen.RefusedSeveral
	default:
		return screen.RefusedPictures
	}
}

// whyOf is why something was refused, as a word; "" where there is none.
func whyOf(e *screen.CounterError) screen.Refusal {
	if e == nil {
		return ""
	}
	return e.Why
}
