//go:build linux

// Command guest is the first program of the bench's emulated machine: it mounts what a program expects, loads
// the kernel's modules, brings the network up and then does what it is told through a virtio serial port,
// until it is told to switch the machine off. See smiletill/device/bench/remote.
package main
