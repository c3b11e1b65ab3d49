package screen

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hearer writes down what became of the lights.
type hearer struct {
	mu   sync.Mutex
	told []Shown
}

func (h *hearer) Lit(_ context.Context, s Shown) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, s)
}

func (h *hearer) heard() []Shown {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.told)
}

func (h *hearer) whys() string {
	var w []string
	for _, s := range h.heard() {
		w = append(w, s.ID+":"+s.Why)
	}
	return strings.Join(w, " ")
}

// code is a light of six hues.
func code(id string, slot time.Duration) *Light {
	p := Palette()
	return &Light{ID: id, Colours: []Colour{p[1], p[5], p[3], p[0], p[2], p[6]}, Slot: slot}
}

func lightView(l *Light) View {
	return View{State: Smile, Amount: "12.50", Currency: "EUR", Instruction: SmileInLight,
		Light: l, LightOffer: true}
}

// The hues have one luminance, are half of a primary's light or more apart for a camera, can be told apart by
// chromaticity, and may be shown.
func TestPalette(t *testing.T) {
	p := Palette()
	if len(p) < 6 || len(p) > lightColours {
		t.Fatalf("%d hues", len(p))
	}
	light := func(c Colour) [3]float64 { return [3]float64{linear(c[0]), linear(c[1]), linear(c[2])} }
	uv := func(c Colour) (u, v float64) { // CIE 1976 UCS, by the primaries of IEC 61966-2-1
		l := light(c)
		x := 0.4124*l[0] + 0.3576*l[1] + 0.1805*l[2]
		y := 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
		z := 0.0193*l[0] + 0.1192*l[1] + 0.9505*l[2]
		return 4 * x / (x + 15*y + 3*z), 9 * y / (x + 15*y + 3*z)
	}
	least, most, nearest, alike := 1.0, 0.0, 9.0, 9.0
	for i, c := range p {
		least, most = min(least, c.luminance()), max(most, c.luminance())
		for _, d := range p[:i] {
			a, b := light(c), light(d)
			nearest = min(nearest, math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2]))
			u, v := uv(c)
			x, y := uv(d)
			alike = min(alike, math.Hypot(u-x, v-y))
		}
	}
	t.Logf("luminance %.4f to %.4f, the nearest two %.3f apart in linear light, %.3f in u'v'",
		least, most, nearest, alike)
	if (most-least)/most > 0.05 {
		t.Errorf("luminance from %v to %v", least, most)
	}
	if nearest < 0.49 || alike < 0.07 {
		t.Errorf("two hues are %v apart, in chromaticity %v", nearest, alike)
	}
	ink := Colour{0x15, 0x17, 0x1c}.luminance()
	if ratio := (least + 0.05) / (ink + 0.05); ratio < 4.5 {
		t.Errorf("the page's ink has %.2f:1 on them", ratio)
	}
	if why := (&Light{ID: "a", Colours: p, Slot: slotMin}).wrong(Smile); why != "" {
		t.Errorf("a light of them is refused: %s", why)
	}
}

