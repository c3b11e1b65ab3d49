package main

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

	"github.com/spf13/cobra"

	"smiletill/device/camera"
	"smiletill/models"
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
}

// benchRun is one set of models under one setting.
type benchRun struct {
	Models    string       `json:"models"` // "in use" or "compared"
	Folder    string       `json:"folder"` // "" for the embedded set
	XNNPACK   bool         `json:"xnnpack"`
	Threads   int          `json:"threads"`
	Frames    int          `json:"frames"`
	Stages    []benchStage `json:"stages"`
	Allocated float64      `json:"allocations_per_frame"`
	Resident  int64        `json:"resident_bytes"` // of the whole process, after the frames
}

// benchStage is the time of one stage over all frames that came to it.
type benchStage struct {
	Name string  `json:"name"`
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
}

type benchOptions struct {
	compare string // folder
	json    bool
	each    time.Duration // a run
}

func benchCommand(a *app) *cobra.Command {
	o := benchOptions{each: 3 * time.Second}
	cmd := &cobra.Command{
		Use: "bench", GroupID: "tech", Short: "Measure how fast this machine looks at a frame",
		Long: "Measure how fast this machine looks at a frame, stage by stage and as a whole, from the\n" +
			"camera's bytes to the decision: with one and two threads, with and without XNNPACK. The frames\n" +
			"are of a film that is built in; the camera is not used, and nothing is stored. Stop the terminal\n" +
			"first, or both are slower.",
		Example: "  smiletill bench\n  smiletill bench --compare /opt/float-models --json > pi4.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd)
			if err != nil {
				return err
			}
			if o.each < 0 || o.each > time.Minute {
				return &exitError{exitUsage, withHint(fmt.Errorf("--each %s", o.each), "give 0s to 1m")}
			}
			return bench(cmd.Context(), cfg, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	bindHidden(cmd)
	cmd.Flags().StringVar(&o.compare, "compare", "", "folder of models, with a manifest, to measure, too")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON, to keep")
	cmd.Flags().DurationVar(&o.each, "each", o.each, "how long to measure each setting")
	return cmd
}

// benchSet is a set of models to measure.
type benchSet struct {
	name string
	models.Set
}

func bench(ctx context.Context, cfg Config, o benchOptions, out, progress io.Writer) error {
	use, err := openModels(cfg)
	if err != nil {
		return err
	}
	sets := []benchSet{{"in use", use}}
	if o.compare != "" {
		other, err := models.Open(o.compare)
		if err != nil {
			return err
		}
		sets = append(sets, benchSet{"compared", other})
	}
	film, err := openBenchFilm()
	if err != nil {
		return err
	}
	r := benchReport{Version: version, Machine: readMachine(os.DirFS("/")), FastJPEG: camera.FastJPEG() == nil,
		Clip: film.name, Customers: benchCustomers}
	settings := []tflite.Options{{Threads: 1, XNNPACK: true}, {Threads: 2, XNNPACK: true},
		{Threads: 1}, {Threads: 2}}
	if runtime.NumCPU() < 2 {
		settings = []tflite.Options{{Threads: 1, XNNPACK: true}, {Threads: 1}}
	}
	for i, s := range settings {
		for j, set := range sets {
			fmt.Fprintf(progress, "measuring %d of %d: models %s, %s\n", i*len(sets)+j+1, len(sets)*len(settings),
				set.name, settingName(s.XNNPACK, s.Threads))
			run, err := benchOne(ctx, set, s, film, o.each)
			if err != nil {
				return fmt.Errorf("bench, models %s: %w", set.name, err)
			}
			r.Runs = append(r.Runs, run)
		}
	}
	r.Machine.CelsiusAfter = celsius(os.DirFS("/"))
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.print(out)
}

// benchOne opens a set under one setting and measures it.
func benchOne(
	ctx context.Context, set benchSet, s tflite.Options, film benchFilm, each time.Duration,
) (run benchRun, err error) {
	debug.FreeOSMemory() // of the run before
	t, err := thresholdsOf(set.Set)
	if err != nil {
		return run, err
	}
	n, closers, err := openNetworks(set.Set, s)
	if err != nil {
		return run, err
	}
	defer func() {
		for _, c := range closers {
			err = errors.Join(err, c())
		}
	}()
	till, err := openBenchTill(n, t, film)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, till.close()) }()
	run = benchRun{Models: set.name, Folder: set.Dir, XNNPACK: s.XNNPACK, Threads: s.Threads}
	return run, till.measure(ctx, &run, each)
}
