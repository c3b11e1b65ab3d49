// Package device speaks to the person in front of the terminal without words: four lamps and a buzzer on
// GPIO pins. A Signal (idle, smile, approved, ...) has a Pattern of lamp rhythms and a tune; an Indicator
// plays the newest Signal on a Board, which is the pins of a Pi (OpenBoard) or a simulated one
// (SimBoard).
//
// Invariants: colour is never the only sign, every signal has a rhythm of its own; no lamp rhythm exceeds
// three flashes a second; Show never blocks; a pin that fails is reported once and does not stop the others;
// after Close every pin is low. A Signal shows a decision, it never makes one: callers commit first.
//
// The package imports the standard library and periph.io/x/conn/v3; never payment, vision, or its own
// children. Which pins a board has comes from the caller, who starts periph's drivers.
//
// Sources: WCAG 2.2, success criteria 1.4.1 (use of colour) and 2.3.1 (three flashes); the Raspberry Pi's
// 40-pin header (GPIO18 carries PWM0); the behaviour of periph's gpioioctl driver as measured: no PWM,
// toggling from a program keeps the average right up to 2 kHz.
package device
