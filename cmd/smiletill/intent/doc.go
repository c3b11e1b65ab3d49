// Package intent is what somebody is about to change: written down, with who it is, before it is changed. The
// journal has its facts of that. While no terminal runs nobody may write the journal, and whoever is killed
// between a fact and what it is of can't take the fact back: the next start reads the intents, completes the
// removals that were begun, and has the journal say what came to pass, and what did not.
//
// Invariants:
//   - An intent is on the disk before what it is of.
//   - One who changes something by the book keeps others out until it is done.
//   - No name of a customer, template, PIN or key is in it: see journal.Audit.
//
// It imports payment, its journal and register, and people alone of the project.
package intent
