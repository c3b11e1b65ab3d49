package light_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"smiletill/cmd/smiletill/light"
	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/vision"
)

// page is what a customer's page is told.
type page struct {
	lights []screen.Light
	on     bool
	offer  bool
}

func (p *page) Light(_ string, l *screen.Light, offer bool) {
	if p.on = l != nil; p.on {
		p.lights = append(p.lights, *l)
	}
	p.offer = offer
}

func shown(l screen.Light, from time.Time) screen.Shown {
	s := screen.Shown{ID: l.ID}
	for i := range l.Colours {
		s.At = append(s.At, from.Add(time.Duration(i)*l.Slot))
	}
	s.Ended = from.Add(time.Duration(len(l.Colours)) * l.Slot)
	return s
}

// TestPlay: a light is played once for each wish, with colours that nobody can know, is taken off the page
// when it has been played, was declined, or whom it was for has gone.
func TestPlay(t *testing.T) {
	known := light.Delay{By: 80 * time.Millisecond, Known: true}
	wish := vision.Finding{Stage: vision.Recognised, Light: true}
	begin := func() (*page, *light.Lamp, *light.Play) {
		p := &page{}
		l := light.New(p, nil)
		play := l.For("p1", vision.NewVisit(nil, vision.DefaultThresholds()), known, false)
		for range 3 {
			if err := play.Follow(wish); err != nil {
				t.Fatal(err)
			}
		}
		return p, l, play
	}
	codes := map[string]bool{}
	for range 50 {
		p, _, _ := begin()
		if len(p.lights) != 1 || !p.on || !p.offer || len(p.lights[0].Colours) != vision.CodeLength {
			t.Fatalf("%d lights for one wish", len(p.lights))
		}
		codes[fmt.Sprint(p.lights[0].Colours)] = true
	}
	if len(codes) < 49 {
		t.Errorf("%d codes of 50 are different", len(codes))
	}
	for name, c := range map[string]struct {
		say  func(p *page, l *light.Lamp)
		next vision.Finding
		on   bool
		more int // lights that follow
	}{
		"played": {func(p *page, l *light.Lamp) { l.Lit(t.Context(), shown(p.lights[0], time.Now())) },
			vision.Finding{Stage: vision.Recognised}, false, 1},
		"another's": {func(_ *page, l *light.Lamp) { l.Lit(t.Context(), screen.Shown{ID: "x"}) }, wish, true, 0},
		"hidden": {func(p *page, l *light.Lamp) {
			l.Lit(t.Context(), screen.Shown{ID: p.lights[0].ID, Why: screen.WhyHidden})
		}, vision.Finding{Stage: vision.Recognised}, false, 0},
		"declined": {func(_ *page, l *light.Lamp) { l.Lit(t.Context(), screen.Shown{Why: screen.WhyDeclined}) },
			vision.Finding{Stage: vision.Recognised}, false, 0},
		"gone": {func(*page, *light.Lamp) {}, vision.Finding{Stage: vision.Searching}, false, 1},
	} {
		p, l, play := begin()
		c.say(p, l)
		if err := play.Follow(c.next); err != nil || p.on != c.on {
			t.Errorf("%s: the page plays %v, want %v; %v", name, p.on, c.on, err)
		}
		if err := play.Follow(wish); err != nil || len(p.lights) != 1+c.more {
			t.Errorf("%s: %d lights after another wish, want %d; %v", name, len(p.lights), 1+c.more, err)
		}
		if play.End(); p.on || p.offer {
			t.Errorf("%s: the page plays on", name)
		}
	}
}

// TestNoDelayNoLight: on a screen whose delay nobody has measured none is played, nor offered.
func TestNoDelayNoLight(t *testing.T) {
	p := &page{}
	play := light.New(p, nil).For("p1", vision.NewVisit(nil, vision.DefaultThresholds()), light.Delay{}, false)
	err := play.Follow(vision.Finding{Stage: vision.Recognised, Light: true})
	if err != nil || len(p.lights) > 0 || p.offer {
		t.Errorf("%d lights, offered %v, %v", len(p.lights), p.offer, err)
	}
}

