package front

import (
	"strings"
	"sync"
	"time"

	"smiletill/device/screen"
	"smiletill/vision"
)

// Picture is what there is in the camera's picture besides customers, for the technician. It may be used by
// several goroutines.
type Picture struct {
	mu      sync.Mutex
	still   bool // the last face was no customer's and never moved
	crowded bool // a payment waited for crowdedFor with more than one face before the camera

	payment string
	last    time.Time     // of its last frame
	several time.Duration // how long its frames showed several faces
}

const (
	// crowdedFor is a third of the time that a customer has for a payment, as shipped: two people who sort
	// themselves out take less.
	crowdedFor = 10 * time.Second
	// crowdedGap is the most that one frame counts for: a camera that stops shows nobody.
	crowdedGap = time.Second

	stillWords   = "a face in it never moves, and is no customer's"
	crowdedWords = "a payment waited for 10 s with more than one face in it"
	pictureHint  = "is it a poster, a picture or a screen, or the queue behind? Hang it elsewhere, turn the " +
		"camera, or leave it out with camera.region"
)

// Found takes what was found in a frame of a payment that was seen at this time. It returns what is new to
// the technician, with what to do, or "".
func (p *Picture) Found(id string, f vision.Finding, at time.Time) (news, hint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != p.payment {
		p.payment, p.last, p.several = id, at, 0
	}
	if gap := at.Sub(p.last); f.Reason == vision.SeveralFaces && gap > 0 {
		p.several += min(gap, crowdedGap)
	}
	p.last = at
	switch {
	case f.Stage == vision.Recognised || f.Stage == vision.Consented:
		p.still, p.crowded, p.several = false, false, 0
	case f.Still && !p.still:
		p.still = true
		return stillWords, pictureHint
	case p.several >= crowdedFor && !p.crowded:
		p.crowded = true
		return crowdedWords, pictureHint
	}
	return "", ""
}

// Row is the technician's, if there is something to tell.
func (p *Picture) Row() (row screen.StatusRow, bad bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var words []string
	if p.still {
		words = append(words, stillWords)
	}
	if p.crowded {
		words = append(words, crowdedWords)
	}
	return screen.StatusRow{Name: "picture", Level: screen.LevelWarning, Value: strings.Join(words, "; "),
		Do: pictureHint}, len(words) > 0
}
