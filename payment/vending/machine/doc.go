// Package machine is a simulated adapter with a vending machine behind it, for tests of a reader, for
// integrators without a machine, and for programs of others. It speaks both halves of the adapter: C, which a
// cashless reader speaks to, and D, which a machine speaks to; between them is the bus. A machine of its own
// chooses no product by itself: Choose does.
//
// Invariants:
//   - It is pure: lines and the time go in, lines come out. The same seed makes the same faults.
//   - What became of each product is known: Fallen tells it, whatever the reader was told.
//   - It answers as the maker's pages and the public logs say; where they say nothing (the word after a no,
//     the sniffer's lines) it is this package's guess, and payment/vending/README.md says so.
//
// It imports the standard library alone, so that the reader that is tried on it shares no code with it.
//
// Sources: those of payment/vending.
package machine
