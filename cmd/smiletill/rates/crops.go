package rates

import (
	"bufio"
	"fmt"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"

	"smiletill/models"
	"smiletill/vision"
	"smiletill/vision/networks"
)

// recorder keeps the input of a network's last run as pixels.
type recorder struct {
	vision.Network
	times, plus float32 // pixel = value * times + plus
	pixels      []byte
	runs        int
}

func (r *recorder) Run() error {
	for i, v := range r.Input(0)[:len(r.pixels)] {
		r.pixels[i] = byte(math.Round(float64(min(max(v*r.times+r.plus, 0), 255))))
	}
	r.runs++
	return r.Network.Run()
}

// blank stands in for the liveness network: a folder of float originals has none in the runtime's format.
type blank struct{ in, out []float32 }

func (b blank) Input(int) []float32  { return b.in }
func (b blank) Output(int) []float32 { return b.out }
func (b blank) Run() error           { return nil }

// WriteCrops leaves out people with more photos than one: those are for measuring.
func WriteCrops(dir, faces, out string) (n int, err error) {
	set, err := models.Open(dir)
	if err != nil {
		return 0, err
	}
	nets, closers, err := networks.Open(set, networks.OnPayments())
	if err != nil {
		return 0, err
	}
	defer networks.CloseAll(closers, &err)
	rec := map[string]*recorder{
		"detect": {Network: nets.Detector, times: 127.5, plus: 127.5, pixels: make([]byte, 128*128*3)},
		"mesh":   {Network: nets.Mesh, times: 255, pixels: make([]byte, 192*192*3)},
		"embed":  {Network: nets.Embedder, times: 128, plus: 127.5, pixels: make([]byte, 112*112*3)},

		"liveness": {Network: blank{make([]float32, 128*128*3), make([]float32, 2)}, times: 128, plus: 127.5,
			pixels: make([]byte, 128*128*3)},
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return 0, err
	}
	files := map[string]*bufio.Writer{}
	for task := range rec {
		f, err := os.OpenFile(filepath.Join(out, task+".u8"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		files[task] = bufio.NewWriter(f)
	}
	p := vision.New(vision.Networks{Detector: rec["detect"], Mesh: rec["mesh"], Embedder: rec["embed"],
		Liveness: rec["liveness"]}, allGatesOpen())
	people, err := filepath.Glob(filepath.Join(faces, "*"))
	if err != nil {
		return 0, err
	}
	for _, dir := range people {
		photos, err := filepath.Glob(filepath.Join(dir, "*.jpg"))
		if err != nil {
			return n, err
		}
		if len(photos) != 1 {
			continue
		}
		before := rec["embed"].runs
		if err := lookAt(p, photos[0]); err != nil {
			return n, err
		}
		if rec["embed"].runs == before {
			continue // no face in the middle
		}
		n++
		for task, w := range files {
			if _, err := w.Write(rec[task].pixels); err != nil {
				return n, err
			}
		}
	}
	for _, w := range files {
		if err := w.Flush(); err != nil {
			return n, err
		}
	}
	return n, nil
}

func lookAt(p *vision.Pipeline, photo string) error {
	f, err := os.Open(photo)
	if err != nil {
		return err
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil {
		return fmt.Errorf("read photo %s: %w", photo, err)
	}
	_, err = p.Look(img, vision.Embed|vision.WithPassive)
	return err
}

// allGatesOpen judges nothing but that the face is in the middle.
func allGatesOpen() vision.Thresholds {
	inf := float32(math.Inf(1))
	return vision.Thresholds{FaceScore: 0.5, RivalMin: inf, FaceMax: inf, CentreMax: 0.14, BrightnessMax: inf,
		YawMax: inf, PitchMax: inf, RollMax: inf}
}
