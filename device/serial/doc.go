// Package serial is a serial port to a device that is plugged in, pulled out and plugged in again: found by
// its stable name, opened for this program alone, and opened again when it comes back.
//
// Invariants:
//   - A port is one program's: it is locked (flock and TIOCEXCL), and who holds it already is named in the
//     error.
//   - A port that was lost is told once, and found again by its name, whatever node it has then.
//   - What came before a port was opened is not read; a Write that the device doesn't take ends within a
//     second.
//
// It imports go.bug.st/serial and x/sys; nothing of payment, vision or models, and no other child of device.
// What is said over the port is its user's.
//
// Sources: tty_ioctl(4), flock(2), proc(5); the links that udev makes in /dev/serial/by-id (60-serial.rules).
package serial
