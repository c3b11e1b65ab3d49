package screen

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

func (s *Server) consent(ctx context.Context, _ *http.Request) (any, error) {
	c, err := s.opt.Counter.Consent(ctx)
	for i, t := range c.Texts {
		m := s.words[s.words.pick(t.Lang, "", "")]
		c.Texts[i].Agree, c.Texts[i].Stop = m["counter.enrol_agree"], m["counter.enrol_stop"]
	}
	return c, err
}

// enrolEntry is what the page sends to enrol somebody.
type enrolEntry struct {
	Token     string `json:"token"`
	Name      string `json:"name"`
	Again     string `json:"again"`
	Version   string `json:"version"`
	Lang      string `json:"lang"`
	Explained string `json:"explained"`
	PIN       string `json:"pin"`
	Digits    string `json:"digits"`
	Agreed    bool   `json:"agreed"` // the customer has ticked it
	AgoMS     int64  `json:"ago_ms"` // so long ago
}

func (s *Server) enrol(ctx context.Context, q enrolEntry) (any, error) {
	switch {
	case len(q.Token) < 16 || len(q.Token) > 64 || strings.Trim(q.Token, alphanumeric) != "":
		return nil, &CounterError{Why: RefusedNotBegun, What: "no token"}
	case (q.Again == "" || q.Version != "") && !q.Agreed:
		return nil, &CounterError{Why: RefusedWithdrawn, What: "the customer has not agreed"}
	case len(q.PIN) > pinMax || strings.Trim(q.PIN, "0123456789") != "":
		return nil, &CounterError{Why: RefusedPIN, What: "not 4 to 12 digits"}
	}
	return nothing{}, s.opt.Counter.Enrol(ctx, CounterEnrol{q.Token, q.Name, q.Again, q.Version, q.Lang,
		q.Explained, q.PIN, q.Digits, time.Duration(min(max(q.AgoMS, -1), maxAgoMS)) * time.Millisecond})
}

// maxAgoMS bounds what a page says in ms: a day.
const maxAgoMS = 24 * 3600 * 1000

// alphanumeric are what a token is of.
const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

type enrolmentMessage struct {
	State  Instruction   `json:"state"`
	Taken  int           `json:"taken"`
	Come   float64       `json:"come"`
	Advice Instruction   `json:"advice,omitempty"`
	Nobody bool          `json:"nobody,omitempty"`
	Ended  bool          `json:"ended,omitempty"`
	Failed *errorMessage `json:"failed,omitempty"`
	ID     string        `json:"id,omitempty"`
	Name   string        `json:"name,omitempty"`
	Smile  bool          `json:"smile,omitempty"`
}

// enrolment tells how it goes. That the page asks is use of it: the clerk stands by the customer.
func (s *Server) enrolment(ctx context.Context, q struct {
	Token string `json:"token"`
	Stop  bool   `json:"stop"`
}) (any, error) {
	e, err := s.opt.Counter.Enrolment(ctx, q.Token, q.Stop)
	if err != nil {
		return nil, err
	}
	m := enrolmentMessage{State: e.State, Taken: e.Taken, Come: e.Come, Advice: e.Advice,
		Nobody: e.Nobody, Ended: e.Ended, ID: e.ID, Name: e.Name, Smile: e.Smile}
	var told *CounterError
	if errors.As(e.Failed, &told) {
		m.Failed = &errorMessage{Why: told.Why, What: told.What, Do: told.Do}
	} else if e.Failed != nil {
		m.Failed = &errorMessage{}
	}
	return m, nil
}

func (s *Server) vouch(ctx context.Context, q struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	PIN  string `json:"pin"`
}) (any, error) {
	if q.PIN == "" || len(q.PIN) > pinMax || strings.Trim(q.PIN, "0123456789") != "" {
		return nil, &CounterError{Why: RefusedSecond, What: "not 4 to 12 digits"}
	}
	return nothing{}, s.opt.Counter.Vouch(ctx, q.ID, q.Name, q.PIN)
}
