// Package systemd holds the units, rules and the Debian package that put the program on a device; its Go is
// tests alone, which check them with systemd's own tools, and boot them in a container.
//
// It imports nothing of this module; its tests take the films of vision/visits.
package systemd
