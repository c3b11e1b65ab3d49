// Package broker embeds an MQTT broker (mochi-mqtt): for demonstrations and tests, where one process shows
// the whole way of a payment (Start), and for one shop's terminals (StartSecure).
//
// Invariants: Start listens on loopback addresses alone, because it lets everybody in; StartSecure lets in
// whom a certificate names that is admitted, to its own topics. Both keep nothing on disk, so that a closed
// broker has forgotten all it acknowledged, which is the case that the reporter has to survive.
//
// It is no part of a terminal in service. It must not import payment, device or vision.
package broker
