package trial

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"regexp"
	"time"

	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/gallery"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// trial is what a set of models does with the pictures in this program.
type trial struct {
	Same  float32 `json:"same"`  // least cosine between pictures of one person
	Other float32 `json:"other"` // largest cosine with another person
	Error string  `json:"error,omitempty"`
	Hint  string  `json:"hint,omitempty"`
}

// tryMax is far above what the models take to load and ten pictures to look at on a small device.
const tryMax = time.Minute

// tryModels lets a child process load and run a set: a file that somebody made to crash the runtime, with a
// manifest to match, crashes the child.
func tryModels(ctx context.Context, dir string) (trial, error) {
	program, err := os.Executable()
	if err != nil {
		return trial{}, fmt.Errorf("try the models: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, tryMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "models", "try", "--", dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if ctx.Err() != nil {
		return trial{}, payment.WithHintf(fmt.Errorf("try the models: no end after %v", tryMax),
			"these models do not work on this device")
	}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return trial{}, payment.WithHintf(fmt.Errorf("try the models: start %s: %w", program, err),
			"this says nothing of the models: make sure that the program can be started, and try again")
	}
	var got trial
	if json.Unmarshal(out.Bytes(), &got) != nil {
		how := fmt.Sprint(err)
		if signal := regexp.MustCompile(`SIG[A-Z]+`).Find(errs.Bytes()); signal != nil {
			how = string(signal)
		}
		return trial{}, payment.WithHintf(
			fmt.Errorf("try the models: the TFLite runtime crashed on them (%s)", how),
			"a model file is damaged or hostile, though its hash is the manifest's: get it from its maker again")
	}
	if got.Error != "" {
		return got, payment.WithHint(errors.New(got.Error), got.Hint)
	}
	return got, nil
}

// TryHere shows the models two people: one in several pictures, and a stranger.
func TryHere(dir string) (trial, error) {
	set, err := models.Open(dir)
	if err != nil {
		return trial{}, err
	}
	if err := runPassive(set); err != nil {
		return trial{}, err
	}
	l, err := networks.OpenLooker(set)
	if err != nil {
		return trial{}, err
	}
	got, err := tryLooker(l)
	if err := errors.Join(err, l.Close()); err != nil {
		return trial{}, fmt.Errorf("run the models on a test picture: %w", err)
	}
	verify := l.Thresholds().Verify
	switch {
	case !(got.Same >= verify):
		err = fmt.Errorf("two pictures of one person have a cosine of %.3f only, the threshold is %.3f", got.Same,
			verify)
	case !(got.Other < verify):
		err = fmt.Errorf("two people have a cosine of %.3f, the threshold is %.3f", got.Other, verify)
	}
	if err != nil {
		return got, payment.WithHintf(fmt.Errorf("run the models on test pictures: %w", err),
			"preprocess or thresholds of the embedding model's manifest are wrong, or it does not recognise faces")
	}
	return got, nil
}

// runPassive runs the liveness network, which a Looker does not open.
func runPassive(set models.Set) (err error) {
	n, closers, err := networks.Open(set, networks.OnPayments())
	if err != nil {
		return err
	}
	defer networks.CloseAll(closers, &err)
	if n.Liveness == nil {
		return nil
	}
	return n.Liveness.Run()
}

func tryLooker(l *networks.Looker) (trial, error) {
	var faces [][]float32
	for i := range gallery.TemplatesMax {
		jpeg, err := visits.Photo(fmt.Sprintf("enrol_%d", i+1))
		if err != nil {
			return trial{}, err
		}
		face, err := faceOn(l, jpeg)
		if err != nil {
			return trial{}, err
		}
		faces = append(faces, face)
	}
	clip, err := visits.Open("stranger_smile")
	if err != nil {
		return trial{}, err
	}
	stranger, err := faceOn(l, clip.Frames[max(clip.Near, clip.Smiles)])
	if err != nil {
		return trial{}, err
	}
	got := trial{Same: 1, Other: -1}
	for i, a := range faces {
		for _, b := range faces[:i] {
			got.Same = min(got.Same, dot(a, b))
		}
		got.Other = max(got.Other, dot(a, stranger))
	}
	return got, nil
}

// faceOn gives the embedding of the face on a picture of this program.
func faceOn(l *networks.Looker, jpeg []byte) (face []float32, err error) {
	img, _, err := image.Decode(bytes.NewReader(jpeg))
	if err != nil {
		return nil, err
	}
	reason := vision.NoFace
	err = l.Look(img, vision.Embed, func(look vision.Look) {
		reason, face = look.Reason, append(face, look.Embedding...)
	})
	if err == nil && reason != "" {
		err = fmt.Errorf("it says that %s", networks.Advice(reason))
	}
	return face, err
}

func dot(a, b []float32) (sum float32) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