// What could hurt somebody, or nobody could read beside, never reaches a page.
func TestLightIsRefused(t *testing.T) {
	good := code("a", 200*time.Millisecond)
	for _, c := range []struct {
		name   string
		state  State
		change func(*Light)
		want   string
	}{
		{"black and white", Smile, func(l *Light) { l.Colours = []Colour{{255, 255, 255}, {}} }, "dark"},
		{"two greys", Smile, func(l *Light) { l.Colours = []Colour{{200, 200, 200}, {188, 188, 188}} }, "flashes"},
		{"nearly one grey", Smile, func(l *Light) { l.Colours = []Colour{{200, 200, 200}, {192, 192, 192}} }, ""},
		{"saturated red", Smile, func(l *Light) { l.Colours = []Colour{{255, 60, 60}, {255, 60, 60}} }, "red"},
		{"no colour", Smile, func(l *Light) { l.Colours = nil }, "of 0 colours"},
		{"too many", Smile, func(l *Light) { l.Colours = slices.Repeat(l.Colours, 3) }, "of 18 colours"},
		{"too fast", Smile, func(l *Light) { l.Slot = 149 * time.Millisecond }, "149ms"},
		{"too slow", Smile, func(l *Light) { l.Slot = 1001 * time.Millisecond }, "1.001s"},
		{"backwards", Smile, func(l *Light) { l.Slot = -time.Second }, "-1s"},
		{"no ID", Smile, func(l *Light) { l.ID = "" }, "ID of 0"},
		{"a long ID", Smile, func(l *Light) { l.ID = strings.Repeat("a", 65) }, "ID of 65"},
		{"no smile is asked for", LookHere, nil, "no smile"},
		{"for a PIN", EnterPIN, nil, "no smile"},
		{"paid", Approved, nil, "no smile"},
		{"recognised", Recognised, nil, ""},
		{"right", Smile, nil, ""},
	} {
		var log strings.Builder
		s := newServer(t, Options{Lights: &hearer{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		l := good.clone()
		if c.change != nil {
			c.change(l)
		}
		s.Show(View{State: c.state, Light: l})
		got, _ := s.current()
		if (got.Light == nil) != (c.want != "") || !strings.Contains(log.String(), c.want) {
			t.Errorf("%s: %+v, complaint %q", c.name, got.Light, log.String())
		}
	}
}

// A Light is the Server's own from then on, and one ID stands for one code.
func TestLightStays(t *testing.T) {
	s := newServer(t, Options{Lights: &hearer{}})
	l := code("a", 200*time.Millisecond)
	s.Show(lightView(l))
	l.Colours[0] = Colour{}
	if v, _ := s.current(); v.Light.Colours[0] == (Colour{}) {
		t.Error("the caller's colours are shown")
	}
	other := code("a", 300*time.Millisecond)
	s.Show(lightView(other))
	if v, _ := s.current(); v.Light != nil {
		t.Errorf("%+v is shown under the same ID", v.Light)
	}
}

// display is a page on this machine or another, as far as a Server sees it.
type display struct {
	t    *testing.T
	s    *Server
	c    *client
	page string
	born time.Time
}

func display1(t *testing.T, s *Server, page string, own bool) *display {
	c, ok := s.join(own)
	if !ok {
		t.Fatal("no stream")
	}
	return &display{t, s, c, page, time.Now().Add(-time.Minute)}
}

// sees is the light on the page, and the offer.
func (d *display) sees() (*Light, uint64) {
	v, _, offer := d.s.viewFor(d.c)
	return v.Light, offer
}

func (d *display) now() float64 { return float64(time.Since(d.born)) / float64(time.Millisecond) }

func (d *display) post(e lightPost) int {
	e.Page, e.NowMS = d.page, d.now()
	if e.Visibility == "" {
		e.Visibility = "visible"
	}
	raw, err := json.Marshal(e)
	if err != nil {
		d.t.Fatal(err)
	}
	return postLight(d.s, string(raw), nil).Code
}

func postLight(s *Server, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/light", strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Content-Type", "application/json")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// play shows a light from now on as a page does, with frames of 16 ms, and returns the end of it, which is
// yet to be posted.
func (d *display) play(l *Light) lightPost {
	d.t.Helper()
	e := lightPost{ID: l.ID}
	for i := range l.Colours {
		set := d.now()
		time.Sleep(16 * time.Millisecond)
		e.Colours = append(e.Colours, lightSeen{i, set, d.now()})
		if i == 0 {
			if code := d.post(e); code != 204 {
				d.t.Errorf("first colour: %d", code)
			}
		}
		time.Sleep(l.Slot - 16*time.Millisecond)
	}
	time.Sleep(16 * time.Millisecond)
	e.EndedMS = d.now()
	return e
}

func TestShownIsByTheServersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hearer{}
		s := newServer(t, Options{Lights: h})
		d := display1(t, s, "p", true)
		l := code("a", 200*time.Millisecond)
		s.Show(lightView(l))
		if got, _ := d.sees(); !got.same(l) {
			t.Fatalf("the page sees %+v", got)
		}
		begin := time.Now()
		e := d.play(l)
		ended := time.Now()
		time.Sleep(70 * time.Millisecond) // the last post is under way: the first had the better time
		e.NowMS = d.now()
		d.born = d.born.Add(70 * time.Millisecond) // so that its own clock doesn't run on
		d.post(e)
		got := h.heard()
		if len(got) != 1 || got[0].Why != "" || got[0].ID != "a" || len(got[0].At) != 6 {
			t.Fatalf("told %+v", got)
		}
		for i, at := range got[0].At {
			want := begin.Add(time.Duration(i)*l.Slot + 16*time.Millisecond)
			if at.Sub(want).Abs() > time.Microsecond {
				t.Errorf("colour %d at %v, want %v", i, at.Sub(begin), want.Sub(begin))
			}
		}
		if got[0].Ended.Sub(ended).Abs() > time.Microsecond {
			t.Errorf("ended %v late", got[0].Ended.Sub(ended))
		}
		if code := d.post(e); code != 409 || len(h.heard()) != 1 {
			t.Errorf("reported again: %d, %v", code, h.whys())
		}
	})
}

