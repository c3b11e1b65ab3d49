// Package terminaltest has the shop of the end-to-end tests: a terminal of the test's own process with its
// real parts, whose camera plays films and can be pulled out, and what tests of several rooms ask of it.
//
// Nothing that ships imports it; a wall says so.
package terminaltest
