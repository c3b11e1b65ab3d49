package front

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"smiletill/device"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision"
)

// Front is what the customer sees and hears: it turns the engine's committed changes, the camera's advice and
// faults into the page and the board's signals. It decides nothing.
type Front struct {
	poke chan struct{} // one place: something changed
	last device.Signal // run's own: what the board plays

	mu     sync.Mutex
	faults map[string]Fault
	scene  scene
	words  string      // a register's, while nothing is to be paid
	asked  screen.View // of somebody who is being enrolled, while nothing is to be paid; zero: nothing
	until  time.Time   // then they leave
	refuse refusal
}

// Fault is why the terminal is out of order, as staff should read it.
type Fault struct {
	Reason     screen.Reason
	What, Do   string
	Code, Scan string // see screen.Detail
}

// Stage is where the front plays: what it is shown on, and who is told.
type Stage struct {
	Page   *screen.Server
	Play   func(device.Signal)
	Sim    *device.SimBoard // nil without a simulated board
	OnView func(v screen.View, signal string)
	// Product is the shop's name for a machine's product; nil: there are none.
	Product func(item string) string
	Plate   screen.View // what is on every page: names, language, sound
	Log     *slog.Logger
}

// scene is all that decides what is shown.
type scene struct {
	known      bool // the engine has said where it stands; before that nothing is promised
	status     payment.Status
	changed    time.Time // when status last changed
	recognised time.Time // when the customer of the running payment was recognised
	finding    vision.Finding
	light      *screen.Light // that the page plays for whoever pays
	offer      bool          // one may come, and can be declined
	lightFor   string        // the payment that both are of
	numberFor  string        // the payment whose customer is asked for digits; "": none
	fault      *Fault
}

const (
	// resultFor is how long a result stays: long enough to be read from a step away by someone who looks up
	// late.
	resultFor = 4 * time.Second
	// greetFor is how long "recognised" stands before the smile is asked for; a nod, not a page to read.
	greetFor = 700 * time.Millisecond
)

// New returns a front that knows nothing yet: it shows that the terminal is starting.
func New() *Front {
	return &Front{poke: make(chan struct{}, 1), faults: map[string]Fault{}}
}

func (f *Front) Wake() {
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// Run shows changes as they come, and once a quarter of a second what only time has changed.
func (f *Front) Run(ctx context.Context, on Stage, beat func()) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		beat()
		f.show(time.Now(), on)
		select {
		case <-ctx.Done():
			return
		case <-f.poke:
		case <-tick.C:
		}
	}
}

func (f *Front) show(now time.Time, on Stage) {
	f.mu.Lock()
	s, words, until, asked, refused := f.scene, f.words, f.until, f.asked, f.refuse
	if one, ok := f.worst(); ok {
		s.fault = &one
	}
	f.mu.Unlock()
	if !s.known && s.fault == nil {
		return // still starting, as the page says by itself; lamps stay dark
	}
	v, signal := s.compose(now)
	if v.State == screen.Idle && now.Before(refused.until) {
		v, signal = screen.View{State: screen.Declined, Reason: refused.why}, device.Declined
	}
	if on.Product != nil && v.Item != "" {
		v.Product = on.Product(v.Item)
	}
	if v.State == screen.Idle && now.Before(until) {
		v.Note = words
	}
	if v.State == screen.Idle && asked.State != "" {
		v.State, v.Instruction, v.Progress = asked.State, asked.Instruction, asked.Progress
		v.Light = asked.Light
	}
	on.Play(signal)
	if on.Sim != nil && signal != f.last {
		on.Log.Info("simulated board", "signal", signal)
	}
	f.last = signal
	p := on.Plate
	v.Merchant, v.Terminal, v.Lang, v.Sound = p.Merchant, p.Terminal, p.Lang, p.Sound
	if on.Sim != nil {
		v.Simulated = true
		lamps, hz := on.Sim.State()
		v.Lamps, v.Buzzer = lamps, float64(hz)
	}
	on.Page.Show(v)
	if on.OnView != nil {
		on.OnView(v, string(signal))
	}
}

