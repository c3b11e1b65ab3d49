package screen

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	window "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// lightPage opens the customer's page on a server that plays lights.
func lightPage(t *testing.T) (context.Context, *Server, *hearer, *httptest.Server) {
	t.Helper()
	ctx := browser(t)
	h := &hearer{}
	s := newServer(t, Options{Lights: h})
	s.heart, s.lost = 500*time.Millisecond, time.Minute
	web := serve(t, s)
	watch(t, ctx)
	s.Show(View{State: Smile, Amount: "12.50", Currency: "EUR", Merchant: "Café Morgenrot", LightOffer: true})
	do(t, ctx, chromedp.EmulateViewport(800, 480), chromedp.Navigate(web.URL+"/?lang=en"))
	until(t, ctx, "document.documentElement.dataset.state === 'smile'")
	notice(t, ctx)
	return ctx, s, h, web
}

// notice keeps the colours that the page takes from now on in its played, and in litAt the times of the
// frames in which a light began.
func notice(t *testing.T, ctx context.Context) {
	t.Helper()
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`window.played = []; window.litAt = [];
		new MutationObserver(() => {
			const c = document.documentElement.style.getPropertyValue("--light") || "none";
			const was = played.at(-1) ?? "none";
			if (was === "none" && c !== "none") litAt.push(document.timeline.currentTime);
			if (was !== c) played.push(c);
		}).observe(document.documentElement, { attributes: true, attributeFilter: ["style", "data-light"] });`))
}

// played returns the colours that the page has taken since it was asked last.
func played(t *testing.T, ctx context.Context) string {
	t.Helper()
	return eval[string](t, ctx, "played.splice(0).join(' ')")
}

// begun waits for the first colour of a light.
func begun(t *testing.T, ctx context.Context) {
	t.Helper()
	until(t, ctx, "played.length > 0 && played.at(-1) !== 'none'")
}

// names are the colours of a light as the page has them, with what comes after them.
func names(l *Light) string {
	var n []string
	for _, c := range l.Colours {
		n = append(n, c.css())
	}
	return strings.Join(append(n, "none"), " ")
}

// told waits until as much was heard of lights.
func (h *hearer) wait(t *testing.T, n int) []Shown {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got := h.heard(); len(got) >= n {
			return got
		}
	}
	t.Fatalf("never heard %d times of a light: %q", n, h.whys())
	return nil
}

// look is a strip along the page's lower edge, seen at three places: left of the words, below them and on
// the panel.
type look struct {
	from, to time.Time
	at       [3]Colour
}

