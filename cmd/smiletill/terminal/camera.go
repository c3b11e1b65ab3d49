package terminal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"smiletill/device/camera"
	"smiletill/device/screen"
	"smiletill/payment"
)

// eyesight is the camera of the running terminal: what it gives, and what is told when it fails.
type eyesight struct {
	cfg   camera.Settings
	open  func() (camera.Source, error)
	front *front
	log   *slog.Logger
}

// cameraCause is the fault of a camera without pictures.
const cameraCause = "camera"

// frames starts the camera. A replay as fast as asked is read in step with the looking: nothing can fall
// silent.
func (c *eyesight) frames(e *payment.Engine) (*camera.Latest, error) {
	if c.cfg.Replay() && !c.cfg.Realtime {
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
		Fault:     func(err error) { c.fault(e, err) },
		Recovered: func() { c.back(e) },
	})), nil
}

func (c *eyesight) fault(e *payment.Engine, err error) {
	c.log.Error("camera fault", "err", err, "hint", payment.HintOf(err))
	c.front.fault(cameraCause, fault{reason: screen.CameraGone, what: err.Error(), do: payment.HintOf(err)})
	c.setOutOfOrder(e, true)
}

func (c *eyesight) back(e *payment.Engine) {
	c.log.Info("camera works again")
	c.front.cured(cameraCause)
	c.setOutOfOrder(e, false)
}

func (c *eyesight) setOutOfOrder(e *payment.Engine, on bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := e.SetOutOfOrder(ctx, cameraCause, on)
	if err != nil && !errors.Is(err, payment.ErrStopped) {
		c.log.Error("tell the engine about the camera", "err", err)
	}
}

func (c *eyesight) row() screen.StatusRow {
	if f, bad := c.front.faultOf(cameraCause); bad {
		return screen.StatusRow{Name: "camera", Value: f.what, Level: screen.LevelFault, Do: f.do}
	}
	if c.cfg.Replay() || c.cfg.TestSource {
		return screen.StatusRow{Name: "camera", Value: c.cfg.Source + " (for tests and demonstrations only)",
			Level: screen.LevelWarning, Do: "in a shop name a camera, and leave camera.test_source out"}
	}
	return screen.StatusRow{Name: "camera", Value: c.cfg.Source, Level: screen.LevelOK}
}
