// Package narrow has a payment's search for a face narrowed down by digits: those that a register sent with
// the payment, or that the customer types. It keeps who gave them and when they are asked for.
//
// Invariants: digits live in memory, for the payment of the moment, and stand in no log, fact or error.
// They are used, and asked for, when a face is nobody's in a gallery that is too large for faces alone, or
// is like two customers, never of who is recognised. A number that is wrong costs a try: a visit that ends
// with it counts one more stranger, of whom a payment has few, and whether anybody has that number isn't
// told.
package narrow
