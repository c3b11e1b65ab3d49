package enrolment

import (
	"errors"
	"fmt"
	"image"
	"runtime"

	"smiletill/cmd/smiletill/control"
	"smiletill/device/camera"
	"smiletill/payment"
	"smiletill/vision"
	"smiletill/vision/networks"
)

// decodedSide is the most pixels that a photo has on a side while its face is looked for: half of what the
// phones with the most take, of which a face of an enrolment's least size is a thirtieth.
const decodedSide = 4096

// File is a photo as somebody gives it, read when it is its turn.
type File struct {
	Name string
	Read func() ([]byte, error)
}

// Held is a photo that is in memory already.
func Held(name string, data []byte) File {
	return File{Name: name, Read: func() ([]byte, error) { return data, nil }}
}

// Photos makes of files what a terminal is sent: decoded, upright, and of a large picture the face alone.
// It takes the memory, and what a broken file may do, in the process that asks, one after the other. open
// opens the networks that find faces; it is called once, if at all.
func Photos(files []File, open func() (*networks.Looker, error)) (all []control.Photo, err error) {
	var l *networks.Looker
	for i, f := range files {
		where := fmt.Sprintf("photo %d (%s)", i+1, f.Name)
		runtime.GC() // the one before was as large
		data, err := f.Read()
		if err != nil {
			return nil, err
		}
		m, err := camera.DecodePhoto(data, decodedSide)
		if err != nil {
			return nil, payment.WithHint(fmt.Errorf("%s: %w", where, err), payment.HintOf(err))
		}
		if b := m.Bounds(); max(b.Dx(), b.Dy()) > control.PhotoSide {
			if l == nil {
				if l, err = open(); err != nil {
					return nil, err
				}
				defer func() { err = errors.Join(err, l.Close()) }()
			}
			if m, err = face(l, m, where); err != nil {
				return nil, err
			}
		}
		all = append(all, control.Shown(f.Name, m))
	}
	return all, nil
}

// face cuts the face out of a large picture.
func face(l *networks.Looker, m image.Image, where string) (image.Image, error) {
	square, bad, err := l.Find(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	if bad != "" {
		hint := "nobody was enrolled; take that photo again and repeat the command"
		if bad == vision.NoFace {
			hint = "nobody was enrolled; if there is a face in it, cut it out with some room around it"
		}
		return nil, payment.WithHint(fmt.Errorf("%s can't be used: %s", where, networks.Advice(bad)), hint)
	}
	part, ok := m.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		return nil, fmt.Errorf("%s: a picture of %T can't be cut", where, m)
	}
	return camera.Shrink(part.SubImage(square), control.PhotoSide), nil
}
