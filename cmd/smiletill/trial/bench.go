package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"smiletill/cmd/smiletill/config"
	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/vision/networks"
	"smiletill/vision/tflite"
)

// benchReport is what `smiletill bench --json` prints.
type benchReport struct {
	Version   string       `json:"version"`
	Machine   benchMachine `json:"machine"`
	FastJPEG  bool         `json:"libturbojpeg"`
	Clip      string       `json:"clip"`
	Customers int          `json:"customers"` // in the gallery, of five templates each
	Runs      []benchRun   `json:"runs"`
	Advice    string       `json:"advice,omitempty"` // which built-in set to take
}

// benchRun is one set of models under one setting.
type benchRun struct {
	Models    string        `json:"models"` // "in use", "compared", "default" or "small"
	Folder    string        `json:"folder"` // "" for the embedded set
	XNNPACK   bool          `json:"xnnpack"`
	Threads   int           `json:"threads"`
	Frames    int           `json:"frames"`
	Stages    []benchStage  `json:"stages"`
	Visits    []benchVisits `json:"visits"`
	Allocated float64       `json:"allocations_per_frame"`
	Resident  int64         `json:"resident_bytes"` // of the whole process, after the frames
}

// benchStage is the time of one stage over all frames that came to it.
type benchStage struct {
	Name string  `json:"name"`
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
}

// BenchOptions say what is measured, and how it is printed.
type BenchOptions struct {
	Version string // of the program
	Compare string // folder
	Sets    bool   // the built-in sets, as they run for payments, and which to take
	JSON    bool

	Customers int           // in the gallery
	Each      time.Duration // a run
}

// benchSet is a set of models to measure.
type benchSet struct {
	name string
	models.Set
}

// toMeasure opens the sets of models that are measured.
func (o BenchOptions) toMeasure(cfg config.Config) (sets []benchSet, err error) {
	open := func(name, dir string) {
		if err == nil {
			var set models.Set
			set, err = models.Open(dir)
			sets = append(sets, benchSet{name, set})
		}
	}
	if o.Sets {
		open(defaultSet, "")
		open(smallSet, models.Small)
		return sets, err
	}
	use, err := OpenModels(cfg)
	sets = append(sets, benchSet{"in use", use})
	if o.Compare != "" {
		open("compared", o.Compare)
	}
	return sets, err
}

// Bench measures how fast this machine looks at a frame, and prints it.
func Bench(ctx context.Context, cfg config.Config, o BenchOptions, out, progress io.Writer) error {
	sets, err := o.toMeasure(cfg)
	if err != nil {
		return err
	}
	film, err := openBenchFilm()
	if err != nil {
		return err
	}
	r := benchReport{Version: o.Version, Machine: readMachine(os.DirFS("/")), FastJPEG: camera.FastJPEG() == nil,
		Clip: film.name, Customers: o.Customers}
	settings := []tflite.Options{{Threads: 1, XNNPACK: true}, {Threads: 2, XNNPACK: true},
		{Threads: 1}, {Threads: 2}}
	if o.Sets {
		settings = settings[:1]
	} else if runtime.NumCPU() < 2 {
		settings = []tflite.Options{{Threads: 1, XNNPACK: true}, {Threads: 1}}
	}
	for i, s := range settings {
		for j, set := range sets {
			fmt.Fprintf(progress, "measuring %d of %d: models %s, %s\n", i*len(sets)+j+1, len(sets)*len(settings),
				set.name, settingName(s.XNNPACK, s.Threads))
			run, err := o.one(ctx, set, s, film)
			if err != nil {
				return fmt.Errorf("bench, models %s: %w", set.name, err)
			}
			r.Runs = append(r.Runs, run)
		}
	}
	r.Machine.CelsiusAfter = celsius(os.DirFS("/"))
	if o.Sets {
		r.Advice = advice(r.Runs)
	}
	if o.JSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.print(out)
}

// one opens a set under one setting and measures it.
func (o BenchOptions) one(
	ctx context.Context, set benchSet, s tflite.Options, film benchFilm,
) (run benchRun, err error) {
	debug.FreeOSMemory() // of the run before
	t, err := networks.ThresholdsOf(set.Set)
	if err != nil {
		return run, err
	}
	n, closers, err := networks.Open(set.Set, s)
	if err != nil {
		return run, err
	}
	defer networks.CloseAll(closers, &err)
	till, err := openBenchTill(n, t, film, o.Customers)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, till.close()) }()
	run = benchRun{Models: set.name, Folder: set.Dir, XNNPACK: s.XNNPACK, Threads: s.Threads}
	if err := till.measure(ctx, &run, o.Each); err != nil {
		return run, err
	}
	if s.XNNPACK && s.Threads == 1 && (o.Sets || o.Each > 0) { // as payments are
		run.Visits, err = till.visits(ctx, t, o.Each/4)
	}
	return run, err
}
