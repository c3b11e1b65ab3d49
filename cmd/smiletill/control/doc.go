// Package control is the local socket by which other programs of the machine talk to the running terminal:
// the requests and answers as types, and both ends, HTTP with JSON over a Unix socket.
//
// Invariants: a request with an unknown field is refused; an error carries its hint to the other end, where
// it is an error with a hint again; nothing that a request holds is logged.
//
// Who asks is known by the kernel, and what for is allowed by the room people: the handlers of this one are
// the table's (route), and each request carries its people.From to the doors.
//
// The terminal gives Serve its doors, interfaces that are declared here. It imports people and payment alone
// of the project: neither end knows how a payment is taken.
package control
