// Package rates measures how often the networks and the visits of payments are right: `smiletill accuracy`
// on photos of people, of smiles and of prints and screens, `smiletill attack` on simulated attacks.
//
// Invariants: what is measured is the path that payments take, or the text says what is not; no name, path
// or picture of a person is in a report; people and seeds that thresholds were chosen by are not those that
// judge them.
//
// It imports the wings, columns, config, of light what the screen shows, and of trial the models in force;
// never the terminal.
package rates
