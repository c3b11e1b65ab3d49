package screen

import (
	"context"
	"errors"
	"net/http"
	"time"
)

const (
	lightBodyMax = 4 << 10
	pageNameMax  = 40
	// lightPages bounds the pages on this machine that may report one Light.
	lightPages = 8
	// clockMax bounds a page's clock: it is the time since it was loaded, in milliseconds. 30 years.
	clockMax = 1e12
	// frameAhead is how far a frame's time may lie before the page's clock: browsers round them apart.
	frameAhead = 50 // ms
)

// lights is what a Server knows of the Light that was shown last. Server.mu guards it.
type lights struct {
	offer    uint64 // which asking for a smile with colours this is; 0: none was yet
	declined uint64 // the offer that the customer declined
	light    *Light // the last one
	sent     time.Time
	pages    map[string]*witness // by the names that they gave themselves
	told     *Shown              // what Options.Lights heard of it
}

// witness is one page that plays the Light.
type witness struct {
	zero time.Time   // of the page's clock, by ours: the earliest that its posts allow
	seen []lightSeen // so far
	why  string
	done bool
}

// lightSeen is one colour on a page, by the page's clock in milliseconds.
type lightSeen struct {
	I      int     `json:"i"`
	SetMS  float64 `json:"set_ms"`  // the frame that set it
	SeenMS float64 `json:"seen_ms"` // the next frame: by then it has been painted
}

// lightPost is what a page sends: when it has shown the first colour, so that its clock is known from two
// posts, and when all is over or nothing will come, which has EndedMS or Why.
type lightPost struct {
	Page       string      `json:"page"`
	Offer      uint64      `json:"offer"` // of the page that was declined
	ID         string      `json:"id"`
	NowMS      float64     `json:"now_ms"`
	Visibility string      `json:"visibility"` // the document's visibilityState
	Colours    []lightSeen `json:"colours"`
	EndedMS    float64     `json:"ended_ms"` // 0: not yet
	Why        string      `json:"why"`      // hidden, reduced_motion, declined or ""
}

// wrong refuses what no page sends.
func (e lightPost) wrong() error {
	inClock := func(ms float64) bool { return ms >= 0 && ms <= clockMax }
	switch {
	case e.Page == "" || len(e.Page) > pageNameMax || len(e.ID) > lightIDMax:
		return errors.New("no name, or a long one")
	case e.Why != "" && e.Why != WhyHidden && e.Why != WhyReducedMotion && e.Why != WhyDeclined:
		return errors.New("no reason that a page has")
	case len(e.Colours) > lightColours:
		return errors.New("too many colours")
	case !inClock(e.NowMS) || !inClock(e.EndedMS) || e.EndedMS > e.NowMS+frameAhead:
		return errors.New("a time that is none")
	}
	last, before := -1, 0.0
	for _, c := range e.Colours {
		if c.I <= last || c.I >= lightColours {
			return errors.New("colours out of their order")
		}
		if c.SetMS < before || c.SeenMS < c.SetMS || c.SeenMS > e.NowMS+frameAhead {
			return errors.New("times out of their order")
		}
		last, before = c.I, c.SeenMS
	}
	if e.EndedMS != 0 && e.EndedMS < before {
		return errors.New("ended before it was shown")
	}
	return nil
}

