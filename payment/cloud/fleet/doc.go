// Package fleet is which terminals a cloud knows: their keys and certificates, and how they come to be
// known. A person types the code that a terminal shows; the Door, which the terminal asks, does the rest
// (payment/report/claim).
//
// Invariants
//   - A code that was typed is good for one terminal, once, for a quarter of an hour; it is erased then. Each
//     offer is counted before it is made, and five end it.
//   - A terminal's key, its certificate and the end of its claim are one transaction: after a power cut it is
//     known, or it is not.
//   - A name belongs to one terminal. Another takes it only where a person said so (Replace), and then the
//     one before is refused, key and certificate.
//   - Only certificates that stand here are let in: one that was revoked is not, nor one that the authority's
//     key signed elsewhere.
//   - A terminal that leaves service says so with its key, once; said again, by a key that has left, it
//     changes nothing: the name may be another's by then.
//   - Certificates begin in the past: a terminal without a clock takes them.
//   - Bounded: terminals that wait, runs, requests, what a request may hold and how long it may take.
//
// It works on the cloud's database, with a table of its own for each of terminals, claims, certificates and
// departures. It must not import payment, payment/journal, device or vision.
package fleet
