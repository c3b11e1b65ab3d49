// Package wiring has board descriptions: which line of which GPIO chip each lamp, the buzzer, the buttons
// and the tamper switch are on, for boards that the program knows (boards/*.toml) and for a technician's
// own.
//
// Invariants: a description with an unknown key or with one line for two parts is refused; nothing is
// switched by finding or reading one.
//
// It imports device and device/lines, TOML and periph's types. Sources: the pin functions of the BCM2835
// family (BCM2835 ARM Peripherals, 6.2) and the labels that the kernel's pinctrl drivers give their chips.
package wiring
