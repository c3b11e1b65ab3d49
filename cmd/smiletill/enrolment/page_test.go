package enrolment_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/cmd/smiletill/people"
	"smiletill/device/screen"
	"smiletill/payment"
)

// counterOf is a counter's page that knows customers alone, behind a real server: that a page is open is
// the server's to say.
type counterOf struct {
	screen.Counter
	page *enrolment.Page
}

func (c counterOf) Ready(context.Context) error                            { return nil }
func (c counterOf) Unlock(context.Context, string, string) (string, error) { return "Anna", nil }

func (c counterOf) Consent(ctx context.Context) (screen.CounterConsent, error) {
	return c.page.Consent(ctx)
}
func (c counterOf) Enrol(ctx context.Context, e screen.CounterEnrol) error {
	return c.page.Enrol(ctx, e)
}
func (c counterOf) Enrolment(ctx context.Context, token string, stop bool) (screen.CounterEnrolment, error) {
	return c.page.Enrolment(ctx, token, stop)
}

// clerk is a browser at the counter's page of a terminal whose camera is take.
type clerk struct {
	t      *testing.T
	h      *home
	server *httptest.Server
	cookie *http.Cookie
	page   *enrolment.Page

	mu    sync.Mutex
	take  func(*enrolment.Capture) error
	asked func() // once, when the enrolment itself asks whether the clerk may
	fault error  // of what else is asked
}

// refuses has what the page asks fail, or no more.
func (c *clerk) refuses(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = err
}

func (c *clerk) camera(take func(*enrolment.Capture) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.take = take
}

func (c *clerk) whenAsked(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = do
}

// allowed is of Anna, who may. The enrolment itself asks after her page's request has ended.
func (c *clerk) allowed(ctx context.Context, _ people.Act) (context.Context, error) {
	if ctx.Done() == nil {
		c.mu.Lock()
		do := c.asked
		c.asked = nil
		c.mu.Unlock()
		if do != nil {
			do()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Done() != nil && c.fault != nil {
		return nil, c.fault
	}
	return people.With(ctx, payment.Who{Role: "clerk", Name: "Anna", Door: "page"}), nil
}

func newClerk(t *testing.T) *clerk {
	t.Helper()
	c := &clerk{t: t}
	var err error
	if c.h, err = move(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	open := c.h.desk.Open
	c.h.desk.Open = func() (enrolment.Parts, error) {
		p, err := open()
		p.Take = func(_ context.Context, shots *enrolment.Capture) error {
			c.mu.Lock()
			take := c.take
			c.mu.Unlock()
			if err := take(shots); err != nil {
				return err
			}
			shots.Templates = pictures()
			return nil
		}
		p.Narrows = func() bool { return false }
		return p, err
	}
	c.page = &enrolment.Page{Desk: c.h.desk, Allowed: c.allowed}
	s, err := screen.New(screen.Options{Counter: counterOf{page: c.page}})
	if err != nil {
		t.Fatal(err)
	}
	s.Show(screen.View{State: screen.Idle})
	c.server = httptest.NewServer(s)
	t.Cleanup(func() {
		c.server.Close()
		if err := c.h.close(); err != nil {
			t.Error(err)
		}
	})
	c.post("unlock", map[string]any{"pin": "730164"})
	return c
}

func (c *clerk) post(path string, body any) (answer string) {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(c.t.Context(), "POST", c.server.URL+"/counter/"+path,
		strings.NewReader(string(text)))
	if err != nil {
		c.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Origin", c.server.URL)
	if c.cookie != nil {
		q.AddCookie(c.cookie)
	}
	a, err := c.server.Client().Do(q)
	if err != nil {
		c.t.Fatal(err)
	}
	defer a.Body.Close()
	for _, cookie := range a.Cookies() {
		c.cookie = cookie
	}
	said, err := io.ReadAll(a.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(said)
}

// begins begins an enrolment under a token.
func (c *clerk) begins(token, name string) {
	c.t.Helper()
	text := c.h.desk.Rules.Texts[1]
	if a := c.post("enrol", map[string]any{"token": token, "name": name, "version": text.Version,
		"lang": text.Lang, "explained": "Anna", "agreed": true}); strings.Contains(a, "why") {
		c.t.Fatal(a)
	}
}

// asks asks how an enrolment goes.
func (c *clerk) asks(token string, stop bool) (e pageTold) {
	c.t.Helper()
	a := c.post("enrolment", map[string]any{"token": token, "stop": stop})
	if err := json.Unmarshal([]byte(a), &e); err != nil {
		c.t.Fatal(a, err)
	}
	return e
}

type pageTold struct {
	Ended  bool
	Failed *struct{ Why screen.Refusal }
	ID     string
}

// ends asks until it has ended.
func (c *clerk) ends(token string) (e pageTold) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if e = c.asks(token, false); e.Ended {
			return e
		}
	}
	c.t.Fatal("it has no end")
	return e
}

// nobody fails if anybody is enrolled, or a fact says so.
func (c *clerk) nobody(when string) {
	c.t.Helper()
	all, err := c.h.desk.Customers(c.t.Context())
	if err != nil || len(all) > 0 {
		c.t.Errorf("%s: %v, %v", when, all, err)
	}
	facts, err := c.h.j.Audits(c.t.Context(), 100)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, a := range facts {
		if a.Customer != "" {
			c.t.Errorf("%s: %s", when, a.What)
		}
	}
}

const token = "0123456789abcdef"

// A page that is silent has taken the consent back: while pictures are taken, within seconds; where they were
// taken before it could be missed, as the page's next question does not come; and for good, whoever asks
// later.
func TestEnrolOfASilentPage(t *testing.T) {
	t.Parallel()
	const quick, looking, late = "who was quick", "while pictures are taken", "who asks too late"
	for _, name := range []string{quick, looking, late} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClerk(t)
			ended, asked := make(chan struct{}), make(chan struct{})
			began := time.Now()
			c.camera(func(shots *enrolment.Capture) error {
				defer close(ended)
				if name == late {
					<-asked
				}
				for name == looking && !shots.Withdrawn() {
					if time.Since(began) > 30*time.Second {
						return errors.New("a silent page is waited for")
					}
					time.Sleep(10 * time.Millisecond)
				}
				return nil
			})
			c.begins(token, "Ada")
			if name == late {
				time.Sleep(time.Until(began.Add(5500 * time.Millisecond)))
				c.asks(token, false)
				close(asked)
			}
			<-ended
			if left := time.Since(began); left > 10*time.Second {
				t.Errorf("it was waited for for %v", left)
			}
			time.Sleep(time.Until(began.Add(5500 * time.Millisecond)))
			if e := c.ends(token); e.Failed == nil || e.Failed.Why != screen.RefusedWithdrawn {
				t.Errorf("%+v", e)
			}
			c.nobody(name)
		})
	}
}

