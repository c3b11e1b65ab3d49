// Package front is what the customer sees and hears: it turns the engine's committed changes, the camera's
// advice and the terminal's faults into the page and the board's signals. What there is in the camera's
// picture besides customers it keeps for the technician (Picture).
//
// Invariants: it decides nothing; a fault stands before everything else; what a payment came to is shown only
// once it is committed; a register's words are shown only while nothing is to be paid.
//
// It imports payment, vision and device; terminal alone imports it.
package front
