// Package kiosk shows the customer's page on the display that is plugged into the machine: a compositor that
// gives one program all of it (sway), in it a browser without an address bar (cog), and in that, until the
// terminal answers, a page of its own that says so. It waits for a display, turns the picture, keeps the
// display dark at night, and starts anew what dies.
//
// Invariants: nothing of a payment passes through here, the terminal tells it only what kind of page is
// shown; the page comes from the terminal and from nowhere else. The display is on whenever it is not sure
// that it should be dark. Of a keyboard only digits, Enter, Backspace and Escape reach anything. What shows
// the page runs as long as Show does and no longer.
//
// It imports no room of the program and no wing.
//
// Sources: sway(5), sway-input(5) and sway-ipc(7) of sway 1.7; the kernel's
// Documentation/input/event-codes.rst.
package kiosk
