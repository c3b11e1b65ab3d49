package front

import (
	"errors"

	"smiletill/device/screen"
)

// WhyNot is what the screen says of a terminal that takes no payments yet: the error may name a reason.
func WhyNot(why error) screen.Reason {
	var own interface{ Reason() screen.Reason }
	if errors.As(why, &own) {
		return own.Reason()
	}
	return screen.NotSetUp
}