// serveLight takes a page's post. Only the terminal's own display counts: a technician's browser elsewhere is
// not what the customer's face is before.
func (s *Server) serveLight(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	w.Header().Set("Cache-Control", "no-store")
	if s.opt.Lights == nil {
		http.Error(w, "this terminal plays no light", http.StatusNotFound)
		return
	}
	if status, why := refusesTyped(r); status != 0 {
		http.Error(w, why, status)
		return
	}
	if !ofThisMachine(r.RemoteAddr) {
		http.Error(w, "the light counts on the terminal's own display alone", http.StatusForbidden)
		return
	}
	e, err := readTyped[lightPost](w, r, lightBodyMax)
	if err == nil {
		err = e.wrong()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	shown, err := s.hearLight(e, arrived)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	if shown != nil {
		// A page that is hidden or closed right after it has said so doesn't take its word back.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 8*time.Second)
		defer cancel()
		s.opt.Lights.Lit(ctx, *shown)
	}
	w.WriteHeader(http.StatusNoContent)
}

// hearLight takes a post into account, and returns what Options.Lights has to hear of it, nil if nothing.
func (s *Server) hearLight(e lightPost, arrived time.Time) (*Shown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Why == WhyDeclined {
		return s.declineLight(e)
	}
	l := &s.lights
	if l.light == nil || e.ID != l.light.ID || l.sent.IsZero() {
		return nil, errors.New("no such light is played")
	}
	w := l.pages[e.Page]
	if w == nil {
		if len(l.pages) >= lightPages {
			return nil, errors.New("too many pages report it")
		}
		w = &witness{}
		l.pages[e.Page] = w
	}
	if w.done {
		return nil, errors.New("this page has reported it")
	}
	if zero := arrived.Add(-pageTime(e.NowMS)); w.zero.IsZero() || zero.Before(w.zero) {
		w.zero = zero
	}
	w.seen = e.Colours
	if e.Why == "" && e.EndedMS == 0 {
		return nil, nil
	}
	w.why, w.done = l.light.judge(e), true
	shown := Shown{ID: e.ID, Why: w.why}
	if l.apart(e.Page) {
		shown.Why = WhyTwoScreens
	}
	if shown.Why == "" {
		for _, c := range e.Colours {
			shown.At = append(shown.At, w.zero.Add(pageTime(c.SeenMS)))
		}
		shown.Ended = w.zero.Add(pageTime(e.EndedMS))
	}
	if l.told == nil && s.mayPlayElsewhere(shown.Why) {
		return nil, nil
	}
	if l.told != nil && (l.told.Why != "" || shown.Why != WhyTwoScreens) {
		return nil, nil
	}
	l.told = &shown
	return &shown, nil
}

// pageTime is a time of a page's clock since the page was loaded.
func pageTime(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// judge says what is wrong with a playing that has ended, "" if nothing is.
func (l *Light) judge(e lightPost) string {
	if e.Why != "" {
		return e.Why
	}
	if e.Visibility != "visible" {
		return WhyHidden
	}
	if len(e.Colours) != len(l.Colours) {
		return WhyStalled
	}
	half := float64(l.Slot) / float64(time.Millisecond) / 2
	for i, c := range e.Colours {
		until := e.EndedMS
		if i+1 < len(e.Colours) {
			until = e.Colours[i+1].SeenMS
		}
		// Half a slot between two frames: nobody can tell when the colour came. Less than half a slot on the
		// screen: the camera may not have seen it.
		if c.I != i || c.SeenMS-c.SetMS > half || until-c.SeenMS < half {
			return WhyStalled
		}
	}
	return ""
}

// apart reports whether another page has shown a colour half a slot before or after this one.
func (l *lights) apart(page string) bool {
	mine := l.pages[page]
	for name, w := range l.pages {
		if name == page {
			continue
		}
		for _, c := range mine.seen {
			for _, d := range w.seen {
				gap := mine.zero.Add(pageTime(c.SeenMS)).Sub(w.zero.Add(pageTime(d.SeenMS))).Abs()
				if c.I == d.I && gap > l.light.Slot/2 {
					return true
				}
			}
		}
	}
	return false
}

// mayPlayElsewhere reports whether another page on this machine may show what one can't, because it is hidden
// or has to keep still. The caller holds mu.
func (s *Server) mayPlayElsewhere(why string) bool {
	if why != WhyHidden && why != WhyReducedMotion {
		return false
	}
	cannot, open := 0, 0
	for _, w := range s.lights.pages {
		if w.why == WhyHidden || w.why == WhyReducedMotion {
			cannot++
		} else if !w.done {
			return true
		}
	}
	for c := range s.clients {
		if c.own {
			open++
		}
	}
	return cannot < open
}

// declineLight ends the colours for as long as this smile is asked for. The caller holds mu.
func (s *Server) declineLight(e lightPost) (*Shown, error) {
	l := &s.lights
	if !s.view.lit() || e.Offer == 0 || e.Offer != l.offer {
		return nil, errors.New("no light is offered any more")
	}
	if l.declined == l.offer {
		return nil, nil
	}
	l.declined = l.offer
	shown := &Shown{Why: WhyDeclined}
	if s.view.Light != nil {
		shown.ID, l.told = s.view.Light.ID, shown
	}
	s.wake()
	return shown, nil
}

// lit reports whether colours are played or will be.
func (v View) lit() bool { return v.Light != nil || v.LightOffer }

// follow takes in a View that is about to be shown under a number, and says what is wrong with its Light. The
// caller holds Server.mu.
func (l *lights) follow(was View, v *View, seq uint64) (complaint string) {
	if v.Light != nil && l.light != nil && v.Light.ID == l.light.ID && !v.Light.same(l.light) {
		v.Light, complaint = nil, "light of an ID that had other colours"
	}
	if v.lit() && !was.lit() {
		l.offer = seq
	}
	if v.Light != nil && (l.light == nil || v.Light.ID != l.light.ID) {
		l.light, l.sent, l.told, l.pages = v.Light, time.Time{}, nil, map[string]*witness{}
	}
	return complaint
}

// viewFor is the View for one stream, with its number and the number of the offer to play a light, 0 if there
// is none. A light goes to the terminal's own display, and not to a page that was loaded after it had begun.
func (s *Server) viewFor(c *client) (View, uint64, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, l := s.view, &s.lights
	if !c.own {
		v.Detail.Code, v.Detail.Scan = "", ""
	}
	if !v.lit() {
		return v, s.seq, 0
	}
	if v.Light != nil && c.own && l.sent.IsZero() {
		l.sent = time.Now()
	}
	late := v.Light != nil && c.since.After(l.sent)
	if !c.own || s.opt.Lights == nil || l.declined == l.offer || late {
		v.Light, v.LightOffer = nil, false
		return v, s.seq, 0
	}
	return v, s.seq, l.offer
}
