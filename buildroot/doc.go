// Package buildroot holds the tree that Buildroot makes card images with; its Go is tests alone, which play
// the tree's scripts with real tools (genimage, mtools, RAUC) and hold its options against Kconfig.
//
// It imports nothing of this module: what is on the card is the package that systemd describes.
package buildroot
