package front

import (
	"cmp"
	"strings"
	"time"

	"smiletill/device/screen"
	"smiletill/vision"
)

// Light has the page of a payment play a light, nil ends it; offer says that one may come, and that the
// customer may decline it.
func (f *Front) Light(id string, l *screen.Light, offer bool) {
	f.mu.Lock()
	f.scene.light, f.scene.offer, f.scene.lightFor = l, offer, id
	f.mu.Unlock()
	f.Wake()
}

// Note shows a register's words while nothing is to be paid.
func (f *Front) Note(lines []string, long time.Duration) {
	f.mu.Lock()
	f.words, f.until = strings.Join(lines, "\n"), time.Now().Add(long)
	f.mu.Unlock()
	f.Wake()
}

// Enrolling asks somebody who is being enrolled by the camera to look or to smile, or to mend what the last
// picture lacked, and shows how far that has come, 0..1; "" ends it.
func (f *Front) Enrolling(what screen.Instruction, lacks vision.Reason, progress float64) {
	v := screen.View{State: screen.LookHere, Instruction: cmp.Or(Advice(lacks), what), Progress: progress}
	switch what {
	case "":
		v = screen.View{}
	case screen.EnrolSmile:
		v.State = screen.Smile
	default:
	}
	f.mu.Lock()
	f.asked = v
	f.mu.Unlock()
	f.Wake()
}

// Calibrating asks a technician to look at the screen while nothing is to be paid, and has the page play a
// light; on false ends it.
func (f *Front) Calibrating(l *screen.Light, on bool) {
	v := screen.View{}
	if on {
		v = screen.View{State: screen.Smile, Instruction: screen.LookStraight, Light: l}
	}
	f.mu.Lock()
	f.asked = v
	f.mu.Unlock()
	f.Wake()
}
