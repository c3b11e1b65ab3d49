//go:build cgo && linux && !notflite

package vision_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"

	"smiletill/vision"
	"smiletill/vision/visits"
)

// filmFPS is a rate of which 10, 15 and 30 are whole parts: of what was filmed at it, each sixth, fourth and
// second picture is what a camera with these rates takes, from whichever moment on.
const filmFPS = 60

// original brings a portrait of testdata back to the size of the picture that it comes from: pixel x, y of
// that is at zoom*(x-left), zoom*(y-top).
func original(m *image.YCbCr, zoom, left, top float64) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, 512, 512))
	for y := range 512 {
		for x := range 512 {
			u, v := zoom*(float64(x)+0.5-left)-0.5, zoom*(float64(y)+0.5-top)-0.5
			out.SetRGBA(x, y, between(m, u, v))
		}
	}
	return out
}

// between interpolates between four pixels; beyond the edge the edge's count.
func between(m *image.YCbCr, u, v float64) color.RGBA {
	u, v = min(max(u, 0), float64(m.Rect.Dx()-2)), min(max(v, 0), float64(m.Rect.Dy()-2))
	x, y := int(u), int(v)
	fx, fy := u-float64(x), v-float64(y)
	var sum [3]float64
	for _, c := range []struct {
		x, y int
		part float64
	}{
		{x, y, (1 - fx) * (1 - fy)}, {x + 1, y, fx * (1 - fy)},
		{x, y + 1, (1 - fx) * fy}, {x + 1, y + 1, fx * fy},
	} {
		r, g, b, _ := m.At(c.x, c.y).RGBA()
		for i, k := range [...]uint32{r, g, b} {
			sum[i] += c.part * float64(k) / 257
		}
	}
	return color.RGBA{uint8(sum[0] + 0.5), uint8(sum[1] + 0.5), uint8(sum[2] + 0.5), 255}
}