// TestDamagedDelay: a file that holds no delay says what to do.
func TestDamagedDelay(t *testing.T) {
	for _, text := range []string{"", "{", `{"delay_ms": -4}`, `{"delay_ms": 5000}`, `{"delay_ms": "x"}`} {
		path := filepath.Join(t.TempDir(), "screen-delay.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := light.ReadDelay(path)
		if d.Known || err == nil || payment.HintOf(err) == "" {
			t.Errorf("%q: %+v, %v", text, d, err)
		}
	}
	if _, err := light.ReadDelay(t.TempDir()); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder: %v", err)
	}
}

// TestDelayOfAnotherCamera: what was measured with one camera is not known of another, nor of one that gives
// other pictures; before the first picture nobody can tell.
func TestDelayOfAnotherCamera(t *testing.T) {
	d := light.Delay{By: 80 * time.Millisecond, Known: true, Camera: "usb uvcvideo, MJPG, 640x480"}
	for camera, want := range map[string]bool{d.Camera: true, "": true, "usb uvcvideo, YUYV, 640x480": false} {
		if got := d.With(camera); got.Known != want || got.By != d.By {
			t.Errorf("%q: %+v", camera, got)
		}
	}
}

// TestWords: the technician reads how many smiles the light could tell, and what to do when they are few.
func TestWords(t *testing.T) {
	p := &page{}
	l := light.New(p, nil)
	tell := func(v vision.Verdict, frames, times int) {
		for range times {
			play := l.For("p1", vision.NewVisit(nil, vision.DefaultThresholds()), light.Delay{Known: true}, false)
			err := play.Follow(vision.Finding{Stage: vision.Consented, Verdict: v, Judged: frames})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if words, _, poor := l.Words(); poor || words == "" {
		t.Errorf("before any: %q, %v", words, poor)
	}
	tell(vision.VerdictLive, 20, 9)
	tell(vision.VerdictUndecided, 20, 1)
	const nine = "of the last 10 smiles 9 answered it, 1 left it open, 0 did not"
	if words, do, poor := l.Words(); poor || do != "" || words != nine {
		t.Errorf("%q, %q, %v", words, do, poor)
	}
	tell(vision.VerdictUndecided, 4, 20)
	if _, do, poor := l.Words(); !poor || do == "" {
		t.Errorf("too few pictures: %q, %v", do, poor)
	}
}

// TestBrightRoom: where the light is automatic and leaves smile after smile open none is played for a while,
// the technician reads why, and it is tried again.
func TestBrightRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &page{}
		l := light.New(p, nil)
		smile := func(v vision.Verdict, frames int, automatic bool) (offered bool) {
			play := l.For("p1", vision.NewVisit(nil, vision.DefaultThresholds()), light.Delay{Known: true}, automatic)
			offered = p.offer
			end := vision.Finding{Stage: vision.Consented, Verdict: v, Judged: frames}
			if err := play.Follow(end); err != nil {
				t.Fatal(err)
			}
			play.End()
			return offered
		}
		for i := range 40 { // a face that was not seen says nothing of the room, nor do films
			verdict := []vision.Verdict{vision.VerdictUndecided, vision.VerdictFailed}[i%2]
			if !smile(verdict, 30*(i%2), true) {
				t.Fatalf("after %d smiles that were not seen no light is offered", i)
			}
		}
		for i := range 6 {
			if !smile(vision.VerdictUndecided, 30, true) {
				t.Fatalf("after %d smiles no light is offered", i)
			}
		}
		if smile(vision.VerdictUndecided, 0, true) {
			t.Error("a light is offered in a room that is too bright for it")
		}
		if !smile(vision.VerdictUndecided, 30, false) {
			t.Error("a light that is always on is not offered")
		}
		if words, _, _ := l.Words(); !strings.Contains(words, "none is played for 10 minutes") {
			t.Errorf("the technician reads %q", words)
		}
		time.Sleep(11 * time.Minute)
		if !smile(vision.VerdictUndecided, 30, true) || smile(vision.VerdictLive, 30, true) {
			t.Error("it has to be tried once every ten minutes")
		}
		time.Sleep(11 * time.Minute)
		for range 6 {
			if !smile(vision.VerdictLive, 30, true) {
				t.Error("a smile that it could tell, and no light is offered")
			}
		}
	})
}
