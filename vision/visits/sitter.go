package visits

import "image"

// sitterFace is how wide the face of a sitter is made before the ears, in pixels: about as wide as in the
// film, so that its pixels are read one by one.
const sitterFace = 180

// Sit gives the studio another portrait under a name: a photo of one face that looks into the camera with
// its mouth shut, and where the 468 points of the face mesh are in it, in pixels (centres at halves; the
// third grows away from the camera). Nothing is cut out: the photo brings its own background along, and
// beyond its edge goes on as it ends. The zero Studio has nobody.
func (st *Studio) Sit(name string, photo image.Image, landmarks [meshPoints][3]float64) {
	p := &portrait{sheet: sheet{Enlarge: 1, Gain: 1, Landmarks: landmarks}}
	p.measure()
	p.photo = fromImage(photo)
	for p.ears > 1.6*sitterFace {
		p.photo = p.photo.half()
		for i := range p.Landmarks {
			for k := range p.Landmarks[i] {
				p.Landmarks[i][k] /= 2
			}
		}
		p.measure()
	}
	skin := 0.06 * p.eyeDist
	p.right.above, p.other.above = skin, skin
	p.cells = 18
	if st.cast == nil {
		st.cast = map[string]*portrait{}
	}
	st.cast[name] = p
}

// linear reads at (x, y) between the four pixels around it; the rim goes on.
func (l *layer) linear(x, y float64, out *[4]float32) {
	x = min(max(x-0.5, 0), float64(l.w)-1.001)
	y = min(max(y-0.5, 0), float64(l.h)-1.001)
	i, j := int(x), int(y)
	fx, fy := float32(x-float64(i)), float32(y-float64(j))
	a := l.pix[(j*l.w+i)*4 : (j*l.w+i)*4+8]
	b := l.pix[((j+1)*l.w+i)*4 : ((j+1)*l.w+i)*4+8]
	for k := range out {
		above, below := a[k]+fx*(a[k+4]-a[k]), b[k]+fx*(b[k+4]-b[k])
		out[k] = above + fy*(below-above)
	}
}
