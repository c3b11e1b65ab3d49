//go:build !notflite

package enrolment_test

import (
	"fmt"
	"image"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/vision"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
)

// sitter is somebody as the two networks see them: made up, since photos of so many people are not for this
// repository. Whoever is ten or twenty further on is kin: a cosine of 0.25 and, as they are random, up to
// 0.2 to either side.
type sitter int

// seen is an embedding of one moment: 0.85 with another moment of the same person.
func (s sitter) seen(dim int, moment uint64) vision.Embedding {
	kin, own := random(uint64(s%10), uint64(dim), dim), random(100+uint64(s), uint64(dim), dim)
	light := random(200+uint64(s), moment, dim)
	e := make(vision.Embedding, dim)
	for i := range e {
		e[i] = float32(math.Sqrt(0.25)*kin[i] + math.Sqrt(0.75)*own[i] + 0.42*light[i])
	}
	return unit(e)
}

// random is a direction.
func random(a, b uint64, dim int) []float64 {
	r, v, square := rand.New(rand.NewPCG(a, b)), make([]float64, dim), 0.0
	for i := range v {
		v[i] = r.NormFloat64()
		square += v[i] * v[i]
	}
	for i := range v {
		v[i] /= math.Sqrt(square)
	}
	return v
}

func unit(e vision.Embedding) vision.Embedding {
	square := 0.0
	for _, v := range e {
		square += float64(v) * float64(v)
	}
	for i := range e {
		e[i] /= float32(math.Sqrt(square))
	}
	return e
}

// till is a gallery of the default set to which customers of the small one come over, with the journal.
type till struct {
	t       *testing.T
	g       *gallery.Gallery
	trail   *enrolment.Trail
	journal *journal.Journal
	now     vision.Thresholds
	before  vision.Thresholds
	moments uint64
}

const nowDim, beforeDim = 128, 192

func model(t *testing.T, dir string) (gallery.Model, vision.Thresholds) {
	t.Helper()
	set, err := models.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	th, err := networks.ThresholdsOf(set)
	if err != nil {
		t.Fatal(err)
	}
	tail, _, err := networks.TailOf(set, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return gallery.Model{SHA256: set.Model(models.Embed).SHA256, Agree: th.Verify, Same: th.Match,
		Cosine: tail.Cosine}, th
}

// newTill enrols so many sitters with the small set, then opens the gallery with the default one.
func newTill(t *testing.T, customers int) (l *till, ids []string) {
	t.Helper()
	l = &till{t: t}
	quiet, dir := slog.New(slog.DiscardHandler), t.TempDir()
	var now, before gallery.Model
	now, l.now = model(t, "")
	before, l.before = model(t, models.Small)
	open := func(m gallery.Model) *gallery.Gallery {
		g, err := gallery.Open(filepath.Join(dir, "gallery"), m, quiet)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = g.Close() })
		return g
	}
	old := open(before)
	for i := range customers {
		var templates [][]float32
		for k := range uint64(3) {
			templates = append(templates, sitter(i).seen(beforeDim, 1000+k))
		}
		c, err := old.Enrol(fmt.Sprint("Customer ", i), templates, nil)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, c.ID)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	now.Before = &before
	l.g = open(now)
	var err error
	l.journal, err = journal.Open(t.Context(), filepath.Join(dir, "journal.db"), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.journal.Close() })
	l.trail = enrolment.NewTrail(l.journal, l.g, enrolment.Keeps{}, quiet)
	if err := l.trail.Customers(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l, ids
}

// visit is a sitter's payment: who is charged by which model, and, if it is proven, the customer comes over.
func (l *till) visit(who sitter, proven bool) (f vision.Finding) {
	l.t.Helper()
	v, a, at := vision.NewVisit(l.g, l.now), enrolment.Arrival{}, time.Now()
	v.Before(l.g.Before(), l.before)
	for i := range 40 {
		l.moments++
		sway := 5 * float32(math.Sin(float64(i)))
		look := vision.Look{Faces: 1, Box: image.Rect(200, 100, 400, 340), Depth: vision.Embed, Smile: 0.95,
			Brightness: 0.4, Sharpness: 0.05, Eyes: vision.Eyes{X: 300 + sway, Y: 200, Span: 120},
			Embedding: who.seen(nowDim, l.moments), Before: who.seen(beforeDim, l.moments)}
		if i >= 25 {
			look.Smile = 1.4
		}
		at = at.Add(100 * time.Millisecond)
		f = v.Observe(look, at)
		a.See(l.now, look, f, at)
	}
	paid := payment.Payment{State: payment.StateApproved, Customer: f.Customer, PIN: proven,
		Evidence: payment.Evidence{Liveness: payment.Liveness{Demand: payment.DemandLight,
			Verdict: payment.VerdictLive, Frames: 9}}}
	if f.Stage == vision.Consented && a.Proven(paid) {
		if err := l.trail.CarryOver(l.t.Context(), &a); err != nil {
			l.t.Errorf("%v: %v", who, err)
		}
	}
	return f
}

