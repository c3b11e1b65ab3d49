// Package lines finds GPIO lines as the kernel's character devices name them, by the label of their chip
// and their own name, and opens them through periph. It is what a board description is read against.
//
// A line is looked up by its name in the kernel's own table and opened by its number: periph renames lines
// whose name occurs twice, and on Raspberry Pi OS several chips have lines of one name. What a program
// holds is told with that program's name.
//
// Invariants: nothing is driven by looking; a line that could not be taken is asked for anew each time, so
// one that another program gives back works again; periph is started only when the chip can be opened,
// because it looks for chips once in a process.
//
// The package imports periph and golang.org/x/sys/unix; never payment, vision, models or its siblings.
//
// Sources: Linux include/uapi/linux/gpio.h (v2 of the interface, since 5.10); labels from the kernel's
// pinctrl-bcm2835.c and pinctrl-rp1.c.
package lines
