package front

import (
	"smiletill/device"
	"smiletill/device/screen"
	"smiletill/payment"
)

// ended completes the page of a payment that has ended, and gives its signal.
func ended(v screen.View, p payment.Payment) (screen.View, device.Signal) {
	v.Reason = ReasonOf(p.Reason)
	switch p.State {
	case payment.StateApproved:
		v.State, v.Progress = screen.Approved, 1
		return v, device.Approved
	case payment.StateDeclined:
		v.State = screen.Declined
	case payment.StateCancelled, payment.StateVoided:
		v.State = screen.Cancelled
	case payment.StateExpired, payment.StateWaiting, payment.StateRecognised, payment.StatePIN,
		payment.StateVending:
		v.State = screen.Expired
	}
	return v, device.Declined
}
