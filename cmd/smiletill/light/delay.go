package light

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"smiletill/payment"
)

// Delay is how late the light of this terminal's screen is seen by its camera.
type Delay struct {
	By     time.Duration
	Known  bool   // it was measured
	Camera string // that it was measured with, and what kind of pictures that gave
}

// With is the delay as seen by a camera in use, "" if that has given no picture yet: what was measured with
// another one, or with other pictures, is not known.
func (d Delay) With(camera string) Delay {
	d.Known = d.Known && (camera == "" || camera == d.Camera)
	return d
}

// saved is the file of a calibration.
type saved struct {
	DelayMS  float64   `json:"delay_ms"`
	ApartMS  float64   `json:"apart_ms"`
	Camera   string    `json:"camera"`
	Measured time.Time `json:"measured"`
}

// delayMax is the longest delay that a file may hold.
const delayMax = time.Second

// ReadDelay reads what a calibration has left; without one it is not known, which is no error.
func ReadDelay(path string) (Delay, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Delay{}, nil
	}
	var s saved
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	by := time.Duration(s.DelayMS * float64(time.Millisecond))
	if err == nil && (by < 0 || by > delayMax || s.Measured.IsZero()) {
		err = fmt.Errorf("a delay of %v, measured %v", by, s.Measured.Format(time.DateOnly))
	}
	if err != nil {
		return Delay{}, payment.WithHint(fmt.Errorf("read the screen's delay %s: %w", path, err),
			"measure it again: smiletill camera calibrate")
	}
	return Delay{By: by, Known: true, Camera: s.Camera}, nil
}

// write keeps a calibration.
func write(path, camera string, by, apart time.Duration) error {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	data, err := json.Marshal(saved{ms(by), ms(apart), camera, time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = replace(path, append(data, '\n'))
	}
	if err != nil {
		return payment.WithHint(fmt.Errorf("keep the screen's delay: %w", err),
			"free the disk if it is full, and calibrate again")
	}
	return nil
}

// replace writes a file whole, or leaves the one that was there.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".delay-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
