// Package counter keeps which payments of the counter's page, and what it gave back, have an outcome that
// no page was seen to tell anybody. A browser that dies takes along what it had asked for; an amount that
// is then typed once more would be charged, or given back, once more.
//
// Invariants:
//   - An entry is on the disk, synced, before Add returns: it is added before anything begins.
//   - What became of an entry is not kept here: that is the journal's word alone.
//   - At most Max entries are kept; the oldest goes first.
//   - A file that can't be read is an error, and never replaced.
//
// It imports the standard library alone; nothing of device, vision or models, and no other child of payment.
package counter
