package front

import (
	"testing"
	"time"

	"smiletill/device/screen"
	"smiletill/payment"
)

// TestLightIsOfItsPayment: what was offered or is played for one payment is never shown to the next, and what
// came before the engine's word of the payment is not lost.
func TestLightIsOfItsPayment(t *testing.T) {
	f := New()
	one := &screen.Light{ID: "x"}
	f.Light("p1", one, true)
	for _, c := range []struct {
		id    string
		state payment.State
		light bool
		offer bool
	}{
		{"p1", payment.StateWaiting, false, true},
		{"p1", payment.StateRecognised, true, true},
		{"p2", payment.StateWaiting, false, false},
		{"p2", payment.StateRecognised, false, false},
		{"p1", payment.StateApproved, false, false},
	} {
		s := f.scene
		s.known, s.status.Payment = true, payment.Payment{ID: c.id, State: c.state}
		v, _ := s.compose(time.Now())
		if (v.Light != nil) != c.light || v.LightOffer != c.offer {
			t.Errorf("%s %s: light %v, offered %v", c.id, c.state, v.Light, v.LightOffer)
		}
	}
}
