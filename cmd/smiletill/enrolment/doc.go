// Package enrolment is what changing who may pay needs besides a gallery: photos made ready in the process
// that asks, pictures and a smile taken by the camera, and the trail that each change leaves in the journal.
//
// Invariants: no file is decoded by a terminal that takes payments; what the running terminal does is
// written down before it is done; what was done otherwise is found; only a removal waits for nothing: the
// face goes whatever becomes of the PIN. Whose consent is taken back, or whose page is left, before the
// journal has the enrolment is not enrolled.
//
// It imports control, front, intent, people, storage and the wings; terminal, demo, files and cli import it.
package enrolment