// Whatever is not a whole playing that a camera could have seen is told as what it was.
func TestLightThatWasNotShown(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*lightPost)
		want   string
	}{
		{"whole", func(*lightPost) {}, "a:"},
		{"hidden", func(e *lightPost) { e.Visibility = "hidden" }, "a:hidden"},
		{"hidden, says the page", func(e *lightPost) { e.Why, e.EndedMS = WhyHidden, 0 }, "a:hidden"},
		{"still", func(e *lightPost) {
			e.Why, e.EndedMS, e.Colours = WhyReducedMotion, 0, nil
		}, "a:reduced_motion"},
		{"the last is missing", func(e *lightPost) { e.Colours = e.Colours[:5] }, "a:stalled"},
		{"one is missing", func(e *lightPost) { e.Colours = slices.Delete(e.Colours, 2, 3) }, "a:stalled"},
		{"one is too many", func(e *lightPost) {
			last := e.Colours[5]
			e.Colours = append(e.Colours, lightSeen{6, last.SeenMS, last.SeenMS})
		}, "a:stalled"},
		{"nobody knows when one came", func(e *lightPost) { e.Colours[2].SetMS -= 101 }, "a:stalled"},
		{"one was short", func(e *lightPost) {
			e.Colours[2].SetMS += 101
			e.Colours[2].SeenMS += 101
		}, "a:stalled"},
		{"the last was short", func(e *lightPost) { e.EndedMS -= 101 }, "a:stalled"},
		{"one was late, and seen", func(e *lightPost) {
			e.Colours[2].SetMS += 60
			e.Colours[2].SeenMS += 60
		}, "a:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hearer{}
				s := newServer(t, Options{Lights: h})
				d := display1(t, s, "p", true)
				l := code("a", 200*time.Millisecond)
				s.Show(lightView(l))
				d.sees()
				e := d.play(l)
				c.change(&e)
				if status := d.post(e); status != 204 || h.whys() != c.want {
					t.Errorf("%d, told %q, want %q", status, h.whys(), c.want)
				}
				if told := h.heard(); len(told) == 1 && told[0].Why != "" &&
					!reflect.DeepEqual(told[0], Shown{ID: "a", Why: told[0].Why}) {
					t.Errorf("with times: %+v", told[0])
				}
			})
		})
	}
}

// Two pages on this machine: one of them is not what the camera looks at.
func TestTwoScreens(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(a, b *display, l *Light)
		want string
	}{
		{"at once", func(a, b *display, l *Light) {
			e := a.play(l)
			a.post(e)
			b.born = a.born
			b.post(e)
		}, "a:"},
		{"one after the other", func(a, b *display, l *Light) {
			a.post(a.play(l))
			b.post(b.play(l))
		}, "a: a:two_screens"},
		{"the second has only begun", func(a, b *display, l *Light) {
			e := a.play(l)
			b.post(lightPost{ID: l.ID, Colours: []lightSeen{{0, b.now(), b.now()}}})
			a.post(e)
		}, "a:two_screens"},
		{"one is hidden from the start", func(a, b *display, l *Light) {
			b.post(lightPost{ID: l.ID, Why: WhyHidden, Visibility: "hidden"})
			a.post(a.play(l))
		}, "a:"},
		{"one is hidden while the other plays", func(a, b *display, l *Light) {
			e := a.play(l)
			b.s.leave(b.c)
			b.post(lightPost{ID: l.ID, Why: WhyHidden, Visibility: "hidden"})
			a.post(e)
		}, "a:"},
		{"neither may", func(a, b *display, l *Light) {
			b.post(lightPost{ID: l.ID, Why: WhyHidden, Visibility: "hidden"})
			a.post(lightPost{ID: l.ID, Why: WhyReducedMotion})
		}, "a:reduced_motion"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &hearer{}
				s := newServer(t, Options{Lights: h})
				a, b := display1(t, s, "a", true), display1(t, s, "b", true)
				l := code("a", 200*time.Millisecond)
				s.Show(lightView(l))
				for _, d := range []*display{a, b} {
					if got, _ := d.sees(); got == nil {
						t.Fatal("a page that was there sees no light")
					}
				}
				if c.act(a, b, l); h.whys() != c.want {
					t.Errorf("told %q, want %q", h.whys(), c.want)
				}
			})
		})
	}
}

