package attacks

import "slices"

// Species is a presentation attack instrument species in the words of ISO/IEC 30107-3: presentation attacks
// that are made the same way, or Living, the bona fide presentation.
type Species string

// The species. Ranges are uniform unless said otherwise; each visit draws camera, room and movement besides.
const (
	// Living is a head of its own relief, textured with the photo, at 0.3 to 0.65 m, skin of albedo 0.07 to 0.5,
	// every fourth with glasses. It blinks, every fourth speaks and every third turns by 5 to 14 degrees before
	// it smiles: within 0.3 to 0.7 s, S-shaped, cheeks and lids with it, one side stronger by up to a quarter.
	Living Species = "living"

	// Print is a still photo on paper, 0.6 to 1.2 of life size, with or without a white border, held in a hand
	// that trembles, every other tilted there and back by 5 to 14 degrees.
	Print Species = "print"
	// PrintCurved is the same, bent about an upright axis with a radius of 8 to 30 cm.
	PrintCurved Species = "print-curved"
	// PrintFlexed is bent in the hand when the smile is asked for, about an upright and a level axis, and
	// tipped: to a camera that looks up or down a bent mouth line smiles.
	PrintFlexed Species = "print-flexed"
	// PrintMouth has its mouth cut out; the attacker's own smiles behind it, 8 to 25 mm away.
	PrintMouth Species = "print-mouth"
	// PrintBoosted is printed in strong colours on white paper and held near, so that it answers a coloured
	// light more strongly than skin does.
	PrintBoosted Species = "print-boosted"

	// WarpMouth is a photo on a screen whose mouth alone is bent to a smile by a program, at one speed.
	WarpMouth Species = "warp-mouth"
	// WarpFace is bent as the project's clips are: mouth and cheeks with one spline, at one speed.
	WarpFace Species = "warp-face"
	// WarpStrong is that, 1.5 to 2 times as strong.
	WarpStrong Species = "warp-strong"
	// WarpJump is bent within one picture.
	WarpJump Species = "warp-jump"
	// WarpAdaptive is the attacker who knows what is looked at: S-shaped within 0.3 to 0.7 s, cheeks after the
	// mouth, lids that narrow and blink, one side stronger.
	WarpAdaptive Species = "warp-adaptive"

	// SwapCut shows two photos of the person in turn on a screen, eyes on eyes, with a cut.
	SwapCut Species = "swap-cut"
	// SwapFade fades from one to the other within 0.2 to 0.8 s.
	SwapFade Species = "swap-fade"

	// ReplayBezel plays a film of the living person, 25 pictures a second, on a screen with a visible dark
	// bezel: pixels of 0.08 to 0.25 mm, 100 to 400 cd/m2, refreshed with 60 to 240 Hz; the camera sees moire
	// and bands.
	ReplayBezel Species = "replay-bezel"
	// ReplayBorderless is the same, before a plain wall, on a screen so large that its edge is out of the
	// picture.
	ReplayBorderless Species = "replay-borderless"
	// ReplayCode is a film of the person in a light code, but in another one: that of an earlier payment.
	ReplayCode Species = "replay-code"

	// InjectedClip is a film of the living person given to the terminal in place of the camera: no lens, noise,
	// or light of the room; it does not answer the screen.
	InjectedClip Species = "injected-clip"
	// InjectedWarp is a bent photo, given so: framed by the program, moved and turned a little.
	InjectedWarp Species = "injected-warp"
	// InjectedCode is a film lit by a random code of the attacker's.
	InjectedCode Species = "injected-code"
	// InjectedLate is a head rendered in the terminal's own code as a live person would be, 150 to 1,000 ms
	// late: the relay that has to film the screen and render first. One within a frame is not modelled.
	InjectedLate Species = "injected-late"
	// InjectedTint is a bent photo that a program colours all over with the terminal's code, 100 to 500 ms late.
	InjectedTint Species = "injected-tint"
)

// Instrument is what is known of a species.
type Instrument struct {
	Species  Species
	Living   bool   // the bona fide presentation: refusing it is the error
	Flat     bool   // what the camera sees is a plane or a cylinder
	Injected bool   // it takes the camera's place
	Needs    int    // photos of the person
	Source   string // where it is described
	stage    func(v *Visit, p *Person, d *dice)
}

const (
	fromPAD    = "ISO/IEC 30107-1:2023 (artefacts: printed image, video on a display)"
	fromCutOut = "CASIA-FASD (Zhang et al. 2012: warped and cut photo attacks)"
	fromReplay = "Replay-Attack (Chingovska et al. 2012), OULU-NPU (Boulkenafet et al. 2017)"
	fromTill   = "measured on this project: a press photo bent by splines, two photos in turn"
	fromInject = "CEN/TS 18099:2024 (injection attacks)"
	fromFlash  = "Face Flashing (Tang et al. 2018), FaceRevelio (Farrukh et al. 2020): light played again"
)

// Instruments lists all species, the living first.
func Instruments() []Instrument {
	return []Instrument{
		{Living, true, false, false, 1, "", stageLiving},
		{Print, false, true, false, 1, fromPAD, stagePrint},
		{PrintCurved, false, true, false, 1, fromCutOut, stagePrintCurved},
		{PrintFlexed, false, true, false, 1, fromCutOut, stagePrintFlexed},
		{PrintMouth, false, false, false, 1, fromCutOut, stagePrintMouth},
		{PrintBoosted, false, true, false, 1, fromFlash, stagePrintBoosted},
		{WarpMouth, false, true, false, 1, fromTill, stageWarpMouth},
		{WarpFace, false, true, false, 1, fromTill, stageWarpFace},
		{WarpStrong, false, true, false, 1, fromTill, stageWarpStrong},
		{WarpJump, false, true, false, 1, fromTill, stageWarpJump},
		{WarpAdaptive, false, true, false, 1, fromTill, stageWarpAdaptive},
		{SwapCut, false, true, false, 2, fromTill, stageSwapCut},
		{SwapFade, false, true, false, 2, fromTill, stageSwapFade},
		{ReplayBezel, false, true, false, 1, fromReplay, stageReplayBezel},
		{ReplayBorderless, false, true, false, 1, fromReplay, stageReplayBorderless},
		{ReplayCode, false, true, false, 1, fromFlash, stageReplayCode},
		{InjectedClip, false, false, true, 1, fromInject, stageInjectedClip},
		{InjectedWarp, false, true, true, 1, fromInject, stageInjectedWarp},
		{InjectedCode, false, false, true, 1, fromFlash, stageInjectedCode},
		{InjectedLate, false, false, true, 1, fromFlash, stageInjectedLate},
		{InjectedTint, false, true, true, 1, fromFlash, stageInjectedTint},
	}
}

func find(s Species) (Instrument, bool) {
	all := Instruments()
	i := slices.IndexFunc(all, func(in Instrument) bool { return in.Species == s })
	if i < 0 {
		return Instrument{}, false
	}
	return all[i], true
}
