package visits

// Scenarios are the clips of this package, in the order of the README.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "idle", Seconds: 0.5, Seed: 11, Light: Light{Gain: 1, Noise: 1.2}, LoopTo: 0.5},
		{Name: "customer_smile", Seconds: 4.8, Seed: 21,
			Light:    Light{Gain: 1.02, Warm: 0.02, Side: 0.12, Drift: 0.03, Noise: 1.2},
			Visitors: []Visitor{{Portrait: "hopper", Keys: customerSmiles, Blinks: []float64{2.25, 4.25}}}},
		{Name: "customer_neutral", Seconds: 3.2, Seed: 32,
			Light:    Light{Gain: 0.9, Warm: 0.05, Side: -0.2, Drift: 0.03, Noise: 1.6},
			Visitors: []Visitor{{Portrait: "hopper", Keys: customerWaits, Blinks: []float64{2.2}}},
			LoopFrom: 1.2, LoopTo: 3.2},
		{Name: "stranger_smile", Seconds: 3.9, Seed: 43,
			Light:    Light{Gain: 0.95, Warm: -0.01, Side: 0.1, Drift: 0.02, Noise: 1.2},
			Visitors: []Visitor{{Portrait: "collins", Keys: strangerSmiles, Blinks: []float64{1.9}}}},
		{Name: "two_people", Seconds: 1.4, Seed: 54,
			Light: Light{Gain: 0.98, Warm: 0.01, Side: 0.05, Drift: 0.02, Noise: 1.2},
			Visitors: []Visitor{
				{Portrait: "collins", Blinks: []float64{1.0},
					Keys: []Key{{0, Pose{X: 470, Y: 190, Face: 172, Smile: 0.2}}}},
				{Portrait: "hopper", Blinks: []float64{0.6},
					Keys: []Key{{0, Pose{X: 205, Y: 215, Face: 172, Yaw: 2}}}},
			}, LoopTo: 1.4},
	}
}

var customerSmiles = []Key{
	{0.3, Pose{X: 760, Y: 178, Face: 62, Yaw: -6}},
	{0.9, Pose{X: 470, Y: 182, Face: 92, Yaw: -6}},
	{1.6, Pose{X: 326, Y: 205, Face: 196}},
	{2.1, Pose{X: 322, Y: 206, Face: 198, Yaw: 5, Pitch: 1}},
	{2.7, Pose{X: 320, Y: 206, Face: 198, Yaw: -1, Roll: -1}},
	{3.2, Pose{X: 318, Y: 205, Face: 199, Pitch: -1, Roll: 1, Smile: 1}},
	{4.8, Pose{X: 319, Y: 206, Face: 199, Yaw: 1, Smile: 1}},
}

var customerWaits = []Key{
	{0, Pose{X: 420, Y: 186, Face: 100, Yaw: -5}},
	{1.0, Pose{X: 312, Y: 212, Face: 190, Roll: -2}},
	{1.2, Pose{X: 312, Y: 212, Face: 190, Roll: -2}},
	{1.8, Pose{X: 318, Y: 210, Face: 193, Yaw: -4, Roll: 1}},
	{2.6, Pose{X: 308, Y: 212, Face: 191, Yaw: 4, Pitch: 2, Roll: 0}},
	{3.2, Pose{X: 312, Y: 212, Face: 190, Roll: -2}},
}

var strangerSmiles = []Key{
	{0, Pose{X: 700, Y: 190, Face: 90, Yaw: -4}},
	{1.0, Pose{X: 322, Y: 212, Face: 186}},
	{1.6, Pose{X: 318, Y: 214, Face: 188, Yaw: -4, Roll: 2}},
	{2.3, Pose{X: 318, Y: 214, Face: 188, Yaw: 2}},
	{2.8, Pose{X: 319, Y: 213, Face: 189, Roll: -1, Smile: 1}},
	{3.9, Pose{X: 319, Y: 213, Face: 189, Yaw: 1, Smile: 1}},
}

// Photos are single pictures: five to enrol the customer from, and four that an enrolment must refuse.
func Photos() []Scenario {
	customer := func(name string, seed uint64, light Light, pose Pose) Scenario {
		return Scenario{Name: name, Seed: seed, Light: light,
			Visitors: []Visitor{{Portrait: "hopper", Keys: []Key{{0, pose}}}}}
	}
	return []Scenario{
		customer("enrol_1", 101, Light{Gain: 1, Noise: 1.2}, Pose{X: 320, Y: 210, Face: 200}),
		customer("enrol_2", 102, Light{Gain: 0.85, Warm: 0.06, Noise: 1.2},
			Pose{X: 300, Y: 205, Face: 180, Yaw: 7, Roll: 2}),
		customer("enrol_3", 103, Light{Gain: 1.08, Side: 0.3, Noise: 1.2},
			Pose{X: 335, Y: 215, Face: 214, Yaw: -7, Roll: -2}),
		customer("enrol_4", 104, Light{Gain: 0.95, Warm: -0.05, Side: -0.25, Noise: 1.8},
			Pose{X: 325, Y: 220, Face: 192, Pitch: 5}),
		customer("enrol_5", 105, Light{Gain: 1.03, Warm: 0.03, Noise: 1.2},
			Pose{X: 312, Y: 200, Face: 186, Pitch: -5, Roll: 3}),
		{Name: "bad_no_face", Seed: 111, Light: Light{Gain: 1, Noise: 1.2}},
		{Name: "bad_two_faces", Seed: 112, Light: Light{Gain: 1, Noise: 1.2}, Visitors: []Visitor{
			{Portrait: "collins", Keys: []Key{{0, Pose{X: 465, Y: 195, Face: 170, Smile: 1}}}},
			{Portrait: "hopper", Keys: []Key{{0, Pose{X: 200, Y: 210, Face: 176}}}},
		}},
		customer("bad_too_small", 113, Light{Gain: 1, Noise: 1.2}, Pose{X: 340, Y: 190, Face: 66}),
		customer("bad_blurred", 114, Light{Gain: 1, Noise: 0.5, Blur: 9}, Pose{X: 322, Y: 208, Face: 196}),
	}
}
