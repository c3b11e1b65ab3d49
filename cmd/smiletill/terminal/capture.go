package terminal

import (
	"context"

	"smiletill/cmd/smiletill/enrolment"
	"smiletill/device/screen"
)

// request is an enrolment by camera.
type request struct {
	*enrolment.Capture
	gone <-chan struct{} // closed when nobody waits for it any more
	done chan error
}

// capture takes the pictures of an enrolment by camera, or of somebody who wants to be forgotten, as long as
// anybody waits for them.
func (e *eyes) capture(ctx context.Context, c *request) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-c.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	look := screen.EnrolLook
	if c.Farewell {
		look = screen.ForgetLook
	}
	show := func(m enrolment.Moment) {
		if c.Farewell { // the page takes any other word for somebody else's turn, and ends
			m.Lacks = ""
		}
		e.front.Enrolling(map[enrolment.Step]screen.Instruction{
			enrolment.Looking: look, enrolment.Smiling: screen.EnrolSmile, enrolment.Done: "",
		}[m.Step], m.Lacks, m.Come)
	}
	busy := func() bool { return e.parts.busy(ctx) }
	return c.Run(ctx, enrolment.Camera{Looker: e.parts.looker, Next: e.next, Show: show, Busy: busy})
}
