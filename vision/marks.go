package vision

// Marks gives the places of the face mesh in the picture of the last Look that came as far as Landmarks, in
// pixels of the upright picture from its upper left corner, the centre of the first pixel at 0, 0. It is for
// programs that measure: what bends a photo of a face needs to know where its mouth is.
func (p *Pipeline) Marks() [][2]float64 {
	out := make([][2]float64, len(p.mesh.points))
	for i, m := range p.mesh.points {
		out[i] = [2]float64{m.x, m.y}
	}
	return out
}
