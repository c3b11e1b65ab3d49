// Package remote starts the emulated guest of the bench and speaks with the agent in it: files, programs,
// cameras, lines, the kernel's trace. It is the caller's side; smiletill/device/bench/guest is the other.
//
// The two speak net/rpc over a virtio serial port, which needs no network in the guest and no privilege on
// the host. The guest has no route to anywhere; it reaches the host's loopback at HostAddress, for a broker.
//
// A serial port of the guest (Options.Serial) is a terminal of the caller's machine, such as a
// pseudo-terminal with a program behind it: to the guest it is a 16550 on PCI, driven by the kernel's 8250.
//
// The guest's clock goes by the instructions that it executes (QEMU's -icount), and by the caller's clock
// while it waits: what else runs on the host makes a day longer, and no camera, watchdog or customer in the
// guest late. So a caller that waits for the guest measures by it: by what it has done, or its time (Hello).
//
// Invariants: a guest never outlives the context it was started with, nor Close; Cut is a power cut: QEMU is
// killed, and what the guest had not synced is gone.
//
// The package imports the standard library and device/bench, for its types.
//
// Sources: QEMU's documentation of -chardev, -device virtserialport, -device pci-serial, -netdev user, and of
// TCG instruction counting.
package remote