// compose is the page and the signal of a moment.
func (s scene) compose(now time.Time) (screen.View, device.Signal) {
	p := s.status.Payment
	v := screen.View{State: screen.Idle}
	open := p.ID != "" && !p.State.Terminal()
	// Out of order comes first: the payment that a failing journal left behind still looks open, and is not.
	if s.fault != nil || len(s.status.OutOfOrder) > 0 {
		v.State = screen.OutOfOrder
		f := Fault{Reason: screen.JournalFailed,
			Do: "Free the disk if it is full, else call the technician. No approved payment is lost."}
		if s.fault != nil {
			f = *s.fault
		} else {
			f.What = s.status.OutOfOrder[len(s.status.OutOfOrder)-1]
		}
		v.Reason = f.Reason
		v.Detail = screen.Detail{What: f.What, Do: f.Do, Code: f.Code, Scan: f.Scan}
		return v, device.OutOfOrder
	}
	if p.ID == "" || !open && now.Sub(s.changed) > resultFor {
		return v, device.Idle
	}
	v.Amount, v.Currency, v.Item = p.Amount.Decimal(), p.Amount.Currency, p.Item
	if !open {
		return ended(v, p)
	}
	if s.lightFor != p.ID {
		s.light, s.offer = nil, false
	}
	v.Deadline = p.Deadline
	v.Instruction = instruction(s.finding)
	v.Progress = float64(s.finding.Progress)
	switch p.State {
	case payment.StateRecognised:
	case payment.StatePIN:
		v.State, v.Instruction, v.Asked, v.Progress = screen.EnterPIN, "", p.ID, 0
		if p.Need == payment.NeedLiveness && p.Demand != payment.DemandPIN { // else nobody has judged
			v.Reason = screen.NotSure
		}
		return v, device.Recognised
	case payment.StateVending:
		v.State, v.Instruction, v.Progress = screen.Vending, "", 0
		return v, device.Recognised
	case payment.StateWaiting, payment.StateApproved, payment.StateDeclined, payment.StateCancelled,
		payment.StateExpired, payment.StateVoided:
		v.State, v.LightOffer = screen.LookHere, s.offer
		if s.numberFor == p.ID {
			v.State, v.LightOffer, v.Number = screen.EnterPIN, false, true
			v.Instruction, v.Asked, v.Progress = "", p.ID, 0
		}
		return v, device.LookHere
	}
	v.Light, v.LightOffer = s.light, s.offer
	if s.light != nil && v.Instruction == "" {
		v.Instruction = screen.SmileInLight
	}
	if now.Sub(s.recognised) < greetFor {
		v.State = screen.Recognised
		return v, device.Recognised
	}
	v.State = screen.Smile
	return v, device.Smile
}

// Follow shows the engine's changes until ctx ends, and tells them on.
func (f *Front) Follow(ctx context.Context, e *payment.Engine, tell func(payment.Status)) {
	changes, stop := e.Watch()
	defer stop()
	f.mu.Lock()
	delete(f.faults, PartsCause)
	f.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-changes:
			f.mu.Lock()
			was := f.scene.status.Payment
			if was.ID != s.Payment.ID {
				f.scene.finding = vision.Finding{}
			}
			if s.Payment.State == payment.StateRecognised && was.State != payment.StateRecognised {
				f.scene.recognised = time.Now()
			}
			if was != s.Payment {
				f.scene.changed = time.Now()
			}
			f.scene.known, f.scene.status = true, s
			f.mu.Unlock()
			f.Wake()
			if tell != nil {
				tell(s)
			}
		}
	}
}

// Found takes the camera's advice for a running payment.
func (f *Front) Found(id string, found vision.Finding) {
	f.mu.Lock()
	if f.scene.status.Payment.ID == id {
		f.scene.finding = found
	}
	f.mu.Unlock()
	f.Wake()
}

