// Package terminal is the running terminal: it opens the wings' parts, wires and supervises them. Eyes turn
// frames into payment events, the front turns committed changes into pages and signals, hardware is the
// board, tamper has everybody obey the alarm of the case, and doors (control socket, cash registers, counter)
// let others in.
//
// New and Run are its door, Files its customers while it does not run. Inside, nobody holds the Terminal:
// each part is given what it needs, and finds the files that are open at the moment by access.
//
// Invariants: what the customer sees is there from the first moment to the last; a part that can't be opened
// puts the terminal out of order and is tried again; nothing blinks, answers or is reported before the
// journal has it; the watchdogs are fed by progress alone; an alarm of the case outlives the process.
//
// It imports the wings, config and control. cli and demo alone import it: everybody else talks to it by
// control.
package terminal
