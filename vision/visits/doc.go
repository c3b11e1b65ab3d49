// Package visits films visits at a terminal: short clips of a customer who walks up, looks, blinks and
// smiles, made from two public-domain portraits, so that the whole payment can be shown and tested without a
// camera or a volunteer.
//
// The finished clips are embedded: Open and Photo read them. The generator that made them is here too. A
// portrait is cut out along a hand-made outline; its face mesh (468 landmarks in portraits/*.json, read once
// with the MediaPipe face mesh that package models names) says where the mouth, the lids and the depth are; a
// thin-plate spline bends the face for a smile or a turn of the head; lids and lips close along their own
// curves; then come a shop far out of focus, light, sensor noise and JPEG. A Scenario is a list of key poses.
//
// Invariants: the same scenario and portraits give the same bytes (one seed, an own random generator; bytes
// hold for one release of image/jpeg and one architecture, because compilers may fuse multiplications); no
// cgo; all clips together stay under SizeLimit bytes; the hashes of all files are in README.md.
//
// A Gesture is a scenario from a seed: somebody who talks, yawns, chews, turns the head or smiles. They are
// rendered when they are wanted (`make gestures`), of the portraits or of anybody who sits for a Studio.
//
// What the clips prove is plumbing: that frames flow, a smile is seen after a neutral look, two people are
// refused. They are one photograph a person, bent, so they say nothing about how well anybody is recognised
// or how hard the terminal is to fool. A printed photograph bent by hand would do the same.
//
// It must not import vision, models, payment or device: it makes inputs for them.
//
// Sources: thin-plate spline: Bookstein, Principal Warps, IEEE PAMI 11 (1989). Landmark numbers: MediaPipe
// face mesh.
package visits
