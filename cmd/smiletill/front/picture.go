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
	still   bool        // the last face was no customer's and never moved
	crowded bool        // a payment waited for crowdedFor with more than one face before the camera
	beside  vision.Side // of the customer, on which a face never moved in the last payment; "" when none did
	slow    bool        // the last payment was looked at with too few frames a second for anybody to pay

	payment string
	frames  int           // of it, and
	shown   time.Duration // for how long they were coming
	last    time.Time     // of its last frame
	several time.Duration // how long its frames showed several faces
}

const (
	// crowdedFor is a third of the time that a customer has for a payment, as shipped: two people who sort
	// themselves out take less.
	crowdedFor = 10 * time.Second
	// crowdedGap is the most that one frame counts for: a camera that stops shows nobody.
	crowdedGap = time.Second

	// slowRate is how many frames a second a payment needs, as the least of camera.fps, and slowAfter is how
	// long it is measured for.
	slowRate  = 3
	slowAfter = 3 * time.Second

	stillWords   = "a face in it never moves, and is no customer's"
	crowdedWords = "a payment waited for 10 s with more than one face in it"
	pictureHint  = "is it a poster, a picture or a screen, or the queue behind? Hang it elsewhere, turn the " +
		"camera, or leave it out with camera.region"
	slowWords = "less than 3 frames a second were looked at in the last payment: nobody can pay so"
	slowHint  = "`smiletill camera test` says what the camera gives and what looking takes: more light, " +
		"another camera.format, a smaller picture, or a faster machine"
)

// besideWords is what the technician reads of a face beside customers, besideHint what to do.
func besideWords(s vision.Side) string {
	return "a face " + string(s) + " of the customer in the camera's picture never moves: payments leave it " +
		"out, but only after more than 2 s"
}

func besideHint(s vision.Side) string {
	rest := "0,0,0.7,1"
	if s == vision.Left {
		rest = "0.3,0,1,1"
	}
	return "is it a poster, a picture or a screen? Hang it elsewhere, turn the camera, or leave it out: " +
		"camera.region = \"" + rest + "\" is all of the picture but its " + string(s)
}

// Found takes what was found in a frame of a payment that was seen at this time. It returns what is new to
// the technician, with what to do, or "".
func (p *Picture) Found(id string, f vision.Finding, at time.Time) (news, hint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != p.payment {
		p.payment, p.frames, p.shown, p.last, p.several = id, 0, 0, at, 0
	}
	slow := p.tooSlow(at.Sub(p.last))
	if gap := at.Sub(p.last); f.Reason == vision.SeveralFaces && gap > 0 {
		p.several += min(gap, crowdedGap)
	}
	p.last = at
	switch customer := f.Stage == vision.Recognised || f.Stage == vision.Consented; {
	case f.Poster != "" && f.Poster != p.beside:
		p.beside = f.Poster
		return besideWords(f.Poster), besideHint(f.Poster)
	case customer:
		p.still, p.crowded, p.several, p.beside = false, false, 0, f.Poster
	case f.Still && !p.still:
		p.still = true
		return stillWords, pictureHint
	case p.several >= crowdedFor && !p.crowded:
		p.crowded = true
		return crowdedWords, pictureHint
	case slow:
		return slowWords, slowHint
	}
	return "", ""
}

// tooSlow counts a frame, so long after the last. It tells whether it is news that there are too few.
func (p *Picture) tooSlow(gap time.Duration) bool {
	before := p.slow
	if p.shown += min(gap, crowdedGap); p.shown >= slowAfter {
		p.slow = float64(p.frames) < slowRate*0.9*p.shown.Seconds() // a camera's own 3 are no warning
	}
	p.frames++
	return p.slow && !before
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
	hint := pictureHint
	if p.beside != "" {
		if len(words) == 0 {
			hint = besideHint(p.beside)
		}
		words = append(words, besideWords(p.beside))
	}
	if p.slow {
		if len(words) == 0 {
			hint = slowHint
		}
		words = append(words, slowWords)
	}
	return screen.StatusRow{Name: "picture", Level: screen.LevelWarning, Value: strings.Join(words, "; "),
		Do: hint}, len(words) > 0
}