// TestUpgradeWithCustomers: the models change under 20 customers. Ten come back with the PIN and come over,
// the others pay by the model before, all again and again and among strangers: each is charged, nobody for
// another, no stranger is, and the journal has who came over.
func TestUpgradeWithCustomers(t *testing.T) {
	l, ids := newTill(t, 20)
	everybody := func(round string, proven bool, over int) {
		t.Helper()
		for i, id := range ids {
			f := l.visit(sitter(i), proven && i < 10)
			if f.Stage != vision.Consented || f.Customer != id || f.Before != (i >= over) {
				t.Errorf("%s: customer %d (%s): %+v", round, i, id, f)
			}
		}
		for s := sitter(20); s < 40; s++ {
			if f := l.visit(s, true); f.Stage != vision.Unknown || f.Customer != "" {
				t.Errorf("%s: a stranger, %d: %+v", round, s, f)
			}
		}
	}
	everybody("at first", false, 0)
	if n := len(l.g.Stale()); n != 20 {
		t.Fatalf("without the PIN %d are left of 20", n)
	}
	for i := range 10 {
		if f := l.visit(sitter(i), true); f.Customer != ids[i] || !f.Before {
			t.Errorf("customer %d comes back: %+v", i, f)
		}
	}
	everybody("half are over", true, 10)
	last, err := l.journal.Customers(t.Context())
	if err != nil || len(last) != 20 || len(l.g.Stale()) != 10 || len(l.g.List()) != 10 {
		t.Fatalf("%d in the journal, %d left, %d over, %v", len(last), len(l.g.Stale()), len(l.g.List()), err)
	}
	for i, id := range ids {
		if a := last[id]; (a.What == journal.CustomerRenewed) != (i < 10) || a.Carried != (i < 10) || a.Unmatched {
			t.Errorf("the journal of customer %d: %+v", i, a)
		}
	}
}

// TestArrivalIsProven: what lacks the PIN, the light, its answer or the approval carries nobody over.
func TestArrivalIsProven(t *testing.T) {
	th := vision.DefaultThresholds()
	var a enrolment.Arrival
	see := func(customer string, frames int, change func(*vision.Look)) {
		at := time.Now()
		for i := range frames {
			l := vision.Look{Faces: 1, Box: image.Rect(0, 0, 200, 200), Brightness: 0.4, Sharpness: 0.05,
				Embedding: sitter(1).seen(nowDim, uint64(i)), Before: sitter(1).seen(beforeDim, uint64(i))}
			change(&l)
			a.See(th, l, vision.Finding{Stage: vision.Recognised, Before: customer != "", Customer: customer},
				at.Add(time.Duration(i)*100*time.Millisecond))
		}
	}
	as := func(*vision.Look) {}
	paid := payment.Payment{State: payment.StateApproved, Customer: "c_1", PIN: true,
		Evidence: payment.Evidence{Liveness: payment.Liveness{Demand: payment.DemandLight,
			Verdict: payment.VerdictLive}}}
	see("c_1", 30, as)
	if !a.Proven(paid) {
		t.Error("a payment with PIN and light is no proof")
	}
	for what, change := range map[string]func(*payment.Payment){
		"no PIN":            func(p *payment.Payment) { p.PIN = false },
		"no light":          func(p *payment.Payment) { p.Evidence.Liveness.Demand = payment.DemandPassive },
		"no answer":         func(p *payment.Payment) { p.Evidence.Liveness.Verdict = payment.VerdictUndecided },
		"declined":          func(p *payment.Payment) { p.State = payment.StateDeclined },
		"another's payment": func(p *payment.Payment) { p.Customer = "c_2" },
	} {
		p := paid
		if change(&p); a.Proven(p) {
			t.Errorf("%s is a proof", what)
		}
	}
	for what, look := range map[string]func(*vision.Look){
		"far away":     func(l *vision.Look) { l.Box = image.Rect(0, 0, 110, 110) },
		"turned away":  func(l *vision.Look) { l.Pose.Yaw = 20 },
		"blurred":      func(l *vision.Look) { l.Sharpness = 0.008 },
		"not compared": func(l *vision.Look) { l.Before = nil },
		"one and the same": func(l *vision.Look) {
			l.Embedding, l.Before = sitter(1).seen(nowDim, 1), sitter(1).seen(beforeDim, 1)
		},
	} {
		a = enrolment.Arrival{}
		if see("c_1", 30, look); a.Proven(paid) {
			t.Errorf("frames that are %s make templates", what)
		}
	}
	a = enrolment.Arrival{}
	if see("c_1", 12, as); a.Proven(paid) {
		t.Error("1.2 s make three templates")
	}
	if see("c_2", 12, as); a.Proven(paid) {
		t.Error("another customer's frames are added")
	}
}
