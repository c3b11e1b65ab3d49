// Package files opens a terminal's models and faces by its settings, and changes the customers of a terminal
// that does not run.
//
// Invariants: a gallery is opened locked while the alarm of the case stands; nothing is written to the
// journal, which is the running terminal's and finds at its start what was changed.
//
// It imports alarm, config, control, enrolment and the wings, never the terminal.
package files
