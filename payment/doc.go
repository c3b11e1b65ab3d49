// Package payment decides what becomes of a payment. It knows amounts, the states of a payment and the
// events that move it; it knows nothing of cameras, models, databases, brokers or registers.
//
// Two parts. [Next] is a pure function of (payment, event, time) and holds every rule. [Engine] is the one
// goroutine that owns the running payment: it asks Next, commits the answer to a [Journal], and only then
// lets anyone see it.
//
// Invariants:
//   - Journal before effect: no caller, waiter or watcher learns of a fact that isn't committed. Recognised
//     is no fact: it is guidance for the screen, lives in memory and commits nothing.
//   - Fail closed: whatever goes wrong (deadline, device, restart, journal) ends in anything but an
//     approval, and a commit that failed is settled by reading the journal, never by assuming.
//   - Terminal states never change.
//   - An approval needs evidence of the customer that was recognised, gathered after the payment opened and
//     at most [MaxEvidenceAge] old, and a live verdict of what was demanded of the pictures, or the PIN.
//   - The caller chooses the id: same id and content gives the stored result, same id and other content is
//     refused.
//   - Amounts are whole minor units of an ISO 4217 currency; there is no float in this package.
//   - Time is an argument of Next and is compared by its monotonic reading: a terminal may boot without a
//     clock. Wall time is recorded and never compared.
//
// It imports the standard library alone, and none of its children (payment/journal, payment/report, ...).
//
// Sources: ISO 4217 for currencies and exponents; RFC 7493 (I-JSON) for the largest exact integer,
// [MaxMinor].
package payment
