// Package reporting makes a terminal's link to its cloud of its settings: the keys, the name in reports, and
// the reporter that reads the journal's outbox.
//
// Invariants
//   - A terminal's key is made once and never replaced here.
//   - Without a broker nothing is reported, and without the cloud's key nothing is believed.
//
// It imports config, payment, its journal and report alone of the project.
package reporting
