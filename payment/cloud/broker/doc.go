// Package broker embeds an MQTT broker (mochi-mqtt) for demonstrations and tests: one process shows the whole
// way of a payment.
//
// Invariants: it listens on loopback addresses alone, because it lets everybody in; it keeps nothing on disk,
// so that a closed broker has forgotten all it acknowledged, which is the case that the reporter has to
// survive.
//
// It is no part of a terminal in service. It must not import payment, device or vision.
package broker
