package vision

import (
	"fmt"
	"math"
	"time"
)

// Sizes of the passive liveness network (models/manifest.json).
const (
	passiveSide  = 128 // input pixels
	passiveScale = 2.7 // of the detector's box: what is around a face tells most of it
)

// Passive is what one picture of a face alone says about whether it is one. It is weak outside the data that
// the network knows (models/liveness_int8.md): it decides nothing by itself.
type Passive struct {
	Done bool    // the network ran and gave a number; false is undecided, never live
	Live float32 // 0 (an artefact: a print, a screen) to 1 (bona fide); 0 when not Done
}

// passive runs the liveness network on a face and what is around it.
type passive struct {
	net  Network // nil: there is none
	tone *tone
}

func newPassive(n Network) (passive, error) {
	if n == nil {
		return passive{}, nil
	}
	const face = passiveSide * passiveSide * 3
	if in, out := len(n.Input(0)), len(n.Output(0)); in != face || out < 2 {
		return passive{}, fmt.Errorf("vision: liveness network takes %d and gives %d values, want RGB %dx%d and "+
			"2 values or more", in, out, passiveSide, passiveSide)
	}
	return passive{net: n, tone: newTone(alignMul, alignAdd)}, nil
}

// around is the map from the network's input to the frame of w x h pixels: the face's box times passiveScale,
// or as much as the frame has, shifted into it.
func (p *passive) around(d *face, w, h int) affine {
	scale := min(passiveScale, float64(w)/float64(d.width()), float64(h)/float64(d.height()))
	place := func(from, to float32, size int) (start, length float64) {
		length = float64(to-from) * scale
		start = (float64(from)+float64(to))/2 - length/2
		return min(max(start, 0), float64(size)-length), length
	}
	x, width := place(d.x0, d.x1, w)
	y, height := place(d.y0, d.y1, h)
	xi, yj := width/passiveSide, height/passiveSide
	return affine{x0: x + xi/2 - 0.5, xi: xi, y0: y + yj/2 - 0.5, yj: yj}
}

// crop fills the network's input.
func (p *passive) crop(f *frame, d *face) {
	w, h := f.size()
	a := p.around(d, w, h)
	f.crop(p.net.Input(0), passiveSide, a, tapsFor(max(a.xi, a.yj)), p.tone)
}

// run gives the share of the first class, the bona fide one, in the softmax over all.
func (p *passive) run() (Passive, error) {
	if err := p.net.Run(); err != nil {
		return Passive{}, err
	}
	out := p.net.Output(0)
	var sum float64
	for _, v := range out {
		sum += math.Exp(float64(v - out[0]))
	}
	live := float32(1 / sum)
	if !(live >= 0 && live <= 1) {
		return Passive{}, nil // the network gave no number
	}
	return Passive{true, live}, nil
}

// judge scores the face of a Look that can be used.
func (p *Pipeline) judge(main *face, l *Look) error {
	if p.passive.net == nil {
		return nil
	}
	clock := time.Now()
	p.passive.crop(&p.frame, main)
	l.Took.PassiveCrop = lap(&clock)
	var err error
	if l.Passive, err = p.passive.run(); err != nil {
		return fmt.Errorf("vision: judge liveness: %w", err)
	}
	l.Took.Passive = lap(&clock)
	return nil
}
