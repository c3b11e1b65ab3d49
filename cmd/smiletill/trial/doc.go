// Package trial measures and tries things for technicians: how fast a machine looks at frames, what a camera,
// a board and a set of models are good for, and the change to other models.
//
// Invariants: what is measured is the path that payments take, or the text says what is not; no name, path or
// picture of a person is in a report; models that may crash the runtime are tried in a child process first; a
// change of models is whole or does not happen.
//
// It imports the wings, config and control, never the terminal: what it needs of customers it is handed.
package trial