// AskNumber has the customer of a payment asked for digits, as long as nobody is recognised; "": nobody's.
func (f *Front) AskNumber(id string) {
	f.mu.Lock()
	f.scene.numberFor = id
	f.mu.Unlock()
	f.Wake()
}

func (f *Front) Fault(cause string, what Fault) {
	f.mu.Lock()
	f.faults[cause] = what
	f.mu.Unlock()
	f.Wake()
}

// FaultOf is a cause's own fault.
func (f *Front) FaultOf(cause string) (one Fault, bad bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one, bad = f.faults[cause]
	return one, bad
}

// Standing is all why no payment is taken: faults by their causes, and the engine's causes.
func (f *Front) Standing() (faults map[string]Fault, engine []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.faults), slices.Clone(f.scene.status.OutOfOrder)
}

// Trouble is why no payment is taken, in words, or "". It is what the screen shows, for whoever else tells
// how the terminal does.
func (f *Front) Trouble() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.worst(); ok {
		return one.What
	}
	for _, cause := range slices.Backward(f.scene.status.OutOfOrder) {
		if cause != Reopening { // that is maintenance, and soon over
			return cause
		}
	}
	return ""
}

// Do is what to do about the first fault, or "".
func (f *Front) Do() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	one, _ := f.worst()
	return one.Do
}

func (f *Front) Cured(cause string) {
	f.mu.Lock()
	delete(f.faults, cause)
	f.mu.Unlock()
	f.Wake()
}

// Reopening is why parts take no payment that are about to be opened anew.
const Reopening = "the terminal is opening its files anew"

// PartsCause is the fault of parts that can't be opened.
const PartsCause = "parts"

// Closed shows why the parts can't be opened; the faults that they had are theirs no more.
func (f *Front) Closed(err error, gone ...string) {
	f.mu.Lock()
	f.scene = scene{}
	f.mu.Unlock()
	for _, cause := range gone {
		f.Cured(cause)
	}
	f.Fault(PartsCause, Fault{Reason: screen.DeviceFailed, What: err.Error(), Do: payment.HintOf(err)})
}

// Why is the first fault in words, for callers.
func (f *Front) Why() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.worst(); ok {
		return one.What
	}
	return "starting"
}

// worst is the fault that is shown, always the same of several. The caller holds mu.
func (f *Front) worst() (one Fault, ok bool) {
	if len(f.faults) == 0 {
		return Fault{}, false
	}
	return f.faults[slices.Min(slices.Collect(maps.Keys(f.faults)))], true
}

// ReasonOf is what the pages say of the end of a payment.
func ReasonOf(r payment.Reason) screen.Reason {
	switch r {
	case payment.ReasonTimeout:
		return screen.NobodyCame
	case payment.ReasonDeviceFailed:
		return screen.DeviceFailed
	default: // both spell the others alike
		return screen.Reason(r)
	}
}

// instruction is what the customer can do now, as the last frame shows.
func instruction(f vision.Finding) screen.Instruction {
	switch {
	case f.Stage == vision.Unknown && !f.Still:
		return screen.NotKnown
	case (f.Stage == vision.Recognised || f.Stage == vision.Consented) && f.Evidence.Smiling > 0:
		return screen.KeepSmiling
	}
	return Advice(f.Reason)
}

// Advice is what the customer can do about a picture that is not good enough; "" of one without a face.
func Advice(r vision.Reason) screen.Instruction {
	switch r {
	case vision.SeveralFaces:
		return screen.OnePersonOnly
	case vision.TooFar:
		return screen.StepCloser
	case vision.TooClose:
		return screen.StepBack
	case vision.TooDark:
		return screen.MoreLight
	case vision.TooBright:
		return screen.TooBright
	case vision.Blurred:
		return screen.HoldStill
	case vision.TurnedAway:
		return screen.LookStraight
	case vision.OffCentre:
		return screen.Centre
	case vision.NoFace, "":
	}
	return ""
}
