package control

import (
	"fmt"
	"image"
	"image/draw"

	"smiletill/payment"
)

// Shown is a picture of at most PhotoSide pixels a side as it is sent.
func Shown(name string, m image.Image) Photo {
	b := m.Bounds()
	p := Photo{Name: name, Width: b.Dx(), Height: b.Dy(), Pixels: make([]byte, 0, 3*b.Dx()*b.Dy())}
	line := image.NewRGBA(image.Rect(0, 0, b.Dx(), 1))
	for y := b.Min.Y; y < b.Max.Y; y++ {
		draw.Draw(line, line.Rect, m, image.Pt(b.Min.X, y), draw.Src)
		for x := range b.Dx() {
			p.Pixels = append(p.Pixels, line.Pix[4*x:4*x+3]...)
		}
	}
	return p
}

// Image is the picture that was sent.
func (p Photo) Image() (image.Image, error) {
	if p.Width < 1 || p.Height < 1 || p.Width > PhotoSide || p.Height > PhotoSide ||
		len(p.Pixels) != 3*p.Width*p.Height {
		return nil, payment.WithHintf(
			fmt.Errorf("%s: %dx%d pixels in %d bytes are no picture", p.Name, p.Width, p.Height, len(p.Pixels)),
			"send red, green and blue of up to %dx%d pixels; `smiletill enrol` makes that of any photo", PhotoSide,
			PhotoSide)
	}
	m := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	for i := range p.Width * p.Height {
		copy(m.Pix[4*i:], p.Pixels[3*i:3*i+3])
		m.Pix[4*i+3] = 255
	}
	return m, nil
}
