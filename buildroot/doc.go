// Package buildroot holds what makes card images, of Debian's packages and by Buildroot; its Go is tests,
// which play its scripts with real tools (genimage, mtools, RAUC), hold Buildroot's options against
// Kconfig and boot a card in an emulated machine (`make card-test`), and the first program on a card
// (debian/init).
//
// It imports nothing of this module: what is on the card is the package that systemd describes.
package buildroot
