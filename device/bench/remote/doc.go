// Package remote starts the emulated guest of the bench and speaks with the agent in it: files, programs,
// cameras, lines, the kernel's trace. It is the caller's side; smiletill/device/bench/guest is the other.
//
// The two speak net/rpc over a virtio serial port, which needs no network in the guest and no privilege on
// the host. The guest has no route to anywhere; it reaches the host's loopback at HostAddress, for a broker.
//
// Invariants: a guest never outlives the context it was started with, nor Close; Cut is a power cut: QEMU is
// killed, and what the guest had not synced is gone.
//
// The package imports the standard library and device/bench, for its types.
//
// Sources: QEMU's documentation of -chardev, -device virtserialport and -netdev user.
package remote
