// Package bench is a test bench of the kernel's own drivers on a machine without hardware: a USB webcam made
// in user space behind the real uvcvideo driver (PlugCamera; Redirect for a whole machine in QEMU), GPIO
// chips with a Raspberry Pi's label and line names behind the real GPIO character device (MakeChip), and the
// kernel's own record of when which line was driven (Trace). It is for tests only: the program
// that ships never imports it, and a wall keeps it so.
//
// It works where the modules vhci-hcd, uvcvideo and gpio-sim are loaded and the process is root: in an
// emulated guest, for one. There the variable Env is set to a folder for what a test wants to keep; tests
// that need the bench are called TestBench... and skip without it.
//
// Invariants: what the driver sees is what was asked for, byte by byte and fault by fault; a camera that is
// unplugged leaves no goroutine; nothing is changed on a machine except through the kernel objects that were
// made here.
//
// The package imports the standard library and golang.org/x/sys/unix; never payment, vision, models, or
// the packages that are tested with it.
//
// Sources: USB Video Class 1.0a (descriptors in section 3, payload headers in 2.4.3, probe and commit in
// 4.3.1.1) and its uncompressed and MJPEG payload documents; Linux Documentation/usb/usbip_protocol.rst,
// usbredir's docs/usb-redirection-protocol.md 0.7,
// Documentation/admin-guide/gpio/gpio-sim.rst, Documentation/trace/ftrace.rst; drivers/usb/usbip of
// Linux 6.1 for the order of its messages.
package bench
