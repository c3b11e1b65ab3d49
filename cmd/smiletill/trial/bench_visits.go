package trial

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"smiletill/device/camera"
	"smiletill/vision"
	"smiletill/vision/visits"
)

// benchVisits is what the frames of whole visits take, from the first picture to the consent: the mean, since
// some of them are only glanced at (vision.Pipeline.LookFor).
type benchVisits struct {
	Liveness  string  `json:"liveness"` // what is demanded besides the smile: "off", "passive" or "light"
	Frames    int     `json:"frames"`
	Glances   float64 `json:"glances"` // share of the frames
	Mean      float64 `json:"mean_ms"`
	Processor float64 `json:"mean_processor_ms"` // of a processor, all threads
}

// visitRate is the pictures a second of the camera in these visits. The clip has ten: each is shown thrice,
// which is all the same to networks, and easier for a glance than a face that moves in between.
const visitRate = 30

// benchDemands are what is demanded in turn.
func benchDemands() []vision.Demand {
	return []vision.Demand{vision.DemandNone, vision.DemandPassive, vision.DemandLight}
}

// demandName names a demand in a report.
func demandName(d vision.Demand) string {
	if d == vision.DemandNone {
		return "off"
	}
	return string(d)
}

// visits measures visits of the customer who smiles, for as long as each with every demand; where that is 0,
// one that demands nothing.
func (b *benchTill) visits(
	ctx context.Context, t vision.Thresholds, each time.Duration,
) (all []benchVisits, err error) {
	clip, err := visits.Open("customer_smile")
	if err != nil {
		return nil, err
	}
	for _, demand := range benchDemands() {
		if demand != vision.DemandNone && each == 0 {
			break
		}
		m := benchVisits{Liveness: demandName(demand)}
		var took, busy time.Duration
		glances := 0
		for start := time.Now(); m.Frames == 0 || time.Since(start) < each; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			v := vision.NewVisit(b.gallery, t)
			v.Ask(demand)
			v.Dark() // its colours are measured, and none is played
			n, seen, of, processor, err := b.visitOf(v, clip)
			if err != nil {
				return nil, fmt.Errorf("a visit, liveness %s: %w", m.Liveness, err)
			}
			m.Frames, glances, took, busy = m.Frames+n, glances+seen, took+of, busy+processor
		}
		per := float64(m.Frames) * float64(time.Millisecond)
		m.Glances, m.Mean, m.Processor = float64(glances)/float64(m.Frames), float64(took)/per, float64(busy)/per
		all = append(all, m)
	}
	return all, nil
}

// visitOf plays one visit to its consent.
func (b *benchTill) visitOf(
	v *vision.Visit, clip visits.Clip,
) (n, glances int, took, busy time.Duration, err error) {
	film := time.Now()
	for ; n < visitRate/visits.FPS*len(clip.Frames); n++ {
		f := camera.Frame{Data: clip.Frames[n*visits.FPS/visitRate], Format: camera.MJPG}
		at := film.Add(time.Duration(n) * time.Second / visitRate)
		start, used := time.Now(), processor()
		img, err := b.decoder.Decode(&f)
		if err != nil {
			return n, glances, took, busy, err
		}
		look, err := b.pipeline.LookFor(v, img, at)
		if err != nil {
			return n, glances, took, busy, err
		}
		found := v.Observe(look, at)
		took, busy = took+time.Since(start), busy+processor()-used
		if look.Glance {
			glances++
		}
		if found.Stage == vision.Consented {
			return n + 1, glances, took, busy, nil
		}
	}
	return n, glances, took, busy, fmt.Errorf("the clip's customer was not seen to smile in %d frames", n)
}

// processor is the time that this process has had of a processor.
func processor() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