// Who takes a consent back is heard though the question that says so is refused.
func TestEnrolIsTakenBackWhateverIsRefused(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	stopped := make(chan struct{})
	c.camera(func(*enrolment.Capture) error { <-stopped; return nil })
	c.begins(token, "Ada")
	c.refuses(people.ErrNotAllowed)
	a := c.post("enrolment", map[string]any{"token": token, "stop": true})
	if !strings.Contains(a, `"why":"role"`) {
		t.Error(a)
	}
	c.refuses(nil)
	close(stopped)
	if e := c.ends(token); e.Failed == nil || e.Failed.Why != screen.RefusedWithdrawn {
		t.Errorf("%+v", e)
	}
	c.nobody("taken back")
}

// What takes the consent back is heard up to the moment in which it is written down; afterwards it is said
// that the customer is enrolled. A token that was lost on the way is asked for again, and enrols once.
func TestEnrolIsTakenBackLate(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	c.camera(func(*enrolment.Capture) error { return nil })
	c.whenAsked(func() { c.asks(token, true) }) // after the pictures, before the journal
	c.begins(token, "Ada")
	c.begins(token, "Ada")
	if e := c.ends(token); e.Failed == nil || e.Failed.Why != screen.RefusedWithdrawn {
		t.Errorf("%+v", e)
	}
	c.nobody("taken back in time")

	later := token + "2"
	c.begins(later, "Ada")
	done := c.ends(later)
	if done.ID == "" {
		t.Fatalf("%+v", done)
	}
	if e := c.asks(later, true); e.ID != done.ID || e.Failed != nil {
		t.Errorf("too late: %+v", e)
	}
	c.begins(later, "Ada")
	if e := c.asks(later, false); e.ID != done.ID {
		t.Errorf("begun again: %+v", e)
	}
	if e := c.asks(token, false); e.Failed == nil || e.Failed.Why != screen.RefusedWithdrawn {
		t.Errorf("the one before: %+v", e)
	}
	if _, err := c.page.ForgetCustomer(t.Context(), done.ID); err != nil {
		t.Fatal(err)
	}
	if a := c.post("enrolment", map[string]any{"token": later}); !strings.Contains(a, "not_begun") {
		t.Errorf("somebody who was forgotten is told: %s", a)
	}
}
