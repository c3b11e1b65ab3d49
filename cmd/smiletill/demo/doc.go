// Package demo is a shop day in one process: a terminal on a simulated board, a camera that plays films, a
// broker and a cloud, all on loopback and in a temporary folder, with a story that is told while it happens.
//
// Invariants: whatever the story tells has happened, in the real parts; a visit that does not end as it must
// fails the day.
//
// It imports the terminal, config, control and the wings; cli imports it.
package demo
