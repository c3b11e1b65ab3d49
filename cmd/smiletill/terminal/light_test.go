//go:build !notflite

package terminal_test

import (
	"strings"
	"testing"
	"time"

	"smiletill/cmd/smiletill/demo"
	"smiletill/cmd/smiletill/light"
	"smiletill/device/camera"
	"smiletill/payment"
	"smiletill/payment/journal"
	"smiletill/vision/visits"
)

// TestLightPays: where a payment demands the light, a visitor who answers the screen's colours pays without
// a PIN, one who does not (a film) is declined, and the facts say what was demanded and found, and on what
// screen.
func TestLightPays(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers bool
		state   payment.State
		reason  payment.Reason
	}{
		{"who answers", true, payment.StateApproved, ""},
		{"a film", false, payment.StateDeclined, payment.ReasonNotSure},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.Flags = append(s.Flags, "--liveness-mode", "on", "--camera-realtime=false",
				"--camera-source", "replay:visit")
			s.Mirror = &demo.Mirror{}
			s.Mirror.Film(!c.answers)
			s.Source = film(t, "customer_smile", func(f []byte) []byte { return f }).Play(
				camera.Playback{Clock: visits.FPS, Loop: true})
			s.EnrolCustomer()
			s.Open()
			s.Pay("p1", "4.20")
			s.WantEnd("p1", string(c.state), string(c.reason))
			f := factOf(t, s, "p1")
			if f.Demand != payment.DemandLight || f.Liveness.Screen != "simulated" || f.Liveness.Frames < 9 ||
				(f.Liveness.Verdict == payment.VerdictLive) != c.answers {
				t.Errorf("fact: demanded %q, found %+v", f.Demand, f.Liveness)
			}
		})
	}
}

// factOf is the last entry of a payment in the journal.
func factOf(t *testing.T, s *shop, id string) (last journal.Fact) {
	t.Helper()
	cfg := s.Config()
	r, err := journal.OpenReader(t.Context(), cfg.JournalPath())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Facts(t.Context(), journal.Range{}, func(f journal.Fact) error {
		if f.PaymentID == id {
			last = f
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return last
}

// TestPassivePays: up to passive_max no light is played, and the liveness network judges the pictures alone;
// a payment above it demands the light.
func TestPassivePays(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--liveness-mode", "on", "--liveness-passive-max", "5.00")
	s.EnrolCustomer()
	s.Open()
	s.Pay("small", "4.20")
	s.End("small")
	f := factOf(t, s, "small")
	if f.Demand != payment.DemandPassive || f.Liveness.Frames < 6 || f.Liveness.Verdict != payment.VerdictLive &&
		f.Liveness.Verdict != payment.VerdictFailed {
		t.Errorf("fact: demanded %q, found %+v", f.Demand, f.Liveness)
	}
	s.Pay("large", "5.20")
	s.WantEnd("large", string(payment.StateDeclined), string(payment.ReasonNotSure)) // nobody measured the delay
	if f := factOf(t, s, "large"); f.Demand != payment.DemandLight || f.Liveness.Verdict == payment.VerdictLive {
		t.Errorf("fact: demanded %q, found %+v", f.Demand, f.Liveness)
	}
}

// TestCalibrate: the technician has the screen's delay measured by whoever stands there; it is kept, and the
// terminal's page stops asking for it.
func TestCalibrate(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.Flags = append(s.Flags, "--liveness-mode", "on")
	var err error
	if s.Visitors, err = demo.NewDirector(1); err != nil {
		t.Fatal(err)
	}
	s.Mirror = &demo.Mirror{}
	s.Open()
	s.Opened()
	if err := s.Visitors.Enter("customer_neutral"); err != nil {
		t.Fatal(err)
	}
	code, out, errs := s.Cli("camera", "calibrate")
	if code != 0 {
		t.Fatalf("%d: %s%s", code, out, errs)
	}
	cfg := s.Config()
	d, err := light.ReadDelay(cfg.DelayPath())
	if err != nil || !d.Known || d.By > 120*time.Millisecond || !d.With(d.Camera).Known ||
		d.With("usb uvcvideo, MJPG, 1280x720").Known {
		t.Errorf("%+v, %v after\n%s", d, err, out)
	}
	if !strings.Contains(out, "the screen shows colours") || !strings.Contains(out, "It is kept") {
		t.Errorf("the technician reads %q", out)
	}
}
