package vision

// Landmarks are those of the last face that p looked at: pixels, with the centres of pixels at halves.
func (p *Pipeline) Landmarks() (all [landmarks][3]float64) {
	for i, q := range p.mesh.points {
		all[i] = [3]float64{q.x + 0.5, q.y + 0.5, q.z}
	}
	return all
}
