package rates

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"smiletill/cmd/smiletill/config"
	"smiletill/cmd/smiletill/trial"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/attacks"
	"smiletill/vision/networks"
)

// AttackOptions are what the command line of `smiletill attack` says.
type AttackOptions struct {
	Photos  string // folder of people; "" for the two portraits that come with the program
	Visits  int    // of each species
	Seeds   string // choosing or judging
	From    int    // the first seed; those before it have been used
	Out     string // folder for the report and its picture; "" for none
	Species []string
	Demand  string // of the payment: none, passive or light
	Least   int    // photos that a person must have
	People  int    // at most
	Workers int
}

// attackVisit is one visit to be played.
type attackVisit struct {
	species attacks.Species
	number  int
}

// attackEnd is what became of one.
type attackEnd struct {
	truth      attacks.Truth
	frames     int
	found      int // pictures in which one face was found
	recognised bool
	approved   bool // the payment of the person whose photos were used
	wrong      bool // or another customer's
	consented  bool
	verdict    vision.Verdict
	took       time.Duration // from the recognition to the end
}

// MeasureAttacks plays visits of every species to the terminal's own pipeline and visit, and prints how many
// of them paid.
func MeasureAttacks(
	ctx context.Context, cfg config.Config, o AttackOptions, out, progress io.Writer,
) error {
	seed, species, err := o.check()
	if err != nil {
		return err
	}
	set, err := trial.OpenModels(cfg)
	if err != nil {
		return err
	}
	meter := newMeter(progress)
	cast, err := openCast(ctx, set, o, meter)
	if err != nil {
		return err
	}
	cast.demand = demands[o.Demand]
	begun := time.Now()
	ends, err := cast.playAll(ctx, set, o, species, seed, meter)
	meter.end()
	if err != nil {
		return fmt.Errorf("measure attacks: %w", err)
	}
	r := attackReport{species: species, ends: ends, demand: o.Demand, seeds: o.Seeds, from: o.From, cast: cast,
		took: time.Since(begun)}
	var text bytes.Buffer
	if err := r.print(io.MultiWriter(out, &text)); err != nil || o.Out == "" {
		return err
	}
	return r.write(o.Out, text.Bytes())
}

// playAll plays the visits of all species, some side by side.
func (c *attackCast) playAll(
	ctx context.Context, set models.Set, o AttackOptions, species []attacks.Species,
	seed func(uint32) attacks.Seed, meter *meter,
) ([][]attackEnd, error) {
	t, err := networks.ThresholdsOf(set)
	if err != nil {
		return nil, err
	}
	ends := make([][]attackEnd, len(species))
	for i := range ends {
		ends[i] = make([]attackEnd, o.Visits)
	}
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan attackVisit)
	g.Go(func() error {
		defer close(next)
		for number := range o.Visits { // all species in turn: they come to their ends together
			for _, s := range species {
				select {
				case next <- attackVisit{s, number}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	var mu sync.Mutex
	done := 0
	for range min(o.Workers, o.Visits*len(species)) {
		g.Go(func() (err error) {
			n, closers, err := networks.Open(set, networks.OnPayments())
			if err != nil {
				return err
			}
			defer networks.CloseAll(closers, &err)
			p := vision.New(n, t)
			for v := range next {
				end, err := c.play(ctx, p, v, seed(uint32(o.From+v.number)))
				if err != nil {
					return fmt.Errorf("%s, visit %d: %w", v.species, v.number, err)
				}
				mu.Lock()
				ends[slices.Index(species, v.species)][v.number] = end
				done++
				meter.step("visits", done, o.Visits*len(species))
				mu.Unlock()
			}
			return nil
		})
	}
	return ends, g.Wait()
}

// demands are what a payment may ask for besides the smile.
var demands = map[string]vision.Demand{"none": vision.DemandNone, "passive": vision.DemandPassive,
	"light": vision.DemandLight}

// check gives the seeds and the species that were asked for.
func (o *AttackOptions) check() (func(uint32) attacks.Seed, []attacks.Species, error) {
	refuse := func(what, hint string) error {
		return config.Usage(payment.WithHint(errors.New("measure attacks: "+what), hint))
	}
	seed := map[string]func(uint32) attacks.Seed{
		"choosing": attacks.ChoosingSeed, "judging": attacks.JudgingSeed,
	}[o.Seeds]
	var all []attacks.Species
	var names []string
	for _, in := range attacks.Instruments() {
		names = append(names, string(in.Species))
		if len(o.Species) == 0 || slices.Contains(o.Species, string(in.Species)) {
			all = append(all, in.Species)
		}
	}
	for _, s := range o.Species {
		if !slices.Contains(names, s) {
			return nil, nil, refuse(fmt.Sprintf("--species %q", s), "there are "+strings.Join(names, ", "))
		}
	}
	_, known := demands[o.Demand]
	switch {
	case !known:
		return nil, nil, refuse(fmt.Sprintf("--demand %q", o.Demand), "there are none, passive and light")
	case seed == nil:
		return nil, nil, refuse(fmt.Sprintf("--seeds %q", o.Seeds),
			"write choosing while working on a detector, judging for a report")
	case o.Visits < 1 || o.Visits > 100_000 || o.Workers < 1 || o.Least < 1 || o.People < 1 || o.From < 0 ||
		o.From > 1_000_000:
		return nil, nil, refuse("--visits, --from, --workers, --least or --people is out of range",
			"--visits takes 1 to 100000, --from 0 to 1000000, the others 1 or more")
	}
	return seed, all, nil
}

// play shows one visit to the pipeline, as the terminal would: the smile is asked for when somebody is
// recognised, and once it is given or refused the visit is over.
func (c *attackCast) play(
	ctx context.Context, p *vision.Pipeline, a attackVisit, seed attacks.Seed,
) (attackEnd, error) {
	who := &c.people[a.number%len(c.people)]
	screen := newAttackScreen(a.number)
	show, err := attacks.New(a.species, who.person, seed, attacks.Options{Screen: screen.shows})
	if err != nil {
		return attackEnd{}, err
	}
	screen.calibrate(show.Truth())
	end := attackEnd{truth: show.Truth()}
	visit := vision.NewVisit(c, p.Thresholds())
	visit.Ask(c.demand)
	start := time.Unix(0, 0)
	for img, at, ok := show.Next(); ok; img, at, ok = show.Next() {
		if err := ctx.Err(); err != nil {
			return end, err
		}
		look, err := p.LookFor(visit, img, start.Add(at))
		if err != nil {
			return end, err
		}
		end.frames++
		if look.Faces == 1 {
			end.found++
		}
		f := visit.Observe(look, start.Add(at))
		if err := screen.follow(visit, f.Light, at, start); err != nil {
			return end, err
		}
		switch f.Stage {
		case vision.Recognised:
			if !end.recognised {
				end.recognised, end.took = f.Customer == who.id, at
				show.Ask(at)
			}
		case vision.Consented:
			end.consented, end.verdict, end.took = true, f.Verdict, at-end.took
			if f.Verdict == vision.VerdictLive || c.demand == vision.DemandNone {
				end.approved, end.wrong = f.Customer == who.id, f.Customer != who.id
			}
			return end, nil
		case vision.Refused:
			return end, nil
		case vision.Searching, vision.Unknown:
		}
	}
	return end, nil
}
