// Package light plays light codes: it has the customer's page show the colours that a visit wishes for, hears
// from the page when they were shown, adds how late this terminal's screen and camera are, and tells the
// visit. It measures that delay too.
//
// Invariants: a code is drawn from crypto/rand and played once; what nobody confirmed, or a screen whose
// delay was not measured, is a visit without a light, which stays undecided; a screen that is simulated says
// so in every fact.
//
// It imports vision, the screen and payment's hints; it decides nothing about money or faces.
package light