func lookAtLight(t *testing.T, ctx context.Context) look {
	t.Helper()
	fast := true
	l := look{from: time.Now()}
	shot, err := chromedp.Call(ctx, pages.CaptureScreenshot, pages.CaptureScreenshotParams{
		Clip: &pages.Viewport{X: 0, Y: 470, Width: 800, Height: 4, Scale: 1}, OptimizeForSpeed: &fast,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.to = time.Now()
	img, err := png.Decode(bytes.NewReader(shot.Data))
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range [...]int{6, 470, 780} {
		r, g, b, _ := img.At(x, 2).RGBA()
		l.at[i] = Colour{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8)}
	}
	return l
}

// TestLightOnTheScreen reads the colours back from pictures of the page: all of them come, in their order,
// all over the page, when the page says so; then the page is as it was.
func TestLightOnTheScreen(t *testing.T) {
	ctx, s, h, _ := lightPage(t)
	before := lookAtLight(t, ctx)
	const tries = 6
	for try := range tries {
		l := code(fmt.Sprint(try), slotMax)
		looks := picture(t, ctx, s, h, l, try+1)
		got := h.heard()[try]
		busy := got.Why == WhyStalled
		for i := range looks[1:] {
			busy = busy || looks[i+1].to.Sub(looks[i].from) > slotMax
		}
		if busy && try < tries-1 {
			continue // this machine takes pictures more slowly than the page changes
		}
		if got.ID != l.ID || got.Why != "" || len(got.At) != len(l.Colours) {
			t.Fatalf("told %+v", got)
		}
		if !strings.Contains(got.At[0].String(), " m=") || !strings.Contains(got.Ended.String(), " m=") {
			t.Error("the times have no monotonic reading")
		}
		compare(t, l, looks, got)
		break
	}
	if after := lookAtLight(t, ctx); after.at != before.at {
		t.Errorf("the page was %v and is %v", before.at, after.at)
	}
}

// picture takes pictures of the page until n lights were heard of.
func picture(t *testing.T, ctx context.Context, s *Server, h *hearer, l *Light, n int) (looks []look) {
	t.Helper()
	v := lightView(l)
	s.Show(v)
	for len(h.heard()) < n && len(looks) < 1000 {
		looks = append(looks, lookAtLight(t, ctx))
		v.Progress = float64(len(looks)%7) / 7 // as a smile comes and goes
		s.Show(v)
	}
	h.wait(t, n)
	return looks
}

// compare holds pictures against what was told.
func compare(t *testing.T, l *Light, looks []look, got Shown) {
	t.Helper()
	var seen []Colour
	for _, k := range looks {
		i := slices.Index(l.Colours, k.at[0])
		if i < 0 {
			continue // before or after
		}
		if k.at[1] != k.at[0] || k.at[2] != k.at[0] {
			t.Errorf("the page is %v", k.at)
		}
		if len(seen) == 0 || seen[len(seen)-1] != k.at[0] {
			seen = append(seen, k.at[0])
		}
		until := got.Ended
		if i+1 < len(got.At) {
			until = got.At[i+1]
		}
		// It was set up to a few frames before it is told, on a machine that is busy with pictures.
		if k.to.Before(got.At[i].Add(-100*time.Millisecond)) || k.from.After(until) {
			t.Errorf("colour %d was there %v to %v after it was told, and the next came %v after it", i,
				k.from.Sub(got.At[i]), k.to.Sub(got.At[i]), until.Sub(got.At[i]))
		}
	}
	if !slices.Equal(seen, l.Colours) {
		t.Errorf("%d pictures show %v, want %v", len(looks), seen, l.Colours)
	}
}

// A light is played once: not again when its View comes again, when it is stopped, or when the page is loaded
// again in the middle.
func TestLightPlaysOnce(t *testing.T) {
	ctx, s, h, _ := lightPage(t)
	again := func(l *Light, what string) {
		t.Helper()
		s.Show(View{State: Recognised, LightOffer: true, Light: l, Progress: 1})
		until(t, ctx, "document.querySelector('.stage').getAttribute('aria-valuenow') === '100'")
		s.Show(lightView(l))
		until(t, ctx, "document.querySelector('.stage').getAttribute('aria-valuenow') === '0'")
		if got := played(t, ctx); got != "" {
			t.Errorf("%s: it plays %s", what, got)
		}
		if !eval[bool](t, ctx, "document.querySelector('.without button').hidden") {
			t.Errorf("%s: colours that don't come can be declined", what)
		}
	}
	a := code("a", 500*time.Millisecond)
	s.Show(lightView(a))
	h.wait(t, 1)
	if got := played(t, ctx); got != names(a) {
		t.Errorf("played %s, want %s", got, names(a))
	}
	again(a, "sent again")

	b := code("b", slotMax)
	s.Show(lightView(b))
	begun(t, ctx)
	v := lightView(b)
	v.Progress = 0.5
	s.Show(v)
	until(t, ctx, "document.querySelector('.stage').getAttribute('aria-valuenow') === '50' && played.length > 1")
	s.Show(View{State: LookHere, LightOffer: true}) // the face has gone
	until(t, ctx, "played.at(-1) === 'none' && document.documentElement.dataset.state === 'look_here'")
	got := strings.TrimSuffix(played(t, ctx), "none")
	if !strings.HasPrefix(names(b), got) || len(got) >= len(names(b))-4 {
		t.Errorf("stopped, it played %s of %s", got, names(b))
	}
	s.Show(View{State: Smile, LightOffer: true})
	again(b, "stopped before")

	c := code("c", slotMax)
	s.Show(lightView(c))
	begun(t, ctx)
	do(t, ctx, chromedp.Reload())
	until(t, ctx, "document.documentElement.dataset.state === 'smile'")
	notice(t, ctx)
	again(c, "loaded again in the middle")
	d := code("d", 500*time.Millisecond)
	s.Show(lightView(d))
	if got := h.wait(t, 2); got[0].ID != "a" || got[1].ID != "d" {
		t.Errorf("told %q", h.whys())
	}
	if got := played(t, ctx); got != names(d) {
		t.Errorf("played %s, want %s", got, names(d))
	}
}

// Two lights in a row don't make a flicker of what begins and ends them.
func TestLightsKeepApart(t *testing.T) {
	ctx, s, h, _ := lightPage(t)
	hue := Palette()[3]
	for i := range 3 {
		s.Show(lightView(&Light{ID: fmt.Sprint(i), Colours: []Colour{hue}, Slot: slotMin}))
		h.wait(t, i+1)
	}
	at := eval[[]float64](t, ctx, "litAt")
	if len(at) != 3 || at[1]-at[0] < 999 || at[2]-at[1] < 999 {
		t.Errorf("lights began at %.0f ms", at)
	}
	if got := played(t, ctx); got != strings.TrimSpace(strings.Repeat(hue.css()+" none ", 3)) {
		t.Errorf("played %s", got)
	}
}

func TestLightKeepsStill(t *testing.T) {
	ctx, s, h, _ := lightPage(t)
	prefer := func(what string) {
		media := emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: what}},
		}
		if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
	}
	prefer("reduce")
	s.Show(lightView(code("a", 150*time.Millisecond)))
	h.wait(t, 1)
	if got := played(t, ctx); h.whys() != "a:reduced_motion" || got != "" {
		t.Errorf("told %q, played %s", h.whys(), got)
	}
	prefer("no-preference")
	b := code("b", slotMax)
	s.Show(lightView(b))
	begun(t, ctx)
	prefer("reduce")
	h.wait(t, 2)
	until(t, ctx, "played.at(-1) === 'none'")
	if got := played(t, ctx); h.whys() != "a:reduced_motion b:reduced_motion" || got == names(b) {
		t.Errorf("told %q, played %s", h.whys(), got)
	}
}