// The terminal's own display alone plays it, and one that was loaded meanwhile doesn't begin anew.
func TestWhoSeesTheLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, Options{Lights: &hearer{}})
		l := code("a", 200*time.Millisecond)
		far := display1(t, s, "far", false)
		s.Show(lightView(l))
		time.Sleep(time.Second)
		first := display1(t, s, "first", true) // it was being loaded
		time.Sleep(time.Millisecond)
		for _, c := range []struct {
			name string
			d    *display
			want bool
		}{{"far away", far, false}, {"first", first, true}, {"far away, then", far, false}} {
			if got, offer := c.d.sees(); (got != nil) != c.want || (offer != 0) != c.want {
				t.Errorf("%s: %v, %d", c.name, got, offer)
			}
		}
		time.Sleep(time.Millisecond)
		if got, offer := display1(t, s, "late", true).sees(); got != nil || offer != 0 {
			t.Errorf("loaded meanwhile: %v, %d", got, offer)
		}
		v := lightView(l)
		v.Progress = 0.5
		s.Show(v)
		if got, _ := first.sees(); !got.same(l) {
			t.Errorf("sent again: %v", got)
		}
		deaf := newServer(t, Options{})
		deaf.Show(lightView(l))
		if got, offer := display1(t, deaf, "p", true).sees(); got != nil || offer != 0 {
			t.Errorf("nobody would hear of it: %v, %d", got, offer)
		}
	})
}

// Who wants no colours is heard, before and while they play, once, and sees none any more in this payment.
func TestLightDeclined(t *testing.T) {
	h := &hearer{}
	s := newServer(t, Options{Lights: h})
	d := display1(t, s, "p", true)
	s.Show(View{State: LookHere, LightOffer: true})
	_, offer := d.sees()
	if offer == 0 {
		t.Fatal("nothing is offered")
	}
	s.Show(View{State: Smile, LightOffer: true})
	<-d.c.wake
	if code := d.post(lightPost{Offer: offer, Why: WhyDeclined}); code != 204 || h.whys() != ":declined" {
		t.Errorf("%d, told %q", code, h.whys())
	}
	<-d.c.wake // it is told at once
	if code := d.post(lightPost{Offer: offer, Why: WhyDeclined}); code != 204 || h.whys() != ":declined" {
		t.Errorf("twice: %d, told %q", code, h.whys())
	}
	s.Show(lightView(code("a", 200*time.Millisecond)))
	if got, again := d.sees(); got != nil || again != 0 {
		t.Errorf("after that: %v, %d", got, again)
	}
	s.Show(View{State: EnterPIN})
	s.Show(lightView(code("b", 200*time.Millisecond)))
	got, now := d.sees()
	if got == nil || now == offer || now == 0 {
		t.Errorf("in the next payment: %v, %d", got, now)
	}
	if code := d.post(lightPost{Offer: offer, Why: WhyDeclined}); code != 409 {
		t.Errorf("the payment before: %d", code)
	}
	const both = ":declined b:declined"
	if code := d.post(lightPost{Offer: now, Why: WhyDeclined}); code != 204 || h.whys() != both {
		t.Errorf("while it plays: %d, told %q", code, h.whys())
	}
	if code := d.post(lightPost{ID: "b", Why: WhyHidden}); code != 204 || h.whys() != both {
		t.Errorf("and then: %d, told %q", code, h.whys())
	}
}

const lightRight = `{"page":"p","id":"a","now_ms":2000.5,"visibility":"visible","colours":[` +
	`{"i":0,"set_ms":1000,"seen_ms":1016},{"i":1,"set_ms":1200,"seen_ms":1216}],"ended_ms":1416}`

