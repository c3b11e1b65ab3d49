package enrolment

import (
	"context"
	"encoding/json"
	"errors"

	"smiletill/device/screen"
	"smiletill/payment"
	"smiletill/payment/pin"
	"smiletill/vision"
	"smiletill/vision/gallery"
)

// ErrCameraInUse says that no pictures can be taken now.
var ErrCameraInUse = errors.New("the camera is in use, by a payment or somebody else who stands before it")

// Farewell is the customer's page, as far as somebody wants to be forgotten.
type Farewell struct{ Desk *Desk }

// Look is screen.Forgetter's.
func (f Farewell) Look(ctx context.Context) (token string, err error) {
	token, err = f.Desk.Look(ctx)
	return token, forgetError(err)
}

// Confirm is screen.Forgetter's.
func (f Farewell) Confirm(ctx context.Context, token, digits string) (json.RawMessage, error) {
	r, err := f.Desk.Confirm(ctx, token, digits)
	if err != nil {
		return nil, forgetError(err)
	}
	return json.Marshal(r)
}

// forgetError is an error as the page knows it.
func forgetError(err error) error {
	var locked *pin.LockedError
	var few *unseen
	switch {
	case errors.As(err, &few):
		switch few.reason {
		case vision.NoFace:
			return screen.ErrForgetNobody
		case vision.SeveralFaces:
			return screen.ErrForgetSeveral
		default:
			return screen.ErrForgetPicture
		}
	case errors.As(err, &locked):
		return &screen.ForgetLocked{Left: locked.Left}
	case errors.Is(err, gallery.ErrUnknownCustomer), errors.Is(err, payment.ErrPINNotSet):
		return screen.ErrForgetUnsure
	case errors.Is(err, payment.ErrBusy), errors.Is(err, ErrCameraInUse):
		return screen.ErrForgetBusy
	case errors.Is(err, payment.ErrPINWrong):
		return screen.ErrWrongPIN
	case errors.Is(err, errNotAsked):
		return screen.ErrForgetLate
	case errors.Is(err, payment.ErrOutOfOrder), errors.Is(err, gallery.ErrLocked):
		return screen.ErrForgetClosed
	}
	return err
}
