// Package vending tries vending machines: it is an adapter with a machine behind it for integrators, and it
// tries a real adapter for technicians. Neither takes a payment: there is no journal here.
//
// Invariants: what is simulated is on a pseudo-terminal, never on a real port; a product that is given away
// in a trial is asked for, and said to be free; what came over the line is shown as it came.
//
// It imports payment/vending and its machine, device/serial, config and columns; nothing of vision.
package vending