// minimise hides the browser's window, or shows it again.
func minimise(t *testing.T, ctx context.Context, to window.WindowState) {
	t.Helper()
	w, err := chromedp.Call(ctx, window.GetWindowForTarget, window.GetWindowForTargetParams{})
	if err == nil {
		_, err = chromedp.Call(ctx, window.SetWindowBounds, window.SetWindowBoundsParams{
			WindowID: w.WindowID, Bounds: &window.Bounds{WindowState: to},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A page that nobody sees shows nothing to a face, from the start or from the middle on.
func TestLightOfAHiddenPage(t *testing.T) {
	ctx, s, h, _ := lightPage(t)
	s.Show(lightView(code("a", slotMax)))
	begun(t, ctx)
	minimise(t, ctx, window.WindowStateMinimized)
	if h.wait(t, 1); h.whys() != "a:hidden" {
		t.Errorf("told %q", h.whys())
	}
	until(t, ctx, "document.hidden && played.at(-1) === 'none'")
	do(t, ctx, chromedp.Reload()) // it connects, hidden as it is
	s.Show(lightView(code("b", slotMax)))
	if h.wait(t, 2); h.whys() != "a:hidden b:hidden" {
		t.Errorf("told %q", h.whys())
	}
	minimise(t, ctx, window.WindowStateNormal)
	until(t, ctx, "document.documentElement.dataset.state === 'smile'")
	notice(t, ctx)
	c := code("c", 500*time.Millisecond)
	s.Show(lightView(c))
	told := h.wait(t, 3)
	if got := played(t, ctx); told[2].ID != "c" || told[2].Why == WhyHidden || got != names(c) {
		t.Errorf("told %q, played %s", h.whys(), got)
	}
}

// Who wants no colours says so with a finger or with keys, before they come or while they play; what is
// played stops at once, and the way is announced.
func TestWithoutColours(t *testing.T) {
	ctx, s, h, _ := lightPage(t)
	button := chromedp.CSS(".without button")
	if !eval[bool](t, ctx, `(() => { const b = document.querySelector(".without button");
		return b.checkVisibility() && b.textContent === "Without colours" && b.closest("[role=status]") !== null;
	})()`) {
		t.Error("the button is not there, or not announced")
	}
	do(t, ctx, chromedp.Click(button))
	if h.wait(t, 1); h.whys() != ":declined" {
		t.Errorf("told %q", h.whys())
	}
	until(t, ctx, "document.querySelector('.without button').hidden")
	v := lightView(code("a", 300*time.Millisecond))
	v.Progress = 1
	s.Show(v)
	until(t, ctx, "document.querySelector('.stage').getAttribute('aria-valuenow') === '100'")
	if got := played(t, ctx); got != "" {
		t.Errorf("declined, it plays %s", got)
	}

	s.Show(View{State: EnterPIN, Asked: "p1"})
	until(t, ctx, "document.documentElement.dataset.state === 'enter_pin'")
	b := code("b", slotMax)
	s.Show(lightView(b))
	begun(t, ctx)
	for !eval[bool](t, ctx, "document.activeElement.matches('.without button')") {
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
	}
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	if h.wait(t, 2); h.whys() != ":declined b:declined" {
		t.Errorf("told %q", h.whys())
	}
	until(t, ctx, "played.at(-1) === 'none'")
	if got := played(t, ctx); len(got) > len(names(b))-8 {
		t.Errorf("played %s", got)
	}

	s.Show(View{State: EnterPIN, Asked: "p2"})
	until(t, ctx, "document.documentElement.dataset.state === 'enter_pin'")
	s.Show(lightView(code("c", slotMax)))
	begun(t, ctx)
	if eval[bool](t, ctx, `(() => { document.querySelector(".without button").click();
		return document.documentElement.hasAttribute("data-light"); })()`) {
		t.Error("the colours wait for the terminal to hear that they are not wanted")
	}
	h.wait(t, 3)
}

// TestLightLooks looks at the page while colours are offered and while each hue is played, in both languages
// and all sizes: nothing is cut off or covered, and the words can be read. SCREENSHOTS=dir keeps pictures.
func TestLightLooks(t *testing.T) {
	ctx, s, _, web := lightPage(t)
	keep := func(z size, name string) {
		if dir := os.Getenv("SCREENSHOTS"); dir != "" {
			shoot(t, ctx, filepath.Join(dir, "light_"+z.name+"_"+name+".png"))
		}
	}
	check := func(what string) {
		t.Helper()
		for _, b := range append(findings(t, ctx, "misfits.js"), findings(t, ctx, "faint.js")...) {
			t.Errorf("%s: %s", what, b)
		}
	}
	for _, z := range sizes {
		for lang, says := range map[string][2]string{
			"en": {"The screen will show colours", "Keep smiling: colours"},
			"de": {"Der Bildschirm zeigt gleich", "Kurz Farben: weiter"},
		} {
			do(t, ctx, chromedp.EmulateViewport(z.w, z.h), chromedp.Navigate(web.URL+"/?lang="+lang))
			for _, state := range []State{LookHere, Recognised, Smile} {
				v := View{State: state, Amount: "12.50", Currency: "EUR", Merchant: "Café Morgenrot", Progress: 0.6,
					Terminal: "Till 2", Deadline: time.Now().Add(time.Hour), LightOffer: true}
				s.Show(v)
				until(t, ctx, "document.documentElement.dataset.state === '"+string(state)+"'")
				if text := eval[string](t, ctx, "document.body.innerText"); !strings.Contains(text, says[0]) {
					t.Errorf("%s %s: the page says\n%s", z.name, lang, text)
				}
				check(z.name + " " + lang + " offered with " + string(state))
				keep(z, lang+"_offered_"+string(state))
			}
			for _, amount := range []string{"12.50", "92233720368547758.07"} {
				v := lightView(nil)
				v.Amount, v.Merchant, v.Terminal = amount, "Café Morgenrot", "Till 2"
				v.Deadline, v.Simulated = time.Now().Add(time.Hour), len(amount) > 5
				s.Show(v)
				until(t, ctx, "document.querySelector('h1').textContent.includes('"+says[1]+"')")
				for i, c := range Palette() {
					do(t, ctx, chromedp.Evaluate[chromedp.Void](`{ const root = document.documentElement;
						root.style.setProperty("--light", "`+c.css()+`"); root.toggleAttribute("data-light", true); }`))
					check(fmt.Sprintf("%s %s %s on %s", z.name, lang, amount, c.css()))
					if i == 3 {
						keep(z, lang+"_plays_"+amount)
					}
				}
				do(t, ctx, chromedp.Evaluate[chromedp.Void]("document.documentElement.removeAttribute('data-light')"))
			}
		}
	}
}
