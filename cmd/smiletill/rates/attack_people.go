package rates

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"smiletill/device/camera"
	"smiletill/models"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/accuracy"
	"smiletill/vision/attacks"
	"smiletill/vision/networks"
	"smiletill/vision/visits"
)

// attackPerson is a customer whose photos an attacker has.
type attackPerson struct {
	id     string
	person *attacks.Person
	mean   []float32 // of the templates, of any length
}

// attackCast is everybody who is enrolled; it is the gallery of the visits.
type attackCast struct {
	people []attackPerson
	demand vision.Demand
	photos int // that were used
	shared int // people who had to be enrolled from the photo that is shown
}

// attackPhoto is a photo that the terminal would enrol from.
type attackPhoto struct {
	photo    attacks.Photo
	template []float32
	smile    float32
}

// openCast makes people of the photos. The one that smiles least is shown, the one that smiles most is the
// second of two; people are enrolled from others where there are any.
func openCast(ctx context.Context, set models.Set, o AttackOptions, m *meter) (c *attackCast, err error) {
	n, closers, err := networks.Open(set, networks.OnPayments())
	if err != nil {
		return nil, err
	}
	defer networks.CloseAll(closers, &err)
	t, err := networks.ThresholdsOf(set)
	if err != nil {
		return nil, err
	}
	p := vision.New(n, t.ForEnrolment())
	c = &attackCast{}
	if o.Photos == "" {
		err = c.portraits(p)
	} else {
		err = c.folder(ctx, p, o, m)
	}
	if err == nil && len(c.people) < 2 {
		err = payment.WithHint(fmt.Errorf("read the folder of faces %s: people with %d photos that can be "+
			"enrolled from: %d, needed are two: %w", o.Photos, o.Least, len(c.people), accuracy.ErrTooFew),
			"lay photos out as DIR/Name/photo.jpg, or ask for fewer of each person with --least")
	}
	return c, err
}

// folder reads people from DIR/Name/photo.jpg, in the order of their names.
func (c *attackCast) folder(ctx context.Context, p *vision.Pipeline, o AttackOptions, m *meter) error {
	entries, err := os.ReadDir(o.Photos)
	if err != nil {
		return payment.WithHint(fmt.Errorf("read the folder of faces: %w", err),
			"lay photos out as DIR/Name/photo.jpg")
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") || len(c.people) == o.People {
			continue
		}
		dir := filepath.Join(o.Photos, e.Name())
		files, err := photosIn(dir)
		if err != nil {
			return payment.WithHint(fmt.Errorf("read the folder of faces: %w", err), "make it readable for this user")
		}
		if len(files) < o.Least {
			continue
		}
		var pictures []image.Image
		for _, f := range files {
			data, err := camera.ReadPhoto(filepath.Join(dir, f))
			if err != nil {
				continue
			}
			if img, err := camera.DecodePhoto(data, photoSide); err == nil {
				pictures = append(pictures, img)
			}
		}
		if err := c.add(p, pictures, o.Least); err != nil {
			return err
		}
		m.step("people", len(c.people), o.People)
	}
	m.end()
	return nil
}

// portraits are the two people of the clips that come with the program.
func (c *attackCast) portraits(p *vision.Pipeline) error {
	decode := func(frames ...[]byte) (out []image.Image, err error) {
		for _, f := range frames {
			img, err := jpeg.Decode(bytes.NewReader(f))
			if err != nil {
				return nil, fmt.Errorf("read clips: %w", err)
			}
			out = append(out, img)
		}
		return out, nil
	}
	for _, one := range []struct {
		clip   string
		photos []string
	}{{"customer_smile", []string{"enrol_1", "enrol_2", "enrol_3", "enrol_4", "enrol_5"}}, {"stranger_smile",
		nil}} {
		clip, err := visits.Open(one.clip)
		if err != nil {
			return err
		}
		frames := [][]byte{clip.Frames[clip.Smiles+5], clip.Frames[clip.Smiles-8]}
		if one.photos == nil {
			frames = append(frames, clip.Frames[clip.Smiles-11], clip.Frames[clip.Smiles-14],
				clip.Frames[clip.Smiles+3])
		}
		for _, name := range one.photos {
			b, err := visits.Photo(name)
			if err != nil {
				return err
			}
			frames = append(frames, b)
		}
		pictures, err := decode(frames...)
		if err != nil {
			return err
		}
		if err := c.add(p, pictures, 1); err != nil {
			return err
		}
	}
	return nil
}

// add makes a customer of the pictures that can be enrolled from, if they are as many as wanted and two.
func (c *attackCast) add(p *vision.Pipeline, pictures []image.Image, least int) error {
	var usable []attackPhoto
	for _, img := range pictures {
		ph, ok, err := lookAtPhoto(p, img)
		if err != nil {
			return err
		}
		if ok {
			usable = append(usable, ph)
		}
	}
	if len(usable) < max(least, 2) {
		return nil
	}
	slices.SortStableFunc(usable, func(a, b attackPhoto) int { return cmp.Compare(a.smile, b.smile) })
	rest, laugh := usable[0], usable[len(usable)-1]
	person, err := attacks.NewPerson(rest.photo, laugh.photo)
	if errors.Is(err, attacks.ErrPhoto) {
		return nil // cut off, say
	}
	if err != nil {
		return err
	}
	one := attackPerson{id: fmt.Sprintf("person-%d", len(c.people)+1), person: person}
	enrol := usable[1 : len(usable)-1]
	if len(enrol) == 0 { // two photos: who shows one of them is known by the other
		enrol = usable[1:]
		c.shared++
	}
	for _, ph := range enrol[:min(len(enrol), 5)] {
		if one.mean == nil {
			one.mean = make([]float32, len(ph.template))
		}
		for i, v := range ph.template {
			one.mean[i] += v
		}
	}
	c.people, c.photos = append(c.people, one), c.photos+len(usable)
	return nil
}

// lookAtPhoto frames a photo as a camera would have it, and finds its face; false if nobody could be enrolled
// from it.
func lookAtPhoto(p *vision.Pipeline, img image.Image) (attackPhoto, bool, error) {
	j := newJitter(img)
	l, err := p.Look(j.plain(), vision.Embed)
	if err != nil || l.Reason != "" {
		return attackPhoto{}, false, err
	}
	marks := p.Marks()
	b := img.Bounds()
	for i, m := range marks { // from the frame back to the photo
		marks[i] = [2]float64{(m[0]-jitterWidth/2)/j.fit + float64(b.Dx())/2 + float64(b.Min.X),
			(m[1]-jitterHeight/2)/j.fit + float64(b.Dy())/2 + float64(b.Min.Y)}
	}
	return attackPhoto{attacks.Photo{Image: img, Marks: marks}, slices.Clone([]float32(l.Embedding)),
		l.Smile}, true, nil
}

// Match finds the customer the mean of whose templates is nearest, as the gallery does.
func (c *attackCast) Match(probe []float32) (id string, best, second float32) {
	best, second = -1, -1
	for i := range c.people {
		score := cosine(c.people[i].mean, probe)
		if score > best {
			id, best, second = c.people[i].id, score, best
		} else {
			second = max(second, score)
		}
	}
	return id, best, second
}

// cosine is -1 where it is none.
func cosine(a, b []float32) float32 {
	var ab, aa, bb float64
	for i, v := range a {
		ab, aa, bb = ab+float64(v)*float64(b[i]), aa+float64(v)*float64(v), bb+float64(b[i])*float64(b[i])
	}
	if !(aa > 0 && bb > 0) {
		return -1
	}
	return float32(ab / math.Sqrt(aa*bb))
}
