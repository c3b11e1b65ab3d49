// Package vendingtest is for tests: a day at a vending machine, on which a reader, a simulated machine and a
// money's side that forgets nothing are held against each other. What joins them is the test's: memory, or a
// real line.
package vendingtest
