// Package books prints what a journal holds for who keeps the shop's books: sums by day, sums by product, and
// all facts as a table.
//
// Invariants: nothing is added up that is not in the facts; a cell that a caller wrote is not taken for a
// formula by a spreadsheet; amounts in tables for programs are whole minor units.
//
// It imports columns and payment; nothing of device, vision or models.
package books
