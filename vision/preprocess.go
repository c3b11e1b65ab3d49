package vision

// preprocessed lets a network that takes faces in another way stand in for one that takes them as this
// package makes them.
type preprocessed struct {
	Network
	in       []float32
	mul, add float32
	swap     bool
}

// Preprocessed returns n as a Networks.Embedder if n was trained on pixels as (pixel - subtract) / divide,
// and on BGR instead of RGB if bgr. n itself when that is what the pipeline makes anyway, (pixel - 127.5) /
// 128 of RGB. divide must not be 0.
func Preprocessed(n Network, bgr bool, subtract, divide float64) Network {
	mul := 1 / (alignMul * divide)
	add := -alignAdd*mul - subtract/divide
	if !bgr && subtract == -alignAdd/alignMul && divide == 1/alignMul {
		return n
	}
	return &preprocessed{n, make([]float32, len(n.Input(0))), float32(mul), float32(add), bgr}
}

// Input returns the memory to write a face into.
func (p *preprocessed) Input(i int) []float32 {
	if i == 0 {
		return p.in
	}
	return p.Network.Input(i)
}

// Run converts the input, which stays as it is, and runs the network.
func (p *preprocessed) Run() error {
	out := p.Network.Input(0)
	for i := 0; i+2 < len(p.in); i += 3 {
		r, g, b := p.in[i]*p.mul+p.add, p.in[i+1]*p.mul+p.add, p.in[i+2]*p.mul+p.add
		if p.swap {
			r, b = b, r
		}
		out[i], out[i+1], out[i+2] = r, g, b
	}
	return p.Network.Run()
}
