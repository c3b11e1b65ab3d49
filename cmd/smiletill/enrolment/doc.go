// Package enrolment is what changing who may pay needs besides a gallery: the trail that each change leaves
// in the journal.
//
// Invariants: what the running terminal does is written down before it is done; what was done otherwise is
// found; only a removal waits for nothing.
//
// It imports control and the wings; terminal imports it.
package enrolment
