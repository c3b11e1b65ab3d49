// Package counter is the terminal behind the counter's page: what a clerk sees of payments and does to them.
//
// Invariants: an answer leaves open whether a request was done unless it certainly was not; a payment or a
// reversal is remembered before it begins, until the page has confirmed that its end was read; the terminal's
// own words go to the clerk beside those that the page has in their language.
//
// It imports books, control, front, people, device/screen and payment; nothing of vision, and never the
// terminal.
package counter
