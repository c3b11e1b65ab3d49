package terminal

import (
	"log/slog"
	"sync"
	"time"

	"smiletill/cmd/smiletill/front"
	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
)

// eyesight is the camera of the running terminal: what it gives, and what is told when it fails.
type eyesight struct {
	cfg   camera.Settings
	open  func() (camera.Source, error)
	front *front.Front
	log   *slog.Logger

	damage camera.Damage // of the eyes' goroutine

	mu         sync.Mutex // held while the screen is told: the source and the eyes tell of theirs
	lost       error      // there are no pictures
	unreadable error      // there are, and none can be decoded
}

// cameraCause is the fault of a camera without pictures.
const cameraCause = "camera"

// frames starts the camera. A replay as fast as asked is read in step with the looking: nothing can fall
// silent.
func (c *eyesight) frames(e *payment.Engine) (*camera.Latest, error) {
	c.mu.Lock()
	c.damage, c.lost, c.unreadable = camera.Damage{}, nil, nil
	c.mu.Unlock()
	c.front.Cured(cameraCause)
	if c.inStep() {
		s, err := c.open()
		if err != nil {
			return nil, err
		}
		return camera.LockStep(s), nil
	}
	var frozen time.Duration // a recording may stand still
	if !c.cfg.Replay() {
		frozen = frozenAfter
	}
	return camera.Newest(camera.Supervise(c.open, camera.Supervision{
		Frozen:    frozen,
		Fault:     func(err error) { c.tell(e, &c.lost, err) },
		Recovered: func() { c.tell(e, &c.lost, nil) },
	})), nil
}

// inStep tells whether the source waits for whoever looks: a recording as fast as asked.
func (c *eyesight) inStep() bool { return c.cfg.Replay() && !c.cfg.Realtime }

// decoded judges how the decoding of a frame ended: one damaged picture is none, a run of them is a fault.
func (c *eyesight) decoded(e *payment.Engine, f *camera.Frame, err error) {
	switch fault, mended := c.damage.Note(f, err); {
	case fault != nil:
		c.tell(e, &c.unreadable, fault)
	case mended:
		c.tell(e, &c.unreadable, nil)
	}
}

// tell changes one of the reasons why there is nothing to see, and says so if that changes what is shown.
func (c *eyesight) tell(e *payment.Engine, which *error, err error) {
	if c.changed(which, err) {
		obey(e, cameraCause, c.missing, c.log)
	}
}

func (c *eyesight) changed(which *error, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.blind()
	*which = err
	switch now := c.blind(); {
	case now == nil && before != nil:
		c.log.Info("camera works again")
		c.front.Cured(cameraCause)
	case now != nil && (before == nil || now.Error() != before.Error()):
		c.log.Error("camera fault", "err", now, "hint", payment.HintOf(now))
		c.front.Fault(cameraCause,
			front.Fault{Reason: screen.CameraGone, What: now.Error(), Do: payment.HintOf(now)})
	default:
		return false
	}
	return true
}

// missing tells whether there is nothing to see.
func (c *eyesight) missing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blind() != nil
}

// blind is why there is nothing to see, nil if there is. The caller holds mu.
func (c *eyesight) blind() error {
	if c.lost != nil {
		return c.lost
	}
	return c.unreadable
}

func (c *eyesight) row() screen.StatusRow {
	if f, bad := c.front.FaultOf(cameraCause); bad {
		return screen.StatusRow{Name: "camera", Value: f.What, Level: screen.LevelFault, Do: f.Do}
	}
	if c.cfg.Replay() || c.cfg.TestSource {
		return screen.StatusRow{Name: "camera", Value: c.cfg.Words() + " (for tests and demonstrations only)",
			Level: screen.LevelWarning, Do: "in a shop name a camera, and leave camera.test_source out"}
	}
	return screen.StatusRow{Name: "camera", Value: c.cfg.Words(), Level: screen.LevelOK}
}