func studio(t *testing.T) *visits.Studio {
	t.Helper()
	st, err := visits.NewStudioOf(map[string]image.Image{
		"hopper":  original(picture(t, "hopper.jpg"), 480./512, -80/(480./512), 0),
		"collins": original(picture(t, "collins.jpg"), 2, 64, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// filmed renders a scenario picture by picture and looks at each once.
func filmed(t *testing.T, p *vision.Pipeline, st *visits.Studio, s visits.Scenario) (looks []vision.Look) {
	t.Helper()
	err := st.Shoot(s, func(m *image.RGBA) error {
		looks = append(looks, look(t, p, m))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return looks
}

const (
	firstTwitch  = 0.55 // seconds
	secondTwitch = 0.85
	smileBegins  = 1.25
	customerEnds = 1.95
)

// customerTwitches is a customer whose mouth twitches for 133 ms, then for 250 ms, and who then smiles.
func customerTwitches() visits.Scenario {
	pose := func(smile float64) visits.Pose { return visits.Pose{X: 320, Y: 205, Face: 186, Smile: smile} }
	const quick = 0.02 // a mouth is there within 20 ms: all of the twitch shows
	return visits.Scenario{Name: "twitches, then smiles", Seconds: customerEnds, FPS: filmFPS, Seed: 71,
		Light: visits.Light{Gain: 1, Side: 0.1, Drift: 0.02, Noise: 1.2},
		Visitors: []visits.Visitor{{Portrait: "hopper", Keys: []visits.Key{
			{At: 0, Pose: pose(0)},
			{At: firstTwitch, Pose: pose(0)}, {At: firstTwitch + quick, Pose: pose(1)},
			{At: firstTwitch + 0.133 - quick, Pose: pose(1)}, {At: firstTwitch + 0.133, Pose: pose(0)},
			{At: secondTwitch, Pose: pose(0)}, {At: secondTwitch + quick, Pose: pose(1)},
			{At: secondTwitch + 0.25 - quick, Pose: pose(1)}, {At: secondTwitch + 0.25, Pose: pose(0)},
			{At: smileBegins, Pose: pose(0)}, {At: smileBegins + 0.2, Pose: pose(1)},
		}}}}
}

// strangerWaits is somebody who isn't enrolled; the film can be repeated without a jump.
func strangerWaits() visits.Scenario {
	pose := func(x float64) visits.Pose { return visits.Pose{X: x, Y: 205, Face: 186, Smile: 0.2} }
	return visits.Scenario{Name: "stranger", Seconds: 0.6, LoopTo: 0.6, FPS: filmFPS, Seed: 72,
		Light: visits.Light{Gain: 1, Side: 0.1, Drift: 0.02, Noise: 1.2},
		Visitors: []visits.Visitor{{Portrait: "collins", Keys: []visits.Key{
			{At: 0, Pose: pose(316)}, {At: 0.3, Pose: pose(324)}, {At: 0.6, Pose: pose(316)},
		}}}}
}

// moment is when something was found, by the film.
type moment struct {
	fps   int
	phase int // pictures of the film before the camera's first
	at    time.Duration
}

// watch shows a film to a visit as a camera with fps pictures a second takes it from a moment on, for long.
// It returns the end, and when that was first found.
func watch(
	v *vision.Visit, looks []vision.Look, fps, phase int, long time.Duration,
) (vision.Finding, moment) {
	f, since := camera(v, fps, looks, func(now time.Duration) int {
		if now >= long-time.Second/filmFPS*time.Duration(phase) {
			return -1
		}
		return (phase + int((now*filmFPS+time.Second/2)/time.Second)) % len(looks)
	})
	return f, moment{fps, phase, since + time.Second*time.Duration(phase)/filmFPS}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// alike wants all moments within two pictures of the slowest camera: one until it sees what has changed, and
// one since what has to last for 330 ms lasts for 400 where a picture comes each 100.
func alike(t *testing.T, what string, all []moment) {
	t.Helper()
	first, last := all[0], all[0]
	for _, m := range all {
		if m.at < first.at {
			first = m
		}
		if m.at > last.at {
			last = m
		}
	}
	t.Logf("%s: after %v (%d fps) to %v (%d fps)", what, first.at, first.fps, last.at, last.fps)
	if last.at-first.at > 200*time.Millisecond {
		t.Errorf("%s: %+v to %+v", what, first, last)
	}
}

// The same visits, really filmed at 10, 15, 30 and 60 pictures a second, end alike through all of the
// networks, whichever moments the camera catches: the smile is consent, a mouth that moves for 133 or 250 ms
// before it is not, and a stranger is one after the same time.
func TestFilmedAtAllRates(t *testing.T) {
	if testing.Short() {
		t.Skip("`make long` films it without the race detector")
	}
	p, st := pipeline(t), studio(t)
	photo, err := jpeg.Decode(bytes.NewReader(enrolled(t)))
	if err != nil {
		t.Fatal(err)
	}
	customer := one{look(t, p, photo).Embedding}
	customers, stranger := filmed(t, p, st, customerTwitches()), filmed(t, p, st, strangerWaits())
	for _, middle := range []float64{firstTwitch + 0.067, secondTwitch + 0.125} {
		rise := customers[int(middle*filmFPS)].Smile - customers[int((firstTwitch-0.1)*filmFPS)].Smile
		if rise < shipped(t).SmileRise {
			t.Errorf("the twitch at %.2f s does not show: a rise of %.2f", middle, rise)
		}
	}
	var consents, unknown []moment
	for _, fps := range rates() {
		for phase := range filmFPS / fps {
			v := vision.NewVisit(customer, shipped(t))
			f, when := watch(v, customers, fps, phase, seconds(customerEnds))
			if f.Stage != vision.Consented || when.at < seconds(smileBegins) {
				t.Errorf("a customer who twitches, then smiles: %s, %+v", f.Stage, when)
			}
			consents = append(consents, when)
			v = vision.NewVisit(customer, shipped(t))
			if f, _ := watch(v, customers, fps, phase, seconds(smileBegins)); f.Stage != vision.Recognised {
				t.Errorf("a customer who only twitches: %s at %d fps from picture %d on", f.Stage, fps, phase)
			}
			v = vision.NewVisit(customer, shipped(t))
			f, when = watch(v, stranger, fps, phase, 3*time.Second)
			if f.Stage != vision.Unknown || f.Strangers != 1 || f.Still {
				t.Errorf("a stranger: %s, %d counted, still %v; %+v", f.Stage, f.Strangers, f.Still, when)
			}
			unknown = append(unknown, moment{fps, phase, when.at - time.Second*time.Duration(phase)/filmFPS})
		}
	}
	alike(t, "consent", consents)
	alike(t, "a stranger is one", unknown)
}
