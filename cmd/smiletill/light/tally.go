package light

import (
	"fmt"
	"sync"
	"time"

	"smiletill/device/screen"
	"smiletill/vision"
)

const (
	// lately is how many smiles are remembered to say how good the light is.
	lately = 20
	// brightFrom is how many smiles in a row the light has to leave open, though their faces were seen well,
	// for the room to be too bright. Where it answers three of four, once in 4,096 times without a cause.
	brightFrom = 6
	// brightFor is how long no light is played then, before the next smile tries again: the sun moves on.
	brightFor = 10 * time.Minute
)

// tally is what the last lights came to.
type tally struct {
	mu    sync.Mutex
	ends  [lately]vision.Finding
	count int
	why   string // no light was played the last time, as the page says

	open int       // smiles in a row that a light left open
	rest time.Time // until when there is none
}

// ended notes what a visit with a light has found.
func (l *Lamp) ended(f vision.Finding) {
	l.tally.mu.Lock()
	defer l.tally.mu.Unlock()
	if l.tally.why == screen.WhyDeclined {
		return
	}
	l.tally.ends[l.tally.count%lately] = f
	l.tally.count++
	switch {
	case f.Verdict == vision.VerdictLive:
		l.tally.open = 0
	case f.Verdict == vision.VerdictUndecided && f.Judged >= vision.LightFrames:
		if l.tally.open++; l.tally.open >= brightFrom {
			l.tally.rest = time.Now().Add(brightFor)
		}
	}
}

// bright reports that the room is too bright for the light, as far as the last smiles tell.
func (l *Lamp) bright() bool {
	l.tally.mu.Lock()
	defer l.tally.mu.Unlock()
	return time.Now().Before(l.tally.rest)
}

// dark notes why no light was played; "" that one was.
func (l *Lamp) dark(why string) {
	l.tally.mu.Lock()
	defer l.tally.mu.Unlock()
	l.tally.why = why
}

// Words say how good the light is here, for the technician, and what to do; poor: fewer than three of four
// smiles could be told by it. Who wants no colours does not count.
func (l *Lamp) Words() (words, do string, poor bool) {
	l.tally.mu.Lock()
	defer l.tally.mu.Unlock()
	n := min(l.tally.count, lately)
	if n == 0 {
		return "no payment has demanded it yet", "", false
	}
	count := map[vision.Verdict]int{}
	few, unseen := 0, 0
	for _, f := range l.tally.ends[:n] {
		count[f.Verdict]++
		switch {
		case f.Verdict != vision.VerdictUndecided:
		case f.Judged == 0:
			unseen++
		case f.Judged < vision.LightFrames:
			few++
		}
	}
	words = fmt.Sprintf("of the last %d smiles %d answered it, %d left it open, %d did not", n,
		count[vision.VerdictLive], count[vision.VerdictUndecided], count[vision.VerdictFailed])
	if left := time.Until(l.tally.rest); left > 0 {
		words += fmt.Sprintf("; where it is automatic none is played for %d minutes",
			int((left+time.Minute-1)/time.Minute))
	}
	if poor = 4*count[vision.VerdictLive] < 3*n; !poor {
		return words, "", false
	}
	switch {
	case unseen > n/4:
		words += fmt.Sprintf("; %d times no page said that it showed it, or the face was hidden", unseen)
		if l.tally.why != "" {
			words += " (the last time: " + whyWords(l.tally.why) + ")"
		}
		do = inFront
	case few > n/4:
		words += fmt.Sprintf("; %d times there were too few pictures", few)
		do = "use a camera with 10 pictures a second or more; `smiletill camera test` tells the rate"
	default:
		do = "keep lamps and the sun off the customer's face (below some 300 lx), make the screen brighter, and " +
			"calibrate again: `smiletill camera calibrate`"
	}
	return words, do, true
}
