// Package alarm keeps the alarm of the terminal's case: what raises it, the file that it outlives the power
// with, and what ends it.
//
// Invariants:
//   - Opened once, the case is an alarm until a technician ends it with the case closed. An opening that
//     comes while the alarm is being ended leaves it standing, however soon the case was shut again.
//   - While the alarm stands, its file is there, or Keep says why not and is to be called until it is.
//   - The file's being there is the alarm, whatever is in it.
//   - Nobody who asks how the case is waits for the disk.
//
// It imports config (the data folder), payment (hints) and the standard library; what an alarm does to faces
// and payments is the terminal's.
package alarm