// TestLightRefuses: what no page of the terminal sends says nothing about a light.
func TestLightRefuses(t *testing.T) {
	swap := func(from, to string) string {
		if !strings.Contains(lightRight, from) {
			t.Fatalf("no %q to change", from)
		}
		return strings.Replace(lightRight, from, to, 1)
	}
	for _, c := range []struct {
		name, body string
		change     func(*http.Request)
		want       int
	}{
		{"right", lightRight, nil, 204},
		{"own origin", lightRight, with("Origin", "http://127.0.0.1:8080"), 204},
		{"from the network", lightRight, from("192.168.1.9:5"), 403},
		{"from the network over TLS", lightRight, func(r *http.Request) {
			r.RemoteAddr, r.TLS = "192.168.1.9:5", &tls.ConnectionState{}
		}, 403},
		{"another site", lightRight, with("Sec-Fetch-Site", "cross-site"), 403},
		{"another origin", lightRight, with("Origin", "http://evil.example"), 403},
		{"a form's type", lightRight, with("Content-Type", "text/plain"), 415},
		{"no JSON", "id=a", nil, 400},
		{"two values", lightRight + lightRight, nil, 400},
		{"huge", lightRight + strings.Repeat(" ", 5000), nil, 400},
		{"other fields", swap(`"id"`, `"at":1,"id"`), nil, 400},
		{"another light", swap(`"id":"a"`, `"id":"b"`), nil, 409},
		{"no light", swap(`"id":"a"`, `"id":""`), nil, 409},
		{"no page", swap(`"page":"p"`, `"page":""`), nil, 400},
		{"a long page", swap(`"page":"p"`, `"page":"`+strings.Repeat("p", 41)+`"`), nil, 400},
		{"the server's reason", swap(`"id"`, `"why":"stalled","id"`), nil, 400},
		{"nothing to decline", swap(`"id"`, `"why":"declined","id"`), nil, 409},
		{"a colour twice", swap(`"i":1`, `"i":0`), nil, 400},
		{"a colour before the first", swap(`"i":0`, `"i":-1`), nil, 400},
		{"half a colour", swap(`"i":1`, `"i":1.5`), nil, 400},
		{"colour 16", swap(`"i":1`, `"i":16`), nil, 400},
		{"seen before it was set", swap(`"seen_ms":1216`, `"seen_ms":1199`), nil, 400},
		{"set before the last was seen", swap(`"set_ms":1200`, `"set_ms":1015`), nil, 400},
		{"in the future", swap(`"now_ms":2000.5`, `"now_ms":1100`), nil, 400},
		{"ended in the future", swap(`"ended_ms":1416`, `"ended_ms":2051`), nil, 400},
		{"ended before the last", swap(`"ended_ms":1416`, `"ended_ms":1215`), nil, 400},
		{"before the page was", swap(`"set_ms":1000`, `"set_ms":-1`), nil, 400},
		{"an endless clock", swap(`"now_ms":2000.5`, `"now_ms":1e300`), nil, 400},
	} {
		h := &hearer{}
		s := newServer(t, Options{Lights: h, AllowRemote: true})
		s.Show(View{State: Smile, Light: &Light{ID: "a", Colours: Palette()[:2], Slot: 200 * time.Millisecond}})
		display1(t, s, "p", true).sees()
		if w := postLight(s, c.body, c.change); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
		if n := len(h.heard()); n != 0 != (c.want == 204) {
			t.Errorf("%s: %d told", c.name, n)
		}
	}
	if w := postLight(newServer(t, Options{}), lightRight, nil); w.Code != 404 {
		t.Errorf("no light here: %d", w.Code)
	}
	h := &hearer{}
	s := newServer(t, Options{Lights: h})
	s.Show(lightView(code("a", 200*time.Millisecond)))
	if w := postLight(s, lightRight, nil); w.Code != 409 || len(h.heard()) != 0 {
		t.Errorf("a light that went to no page: %d %s", w.Code, w.Body)
	}
	display1(t, s, "p", true).sees()
	for i := range lightPages + 1 {
		w := postLight(s, fmt.Sprintf(`{"page":"%d","id":"a"}`, i), nil)
		if want := map[bool]int{true: 204, false: 409}[i < lightPages]; w.Code != want {
			t.Errorf("page %d: %d, want %d", i, w.Code, want)
		}
	}
}

// FuzzLightPost: whatever is posted, what is told is a whole light in its order, or no times at all.
func FuzzLightPost(f *testing.F) {
	f.Add(lightRight, lightRight)
	f.Add(strings.Replace(lightRight, `,"ended_ms":1416`, "", 1), `{"page":"q","id":"a","why":"hidden"}`)
	s, err := New(Options{}) // one for all: making it takes longer than what is tried
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		h := &hearer{}
		s.opt.Lights, s.lights, s.view, s.clients = h, lights{}, View{}, map[*client]struct{}{}
		s.Show(View{State: Smile, Light: &Light{ID: "a", Colours: Palette()[:2], Slot: 200 * time.Millisecond}})
		display1(t, s, "p", true).sees()
		for _, body := range []string{first, second} {
			if w := postLight(s, body, nil); w.Code != 204 && w.Code != 400 && w.Code != 409 {
				t.Errorf("%q: %d", body, w.Code)
			}
		}
		for _, told := range h.heard() {
			switch {
			case told.Why != "" && (told.At != nil || !told.Ended.IsZero()):
				t.Errorf("not shown, with times: %+v", told)
			case told.Why == "" && (len(told.At) != 2 || told.At[1].Sub(told.At[0]) < 100*time.Millisecond ||
				told.Ended.Before(told.At[1]) || told.Ended.After(time.Now().Add(time.Second))):
				t.Errorf("shown: %+v", told)
			}
		}
	})
}
