// Package control is the local socket by which other programs of the machine talk to the running terminal:
// the requests and answers as types, and both ends, HTTP with JSON over a Unix socket of mode 0600.
//
// Invariants: a request with an unknown field is refused; an error carries its hint to the other end, where
// it is an error with a hint again; nothing that a request holds is logged.
//
// The terminal gives Serve its doors, interfaces that are declared here. It imports payment alone of the
// project: neither end knows how a payment is taken.
package control
